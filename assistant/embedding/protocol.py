"""The seam between the assistant and an embedding model.

An embedder turns texts into unit vectors. One forward pass gives both the vector of
the whole text and, where the model allows it, one vector a token, used by late
interaction. Prompts ("query: ", "passage: ") and special tokens are the embedder's own
business: they never appear in the token vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int, int], None]  # (passages done, passages in all)


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of one text, in order, without special tokens and prompt."""

    vectors: NDArray[np.float32]  # (tokens, dimension), each of unit length
    starts: NDArray[np.int32]  # (tokens,) code points into the text that was passed
    ends: NDArray[np.int32]  # (tokens,) text[start:end] is what the token covers


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of several texts, in the order of the texts."""

    vectors: NDArray[np.float32]  # (texts, dimension), each of unit length
    tokens: list[TokenVectors]  # one a text


class Embedder(Protocol):
    """What retrieval needs of a model; `assistant.embedding.fake` is the fake."""

    @property
    def fingerprint(self) -> str:
        """Identity of weights and engine: vectors of two fingerprints never mix."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """The model's window, prompt and special tokens included."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, prompt and special tokens included."""

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """Embed questions."""

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        """Embed passages; longer ones than the window are cut."""
