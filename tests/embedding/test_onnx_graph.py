"""The graph computes a BERT encoder: exactly in float32, nearly in 8 bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from assistant.embedding import onnx_graph  # noqa: E402
from assistant.embedding.onnx_graph import (  # noqa: E402
    DISABLED_OPTIMIZERS,
    INPUT,
    OUTPUT,
    build_graph,
    observed_activations,
    smoothing_of,
)
from assistant.embedding.weights_file import read_weights  # noqa: E402

HEADS = 2


def encoder(tensors, embeddings):
    """One layer of BERT in float64, written out for the tiny file: (tokens, hidden)."""
    tensors = {name: values.astype(np.float64) for name, values in tensors.items()}

    def linear(x, name):
        return x @ tensors[f"l0.{name}.w"].T + tensors[f"l0.{name}.b"]

    def norm(x, name):
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
        return scaled * tensors[name + ".w"] + tensors[name + ".b"]

    x = norm(embeddings.astype(np.float64), "emb.ln")
    query, key, value = (linear(x, part) for part in "qkv")
    width = x.shape[1] // HEADS
    heads = []
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        weights = np.exp(query[:, part] @ key[:, part].T / math.sqrt(width))
        heads.append(weights / weights.sum(axis=1, keepdims=True) @ value[:, part])
    x = norm(x + linear(np.concatenate(heads, axis=1), "ao"), "l0.aln")
    inner = linear(x, "fi")
    inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
    return norm(x + linear(inner, "fo"), "l0.oln")


def run(graph, embeddings, *names):
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(),
        providers=["CPUExecutionProvider"],
        disabled_optimizers=DISABLED_OPTIMIZERS,
    )
    return session.run(list(names or (OUTPUT,)), {INPUT: embeddings})


@pytest.fixture
def weights(tiny):
    return read_weights(tiny.source)


@pytest.fixture
def embeddings():
    """Two texts of seven tokens; in the second one token is a hundred times larger."""
    values = np.random.default_rng(1).standard_normal((2, 7, 32)).astype(np.float32)
    values[1, 3, 5] *= 100
    return values


def test_float32_graph_is_the_encoder(tiny, weights, embeddings):
    (hidden,) = run(build_graph(weights, None), embeddings)
    for text, found in zip(embeddings, hidden, strict=True):
        np.testing.assert_allclose(found, encoder(tiny.tensors, text), atol=2e-5)


def sample_of(weights, embeddings):
    """The activations of all tokens in float32, as a conversion measures them."""
    names = observed_activations(1)
    seen = run(build_graph(weights, None), embeddings, *names)
    return {n: v.reshape(-1, v.shape[-1]) for n, v in zip(names, seen, strict=True)}


def relative_errors(tiny, embeddings, hidden):
    """Of each token's vector, against the encoder in float64."""
    expected = np.stack([encoder(tiny.tensors, text) for text in embeddings])
    return np.linalg.norm(hidden - expected, axis=-1) / np.linalg.norm(expected, axis=-1)


def test_float32_graph_shows_the_inputs_of_its_matrices(tiny, weights, embeddings):
    tensors = {name: values.astype(np.float64) for name, values in tiny.tensors.items()}
    seen = run(build_graph(weights, None), embeddings, *observed_activations(1))
    first, context, attended, inner = (values.astype(np.float64) for values in seen)
    centred = embeddings - embeddings.mean(axis=-1, keepdims=True)
    expected = centred / embeddings.std(axis=-1, keepdims=True)
    expected = expected * tensors["emb.ln.w"] + tensors["emb.ln.b"]
    np.testing.assert_allclose(first, expected, atol=1e-4)

    def norm(x, name):
        x = x - x.mean(axis=-1, keepdims=True)
        return x / x.std(axis=-1, keepdims=True) * tensors[name + ".w"] + tensors[name + ".b"]

    # Each activation is what the next one and the output are computed from.
    added = context @ tensors["l0.ao.w"].T + tensors["l0.ao.b"]
    np.testing.assert_allclose(attended, norm(first + added, "l0.aln"), atol=1e-4)
    linear = attended @ tensors["l0.fi.w"].T + tensors["l0.fi.b"]
    gelu = linear * (1 + np.vectorize(math.erf)(linear / math.sqrt(2))) / 2
    np.testing.assert_allclose(inner, gelu, atol=1e-4)
    fed = inner @ tensors["l0.fo.w"].T + tensors["l0.fo.b"]
    (hidden,) = run(build_graph(weights, None), embeddings)
    np.testing.assert_allclose(hidden, norm(attended + fed, "l0.oln"), atol=1e-4)


