"""What readers asked and what they thought of the answers, for whoever teaches the course.

Two tables without any name or session: questions with the hour they were asked, so that
gaps in the notes show, and opinions on answers. A reader who changes their mind
overwrites; one who takes the opinion back leaves nothing. Dropped after `Keep.days`, or
oldest first beyond `Keep.questions` and `Keep.opinions`.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.datatypes import Answer, Suggestion
from assistant.web.conversations import Conversations
from assistant.web.data_folder import Database, storable

REASON = 500  # characters of a reason
_ANSWER = 10_000  # characters of an answer kept with an opinion
_QUOTE = 2_000  # characters of each quotation kept with an opinion
_HOUR = 3600
_SWEEP_EVERY = 3600.0  # seconds

_SCHEMA = """
CREATE TABLE IF NOT EXISTS questions (
    row INTEGER PRIMARY KEY AUTOINCREMENT, hour INTEGER NOT NULL, question TEXT NOT NULL,
    language TEXT NOT NULL, answered INTEGER NOT NULL, confidence REAL NOT NULL,
    nearest TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS question_hours ON questions (hour);
CREATE TABLE IF NOT EXISTS opinions (
    answer_id TEXT PRIMARY KEY, hour INTEGER NOT NULL, liked INTEGER NOT NULL,
    reason TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, citations TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS opinion_hours ON opinions (hour);
"""


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept."""

    days: int = 365
    questions: int = 100_000
    opinions: int = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that somebody asked."""

    hour: int  # seconds since the epoch, a whole hour
    question: str
    language: str
    answered: bool
    confidence: float
    nearest: tuple[Suggestion, ...]  # sections, where the notes did not answer


@dataclass(frozen=True, slots=True)
class Cited:
    """What an answer had quoted."""

    note_id: str
    line_start: int
    line_end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thought of an answer."""

    hour: int  # seconds since the epoch, a whole hour
    liked: bool
    reason: str
    question: str
    answer: str
    citations: tuple[Cited, ...]


class Feedback:
    """The store. Safe to share between threads and processes."""

    def __init__(
        self, folder: Path, *, keep: Keep | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Open or make `feedback.sqlite` in a folder; SettingsError where that fails."""
        self._keep = keep or Keep()
        self._clock = clock
        self._database = Database(folder / "feedback.sqlite", _SCHEMA)
        self._swept = 0.0
        with self._database.transaction() as connection:
            self._sweep(connection)

    def log(self, question: str, answer: Answer) -> None:
        """Note that a question was asked, as it was understood, and what became of it."""
        nearest = [] if answer.answered else [asdict(near) for near in answer.suggestions]
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO questions (hour, question, language, answered, confidence, nearest) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    self._hour(),
                    storable(question),
                    answer.language,
                    int(answer.answered),
                    round(answer.confidence, 2),
                    storable(json.dumps(nearest, ensure_ascii=False)),
                ),
            )
            if abs(self._clock() - self._swept) >= _SWEEP_EVERY:
                self._sweep(connection)

    def give(self, answer_id: str, question: str, answer: Answer, liked: bool, reason: str) -> None:
        """Keep an opinion on an answer in place of an earlier one."""
        citations = [
            Cited(c.note_id, c.line_start, c.line_end, c.quote[:_QUOTE]) for c in answer.citations
        ]
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO opinions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    answer_id,
                    self._hour(),
                    int(liked),
                    storable(reason).strip()[:REASON],
                    storable(question),
                    storable(answer.text)[:_ANSWER],
                    storable(json.dumps([asdict(c) for c in citations], ensure_ascii=False)),
                ),
            )
            self._sweep(connection)

    def take_back(self, answer_id: str) -> None:
        """Forget the opinion on an answer, if there is one."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM opinions WHERE answer_id = ?", (answer_id,))

    def opinion(self, answer_id: str) -> tuple[bool, str] | None:
        """Whether an answer was liked, and the reason; None where nothing was said."""
        rows = self._database.rows(
            "SELECT liked, reason FROM opinions WHERE answer_id = ?", (answer_id,)
        )
        return (bool(rows[0]["liked"]), rows[0]["reason"]) if rows else None

    def asked(self, since: float = 0) -> list[Asked]:
        """The questions since a time in seconds since the epoch, newest first."""
        rows = self._database.rows(
            "SELECT * FROM questions WHERE hour >= ? ORDER BY row DESC", (since,)
        )
        return [
            Asked(
                row["hour"],
                row["question"],
                row["language"],
                bool(row["answered"]),
                row["confidence"],
                tuple(
                    Suggestion(n["note_id"], n["title"], tuple(n["headings"]), n["line_start"])
                    for n in json.loads(row["nearest"])
                ),
            )
            for row in rows
        ]

    def opinions(self, since: float = 0) -> list[Opinion]:
        """The opinions since a time in seconds since the epoch, newest first."""
        rows = self._database.rows(
            "SELECT * FROM opinions WHERE hour >= ? ORDER BY hour DESC, rowid DESC", (since,)
        )
        return [
            Opinion(
                row["hour"],
                bool(row["liked"]),
                row["reason"],
                row["question"],
                row["answer"],
                tuple(Cited(**cited) for cited in json.loads(row["citations"])),
            )
            for row in rows
        ]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _hour(self) -> int:
        return int(self._clock() // _HOUR * _HOUR)

    def _sweep(self, connection: sqlite3.Connection) -> None:
        now = self._swept = self._clock()
        for table, order, most in (
            ("questions", "row", self._keep.questions),
            ("opinions", "hour, rowid", self._keep.opinions),
        ):
            connection.execute(
                f"DELETE FROM {table} WHERE hour < ?", (now - 24 * _HOUR * self._keep.days,)
            )
            connection.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} ORDER BY {order} "
                f"LIMIT max(0, (SELECT count(*) FROM {table}) - ?))",
                (most,),
            )


def rate(
    conversations: Conversations,
    feedback: Feedback,
    session: str,
    answer_id: str,
    liked: bool | None,
    reason: str = "",
) -> None:
    """Keep what a reader thinks of one of their own answers; None takes it back.

    Raises KeyError for an answer that this session never had.
    """
    turn = conversations.turn(session, answer_id)
    if liked is None:
        feedback.take_back(answer_id)
    else:
        feedback.give(answer_id, turn.standalone, turn.answer, liked, reason)
