"""What a search needs of one generation of the index, read once and shared by threads.

Rows are left in SQLite: what is kept here is small, or mapped, or bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.index.lexical import Postings
from assistant.index.store import Store
from assistant.index.vectors import VectorIndex, open_vectors


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One generation of one index."""

    identity: str  # of the index
    generation: int
    fingerprint: str  # of the model whose vectors it searches
    chunks: int
    languages: tuple[str, ...]  # of the notes, the most frequent first
    vectors: VectorIndex
    postings: Postings = field(default_factory=Postings)


def open_snapshot(store: Store, meta: dict[str, str], dimension: int) -> Snapshot:
    """Open the generation that `meta` tells, inside `store.reading()`."""
    return Snapshot(
        identity=meta["identity"],
        generation=int(meta["generation"]),
        fingerprint=meta["fingerprint"],
        chunks=store.counts()[1],
        languages=tuple(store.languages()),
        vectors=open_vectors(store, meta, dimension),
    )
