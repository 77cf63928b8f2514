"""An embedder for tests: a pure function of the text, with nothing but numpy.

A text's vector is the sum of its words' vectors, a word's the sum of pseudo-random ones
drawn from the word and its character trigrams. So texts that share words are near, and
words that share a stem are nearer than strangers. It understands nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.protocol import Encoded, Progress, TokenVectors

_WORD = re.compile(r"\w+")
_SPECIAL_TOKENS = 2
_PROMPT_TOKENS = 2  # a word and a colon


class FakeEmbedder:
    """An Embedder whose tokens are words; query and passage of a text are equal."""

    def __init__(self, *, dimension: int = 64, max_tokens: int = 64) -> None:
        """Choose the length of a vector and the window in tokens."""
        self._dimension = dimension
        self._max_tokens = max_tokens

    @property
    def fingerprint(self) -> str:
        """The same for all fakes of one dimension and window."""
        return f"fake-{self._dimension}-{self._max_tokens}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """The window, prompt and special tokens included."""
        return self._max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words of each text, and four for prompt and special tokens."""
        extra = _SPECIAL_TOKENS + _PROMPT_TOKENS
        return [len(_WORD.findall(text)) + extra for text in texts]

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """Embed questions."""
        return self.encode_passages(texts)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        """Embed passages; longer ones than the window are cut."""
        vectors = np.empty((len(texts), self._dimension), np.float32)
        tokens = []
        for number, text in enumerate(texts):
            room = max(0, self._max_tokens - _SPECIAL_TOKENS - _PROMPT_TOKENS)
            words = list(_WORD.finditer(text))[:room]
            rows = [_word_vector(word[0].casefold(), self._dimension) for word in words]
            matrix = np.array(rows, np.float32).reshape(-1, self._dimension)
            total = matrix.sum(axis=0) if rows else _hashed("", self._dimension)
            vectors[number] = total / np.linalg.norm(total)
            tokens.append(
                TokenVectors(
                    matrix,
                    np.array([word.start() for word in words], np.int32),
                    np.array([word.end() for word in words], np.int32),
                )
            )
            if progress is not None:
                progress(number + 1, len(texts))
        return Encoded(vectors, tokens)


@lru_cache(maxsize=10_000)
def _word_vector(word: str, dimension: int) -> NDArray[np.float32]:
    """Unit vector of a word: itself, and more weakly its trigrams between marks."""
    marked = f"<{word}>"
    trigrams = [marked[i : i + 3] for i in range(len(marked) - 2)]
    total = _hashed(word, dimension)
    total = total + sum(_hashed(trigram, dimension) for trigram in trigrams) / len(trigrams)
    return np.asarray(total / np.linalg.norm(total), np.float32)


@lru_cache(maxsize=10_000)
def _hashed(key: str, dimension: int) -> NDArray[np.float32]:
    """Pseudo-random unit vector drawn from a hash of the key."""
    seed = int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(dimension)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
