"""Codecs against a brute force that decodes each token by hand."""

import io

import numpy as np
import pytest

from assistant.embedding.late_interaction import LearntTokenCodec, TokenCodec


def unit_vectors(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def small_parameters() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {
        "matrix": random.normal(size=(6, 6)).astype(np.float32),
        "weight": random.normal(size=6).astype(np.float32),
        "bias": np.float32(0.3),
        "centroids": random.normal(size=(3, 256, 2)).astype(np.float32),
    }


def saved(parameters: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **parameters)
    return file.getvalue()


@pytest.mark.parametrize("dimension", [1, 7, 384])
def test_scalar_codec_keeps_cosines(dimension: int) -> None:
    codec = TokenCodec(dimension)
    question, passage = unit_vectors(5, dimension, 1), unit_vectors(40, dimension, 2)
    codes = codec.compress(passage)
    assert codes.shape == (40, codec.width)
    assert codes.dtype == np.uint8
    np.testing.assert_allclose(
        codec.similarities(question, codes),
        question @ passage.T,
        atol=0.03 if dimension > 7 else 0.1,
    )


def test_scalar_code_worked_by_hand() -> None:
    codes = TokenCodec(3).compress(np.array([[7.0, -7.0, 2.0]], np.float32))
    # Scale 1 is 0x3C00 in float16; steps 7, -7, 2 are stored as 15, 1, 10, then padding.
    assert codes.tolist() == [[0x00, 0x3C, 0x1F, 0x0A]]


def test_codecs_take_no_tokens() -> None:
    for codec in (TokenCodec(6), LearntTokenCodec(saved(small_parameters()))):
        nothing = np.empty((0, 6), np.float32)
        codes = codec.compress(nothing)
        assert codes.shape == (0, codec.width)
        assert codec.similarities(unit_vectors(2, 6), codes).shape == (2, 0)
        assert codec.weights(nothing).shape == (0,)


def test_learnt_codec_equals_brute_force() -> None:
    parameters = small_parameters()
    codec = LearntTokenCodec(saved(parameters))
    question, passage = unit_vectors(4, 6, 5), unit_vectors(9, 6, 6)

    def projected(vector: np.ndarray) -> np.ndarray:
        result = parameters["matrix"] @ vector
        return result / np.linalg.norm(result)

    codes = codec.compress(passage)
    expected = np.empty((4, 9))
    for j, vector in enumerate(passage):
        target = projected(vector).reshape(3, 2)
        for part in range(3):
            distances = ((parameters["centroids"][part] - target[part]) ** 2).sum(axis=1)
            assert codes[j, part] == distances.argmin()
        decoded = np.concatenate([parameters["centroids"][p][codes[j, p]] for p in range(3)])
        decoded /= np.linalg.norm(decoded)
        for i, token in enumerate(question):
            expected[i, j] = projected(token) @ decoded
    np.testing.assert_allclose(codec.similarities(question, codes), expected, atol=1e-5)


def test_learnt_weights_equal_softplus() -> None:
    parameters = small_parameters()
    question = unit_vectors(4, 6, 8)
    raw = [np.log1p(np.exp(t @ parameters["weight"] + 0.3)) for t in question]
    np.testing.assert_allclose(
        LearntTokenCodec(saved(parameters)).weights(question), np.array(raw) / sum(raw), rtol=1e-5
    )


def test_fingerprint_follows_the_parameters() -> None:
    parameters = small_parameters()
    one = LearntTokenCodec(saved(parameters))
    parameters["bias"] = np.float32(0.4)
    assert one.fingerprint != LearntTokenCodec(saved(parameters)).fingerprint
    assert one.fingerprint == LearntTokenCodec(saved(small_parameters())).fingerprint


def test_shipped_parameters_fit_the_embedded_model() -> None:
    codec = LearntTokenCodec()
    assert (codec.dimension, codec.width) == (384, 48)
    kept = 80  # of 120 tokens, those of content words: 57 to 62 in 100 on the public sets
    offset = 1  # a byte a token, and a header of five, as the index stores them
    assert kept * (codec.width + offset) + 5 <= 4096
    assert codec.compress(unit_vectors(3, 384)).shape == (3, 48)
