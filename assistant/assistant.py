"""The assistant: open, refresh, ask, search. The one object that the faces talk to.

ask: refresh if notes changed -> the question completed -> retrieve -> confidence -> the
answer in the notes' own words (`answering.quoted`), or a model's (`answering.written`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answering.conversation import Kind, Turn, read_together, standalone
from assistant.answering.frames import FRAMES, frame_language, limits
from assistant.answering.proof import StaleCitationError
from assistant.answering.quoted import NoteOf, Reading, quoted
from assistant.datatypes import Answer, Hit, Note, RefreshReport
from assistant.embedding.late_interaction import Codec, codec_for
from assistant.embedding.loading import load_embedder
from assistant.errors import IndexMissingError, QuestionError
from assistant.index import refresh as refreshing
from assistant.index.links import LinkGraph
from assistant.index.schema import FILE_NAME, mapped_errors
from assistant.index.snapshot import open_snapshot
from assistant.index.store import NoteLabels, Store
from assistant.language import detect_language
from assistant.reading.corpus import scan_corpus
from assistant.retrieval.confidence import confidence
from assistant.retrieval.diversity import join_neighbours
from assistant.retrieval.filters import EVERYTHING, Filters
from assistant.retrieval.found import Retrieval
from assistant.retrieval.readings import found_together
from assistant.retrieval.search import retrieve
from assistant.settings import Settings
from assistant.stopwatch import Stopwatch

if TYPE_CHECKING:
    from assistant.embedding.protocol import Embedder
    from assistant.index.refresh import Progress
    from assistant.index.snapshot import Snapshot

LONGEST_QUESTION = 2_000  # characters
DEFAULT_HITS = 8
_SEE_ALSO = 3  # notes linked with those cited
# Confidence from which a question that seems complete is looked for without those before it.
# Chosen on follow-ups that no rule knew: most of them lie below. Of 110 complete questions after
# another conversation, 23 lie below and none is found less well.
_SURE_ALONE = 0.8


@dataclass(frozen=True, slots=True)
class _Context:
    """What a question in a conversation is looked for with."""

    reading: str  # the line after the questions that it may lean on; "" without any
    is_follow_up: bool  # whether it is known to lean on them
    notes: frozenset[str]  # ids of those quoted in the conversation


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the index against the notes."""

    corpus: Path
    index: Path
    model: str
    notes: int
    skipped: int  # files that could not be read as notes
    chunks: int
    languages: dict[str, int]  # notes in each
    courses: dict[str, int]  # first folders, with the notes in each
    tags: dict[str, int]  # with the notes that have each
    stale: bool
    stale_reason: str  # in one line; empty when fresh
    refreshed: int | None  # seconds since the epoch
    bytes: int  # of the index on disk


