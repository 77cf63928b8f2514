"""Refresh: bring the index to what the notes say now.

compare the folder with the index -> read and chunk what changed, one file at a time ->
embed passages never embedded by this model (kept at once, batch by batch) -> one
transaction -> new vectors if needed -> give back unused space. One process refreshes at
a time. Killed at any instant, the next run finds the old index or the new one, and every
embedding already paid for. Interrupted (Ctrl-C) while embedding, the notes that are ready
enter the index first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout

from assistant import analysis, chunking
from assistant.datatypes import Note, RefreshReport
from assistant.embedding.late_interaction import Codec
from assistant.embedding.protocol import Embedder
from assistant.errors import IndexFolderError
from assistant.index import token_store, vectors
from assistant.index.changes import Changes, SkippedFile, find_changes, read_changed, report
from assistant.index.prepared import PreparedNotes, prepare
from assistant.index.schema import mapped_errors
from assistant.index.store import Known, Store
from assistant.reading import extracted, ocr
from assistant.reading.corpus import scan_corpus

_BATCH = 128  # passages embedded between two commits
_WINDOW = 1024  # passages among which those of similar lengths are embedded together
_ORPHAN_SHARE = 0.3  # of all embeddings, kept for notes that come back


class Progress(Protocol):
    """Told of every step: what is being done, done, in all (0: unknown), and the note."""

    def __call__(self, stage: str, done: int, total: int, note_id: str = "", /) -> None: ...


def _versions(embedder: Embedder, codec: Codec) -> dict[str, str]:
    return {
        "readers": extracted.VERSION + ocr.version(),
        "chunker": chunking.VERSION,
        "analysis": analysis.VERSION,
        "fingerprint": f"{embedder.fingerprint}|{codec.fingerprint}|{token_store.VERSION}",
    }


def stale_reason(meta: dict[str, str], embedder: Embedder, codec: Codec) -> str | None:
    """Say why an index must be made anew whatever the notes say; None when it need not be."""
    reasons = {
        "readers": "la lecture des formats a changé",
        "chunker": "le découpage des notes a changé",
        "analysis": "l'analyse du texte a changé",
        "fingerprint": "le modèle a changé",
    }
    for key, value in _versions(embedder, codec).items():
        if "fingerprint" in meta and meta.get(key) != value:
            return reasons[key]
    return None


def check(corpus: Path, store: Store | None, embedder: Embedder, codec: Codec) -> RefreshReport:
    """Report what a refresh would do, changing nothing; every file is hashed."""
    started = time.perf_counter()
    files = scan_corpus(corpus)
    known: dict[str, Known] = {}
    reason = None
    chunks = 0
    if store is not None:
        with store.reading():
            known, meta = store.known_files(), store.meta()
            reason = stale_reason(meta, embedder, codec)
            chunks = store.counts()[1]
    changes = find_changes(files, known, trust_times=False)
    readable, skipped = set(), list(changes.skipped)
    for file in changes.to_read:
        read = read_changed(file, changes.digests[file.id])
        if isinstance(read, Note):
            readable.add(file.id)
        elif read is not None:
            skipped.append(read)
    return report(
        changes,
        known,
        readable,
        skipped,
        chunks=chunks,
        embedded=0,
        started=started,
        rebuilt=reason,
    )


def refresh(
    corpus: Path,
    store: Store,
    embedder: Embedder,
    codec: Codec,
    *,
    progress: Progress | None = None,
    wait_seconds: float = 600.0,
    trust_times: bool = True,
) -> RefreshReport:
    """Bring the index up to date and report what changed.

    Raises CorpusError when the folder cannot be read (the index is kept as it is) and
    IndexFolderError when another refresh goes on for longer than `wait_seconds`.
    """
    started = time.perf_counter()
    comparison = _compare(corpus, store, embedder, codec, trust_times)
    if comparison.is_current:  # the usual case waits for nobody
        if vectors.has_leftovers(store.folder):
            _sweep(store)
        return _nothing_done(store, comparison, started)
    with refresh_lock(store.folder, wait_seconds=wait_seconds, progress=progress):
        comparison = _compare(corpus, store, embedder, codec, trust_times)
        return _apply(store, embedder, codec, comparison, started, progress)


@contextmanager
def refresh_lock(
    folder: Path, *, wait_seconds: float = 600.0, progress: Progress | None = None
) -> Iterator[None]:
    """Be the only one to write the index of a folder; IndexFolderError after the wait."""
    with mapped_errors(folder):
        lock = FileLock(folder / "refresh.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if progress:
                progress("attente d'une autre mise à jour", 0, 0)
            try:
                lock.acquire(timeout=wait_seconds)
            except Timeout as error:
                raise IndexFolderError(
                    f"Une autre mise à jour de l'index « {folder} » est en cours : "
                    "réessayez quand elle sera finie."
                ) from error
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The folder against the index, both as they are at one moment."""

    changes: Changes
    known: dict[str, Known]
    meta: dict[str, str]
    rebuilt: str | None  # why everything is indexed anew
    has_base: bool

    @property
    def has_nothing_to_index(self) -> bool:
        facts = {} if self.rebuilt else self.meta
        return self.changes.is_empty and "fingerprint" in facts and self.has_base

    @property
    def is_current(self) -> bool:
        return self.has_nothing_to_index and not self.changes.touched


