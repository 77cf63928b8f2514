"""The graph computes a BERT encoder: exactly in float32, nearly in 8 bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from assistant.embedding.onnx_graph import (  # noqa: E402
    INPUT,
    OUTPUT,
    build_graph,
    smoothed_activations,
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
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
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


def test_float32_graph_shows_the_activations_to_be_smoothed(tiny, weights, embeddings):
    names = smoothed_activations(1)
    first, attended = run(build_graph(weights, None), embeddings, *names)
    centred = embeddings - embeddings.mean(axis=-1, keepdims=True)
    expected = centred / embeddings.std(axis=-1, keepdims=True)
    expected = expected * tiny.tensors["emb.ln.w"] + tiny.tensors["emb.ln.b"]
    np.testing.assert_allclose(first, expected, atol=1e-4)
    assert attended.shape == embeddings.shape and not np.allclose(attended, first)


@pytest.mark.parametrize("smoothed", [True, False])
def test_8_bit_graph_is_near_the_encoder(tiny, weights, embeddings, smoothed):
    names = smoothed_activations(1)
    smoothing = {}
    if smoothed:
        seen = run(build_graph(weights, None), embeddings, *names)
        maxima = {n: np.abs(v).max(axis=(0, 1)) for n, v in zip(names, seen, strict=True)}
        smoothing = smoothing_of(weights, maxima)
    (hidden,) = run(build_graph(weights, smoothing), embeddings)
    for text, found in zip(embeddings, hidden, strict=True):
        expected = encoder(tiny.tensors, text)
        error = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert 1e-4 < error.max() < 0.03  # 8 bits were used, and well


def test_8_bit_vectors_do_not_depend_on_the_batch(weights, embeddings):
    graph = build_graph(weights, {})
    (together,) = run(graph, embeddings)
    (alone,) = run(graph, embeddings[:1])
    np.testing.assert_allclose(alone[0], together[0], atol=1e-6)


def test_zeros_give_finite_vectors(weights):
    (hidden,) = run(build_graph(weights, {}), np.zeros((1, 3, 32), np.float32))
    assert np.isfinite(hidden).all()


def test_smoothing_of_a_worked_example(tiny, weights):
    largest = np.abs(tiny.tensors["l0.fi.w"]).max(axis=0)
    # Activations as large as 4 times the weights of their channel, one 64 times larger:
    # square roots 2 and 16, over a geometric mean of 2 × 8^(1/32) = 2.13: 0.94 and 7.5.
    maximum = 4 * largest
    maximum[9] *= 64
    (divisor,) = smoothing_of(weights, {"layer0.attended": maximum}).values()
    expected = np.ones(32)
    expected[9] = 8
    np.testing.assert_array_equal(divisor, expected)
