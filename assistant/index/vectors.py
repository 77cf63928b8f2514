"""The dense leg: inner-product search with FAISS, exact up to `EXACT_UP_TO` vectors.

Beyond, comparing with every vector costs more than the rest of a question: the base is
then an inverted file, whose vectors lie in the lists of k-means centroids, 2 √n of them
(Jégou, Douze & Schmid, "Product Quantization for Nearest Neighbor Search", 2011, without
the quantisation). A search compares with the lists nearest to the question, `_PROBED` of
them: every score stays exact, but a passage of another list is missed, so answers may then
differ from those of an index built from nothing, whose lists are others. Questions lie
apart from passages, which takes many lists to find recall@10 above .98
(`benchmarks/measure_scale.py`). Limited to some rows, a search goes through all lists and
is exact. The kind follows the size whenever the base is written, by the refresh, while
readers search the one before; training is seeded.

A base file `vectors-<generation>.faiss`, opened memory-mapped, holds the vectors of the
chunks up to some row id. What came since is added from SQLite in memory, what went is
left out of the results, so an edit costs its own size; the base is written anew once
the two exceed a share of it. Missing, damaged or of another generation, it is made again
from SQLite without embedding anything: in memory by a reader, on disk by the next refresh.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.index.store import Store

REBUILD_AT = 512  # chunks added or removed since the base was written …
REBUILD_SHARE = 0.1  # … or this share of it, whichever is more

EXACT_UP_TO = 150_000  # vectors compared one by one, in a third of the time of all the rest
_PROBED = 0.3  # of the lists, those compared with a question
_TRAINED_ON = 64  # vectors for each list
_ROUNDS = 8  # of k-means


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The vectors of one generation, ready to be searched."""

    identity: str  # of the index they belong to
    generation: int
    base: Any  # faiss.Index over the file, or None
    lists: int  # of the base; 0 where it is exact
    last_row: int  # the last of the base
    recent: Any  # faiss.Index over what came since, or None
    gone: frozenset[int]  # rows of the base whose chunks are no longer there

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: frozenset[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return (chunk row, inner product) of the best `k`, or of all where there are fewer.

        With `allowed`, those of these rows: only they are compared, so it is exact. An
        inverted file gives what its nearest lists hold, which may be fewer than `k`.
        """
        import faiss

        # Of this thread alone: for one question, threads take longer to meet than to compare.
        faiss.omp_set_num_threads(1)
        found: list[tuple[int, float]] = []
        for index, extra, lists in (
            (self.base, len(self.gone), self.lists),
            (self.recent, 0, 0),
        ):
            if index is None or index.ntotal == 0:
                continue
            wanted = min(k + extra, index.ntotal)
            params = _search_parameters(lists, allowed)
            scores, rows = index.search(vector.reshape(1, -1), wanted, params=params)
            found += zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        # Row -1 fills up where fewer rows than wanted are allowed.
        kept = [pair for pair in found if pair[0] >= 0 and pair[0] not in self.gone]
        return sorted(kept, key=lambda pair: (-pair[1], pair[0]))[:k]

    def inner_products(
        self, vector: NDArray[np.float32], rows: Sequence[int]
    ) -> NDArray[np.float32]:
        """Return the inner products, (rows,), with chunks of this generation."""
        wanted = np.array(rows, np.int64)
        products = np.empty(len(wanted), np.float32)
        is_recent = wanted > self.last_row
        for index, own in ((self.base, ~is_recent), (self.recent, is_recent)):
            if own.any():
                # Not a matrix product, in which a vector's place changes the last bits.
                vectors = index.reconstruct_batch(wanted[own])
                products[own] = np.einsum("rd,d->r", vectors, vector)
        return products


def _search_parameters(lists: int, allowed: frozenset[int] | None) -> Any:
    """Return what makes FAISS compare these rows alone, and enough lists; None for all rows."""
    import faiss

    selector: dict[str, Any] = {}
    if allowed is not None:
        selector["sel"] = faiss.IDSelectorBatch(np.array(sorted(allowed), np.int64))
    if lists:
        probes = math.ceil(_PROBED * lists) if allowed is None else lists
        return faiss.SearchParametersIVF(nprobe=probes, **selector)  # type: ignore[call-arg]
    return faiss.SearchParameters(**selector) if selector else None


def base_path(folder: Path, generation: int) -> Path:
    """Return the file of a generation."""
    return folder / f"vectors-{generation}.faiss"


def _rows_and_vectors(
    store: Store, fingerprint: str, after: int, dimension: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows: list[int] = []
    data = bytearray()  # never copied: it is what takes the most memory in a refresh
    for row, vector in store.connection.execute(
        "SELECT c.id, e.vector FROM chunks c JOIN embeddings e ON e.passage = c.passage "
        "AND e.fingerprint = ? WHERE c.id > ? ORDER BY c.id",
        (fingerprint, after),
    ):
        rows.append(row)
        data += vector
    vectors = np.frombuffer(data, dtype=np.float32).reshape(len(rows), dimension)
    return np.array(rows, dtype=np.int64), vectors


def _flat_index(rows: NDArray[np.int64], vectors: NDArray[np.float32], dimension: int) -> Any:
    import faiss

    index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
    if len(rows):
        index.add_with_ids(vectors, rows)
    return index


def _inverted_file(
    rows: NDArray[np.int64], vectors: NDArray[np.float32], dimension: int, lists: int
) -> Any:
    import faiss

    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(dimension), dimension, lists, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed = 1
    index.cp.niter = _ROUNDS
    index.cp.spherical = False  # which makes lists less even, so slower at the same recall
    index.cp.max_points_per_centroid = _TRAINED_ON
    index.cp.min_points_per_centroid = 1  # says nothing where vectors are few
    index.train(vectors[:: max(1, len(vectors) // (_TRAINED_ON * lists))])
    index.make_direct_map()  # for `reconstruct_batch`
    by_row = faiss.IndexIDMap2(index)
    by_row.add_with_ids(vectors, rows)
    return by_row


def build(rows: NDArray[np.int64], vectors: NDArray[np.float32], dimension: int) -> tuple[Any, int]:
    """Return the faiss.Index for these vectors, and its lists: 0 where it is exact."""
    if len(rows) <= EXACT_UP_TO:
        return _flat_index(rows, vectors, dimension), 0
    lists = 2 * math.isqrt(len(rows))
    return _inverted_file(rows, vectors, dimension, lists), lists


def write_base(
    store: Store, generation: int, fingerprint: str, dimension: int
) -> dict[str, int | str]:
    """Write the base file for the chunks as they are; return the facts to keep in `meta`.

    Called inside the transaction that changes the chunks: a process killed before its
    end leaves a file that nothing names.
    """
    import faiss

    rows, vectors = _rows_and_vectors(store, fingerprint, 0, dimension)
    index, lists = build(rows, vectors, dimension)
    path = base_path(store.folder, generation)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        faiss.write_index(index, str(temporary))
    except RuntimeError as error:
        temporary.unlink(missing_ok=True)
        code = errno.ENOSPC if "space" in str(error) else errno.EIO
        raise OSError(code, str(error)) from error
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    os.replace(temporary, path)
    return {
        "base_generation": generation,
        "base_last_row": int(rows[-1]) if len(rows) else 0,
        "base_size": len(rows),
        "base_lists": lists,
        "base_sha256": digest,
        "base_signature": _signature(path),
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


def has_leftovers(folder: Path) -> bool:
    """Whether a file lies there that a writer has begun: killed, or still at work."""
    return any(folder.glob("vectors-*.tmp"))


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
    last_row = int(meta.get("base_last_row", 0))
    size = int(meta.get("base_size", 0))
    base = _read_base(store.folder, meta) if is_whole(store.folder, meta) else None
    if base is None:
        rows, vectors = _rows_and_vectors(store, fingerprint, 0, dimension)
        everything = _flat_index(rows, vectors, dimension)
        last_row = int(rows[-1]) if len(rows) else 0
        return VectorIndex(meta["identity"], generation, everything, 0, last_row, None, frozenset())
    newer = rows_after(store, last_row)
    chunks = int(store.connection.execute("SELECT count(*) FROM chunks").fetchone()[0])
    recent = None
    if newer:
        rows, vectors = _rows_and_vectors(store, fingerprint, last_row, dimension)
        recent = _flat_index(rows, vectors, dimension)
    gone: frozenset[int] = frozenset()
    if size != chunks - newer:
        gone = _gone(store, base, last_row)
    lists = int(meta.get("base_lists", 0))
    return VectorIndex(meta["identity"], generation, base, lists, last_row, recent, gone)


def is_whole(folder: Path, meta: dict[str, str]) -> bool:
    """Whether the base file is the one that was written: same times, or else same bytes."""
    if "base_sha256" not in meta:
        return False
    path = base_path(folder, int(meta["base_generation"]))
    try:
        signature = _signature(path)
        return (
            signature == meta["base_signature"] or _digest(path, signature) == meta["base_sha256"]
        )
    except OSError:
        return False


@lru_cache(maxsize=8)
def _digest(path: Path, _signature: str) -> str:
    """Return the hash of a file of this signature: a copied index is read once, not each time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _signature(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _read_base(folder: Path, meta: dict[str, str]) -> Any:
    """Map the base file; None when it went since it was looked at."""
    try:
        return read(base_path(folder, int(meta["base_generation"])), int(meta.get("base_lists", 0)))
    except RuntimeError:
        return None


def read(path: Path, lists: int) -> Any:
    """Map a file of as many lists; RuntimeError where it cannot be."""
    import faiss

    if not lists:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    inverted: Any = faiss.downcast_index(index.index)
    mapped: Any = faiss.downcast_InvertedLists(inverted.invlists)
    mapped.prefetch_nthread = 0  # threads that take longer to start than to read
    return index


def _gone(store: Store, base: Any, last_row: int) -> frozenset[int]:
    """Return the rows of the base that are chunks no longer."""
    import faiss

    there = store.connection.execute("SELECT id FROM chunks WHERE id <= ?", (last_row,))
    rows = faiss.vector_to_array(base.id_map)
    return frozenset(np.setdiff1d(rows, [row for (row,) in there]).tolist())