def _compare(
    corpus: Path, store: Store, embedder: Embedder, codec: Codec, trust_times: bool
) -> _Comparison:
    files = scan_corpus(corpus)
    with store.reading():
        meta, known = store.meta(), store.known_files()
    rebuilt = stale_reason(meta, embedder, codec)
    if rebuilt:
        known = {}
    changes = find_changes(files, known, trust_times=trust_times)
    has_base = vectors.is_whole(store.folder, {} if rebuilt else meta)
    return _Comparison(changes, known, meta, rebuilt, has_base)


def _sweep(store: Store) -> None:
    """Delete what killed writers left, unless one writes now or the folder cannot be changed."""
    with suppress(IndexFolderError), refresh_lock(store.folder, wait_seconds=0):
        with store.reading():
            meta = store.meta()
        vectors.remove_old_bases(store.folder, int(meta["base_generation"]))


def _nothing_done(store: Store, comparison: _Comparison, started: float) -> RefreshReport:
    with store.reading():
        chunks = store.counts()[1]
    return report(
        comparison.changes,
        comparison.known,
        set(),
        [],
        chunks=chunks,
        embedded=0,
        started=started,
        rebuilt=None,
    )


def _apply(
    store: Store,
    embedder: Embedder,
    codec: Codec,
    comparison: _Comparison,
    started: float,
    progress: Progress | None,
) -> RefreshReport:
    changes, rebuilt = comparison.changes, comparison.rebuilt
    if comparison.has_nothing_to_index:
        with store.writing():
            for note_id, signature in changes.touched:
                store.set_signature(note_id, signature)
        return _nothing_done(store, comparison, started)
    fingerprint = _versions(embedder, codec)["fingerprint"]
    with closing(PreparedNotes(store.folder)) as prepared:
        skipped = _read(changes, prepared, embedder, progress)
        try:
            embedded = _embed(store, embedder, codec, fingerprint, prepared, progress)
        except KeyboardInterrupt:
            if not rebuilt:  # the old index answers better than part of the new one
                with store.reading():
                    prepared.leave_out(store.missing_passages(fingerprint, prepared.hashes))
                ready = replace(comparison, changes=changes.limited_to(prepared.ids))
                _write(store, embedder, codec, ready, prepared, skipped, progress)
            raise
        chunks = _write(store, embedder, codec, comparison, prepared, skipped, progress)
        with store.writing():
            # Another model's vectors outlive the change to this one, and go with the next edit.
            store.drop_orphan_embeddings(None if rebuilt else fingerprint, keep_share=_ORPHAN_SHARE)
        store.reclaim_space()
        readable = frozenset(prepared.ids)
    return report(
        changes,
        comparison.known,
        readable,
        skipped,
        chunks=chunks,
        embedded=embedded,
        started=started,
        rebuilt=rebuilt,
    )


