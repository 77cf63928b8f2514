import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from assistant.embedding.late_interaction import TokenCodec
from assistant.embedding.protocol import TokenVectors
from assistant.index.token_store import pack_tokens, unpack_tokens

DIMENSION = 8
CODEC = TokenCodec(DIMENSION)


def tokens_at(starts: list[int]) -> TokenVectors:
    random = np.random.default_rng(len(starts))
    vectors = random.standard_normal((len(starts), DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    places = np.array(starts, np.int32)
    return TokenVectors(vectors, places, places + 1)


@given(
    st.lists(st.one_of(st.integers(0, 9), st.integers(0, 400), st.integers(0, 200_000)),
             max_size=60),
    st.integers(0, 300),
)  # fmt: skip
def test_tokens_come_back_where_they_were(steps, context_length):
    starts = np.cumsum(steps).tolist()
    tokens = tokens_at(starts)
    stored = unpack_tokens(pack_tokens(tokens, context_length, CODEC), CODEC)
    expected = [start - context_length if start >= context_length else -1 for start in starts]
    assert stored.starts.tolist() == expected
    assert stored.codes.tobytes() == CODEC.compress(tokens.vectors).tobytes()


def test_layout_of_one_passage_byte_by_byte():
    """Two context tokens, then tokens at 0, 3 and 303: u16 steps, for 300 needs them."""
    tokens = tokens_at([0, 4, 10, 13, 313])
    data = pack_tokens(tokens, 10, CODEC)
    assert data[:5] == bytes([5, 0, 2, 0, 2])
    assert data[-6:] == bytes([0, 0, 3, 0, 44, 1])
    assert len(data) == 5 + 5 * CODEC.width + 6


def test_similarities_of_stored_tokens_are_cosines():
    tokens = tokens_at([0, 2, 5, 9])
    stored = unpack_tokens(pack_tokens(tokens, 0, CODEC), CODEC)
    expected = tokens.vectors @ tokens.vectors.T
    found = CODEC.similarities(tokens.vectors, stored.codes)
    assert np.allclose(found, expected, atol=0.1)  # 4 bits a dimension, few dimensions