@pytest.mark.parametrize("attention_in_float", [0, 2])
def test_8_bit_graph_is_near_the_encoder(
    tiny, weights, embeddings, attention_in_float, monkeypatch
):
    monkeypatch.setattr(onnx_graph, "_FLOAT_ATTENTION", attention_in_float)
    others = np.random.default_rng(2).standard_normal((40, 7, 32)).astype(np.float32)
    graph = build_graph(weights, sample_of(weights, others))
    products = sum(node.op_type == "MatMulIntegerToFloat" for node in graph.graph.node)
    assert products == (2 if attention_in_float else 5)  # of six matrices
    (hidden,) = run(graph, embeddings)
    assert 1e-4 < relative_errors(tiny, embeddings, hidden).max() < 0.03


@pytest.mark.parametrize("part", ["q", "k", "v", "fi"])
def test_a_smoothed_activation_that_is_the_mean_is_exact(
    tiny, weights, embeddings, part, monkeypatch
):
    """With one matrix in bytes, all others in float32."""
    same = np.repeat(embeddings[:1, :1], 7, axis=1)
    sample = sample_of(weights, same)
    monkeypatch.setattr(
        onnx_graph._Builder, "_stays_in_float", lambda self, name: name != "l0." + part
    )
    graph = build_graph(weights, sample)
    assert relative_errors(tiny, same, *run(graph, same)).max() < 1e-5
    assert relative_errors(tiny, embeddings, *run(graph, embeddings)).max() > 1e-3


@pytest.mark.parametrize("part", ["ao", "fo"])
def test_the_bias_makes_up_for_rounding_at_the_mean(tiny, weights, embeddings, part, monkeypatch):
    from onnx import numpy_helper

    sample = sample_of(weights, embeddings)
    monkeypatch.setattr(
        onnx_graph._Builder, "_stays_in_float", lambda self, name: name != "l0." + part
    )
    graph = build_graph(weights, sample).graph
    constants = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    (number,) = (n for n, x in enumerate(graph.node) if x.op_type == "MatMulIntegerToFloat")
    product, scaled, added = graph.node[number : number + 3]
    assert scaled.op_type == "Mul" and added.op_type == "Add"
    mean = sample["layer0.context" if part == "ao" else "layer0.inner"].mean(axis=0)
    matrix = tiny.tensors[f"l0.{part}.w"].T
    rounded = constants[product.input[1]] * constants[product.input[3]]
    expected = mean @ matrix + tiny.tensors[f"l0.{part}.b"]
    np.testing.assert_allclose(mean @ rounded + constants[added.input[1]], expected, atol=1e-5)
    assert np.abs(mean @ rounded - mean @ matrix).max() > 1e-4


def test_8_bit_vectors_do_not_depend_on_the_batch(weights, embeddings):
    graph = build_graph(weights, sample_of(weights, embeddings))
    (together,) = run(graph, embeddings)
    (alone,) = run(graph, embeddings[:1])
    np.testing.assert_allclose(alone[0], together[0], atol=1e-6)


def test_the_same_sample_gives_the_same_graph(weights, embeddings):
    sample = sample_of(weights, embeddings)
    first, second = (build_graph(weights, sample).SerializeToString() for _ in range(2))
    assert first == second


def test_zeros_give_finite_vectors(weights, embeddings):
    graph = build_graph(weights, sample_of(weights, embeddings))
    (hidden,) = run(graph, np.zeros((1, 3, 32), np.float32))
    assert np.isfinite(hidden).all()


def test_smoothing_of_a_worked_example(tiny):
    matrix = tiny.tensors["l0.fi.w"].T
    largest = np.abs(matrix).max(axis=1)
    # Activations as large as 4 times the weights of their channel, one 64 times larger:
    # square roots 2 and 16, over a geometric mean of 2 × 8^(1/32) = 2.13: 0.94 and 7.5.
    maximum = 4 * largest
    maximum[9] *= 64
    values = np.stack([maximum / 3, -maximum, maximum / 2])
    expected = np.ones(32)
    expected[9] = 8
    np.testing.assert_array_equal(smoothing_of(values, [matrix]), expected)
    # Of several matrices the largest weight counts.
    np.testing.assert_array_equal(smoothing_of(values, [matrix / 7, matrix]), expected)