def _read(
    changes: Changes, prepared: PreparedNotes, embedder: Embedder, progress: Progress | None
) -> list[SkippedFile]:
    """Read and chunk the files of `changes`; return those that are no notes."""
    skipped = list(changes.skipped)
    files = changes.to_read
    for done, file in enumerate(files):
        if progress:
            progress("lecture", done, len(files), file.id)
        read = read_changed(file, changes.digests[file.id])
        if isinstance(read, Note):
            changes.digests[file.id] = read.sha256
            prepared.add(prepare(read, file.signature, embedder))
        elif read is not None:
            skipped.append(read)
    if progress and files:
        progress("lecture", len(files), len(files), files[-1].id)
    return skipped


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage to be embedded."""

    note_id: str
    text: str  # context and chunk
    context_length: int
    terms: list[analysis.Term]
    hash: bytes


def _embed(
    store: Store,
    embedder: Embedder,
    codec: Codec,
    fingerprint: str,
    prepared: PreparedNotes,
    progress: Progress | None,
) -> int:
    """Embed the passages this model has never seen; each batch is kept at once."""
    with store.reading():
        missing = store.missing_passages(fingerprint, prepared.hashes)
    total, done = len(missing), 0
    for window in _windows(prepared, missing) if missing else ():
        # Similar lengths together: a batch costs what its longest passage costs.
        window.sort(key=lambda passage: (-len(passage.text), passage.hash))
        for start in range(0, len(window), _BATCH):
            batch = window[start : start + _BATCH]
            encoded = embedder.encode_passages(
                [passage.text for passage in batch],
                _within(progress, done, total, batch[0].note_id) if progress else None,
            )
            rows = []
            for passage, vector, tokens in zip(batch, encoded.vectors, encoded.tokens, strict=True):
                kept = token_store.content_tokens(tokens, passage.terms)
                packed = token_store.pack_tokens(kept, passage.context_length, codec)
                rows.append((passage.hash, vector.astype(np.float32).tobytes(), packed))
            store.add_embeddings(fingerprint, rows)
            done += len(batch)
    return total


def _within(
    progress: Progress, before: int, total: int, note_id: str
) -> Callable[[int, int], None]:
    """Return what tells the progress inside a batch that comes after `before` passages."""
    progress("vectorisation", before, total, note_id)
    return lambda done, _: progress("vectorisation", before + done, total, note_id)


def _windows(prepared: PreparedNotes, missing: set[bytes]) -> Iterator[list[_Passage]]:
    """Yield the missing passages, each once, some at a time."""
    window: list[_Passage] = []
    for item in prepared:
        for chunk, passage, _ in item.rows:
            if passage not in missing:
                continue
            missing.discard(passage)
            text = chunking.passage_text(item.note.title, chunk)
            terms = analysis.analyse(text, item.note.language)
            context_length = len(text) - len(chunk.text)
            window.append(_Passage(item.note.id, text, context_length, terms, passage))
            if len(window) == _WINDOW:
                yield window
                window = []
    if window:
        yield window


def _write(
    store: Store,
    embedder: Embedder,
    codec: Codec,
    comparison: _Comparison,
    prepared: PreparedNotes,
    skipped: list[SkippedFile],
    progress: Progress | None,
) -> int:
    """Change the index in one transaction; return its passages afterwards."""
    changes, meta = comparison.changes, comparison.meta
    versions = _versions(embedder, codec)
    facts = {} if comparison.rebuilt else meta
    generation = int(meta["generation"]) + 1
    with store.writing():
        if comparison.rebuilt:
            store.clear()
        newly_skipped = {item.skipped.note_id for item in skipped}
        # A file that vanished while it was read is among those to read.
        for note_id in {*changes.removed, *(f.id for f in changes.to_read), *newly_skipped}:
            store.remove_file(note_id)
        for item in skipped:
            store.add_skipped(item.skipped, item.digest, item.signature)
        for note_id, signature in changes.touched:
            store.set_signature(note_id, signature)
        for done, ready in enumerate(prepared):
            if progress:
                progress("écriture", done, len(prepared.ids), ready.note.id)
            store.add_note(ready.note, ready.signature, ready.rows, ready.words)
        chunks = store.counts()[1]
        newer = vectors.rows_after(store, int(facts.get("base_last_row", 0)))
        base = {}
        if not comparison.has_base or vectors.needs_new_base(facts, chunks, newer):
            base = vectors.write_base(
                store, generation, versions["fingerprint"], embedder.dimension
            )
        store.set_meta(
            **versions,
            generation=generation,
            refreshed=int(time.time()),
            model=embedder.fingerprint,
            **base,
        )
    kept = generation if base else int(facts["base_generation"])
    vectors.remove_old_bases(store.folder, kept)  # and what a killed refresh left
    return chunks
