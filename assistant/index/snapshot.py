"""What a search needs of one generation of the index, read once and shared by threads.

Rows are left in SQLite: what is kept here is small, or mapped, or bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assistant.index.lexical import Postings
from assistant.index.store import Store
from assistant.index.vectors import VectorIndex, open_vectors

_LANGUAGE = np.dtype([("row", np.int64), ("language", "U5")])  # "zh-cn" is among the longest


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One generation of one index."""

    identity: str  # of the index
    generation: int
    fingerprint: str  # of the model whose vectors it searches
    chunks: int
    languages: tuple[str, ...]  # of the notes, the most frequent first
    others: NDArray[np.void]  # (row, language) of the passages not in the first, by row
    vectors: VectorIndex
    postings: Postings = field(default_factory=Postings)

    def is_foreign(self, rows: Sequence[int], language: str) -> NDArray[np.bool_]:
        """Return which passages, (rows,), are of notes in another language."""
        is_usual_foreign = self.languages[:1] != (language,)
        if not len(self.others):
            return np.full(len(rows), is_usual_foreign)
        others = self.others[
            np.searchsorted(self.others["row"], rows).clip(max=len(self.others) - 1)
        ]
        return np.where(others["row"] == rows, others["language"] != language, is_usual_foreign)


def open_snapshot(store: Store, meta: dict[str, str], dimension: int) -> Snapshot:
    """Open the generation that `meta` tells, inside `store.reading()`."""
    languages = tuple(store.languages())
    others = store.chunks_not_in(languages[0]) if len(languages) > 1 else ()
    return Snapshot(
        identity=meta["identity"],
        generation=int(meta["generation"]),
        fingerprint=meta["fingerprint"],
        chunks=store.counts()[1],
        languages=languages,
        others=np.fromiter(others, _LANGUAGE),
        vectors=open_vectors(store, meta, dimension),
    )