class Assistant:
    """Answers questions about a folder of notes. Safe to share between threads."""

    def __init__(self, settings: Settings, embedder: Embedder) -> None:
        """Use `open`."""
        self.settings = settings
        self.embedder = embedder
        self._local = threading.local()
        self._snapshot: Snapshot | None = None
        self._links: tuple[tuple[str, int], LinkGraph] | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        model_progress: Callable[[int, int], None] | None = None,
    ) -> Assistant:
        """Make an assistant; nothing is read or loaded before it is needed.

        `model_progress` is told (done, total) while the model is prepared, once a machine.
        """
        if embedder is None:
            embedder = load_embedder(
                settings.model,
                engine=settings.engine,
                cache=settings.cache,
                progress=model_progress,
            )
        return cls(settings, embedder)

    @cached_property
    def codec(self) -> Codec:
        """The codec of this model's token vectors."""
        return codec_for(self.embedder.fingerprint, self.embedder.dimension)

    # --- keeping the index -----------------------------------------------------------

    def refresh(
        self,
        progress: Progress | None = None,
        *,
        wait_seconds: float = 600.0,
        hash_all: bool = False,
    ) -> RefreshReport:
        """Bring the index up to date with the notes."""
        if not (self.settings.index / FILE_NAME).exists():
            scan_corpus(self.settings.corpus)  # no index is begun beside missing notes
        return refreshing.refresh(
            self.settings.corpus,
            self._store(create=True),
            self.embedder,
            self.codec,
            progress=progress,
            wait_seconds=wait_seconds,
            trust_times=not hash_all,
        )

    def rebuild(self, progress: Progress | None = None) -> RefreshReport:
        """Make the index anew, embeddings included.

        The old file waits as `index.sqlite.old`: it is put back when the new one fails,
        and removed when it succeeds.
        """
        scan_corpus(self.settings.corpus)  # nothing is moved when the notes are missing
        old = f"{FILE_NAME}.old"
        self._move_index(FILE_NAME, old)
        try:
            report = self.refresh(progress, hash_all=True)
        except BaseException:
            if (self.settings.index / old).exists():
                self._move_index(old, FILE_NAME)
            raise
        for suffix in ("", "-wal"):
            (self.settings.index / (old + suffix)).unlink(missing_ok=True)
        return report

    def _move_index(self, name: str, new_name: str) -> None:
        """Rename the SQLite file with its journal, in place of what had the new name."""
        if (store := self._opened()) is not None:
            store.close()
            self._local.store = None
        folder = self.settings.index
        with mapped_errors(folder):
            for suffix in ("-shm", "-wal", ""):
                (folder / (new_name + suffix)).unlink(missing_ok=True)
            for suffix in ("", "-wal"):
                with suppress(FileNotFoundError):
                    (folder / (name + suffix)).replace(folder / (new_name + suffix))
            (folder / f"{name}-shm").unlink(missing_ok=True)

    def check(self) -> RefreshReport:
        """Report what a refresh would do, changing nothing."""
        try:
            store = self._store()
        except IndexMissingError:
            store = None
        return refreshing.check(self.settings.corpus, store, self.embedder, self.codec)

    def status(self) -> Status:
        """Describe corpus, index and model."""
        report = self.check()
        try:
            store = self._store()
        except IndexMissingError:
            meta, notes, chunks, languages, labels = {}, 0, 0, {}, []
        else:
            with store.reading():
                meta, (notes, chunks), languages = store.meta(), store.counts(), store.languages()
                labels = store.note_labels()
        changes = (
            len(report.added) + len(report.changed) + len(report.removed) + len(report.renamed)
        )
        reason = report.rebuilt or (f"{changes} note(s) ont changé" if changes else "")
        return Status(
            corpus=self.settings.corpus,
            index=self.settings.index,
            model=self.embedder.fingerprint,
            notes=notes,
            skipped=len(report.skipped),
            chunks=chunks,
            languages=languages,
            courses=_counted(note.course for note in labels if note.course),
            tags=_counted(tag for note in labels for tag in dict.fromkeys(note.tags)),
            stale=bool(reason),
            stale_reason=reason,
            refreshed=int(meta["refreshed"]) if "refreshed" in meta else None,
            bytes=sum(
                path.stat().st_size for path in self.settings.index.glob("*") if path.is_file()
            ),
        )

    # --- asking ----------------------------------------------------------------------

    def ask(self, question: str, **options: Any) -> Answer:
        """Answer from the notes, or say that they do not answer; `stream`'s last answer."""
        *_, answer = self.stream(question, **options)
        return answer

    def stream(
        self,
        question: str,
        *,
        k: int = DEFAULT_HITS,
        refresh: bool = True,
        language: str | None = None,
        filters: Filters = EVERYTHING,
        conversation: Sequence[Turn] = (),
        use_model: bool = True,
        progress: Progress | None = None,
    ) -> Iterator[Answer]:
        """Yield the answer as it grows; the last one is whole, and its citations verified.

        `conversation` holds the turns before, the last the latest: a follow-up is completed
        from them. What is found for it, or for a question that the notes do not surely
        answer, is ordered by the questions before as well. A language model writes the answer
        where the settings name one and `use_model` is true; without one, the only answer
        quotes the notes. Raises QuestionError for an empty or too long question, FilterError
        when no note is chosen, IndexMissingError when `refresh` is false and nothing was
        indexed yet.
        """
        question = checked_question(question)
        started = time.perf_counter()
        understood = standalone(question, conversation)
        spoken = detect_language(question, conversation[-1].language) if conversation else None
        reply = language or self.settings.language or understood.language or spoken
        if understood.kind is Kind.COURTESY:
            frame = frame_language(reply or detect_language(question))
            yield Answer(question, frame, False, 0.0, FRAMES[frame]["courtesy"], (), ())
            return
        if refresh:
            self.refresh(progress)
        refreshed = time.perf_counter()
        context = _Context(
            read_together(question, conversation),
            understood.changed,
            frozenset(note for turn in conversation for note in turn.notes),
        )

        def finished(answer: Answer) -> Answer:
            timings = {
                "refresh": 1000 * (refreshed - started),
                **answer.timings_ms,
                "total": 1000 * (time.perf_counter() - started),
            }
            return replace(
                answer,
                question=question,
                standalone=understood.shown if understood.changed else "",
                limited_to=limits(filters, answer.language),
                timings_ms={name: round(ms, 2) for name, ms in timings.items()},
            )

        for _ in range(3):
            try:
                retrieval, answer = self._answer(
                    understood.searched, k, language, reply, filters, context
                )
                if answer.answered and use_model and self.settings.llm_url:
                    from assistant.answering.written import written

                    for growing in written(
                        answer,
                        retrieval,
                        settings=self.settings,
                        embedder=self.embedder,
                        codec=self.codec,
                        language=reply or retrieval.question.language,
                        note=self.note,
                    ):
                        yield finished(growing)
                else:
                    yield finished(answer)
                return
            except StaleCitationError:
                self.refresh(hash_all=True)
        raise QuestionError(
            "Les notes changent pendant qu'on les lit : reposez la question dans un instant."
        )

    def search(
        self,
        question: str,
        *,
        k: int = DEFAULT_HITS,
        refresh: bool = True,
        filters: Filters = EVERYTHING,
        progress: Progress | None = None,
    ) -> tuple[Hit, ...]:
        """Return the best passages of the chosen notes for a question, without an answer."""
        question = checked_question(question)
        if refresh:
            self.refresh(progress)
        with self._reading() as store:
            retrieval = self._retrieve(store, question, None, filters)
            return _joined_hits(cache(store.note), retrieval, k)

    def note(self, note_id: str) -> Note:
        """Return a note as it was indexed; KeyError when there is none of this id."""
        with self._reading() as store:
            note = store.note(note_id)
        if note is None:
            raise KeyError(note_id)
        return note

    def notes(self) -> list[tuple[str, str]]:
        """Return (id, title) of every note, by id."""
        with self._reading() as store:
            return store.note_ids()

    def labels(self) -> list[NoteLabels]:
        """Return what every note is chosen by and listed with, by id."""
        with self._reading() as store:
            return store.note_labels()

    def retrieve(self, question: str) -> Retrieval:
        """Return everything retrieval knows about a question; used by the evaluation."""
        with self._reading() as store:
            return self._retrieve(store, question, None, EVERYTHING)

    # --- inside ----------------------------------------------------------------------

    def _answer(
        self,
        question: str,
        k: int,
        language: str | None,
        reply: str | None,
        filters: Filters,
        context: _Context,
    ) -> tuple[Retrieval, Answer]:
        """Return what was found, and the answer in the notes' own words."""
        watch = Stopwatch()
        with self._reading() as store:
            retrieval = self._retrieve(store, question, language, filters)
            certainty = confidence(retrieval)
            if context.reading and (context.is_follow_up or certainty < _SURE_ALONE):
                retrieval = found_together(
                    retrieval,
                    self._retrieve(store, context.reading, language, filters),
                    context.notes,
                    self._current_snapshot(store).vectors,
                    self.codec,
                )
            watch.ends("retrieve")
            note_of = cache(store.note)
            hits = _joined_hits(note_of, retrieval, k)
            watch.ends("hits")
            answer = quoted(
                Reading(
                    question,
                    frame_language(reply or retrieval.question.language),
                    retrieval,
                    certainty,
                    hits,
                    note_of,
                    lambda cited: self._current_links(store).linked(cited, _SEE_ALSO),
                ),
                caution=self.settings.caution,
                corpus=self.settings.corpus,
                watch=watch,
            )
        return retrieval, replace(answer, timings_ms=_timings(retrieval, watch))

    def _retrieve(
        self, store: Store, question: str, language: str | None, filters: Filters
    ) -> Retrieval:
        return retrieve(
            store,
            self._current_snapshot(store),
            self.embedder,
            self.codec,
            question,
            language=language,
            filters=filters,
        )

    def _current_snapshot(self, store: Store) -> Snapshot:
        """Return what is searched of the store's generation, opening it when it is new."""
        meta = store.meta()
        wanted = meta["identity"], int(meta["generation"])
        with self._lock:
            known = self._snapshot
            if known is None or (known.identity, known.generation) != wanted:
                known = self._snapshot = open_snapshot(store, meta, self.embedder.dimension)
        return known

    def _current_links(self, store: Store) -> LinkGraph:
        """Return the links of the snapshot's generation, resolving them when it is new."""
        meta = store.meta()
        wanted = meta["identity"], int(meta["generation"])
        known = self._links
        if known is None or known[0] != wanted:
            known = self._links = (wanted, LinkGraph(store))
        return known[1]

    def _opened(self) -> Store | None:
        store: Store | None = getattr(self._local, "store", None)
        return store

    def _store(self, *, create: bool = False) -> Store:
        """Return this thread's store; a new one when the index was deleted or replaced."""
        store = self._opened()
        if store is not None and not store.is_current():
            store.close()
            store = self._local.store = None
        if store is None:
            store = self._local.store = Store.open(self.settings.index, create=create)
        return store

    @contextmanager
    def _reading(self) -> Iterator[Store]:
        store = self._store()
        with store.reading():
            if "fingerprint" not in store.meta():
                raise IndexMissingError(
                    f"L'index « {self.settings.index} » est vide : lancez « assistant index »."
                )
            yield store


