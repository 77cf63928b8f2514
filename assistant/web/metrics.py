"""Figures for Prometheus: questions by outcome, how long they took, the size of the index.

No figure names a question, a note or a reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from assistant.datatypes import Answer, Hit, Note
from assistant.errors import AssistantError
from assistant.index.store import NoteLabels

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measurable(Protocol):
    """What is measured of the assistant."""

    def ask(self, question: str) -> Answer: ...
    def status(self) -> Any: ...
    def note(self, note_id: str) -> Note: ...
    def notes(self) -> list[tuple[str, str]]: ...
    def search(self, question: str) -> Sequence[Hit]: ...


class Metrics:
    """The figures of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._asked = Counter(
            "assistant_questions", "Questions asked.", ["outcome"], registry=self.registry
        )
        for outcome in ("answered", "refused", "error"):
            self._asked.labels(outcome)
        self._seconds = Histogram(
            "assistant_stage_seconds",
            "Time of each stage of an answer.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._running = Gauge(
            "assistant_questions_running", "Questions being answered.", registry=self.registry
        )
        self._notes = Gauge("assistant_index_notes", "Notes indexed.", registry=self.registry)
        self._chunks = Gauge("assistant_index_passages", "Passages.", registry=self.registry)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count a question that runs, and one that fails."""
        try:
            with self._running.track_inprogress():
                yield
        except Exception:
            self._asked.labels("error").inc()
            raise

    def answered(self, answer: Answer) -> None:
        """Count an answer and its stages."""
        self._asked.labels("answered" if answer.answered else "refused").inc()
        for stage, milliseconds in answer.timings_ms.items():
            self._seconds.labels(stage).observe(milliseconds / 1000)

    def written(self, course: Measurable) -> bytes:
        """The figures as Prometheus reads them."""
        try:
            state = course.status()
        except AssistantError:  # no index yet: the last figures stay
            return generate_latest(self.registry)
        self._notes.set(state.notes)
        self._chunks.set(state.chunks)
        return generate_latest(self.registry)


class MeasuredCourse:
    """A course whose every question is counted, whoever asks: chat, program or assistant.

    The server follows the notes as they change, so a question does not look at them first.
    """

    def __init__(self, course: Any, metrics: Metrics) -> None:
        self._course, self._metrics = course, metrics

    def ask(self, question: str, **options: Any) -> Answer:
        with self._metrics.asking():
            answer: Answer = self._course.ask(question, refresh=False, **options)
        self._metrics.answered(answer)
        return answer

    def stream(self, question: str, **options: Any) -> Iterator[Answer]:
        answer: Answer | None = None
        with self._metrics.asking():
            for answer in self._course.stream(question, **options):
                yield answer
        if answer is not None:
            self._metrics.answered(answer)

    def search(self, question: str, **options: Any) -> Sequence[Hit]:
        found: Sequence[Hit] = self._course.search(question, refresh=False, **options)
        return found

    def status(self) -> Any:
        return self._course.status()

    def note(self, note_id: str) -> Note:
        note: Note = self._course.note(note_id)
        return note

    def notes(self) -> list[tuple[str, str]]:
        notes: list[tuple[str, str]] = self._course.notes()
        return notes

    def labels(self) -> list[NoteLabels]:
        labels: list[NoteLabels] = self._course.labels()
        return labels
