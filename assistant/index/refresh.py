"""Refresh: bring the index to what the notes say now.

read the folder -> compare hashes -> chunk what changed -> embed passages never embedded
by this model (kept at once, batch by batch) -> one transaction -> new vectors if needed.
One process refreshes at a time. Killed at any instant, the next run finds the old index
or the new one, and every embedding already paid for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from assistant import analysis, chunking
from assistant.datatypes import Chunk, Note, RefreshReport, Skipped
from assistant.embedding.late_interaction import Codec
from assistant.embedding.protocol import Embedder
from assistant.errors import IndexFolderError
from assistant.index import token_store, vectors
from assistant.index.lexical import fts_terms
from assistant.index.store import Known, Store, mapped_errors, passage_hash
from assistant.reading.corpus import CorpusFile, read_bytes, scan_corpus

Progress = Callable[[str, int, int], None]  # (what is being done, done, in all)

_BATCH = 128  # passages embedded between two commits
_ORPHAN_SHARE = 0.3  # of all embeddings, kept for notes that come back


@dataclass(slots=True)
class _Plan:
    """What differs between the folder and the index."""

    added: list[CorpusFile] = field(default_factory=list)
    changed: list[CorpusFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: list[tuple[Skipped, str]] = field(default_factory=list)  # newly, with signature
    touched: list[tuple[str, str]] = field(default_factory=list)  # same bytes, new signature
    contents: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed or self.skipped)


def _plan(files: list[CorpusFile], known: dict[str, Known], *, trust_times: bool) -> _Plan:
    plan = _Plan()
    present = set()
    for file in files:
        present.add(file.id)
        before = known.get(file.id)
        if before and trust_times and file.signature and file.signature == before.signature:
            plan.unchanged += not before.reason
            continue
        try:
            data = file.path.read_bytes()
        except FileNotFoundError:  # removed since it was listed
            present.discard(file.id)
            continue
        except OSError as error:
            skipped = Skipped(file.id, f"illisible : {error.strerror or error}")
            if before is None or before.reason != skipped.reason:
                plan.skipped.append((skipped, ""))
            continue
        digest = sha256(data).hexdigest()
        if before and before.sha256 == digest:
            plan.unchanged += not before.reason
            if file.signature != before.signature:
                plan.touched.append((file.id, file.signature))
            continue
        plan.contents[file.id] = data
        plan.digests[file.id] = digest
        (plan.changed if before and not before.reason else plan.added).append(file)
    plan.removed = sorted(set(known) - present)
    return plan


def _renames(plan: _Plan, known: dict[str, Known]) -> list[tuple[str, str]]:
    """Pair removed and added notes of the same content."""
    by_digest: dict[str, list[str]] = {}
    for note_id in reversed(plan.removed):
        if not known[note_id].reason:
            by_digest.setdefault(known[note_id].sha256, []).append(note_id)
    pairs = []
    for file in plan.added:
        if twins := by_digest.get(plan.digests[file.id]):
            pairs.append((twins.pop(), file.id))
    return pairs


def _versions(embedder: Embedder, codec: Codec) -> dict[str, str]:
    return {
        "chunker": chunking.VERSION,
        "analysis": analysis.VERSION,
        "fingerprint": f"{embedder.fingerprint}|{codec.fingerprint}|{token_store.VERSION}",
    }


def stale_reason(meta: dict[str, str], embedder: Embedder, codec: Codec) -> str | None:
    """Say why an index must be made anew whatever the notes say; None when it need not be."""
    reasons = {
        "chunker": "le découpage des notes a changé",
        "analysis": "l'analyse du texte a changé",
        "fingerprint": "le modèle a changé",
    }
    for key, value in _versions(embedder, codec).items():
        if key in meta and meta[key] != value:
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
    plan = _plan(files, known, trust_times=False)
    notes, skipped = _read_planned(plan)
    return _report(plan, known, notes, skipped, chunks, 0, started, reason)


def _read_planned(plan: _Plan) -> tuple[list[tuple[CorpusFile, Note]], list[tuple[Skipped, str]]]:
    """Read the files of a plan; those that are no notes join the skipped ones."""
    notes: list[tuple[CorpusFile, Note]] = []
    skipped = list(plan.skipped)
    for file in [*plan.added, *plan.changed]:
        note = read_bytes(file, plan.contents.pop(file.id))
        if isinstance(note, Skipped):
            skipped.append((note, file.signature))
        else:
            notes.append((file, note))
    return notes, skipped


def _report(
    plan: _Plan,
    known: dict[str, Known],
    notes: list[tuple[CorpusFile, Note]],
    skipped: list[tuple[Skipped, str]],
    chunks: int,
    embedded: int,
    started: float,
    rebuilt: str | None,
) -> RefreshReport:
    readable = {file.id for file, _ in notes}
    newly_skipped = {item.note_id for item, _ in skipped}
    renamed = [pair for pair in _renames(plan, known) if pair[1] in readable]
    old_ids, new_ids = {old for old, _ in renamed}, {new for _, new in renamed}
    lost = {note_id for note_id in newly_skipped if note_id in known and not known[note_id].reason}
    still = [
        Skipped(note_id, entry.reason)
        for note_id, entry in known.items()
        if entry.reason and note_id not in plan.removed and note_id not in readable | newly_skipped
    ]
    return RefreshReport(
        added=tuple(f.id for f in plan.added if f.id in readable - new_ids),
        changed=tuple(f.id for f in plan.changed if f.id in readable),
        renamed=tuple(renamed),
        removed=tuple(sorted({n for n in plan.removed if not known[n].reason} - old_ids | lost)),
        unchanged=plan.unchanged,
        skipped=tuple(sorted([*still, *(item for item, _ in skipped)], key=lambda s: s.note_id)),
        chunks=chunks,
        embedded=embedded,
        seconds=time.perf_counter() - started,
        rebuilt=rebuilt,
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
        return _nothing_done(store, comparison, started)
    with mapped_errors(store.folder):
        lock = FileLock(store.folder / "refresh.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if progress:
                progress("attente d'une autre mise à jour", 0, 0)
            try:
                lock.acquire(timeout=wait_seconds)
            except Timeout as error:
                raise IndexFolderError(
                    f"Une autre mise à jour de l'index « {store.folder} » est en cours : "
                    "réessayez quand elle sera finie."
                ) from error
    try:
        comparison = _compare(corpus, store, embedder, codec, trust_times)
        return _apply(store, embedder, codec, comparison, started, progress)
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The folder against the index, both as they are at one moment."""

    plan: _Plan
    known: dict[str, Known]
    meta: dict[str, str]
    rebuilt: str | None  # why everything is indexed anew
    has_base: bool

    @property
    def has_nothing_to_index(self) -> bool:
        facts = {} if self.rebuilt else self.meta
        return self.plan.is_empty and "fingerprint" in facts and self.has_base

    @property
    def is_current(self) -> bool:
        return self.has_nothing_to_index and not self.plan.touched


