"""Compressed token vectors for late interaction (ColBERT's MaxSim).

Two bits a dimension would do; this first form keeps float16 and needs no training.

Khattab & Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized
Late Interaction over BERT", 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class TokenCodec:
    """Compresses token vectors and compares question tokens with compressed ones."""

    def __init__(self, dimension: int) -> None:
        """Make the codec for vectors of `dimension` numbers."""
        self.dimension = dimension
        self.width = 2 * dimension  # bytes a token
        self.fingerprint = f"float16-{dimension}"

    def compress(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return codes, (tokens, width), of unit vectors, (tokens, dimension)."""
        half = np.ascontiguousarray(vectors, dtype=np.float16)
        return half.view(np.uint8).reshape(len(vectors), self.width)

    def similarities(
        self, question: NDArray[np.float32], codes: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return cosines, (question tokens, tokens)."""
        half = np.ascontiguousarray(codes).view(np.float16).reshape(len(codes), self.dimension)
        return question @ half.astype(np.float32).T
