"""Compressed token vectors for late interaction (ColBERT's MaxSim).

Two codecs with the same members. `LearntTokenCodec` is for the embedded model: a matrix
and a question-token weight learnt on frozen token vectors, then product quantisation in
48 bytes a token; its parameters lie beside this module and `benchmarks/fit_token_head.py`
makes them. `TokenCodec` is for any other model: 4 bits a dimension, nothing to learn.

Khattab & Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized
Late Interaction over BERT", 2020; Jégou, Douze & Schmid, "Product Quantization for
Nearest Neighbor Search", 2011.
"""

from __future__ import annotations

import hashlib
import io
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

PARAMETERS = "token_codec.npz"  # of the embedded model
_LEVELS = 7  # steps on each side of zero that 4 bits hold
LEARNT_FOR = "multilingual-e5-small@"  # how the fingerprints of the embedded model begin
_ROWS = 4096  # vectors quantised at a time, which bounds memory


class TokenCodec:
    """Scalar quantisation: 4 bits a dimension and one scale a token."""

    def __init__(self, dimension: int) -> None:
        """Make the codec for vectors of `dimension` numbers."""
        self.dimension = dimension
        self.width = (dimension + 1) // 2 + 2  # bytes a token
        self.fingerprint = f"scalar4-{dimension}"

    def compress(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return codes, (tokens, width), of vectors, (tokens, dimension).

        A code is the float16 scale, then two dimensions a byte, the even one low.
        """
        scales = (np.abs(vectors).max(axis=1, initial=0.0) / _LEVELS).astype("<f2")
        divisors = np.where(scales > 0, scales, 1).astype(np.float32)[:, None]
        steps = np.clip(np.rint(vectors / divisors), -_LEVELS, _LEVELS).astype(np.int8)
        halves = np.zeros((len(vectors), 2 * (self.width - 2)), np.uint8)
        halves[:, : self.dimension] = (steps + _LEVELS + 1).astype(np.uint8)
        packed = halves[:, 0::2] | (halves[:, 1::2] << 4)
        return np.hstack([scales[:, None].view(np.uint8), packed])

    def weights(self, question: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what each question token counts, (question tokens,), summing to 1."""
        return np.full(len(question), 1 / max(len(question), 1), np.float32)

    def similarities(
        self, question: NDArray[np.float32], codes: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return cosines, (question tokens, tokens); all vectors count as unit vectors."""
        packed = codes[:, 2:]  # a scale cancels out of a cosine
        decoded = np.empty((len(codes), 2 * packed.shape[1]), np.float32)
        decoded[:, 0::2] = packed & 15
        decoded[:, 1::2] = packed >> 4
        vectors = decoded[:, : self.dimension] - (_LEVELS + 1)
        lengths = np.sqrt(np.einsum("td,td->t", vectors, vectors))
        return np.asarray((question @ vectors.T) / np.maximum(lengths, 1e-9), np.float32)


class LearntTokenCodec:
    """A learnt matrix, then product quantisation; cosines are those after the matrix."""

    def __init__(self, parameters: bytes | None = None) -> None:
        """Read parameters: an npz file's bytes, or those that come with the package."""
        if parameters is None:
            parameters = files("assistant.embedding").joinpath(PARAMETERS).read_bytes()
        with np.load(io.BytesIO(parameters)) as stored:
            # (input, output), in this order in memory: a question is multiplied in half the time.
            self._matrix = np.ascontiguousarray(stored["matrix"].T, np.float32)
            self._weight = stored["weight"].astype(np.float32)  # (input,)
            self._bias = float(stored["bias"])
            # The mean of all vectors is part of the centroids: (subspaces, 256, length).
            self._centroids = stored["centroids"].astype(np.float32)
        subspaces = len(self._centroids)
        self.dimension = len(self._matrix)
        self.width = subspaces  # bytes a token
        self.fingerprint = f"learnt-{hashlib.sha256(parameters).hexdigest()[:12]}"
        self._squares = np.einsum("sel,sel->se", self._centroids, self._centroids)
        self._centroids_and_squares = np.dstack([self._centroids, self._squares])

    def compress(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return codes, (tokens, width), of vectors, (tokens, dimension)."""
        codes = np.empty((len(vectors), self.width), np.uint8)
        length = self._centroids.shape[2]
        for start in range(0, len(vectors), _ROWS):
            projected = self._project(vectors[start : start + _ROWS])
            for number in range(self.width):
                part = projected[:, number * length : (number + 1) * length]
                distances = self._squares[number] - 2 * (part @ self._centroids[number].T)
                codes[start : start + _ROWS, number] = distances.argmin(axis=1)
        return codes

    def weights(self, question: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what each question token counts, (question tokens,), summing to 1."""
        raw = np.logaddexp(0, question @ self._weight + self._bias).astype(np.float32)
        return np.asarray(raw / max(float(raw.sum()), 1e-9), np.float32)

    def similarities(
        self, question: NDArray[np.float32], codes: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return cosines, (question tokens, tokens), with the vectors that codes stand for.

        Every token reads one row a subspace from a table of inner products. Subspaces are
        orthogonal, so squared lengths add up in the same way, in a last column. Dividing
        by the length matters: without it nDCG@10 falls by 2 to 4 points.
        """
        subspaces, _, length = self._centroids.shape
        parts = np.zeros((subspaces, length + 1, len(question) + 1), np.float32)
        projected = self._project(question).reshape(-1, subspaces, length)
        parts[:, :-1, :-1] = projected.transpose(1, 2, 0)
        parts[:, -1, -1] = 1
        table = self._centroids_and_squares @ parts  # (subspaces, 256, question tokens + 1)
        sums = np.zeros((len(codes), len(question) + 1), np.float32)
        for number in range(subspaces):
            sums += table[number].take(codes[:, number], axis=0)
        return np.ascontiguousarray((sums[:, :-1] / np.sqrt(sums[:, -1:])).T)

    def _project(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply the matrix and return unit vectors."""
        projected = vectors @ self._matrix
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.asarray(projected / np.maximum(lengths, 1e-9), np.float32)


Codec = TokenCodec | LearntTokenCodec


def codec_for(fingerprint: str, dimension: int) -> Codec:
    """Return the codec for the embedder of this fingerprint and dimension."""
    return LearntTokenCodec() if fingerprint.startswith(LEARNT_FOR) else TokenCodec(dimension)