def _compare(
    corpus: Path, store: Store, embedder: Embedder, codec: Codec, trust_times: bool
) -> _Comparison:
    files = scan_corpus(corpus)
    with store.reading():
        meta, known = store.meta(), store.known_files()
    rebuilt = stale_reason(meta, embedder, codec)
    if rebuilt:
        known = {}
    plan = _plan(files, known, trust_times=trust_times)
    has_base = vectors.is_whole(store.folder, {} if rebuilt else meta)
    return _Comparison(plan, known, meta, rebuilt, has_base)


def _nothing_done(store: Store, comparison: _Comparison, started: float) -> RefreshReport:
    with store.reading():
        chunks = store.counts()[1]
    return _report(comparison.plan, comparison.known, [], [], chunks, 0, started, None)


def _apply(
    store: Store,
    embedder: Embedder,
    codec: Codec,
    comparison: _Comparison,
    started: float,
    progress: Progress | None,
) -> RefreshReport:
    plan, known, meta = comparison.plan, comparison.known, comparison.meta
    rebuilt, has_base = comparison.rebuilt, comparison.has_base
    if comparison.has_nothing_to_index:
        with store.writing():
            for note_id, signature in plan.touched:
                store.set_signature(note_id, signature)
        return _nothing_done(store, comparison, started)
    fingerprint = _versions(embedder, codec)["fingerprint"]
    facts = {} if rebuilt else meta
    notes, skipped = _read_planned(plan)
    read = _chunk_notes(notes, embedder, progress)
    embedded = _embed(store, embedder, codec, fingerprint, read, progress)
    generation = int(meta["generation"]) + 1
    with store.writing():
        if rebuilt:
            store.clear()
        for note_id in {*plan.removed, *(f.id for f, _ in notes), *(s.note_id for s, _ in skipped)}:
            store.remove_file(note_id)
        for reason, signature in skipped:
            store.add_skipped(reason, plan.digests.get(reason.note_id, ""), signature)
        for note_id, signature in plan.touched:
            store.set_signature(note_id, signature)
        for item in read:
            rows, words = _rows(item)
            store.add_note(item.note, item.signature, rows, words)
        count = store.counts()[1]
        store.drop_orphan_embeddings(keep_share=_ORPHAN_SHARE)
        newer = vectors.rows_after(store, int(facts.get("base_last_row", 0)))
        base = {}
        if not has_base or vectors.needs_new_base(facts, count, newer):
            base = vectors.write_base(store, generation, fingerprint, embedder.dimension)
        store.set_meta(
            **_versions(embedder, codec),
            generation=generation,
            refreshed=int(time.time()),
            model=embedder.fingerprint,
            **base,
        )
    if base:
        vectors.remove_old_bases(store.folder, generation)
    return _report(plan, known, notes, skipped, count, embedded, started, rebuilt)


