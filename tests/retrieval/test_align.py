"""All passages compared at once, against one after the other; some have no tokens."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.embedding.late_interaction import TokenCodec
from assistant.embedding.protocol import TokenVectors
from assistant.index.token_store import StoredTokens
from assistant.retrieval.found import Question
from assistant.retrieval.search import align


@pytest.mark.parametrize("lengths", [(3, 0, 5, 0), (0, 0, 4), (0,), (0, 0), (1, 7)])
@pytest.mark.parametrize("asked", [0, 1, 4])
def test_passages_compared_at_once_are_those_compared_one_by_one(
    lengths: tuple[int, ...], asked: int
) -> None:
    random = np.random.default_rng(sum(lengths) + asked)
    codec = TokenCodec(8)
    places = np.arange(asked, dtype=np.int32)
    vectors = random.normal(size=(asked, 8)).astype(np.float32)
    weights = codec.weights(vectors)
    tokens = TokenVectors(vectors, places, places + 1)
    question = Question("?", "fr", ("fr",), vectors.sum(axis=0), tokens, weights, weights, ())
    passages = [
        StoredTokens(
            codec.compress(random.normal(size=(length, 8)).astype(np.float32)),
            np.zeros(length, np.uint8),
        )
        for length in lengths
    ]
    alignments, support = align(question, passages, codec)
    assert support.shape == (len(lengths), asked)
    for passage, cosines, best in zip(passages, alignments, support, strict=True):
        expected = codec.similarities(vectors, passage.codes)
        np.testing.assert_allclose(cosines, expected, atol=1e-6)
        np.testing.assert_allclose(best, expected.max(axis=1, initial=0.0), atol=1e-6)
