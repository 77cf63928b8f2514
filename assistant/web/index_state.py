"""The state of the index for the pages, and the refresh that a teacher starts.

Comparing notes with the index reads every note, so the comparison is kept for some
seconds and made once for all readers. A refresh runs in a thread of its own; the chat
goes on with the old index, and whoever asks sees how far it is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from assistant.errors import AssistantError

if TYPE_CHECKING:
    from assistant.datatypes import RefreshReport, Skipped
    from assistant.index.refresh import Progress

KEPT_SECONDS = 15.0  # for which a comparison is believed

log = logging.getLogger(__name__)


class Status(Protocol):
    """What the assistant says of its index."""

    @property
    def notes(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def refreshed(self) -> int | None: ...


class Indexed(Protocol):
    """What this module needs of the assistant."""

    def status(self) -> Status: ...
    def check(self) -> RefreshReport: ...
    def refresh(self, progress: Progress | None = None) -> RefreshReport: ...


@dataclass(frozen=True, slots=True)
class IndexState:
    """The index against the notes."""

    notes: int
    passages: int
    model: str  # without the digest of its weights
    refreshed: int | None  # seconds since the epoch
    changed: tuple[str, ...]  # ids of notes added, changed, renamed or removed since
    rebuild: str | None  # why everything will be indexed anew
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Progressing:
    """How far a refresh is, or how the last one ended."""

    running: bool = False
    stage: str = ""
    done: int = 0
    total: int = 0  # 0 while it is not known
    note_id: str = ""
    report: RefreshReport | None = None  # of the last one
    error: str = ""  # of the last one, a line for the teacher


class IndexKeeper:
    """State and refresh of one course's index. Safe to share between threads."""

    def __init__(self, course: Indexed, clock: Callable[[], float] = time.monotonic) -> None:
        self._course = course
        self._clock = clock
        self._lock = threading.Lock()  # of the fields below
        self._comparing = threading.Lock()
        self._state: IndexState | None = None
        self._compared = 0.0
        self._progress = Progressing()
        self._again = False

    def state(self) -> IndexState:
        """The state, some seconds old at most; AssistantError where it cannot be told."""
        with self._comparing:
            with self._lock:
                state, age = self._state, self._clock() - self._compared
            if state is not None and age < KEPT_SECONDS:
                return state
            compared = self._clock()
            status, report = self._course.status(), self._course.check()
            renamed = tuple(new for _, new in report.renamed)
            state = IndexState(
                notes=status.notes,
                passages=status.chunks,
                model=status.model.split("@")[0],
                refreshed=status.refreshed,
                changed=tuple(sorted({*report.added, *report.changed, *report.removed, *renamed})),
                rebuild=report.rebuilt,
                skipped=report.skipped,
            )
            with self._lock:
                self._state, self._compared = state, compared
            return state

    def forget(self) -> None:
        """Compare again when next asked: the notes were changed by us."""
        with self._lock:
            self._state = None

    @property
    def progress(self) -> Progressing:
        """How far the refresh is."""
        with self._lock:
            return self._progress

    def refresh(self) -> None:
        """Begin a refresh; one that is running is followed by another."""
        with self._lock:
            if self._progress.running:
                self._again = True
                return
            self._progress = Progressing(running=True)
        threading.Thread(target=self._run, name="refresh", daemon=True).start()

    def _run(self) -> None:
        while True:
            ended = self._refresh_once()
            with self._lock:
                self._state = None
                if not self._again:
                    self._progress = ended
                    return
                self._again = False
                self._progress = Progressing(running=True)

    def _refresh_once(self) -> Progressing:
        try:
            return Progressing(report=self._course.refresh(self._tell))
        except AssistantError as error:
            return Progressing(error=str(error))
        except Exception:
            log.exception("refresh failed")
            return Progressing(error="Erreur inattendue : le journal du serveur en dit plus.")

    def _tell(self, stage: str, done: int, total: int, note_id: str = "", /) -> None:
        with self._lock:
            self._progress = Progressing(True, stage, done, total, note_id)


def progress_as_json(progress: Progressing) -> dict[str, Any]:
    """What the teacher's page polls."""
    report = progress.report
    return {
        "running": progress.running,
        "stage": progress.stage,
        "done": progress.done,
        "total": progress.total,
        "note": progress.note_id,
        "error": progress.error,
        "report": None
        if report is None
        else {
            "added": list(report.added),
            "changed": list(report.changed),
            "renamed": [list(pair) for pair in report.renamed],
            "removed": list(report.removed),
            "skipped": [{"note": s.note_id, "reason": s.reason} for s in report.skipped],
            "passages": report.chunks,
            "seconds": round(report.seconds, 1),
        },
    }