@dataclass(frozen=True, slots=True)
class _Passage:
    """A chunk on its way into the index."""

    chunk: Chunk
    text: str  # what is embedded: context and chunk
    terms: list[analysis.Term]  # of that text
    hash: bytes


@dataclass(frozen=True, slots=True)
class _ReadNote:
    """A note on its way into the index."""

    note: Note
    signature: str
    passages: list[_Passage]


def _chunk_notes(
    notes: list[tuple[CorpusFile, Note]], embedder: Embedder, progress: Progress | None
) -> list[_ReadNote]:
    read = []
    for done, (file, note) in enumerate(notes):
        if progress:
            progress("découpage", done, len(notes))
        chunks = chunking.chunk_note(note, embedder.count_tokens, window=embedder.max_tokens)
        passages = []
        for chunk in chunks:
            text = chunking.passage_text(note.title, chunk)
            terms = analysis.analyse(text, note.language)
            passages.append(_Passage(chunk, text, terms, passage_hash(text)))
        read.append(_ReadNote(note, file.signature, passages))
    return read


def _embed(
    store: Store,
    embedder: Embedder,
    codec: Codec,
    fingerprint: str,
    read: list[_ReadNote],
    progress: Progress | None,
) -> int:
    """Embed the passages this model has never seen; each batch is kept at once."""
    by_hash = {passage.hash: passage for item in read for passage in item.passages}
    with store.reading():
        missing = store.missing_passages(fingerprint, by_hash)
    # Similar lengths together: a batch costs what its longest passage costs.
    order = sorted(missing, key=lambda key: (-len(by_hash[key].text), key))
    for start in range(0, len(order), _BATCH):
        if progress:
            progress("vectorisation", start, len(order))
        batch = [by_hash[key] for key in order[start : start + _BATCH]]
        encoded = embedder.encode_passages([passage.text for passage in batch])
        rows = []
        for passage, vector, tokens in zip(batch, encoded.vectors, encoded.tokens, strict=True):
            kept = token_store.content_tokens(tokens, passage.terms)
            context = len(passage.text) - len(passage.chunk.text)
            packed = token_store.pack_tokens(kept, context, codec)
            rows.append((passage.hash, vector.astype(np.float32).tobytes(), packed))
        store.add_embeddings(fingerprint, rows)
    if progress and order:
        progress("vectorisation", len(order), len(order))
    return len(order)


def _rows(item: _ReadNote) -> tuple[list[tuple[Chunk, bytes, str]], set[tuple[str, str]]]:
    """Return the rows of a note's chunks, and the words met in them with their terms."""
    rows = [(p.chunk, p.hash, fts_terms(p.terms)) for p in item.passages]
    return rows, {(term.word, term.term) for p in item.passages for term in p.terms}