def _counted(labels: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(labels).items()))


def checked_question(question: str) -> str:
    """Return a question without outer white space; QuestionError if it cannot be asked."""
    question = question.encode("utf-8", "replace").decode().replace("\0", " ").strip()
    if not question:
        raise QuestionError(
            "La question est vide : écrivez par exemple « à quoi servent les cgroups ? »."
        )
    if len(question) > LONGEST_QUESTION:
        raise QuestionError(
            f"La question fait {len(question)} caractères : posez-la en {LONGEST_QUESTION} au plus."
        )
    return question


def _timings(retrieval: Retrieval, watch: Stopwatch) -> dict[str, float]:
    """Return every step of retrieving and answering, and the two wholes."""
    own = watch.milliseconds
    return {**retrieval.timings_ms, **own, "answer": sum(own.values()) - own["retrieve"]}


def _joined_hits(note_of: NoteOf, retrieval: Retrieval, k: int) -> tuple[Hit, ...]:
    """Return the best `k` passages; the next ones take the places of those that were joined."""

    def text_of(note_id: str) -> str:
        note = note_of(note_id)
        return note.text if note else ""

    taken = k
    while True:
        hits = join_neighbours(retrieval.hits(taken), text_of)
        if len(hits) >= k or taken >= len(retrieval.passages):
            return hits
        taken += k - len(hits)
