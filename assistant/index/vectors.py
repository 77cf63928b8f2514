"""The dense leg: exact inner-product search with FAISS.

A base file `vectors-<generation>.faiss`, opened memory-mapped, holds the vectors of the
chunks up to some row id. What came since is added from SQLite in memory, what went is
left out of the results, so an edit costs its own size; the base is written anew once
the two exceed a share of it. Missing, damaged or of another generation, it is rebuilt
from SQLite without embedding anything.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.index.store import Store

REBUILD_AT = 512  # chunks added or removed since the base was written …
REBUILD_SHARE = 0.1  # … or this share of it, whichever is more


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The vectors of one generation, ready to be searched."""

    generation: int
    base: Any  # faiss.Index over the file, or None
    recent: Any  # faiss.Index over what came since, or None
    gone: int  # vectors of the base whose chunks are no longer there

    def search(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """Return (chunk row, inner product) of the best, at least `k` where there are as many.

        Rows of removed chunks may be among them: the caller finds no chunk and drops them.
        """
        found: list[tuple[int, float]] = []
        for index, extra in ((self.base, self.gone), (self.recent, 0)):
            if index is None or index.ntotal == 0:
                continue
            wanted = min(k + extra, index.ntotal)
            scores, rows = index.search(vector.reshape(1, -1), wanted)
            found += zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def base_path(folder: Path, generation: int) -> Path:
    """Return the file of a generation."""
    return folder / f"vectors-{generation}.faiss"


def _rows_and_vectors(
    store: Store, fingerprint: str, after: int, dimension: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows: list[int] = []
    data = bytearray()
    for row, vector in store.connection.execute(
        "SELECT c.id, e.vector FROM chunks c JOIN embeddings e ON e.passage = c.passage "
        "AND e.fingerprint = ? WHERE c.id > ? ORDER BY c.id",
        (fingerprint, after),
    ):
        rows.append(row)
        data += vector
    vectors = np.frombuffer(bytes(data), dtype=np.float32).reshape(len(rows), dimension)
    return np.array(rows, dtype=np.int64), vectors


def _flat_index(rows: NDArray[np.int64], vectors: NDArray[np.float32], dimension: int) -> Any:
    import faiss

    index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
    if len(rows):
        index.add_with_ids(vectors, rows)
    return index


def write_base(store: Store, generation: int, fingerprint: str, dimension: int) -> dict[str, int]:
    """Write the base file for the chunks as they are; return the facts to keep in `meta`.

    Called inside the transaction that changes the chunks: a process killed before its
    end leaves a file that nothing names.
    """
    import faiss

    rows, vectors = _rows_and_vectors(store, fingerprint, 0, dimension)
    index = _flat_index(rows, vectors, dimension)
    path = base_path(store.folder, generation)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        faiss.write_index(index, str(temporary))
    except RuntimeError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(28 if "space" in str(error) else 5, str(error)) from error
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return {
        "base_generation": generation,
        "base_last_row": int(rows[-1]) if len(rows) else 0,
        "base_size": len(rows),
    }


def needs_new_base(meta: dict[str, str], chunks: int, newest_row_count: int) -> bool:
    """Whether too much of the index lies outside the base, or too much of it is gone."""
    base_size = int(meta.get("base_size", 0))
    gone = base_size - (chunks - newest_row_count)
    return "base_size" not in meta or newest_row_count + gone > max(
        REBUILD_AT, REBUILD_SHARE * base_size
    )


def rows_after(store: Store, row: int) -> int:
    """Count the chunks added after a row id."""
    query = "SELECT count(*) FROM chunks WHERE id > ?"
    return int(store.connection.execute(query, (row,)).fetchone()[0])


def remove_old_bases(folder: Path, keep: int) -> None:
    """Delete the files of other generations and what killed writers left."""
    for path in folder.glob("vectors-*"):
        if path != base_path(folder, keep):
            with suppress(OSError):  # still mapped by a reader, where that forbids deleting
                path.unlink()


def open_vectors(store: Store, meta: dict[str, str], dimension: int) -> VectorIndex:
    """Open the vectors of the generation that `meta` tells, inside `store.reading()`."""
    generation = int(meta["generation"])
    fingerprint = meta["fingerprint"]
    base_generation = int(meta.get("base_generation", -1))
    last_row = int(meta.get("base_last_row", 0))
    size = int(meta.get("base_size", 0))
    base = _read_base(base_path(store.folder, base_generation), size, dimension)
    if base is None or not _agrees(store, base, fingerprint):
        rows, vectors = _rows_and_vectors(store, fingerprint, 0, dimension)
        return VectorIndex(generation, _flat_index(rows, vectors, dimension), None, 0)
    newer = rows_after(store, last_row)
    chunks = int(store.connection.execute("SELECT count(*) FROM chunks").fetchone()[0])
    recent = None
    if newer:
        rows, vectors = _rows_and_vectors(store, fingerprint, last_row, dimension)
        recent = _flat_index(rows, vectors, dimension)
    return VectorIndex(generation, base, recent, gone=size - (chunks - newer))


def _read_base(path: Path, size: int, dimension: int) -> Any:
    """Map the file; None when it is missing, cut short or of another shape."""
    import faiss

    if size == 0 or not path.is_file() or path.stat().st_size < size * dimension * 4:
        return None
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except (RuntimeError, AttributeError):
        return None
    if index.ntotal != size or index.d != dimension:
        return None
    return index


def _agrees(store: Store, base: Any, fingerprint: str) -> bool:
    """Compare the first and last vectors with SQLite: a damaged file is not believed."""
    import faiss

    rows = faiss.vector_to_array(base.id_map)
    flat = faiss.downcast_index(base.index)
    for position in {0, len(rows) // 2, len(rows) - 1}:
        stored = store.embeddings(fingerprint, [int(rows[position])])
        if stored:
            expected = np.frombuffer(next(iter(stored.values()))[0], dtype=np.float32)
            if not np.array_equal(flat.reconstruct(position), expected):
                return False
    return True
