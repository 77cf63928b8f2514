"""Conversations kept on the server, each readable by the browser that had it alone.

One SQLite file. Every method takes the session and looks at nothing of another's: an id
of somebody else is as unknown as one that never was (KeyError). Answers are kept as
JSON without the passages that were only found, not quoted. Leaves out who the reader is.

What is dropped: conversations untouched for `Keep.days`; beyond `Keep.turns` of one
conversation its oldest turns; beyond `Keep.conversations` of one session those touched
longest ago; beyond `Keep.all_turns` in the file the conversations touched longest ago,
whosever they are.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from assistant.analysis import fold
from assistant.datatypes import Answer, Citation, Suggestion
from assistant.web.data_folder import Database, storable

TITLE = 80  # characters of a title
_SWEEP_EVERY = 3600.0  # seconds
_EXCERPT_WORDS = 12
_QUICKLY_MERGED = 20_000  # turns whose index of words is written anew in a moment

_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY, session TEXT NOT NULL, title TEXT NOT NULL,
    created INTEGER NOT NULL, updated REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS of_session ON conversations (session, updated);
CREATE INDEX IF NOT EXISTS by_age ON conversations (updated);
CREATE TABLE IF NOT EXISTS turns (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, question TEXT NOT NULL, standalone TEXT NOT NULL,
    answer TEXT NOT NULL, answered INTEGER NOT NULL, confidence REAL NOT NULL,
    created INTEGER NOT NULL, UNIQUE (conversation, number)
) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS turn_words USING fts5 (
    question, answer, tokenize = "unicode61 remove_diacritics 2"
);
CREATE TRIGGER IF NOT EXISTS turn_gone AFTER DELETE ON turns BEGIN
    DELETE FROM turn_words WHERE rowid = old.row;
END;
"""


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept."""

    turns: int = 300  # of a conversation
    conversations: int = 200  # of a session
    all_turns: int = 200_000  # in the file; about 1 GB
    days: int = 180  # without a new turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """An entry of a reader's list."""

    id: str
    title: str
    created: int  # seconds since the epoch
    updated: int
    turns: int
    excerpt: str = ""  # around the words that were searched, as plain text


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as they were."""

    id: str  # of the answer: what feedback is given to
    conversation: str
    number: int  # 1, 2, 3 …; never used twice in a conversation
    question: str  # as typed
    standalone: str  # as understood
    answer: Answer  # without hits
    created: int  # seconds since the epoch


class Conversations:
    """The store. Safe to share between threads and processes."""

    def __init__(
        self, folder: Path, *, keep: Keep | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Open or make `conversations.sqlite` in a folder; SettingsError where that fails."""
        self._keep = keep or Keep()
        self._clock = clock
        self._database = Database(folder / "conversations.sqlite", _SCHEMA, {"folded": fold})
        self._swept = 0.0
        with self._database.transaction() as connection:
            self._sweep(connection)

    def add(
        self,
        session: str,
        conversation: str | None,
        question: str,
        answer: Answer,
        *,
        standalone: str | None = None,
    ) -> Turn:
        """Keep a turn, in a new conversation where `conversation` is None or not this session's."""
        question = storable(question)
        standalone = storable(standalone) if standalone else question
        now = self._clock()
        with self._database.transaction() as connection:
            if conversation is None or not _owns(connection, session, conversation):
                conversation = secrets.token_urlsafe(12)
                connection.execute(
                    "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
                    (conversation, session, title_of(question), int(now), now),
                )
            number = connection.execute(
                "SELECT coalesce(max(number), 0) + 1 FROM turns WHERE conversation = ?",
                (conversation,),
            ).fetchone()[0]
            turn_id = secrets.token_urlsafe(12)
            row = connection.execute(
                "INSERT INTO turns (id, conversation, number, question, standalone, answer, "
                "answered, confidence, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    turn_id,
                    conversation,
                    number,
                    question,
                    standalone,
                    answer_to_json(answer),
                    int(answer.answered),
                    answer.confidence,
                    int(now),
                ),
            ).lastrowid
            connection.execute(
                "INSERT INTO turn_words (rowid, question, answer) VALUES (?, ?, ?)",
                (row, question, storable(answer.text)),
            )
            connection.execute(
                "UPDATE conversations SET updated = ? WHERE id = ?", (now, conversation)
            )
            connection.execute(
                "DELETE FROM turns WHERE conversation = ? AND number <= ?",
                (conversation, number - self._keep.turns),
            )
            connection.execute(
                "DELETE FROM conversations WHERE session = ?1 AND id NOT IN (SELECT id FROM "
                "conversations WHERE session = ?1 ORDER BY updated DESC LIMIT ?2)",
                (session, self._keep.conversations),
            )
            if abs(now - self._swept) >= _SWEEP_EVERY:
                self._sweep(connection)
        return Turn(turn_id, conversation, number, question, standalone, answer, int(now))

    def of(self, session: str) -> list[Conversation]:
        """The conversations of a session, the one touched last first."""
        rows = self._database.rows(
            "SELECT c.*, (SELECT count(*) FROM turns t WHERE t.conversation = c.id) AS turns "
            "FROM conversations c WHERE session = ? ORDER BY updated DESC, rowid DESC",
            (session,),
        )
        return [_conversation(row) for row in rows]

    def latest(self, session: str) -> Conversation | None:
        """The conversation touched last: the one to show when the page is loaded."""
        return next(iter(self.of(session)), None)

    def get(self, session: str, conversation: str) -> Conversation:
        """One conversation of the session; KeyError without it."""
        found = [known for known in self.of(session) if known.id == conversation]
        if not found:
            raise KeyError(conversation)
        return found[0]

    def turns(self, session: str, conversation: str) -> list[Turn]:
        """The turns of a conversation, oldest first; KeyError without it."""
        self.get(session, conversation)
        rows = self._database.rows(
            "SELECT t.* FROM turns t JOIN conversations c ON c.id = t.conversation "
            "WHERE c.id = ? AND c.session = ? ORDER BY number",
            (conversation, session),
        )
        return [_turn(row) for row in rows]

    def turn(self, session: str, turn_id: str) -> Turn:
        """One turn of the session, by the id of its answer; KeyError without it."""
        rows = self._database.rows(
            "SELECT t.* FROM turns t JOIN conversations c ON c.id = t.conversation "
            "WHERE t.id = ? AND c.session = ?",
            (turn_id, session),
        )
        if not rows:
            raise KeyError(turn_id)
        return _turn(rows[0])

    def rename(self, session: str, conversation: str, title: str) -> Conversation:
        """Give another title, the same where the new one is empty; KeyError without it."""
        before = self.get(session, conversation)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE conversations SET title = ? WHERE id = ? AND session = ?",
                (title_of(title) or before.title, conversation, session),
            )
        return self.get(session, conversation)

    def delete(self, session: str, conversation: str) -> None:
        """Forget a conversation; KeyError without it."""
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM conversations WHERE id = ? AND session = ?", (conversation, session)
            ).rowcount
            if gone:
                _forget_words(connection)
        if not gone:
            raise KeyError(conversation)

    def search(self, session: str, words: str) -> list[Conversation]:
        """The session's conversations with all these words in one turn, or in the title.

        Accents and case do not matter, the beginning of a word is enough.
        """
        words = storable(words)[:200]
        wanted = re.findall(r"\w+", words)
        if not wanted:
            return []
        found: dict[str, str] = {}
        rows = self._database.rows(
            "SELECT t.conversation AS id, snippet(turn_words, -1, '', '', '…', ?) AS excerpt "
            "FROM turn_words JOIN turns t ON t.row = turn_words.rowid "
            "JOIN conversations c ON c.id = t.conversation "
            "WHERE turn_words MATCH ? AND c.session = ? ORDER BY t.row",
            (_EXCERPT_WORDS, " ".join(f'"{word}"*' for word in wanted), session),
        )
        for row in rows:
            found[row["id"]] = row["excerpt"]
        titled = self._database.rows(
            "SELECT id FROM conversations WHERE session = ? AND instr(folded(title), folded(?))",
            (session, " ".join(words.split())),
        )
        for row in titled:
            found.setdefault(row["id"], "")
        return [
            Conversation(c.id, c.title, c.created, c.updated, c.turns, found[c.id])
            for c in self.of(session)
            if c.id in found
        ]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _sweep(self, connection: sqlite3.Connection) -> None:
        now = self._swept = self._clock()
        oldest = now - 24 * 3600 * self._keep.days
        connection.execute("DELETE FROM conversations WHERE updated < ?", (oldest,))
        while True:
            (count,) = connection.execute("SELECT count(*) FROM turns").fetchone()
            if (excess := count - self._keep.all_turns) <= 0:
                return
            connection.execute(
                "DELETE FROM conversations WHERE id IN "
                "(SELECT id FROM conversations ORDER BY updated LIMIT ?)",
                (max(1, excess // self._keep.turns),),  # never more than have to go
            )


def title_of(text: str) -> str:
    """A text as a title: one line, printable, cut between words."""
    line = "".join(c if c.isprintable() else " " for c in storable(text))
    line = " ".join(line.split())
    if len(line) <= TITLE:
        return line
    cut = line[: TITLE - 1]
    return (cut[: cut.rfind(" ")] if " " in cut[TITLE // 2 :] else cut) + "…"


def answer_to_json(answer: Answer) -> str:
    """An answer as JSON, without the passages that were found but not quoted."""
    kept = {f.name: getattr(answer, f.name) for f in fields(Answer) if f.name != "hits"}
    kept["citations"] = [asdict(citation) for citation in answer.citations]
    kept["suggestions"] = [asdict(suggestion) for suggestion in answer.suggestions]
    return storable(json.dumps(kept, ensure_ascii=False))


def answer_from_json(text: str) -> Answer:
    """The answer that `answer_to_json` kept, also where a later version has other fields."""
    kept = json.loads(text)
    citations = tuple(Citation(**_known(Citation, one)) for one in kept["citations"])
    suggestions = tuple(Suggestion(**_known(Suggestion, one)) for one in kept["suggestions"])
    values = _known(Answer, kept) | {"citations": citations, "suggestions": suggestions}
    return Answer(**values | {"hits": ()})


def _known(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {name: _frozen(value) for name, value in values.items() if name in names}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _owns(connection: sqlite3.Connection, session: str, conversation: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM conversations WHERE id = ? AND session = ?", (conversation, session)
    ).fetchone()
    return row is not None


def _forget_words(connection: sqlite3.Connection) -> None:
    """Take the words of deleted turns out of the index at once; a large one does it by itself."""
    (count,) = connection.execute("SELECT count(*) FROM turns").fetchone()
    if count <= _QUICKLY_MERGED:
        connection.execute("INSERT INTO turn_words (turn_words) VALUES ('optimize')")


def _conversation(row: sqlite3.Row) -> Conversation:
    return Conversation(row["id"], row["title"], row["created"], int(row["updated"]), row["turns"])


def _turn(row: sqlite3.Row) -> Turn:
    return Turn(
        row["id"],
        row["conversation"],
        row["number"],
        row["question"],
        row["standalone"],
        answer_from_json(row["answer"]),
        row["created"],
    )
