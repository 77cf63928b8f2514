"""The index on disk: one SQLite file is the truth.

Readers work in WAL snapshots while one writer refreshes; a process killed at any
instant leaves the old index or the new one. Vectors are kept by (model fingerprint,
passage hash), so that a passage is embedded once whatever happens to its note. The
FAISS file beside it is derived (see `vectors.py`).

What is left out: the tables themselves (`schema.py`) and searching: `lexical.py` and
`vectors.py` read the tables for that.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from assistant.datatypes import Chunk, Note, Place, Skipped, Span
from assistant.errors import IndexMissingError
from assistant.index.schema import FILE_NAME, connect, mapped_errors

_T = TypeVar("_T")


@dataclass(frozen=True)
class StoredChunk:
    """A chunk with its row id and what retrieval needs to know of its note.

    Of the passages compared with a question few are shown: headings and spans stay JSON
    until `chunk` is asked for.
    """

    row: int
    note_id: str
    ordinal: int
    start: int
    end: int
    text: str
    lead_in: str
    headings_json: str
    spans_json: str
    title: str  # of the note, as are those that follow
    language: str
    author: str | None
    date: str | None  # as the note writes it
    passage: bytes
    tokens: bytes  # compressed, see `token_store`; empty where no model was named

    @cached_property
    def chunk(self) -> Chunk:
        """The chunk itself."""
        return Chunk(
            note_id=self.note_id,
            ordinal=self.ordinal,
            start=self.start,
            end=self.end,
            headings=tuple(json.loads(self.headings_json)),
            text=self.text,
            lead_in=self.lead_in,
            spans=tuple(
                Span(start, end, kind, tuple(lead) if lead else None)
                for start, end, kind, lead in json.loads(self.spans_json)
            ),
        )


@dataclass(frozen=True, slots=True)
class NoteLabels:
    """What a note is chosen by and listed with, and its row id."""

    row: int
    id: str
    tags: tuple[str, ...]
    date: str | None  # as the note writes it
    title: str
    author: str | None

    @property
    def course(self) -> str:
        """The first folder of the id; empty for a note that lies in none."""
        return self.id.split("/", 1)[0] if "/" in self.id else ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the index knows of a file: enough to tell whether it changed."""

    sha256: str  # empty for a file that could not be read
    signature: str
    reason: str = ""  # why it was skipped; empty for a note
    missing_library: str = ""  # the module whose absence was the reason


def passage_hash(text: str) -> bytes:
    """Return the 16-byte identity of a passage text."""
    return blake2b(text.encode(), digest_size=16).digest()


class Store:
    """One connection to the index. Not shared between threads: open one for each."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        """Use `open`."""
        self.folder = folder
        self.connection = connection
        self._file = _identity(folder / FILE_NAME)

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Store:
        """Open the index of a folder.

        Raises IndexMissingError when there is none and `create` is false,
        IndexDamagedError when the file is no sound database of ours.
        """
        path = folder / FILE_NAME
        if not create and not path.is_file():
            raise IndexMissingError(
                f"Aucun index dans « {folder} » : lancez d'abord « assistant index »."
            )
        with mapped_errors(folder):
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            connection = connect(path, create=create)
        return cls(folder, connection)

    def close(self) -> None:
        """Close the connection; the store cannot be used afterwards."""
        self.connection.close()

    def is_current(self) -> bool:
        """Whether the folder still holds the file this store has open, not another one."""
        return self._file is not None and self._file == _identity(self.folder / FILE_NAME)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one snapshot: everything read inside belongs to one generation."""
        with mapped_errors(self.folder):
            if self.connection.in_transaction:
                yield
                return
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                if self.connection.in_transaction:  # SQLite ends it itself on some errors
                    self.connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Everything written inside appears at once, or not at all."""
        with mapped_errors(self.folder):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    # --- what the index knows -------------------------------------------------------

    def meta(self) -> dict[str, str]:
        """Return the facts about the index: versions, fingerprint, generation, counts."""
        return dict(self.connection.execute("SELECT key, value FROM meta"))

    def set_meta(self, **values: object) -> None:
        """Write facts about the index."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [(key, str(value)) for key, value in values.items()],
        )

    def known_files(self) -> dict[str, Known]:
        """Return what is known of every file, by note id."""
        known = {
            path: Known(digest, signature)
            for path, digest, signature in self.connection.execute(
                "SELECT path, sha256, signature FROM notes"
            )
        }
        for path, *facts in self.connection.execute(
            "SELECT path, sha256, signature, reason, missing_library FROM skipped"
        ):
            known[path] = Known(*facts)
        return known

    def skipped(self) -> tuple[Skipped, ...]:
        """Return the files that are not indexed, with the reasons."""
        rows = self.connection.execute(
            "SELECT path, reason, missing_library FROM skipped ORDER BY path"
        )
        return tuple(Skipped(*row) for row in rows)

    def counts(self) -> tuple[int, int]:
        """Return (notes, chunks)."""
        notes = self.connection.execute("SELECT count(*) FROM notes").fetchone()[0]
        chunks = self.connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
        return int(notes), int(chunks)

    def languages(self) -> dict[str, int]:
        """Return how many notes are in each language, the most frequent first."""
        return dict(
            self.connection.execute(
                "SELECT language, count(*) AS n FROM notes GROUP BY language "
                "ORDER BY n DESC, language"
            )
        )

    def note(self, note_id: str) -> Note | None:
        """Return a note as it was indexed."""
        row = self.connection.execute(
            "SELECT path, title, language, text, sha256, source, author, date, body_start, tags, "
            "places, links FROM notes WHERE path = ?",
            (note_id,),
        ).fetchone()
        if row is None:
            return None
        path, title, language, text, digest, source, author, date, body_start = row[:9]
        tags, places, links = map(json.loads, row[9:])
        return Note(
            path,
            title,
            language,
            text,
            digest,
            Path(source),
            author,
            date,
            body_start,
            tuple(tags),
            tuple(Place(*place) for place in places),
            tuple(links),
        )

    def note_ids(self) -> list[tuple[str, str]]:
        """Return (id, title) of every note, by id."""
        return list(self.connection.execute("SELECT path, title FROM notes ORDER BY path"))

    def note_labels(self) -> list[NoteLabels]:
        """Return what every note is chosen by and listed with, by id."""
        query = "SELECT id, path, tags, date, title, author FROM notes ORDER BY path"
        return [
            NoteLabels(row, path, tuple(json.loads(tags)), date, title, author)
            for row, path, tags, date, title, author in self.connection.execute(query)
        ]

    def chunk_rows(self, notes: Sequence[int]) -> frozenset[int]:
        """Return the row ids of the chunks of notes given by row id."""
        rows: set[int] = set()
        for batch in _batches(list(notes)):
            marks = ",".join("?" * len(batch))
            query = f"SELECT id FROM chunks WHERE note IN ({marks})"
            rows.update(row for (row,) in self.connection.execute(query, batch))
        return frozenset(rows)

    def chunks_not_in(self, language: str) -> Iterator[tuple[int, str]]:
        """Yield (row id, language) of the chunks of notes in other languages, by row id."""
        # CROSS keeps SQLite from going through all chunks to find those of a few notes.
        yield from self.connection.execute(
            "SELECT c.id, n.language FROM notes n CROSS JOIN chunks c ON c.note = n.id "
            "WHERE n.language <> ? ORDER BY c.id",
            (language,),
        )

    def chunks(self, rows: Sequence[int], fingerprint: str = "") -> dict[int, StoredChunk]:
        """Return the chunks of these row ids; ids that are gone are left out.

        With the tokens that the model of this fingerprint embedded, or without any.
        """
        found: dict[int, StoredChunk] = {}
        for batch in _batches(list(rows)):
            marks = ",".join("?" * len(batch))
            query = (
                "SELECT c.id, n.path, c.ordinal, c.start, c.stop, c.text, c.lead_in, c.headings, "
                "c.spans, n.title, n.language, n.author, n.date, c.passage, "
                "coalesce(e.tokens, x'') FROM chunks c JOIN notes n ON n.id = c.note "
                "LEFT JOIN embeddings e ON e.passage = c.passage AND e.fingerprint = ? "
                f"WHERE c.id IN ({marks})"
            )
            for row in self.connection.execute(query, (fingerprint, *batch)):
                found[row[0]] = StoredChunk(*row)
        return found

    # --- embeddings -----------------------------------------------------------------

    def missing_passages(self, fingerprint: str, hashes: Iterable[bytes]) -> set[bytes]:
        """Return those of `hashes` that this model has never embedded."""
        wanted = set(hashes)
        for batch in _batches(sorted(wanted)):
            marks = ",".join("?" * len(batch))
            wanted -= {
                row[0]
                for row in self.connection.execute(
                    "SELECT passage FROM embeddings "
                    f"WHERE fingerprint = ? AND passage IN ({marks})",
                    (fingerprint, *batch),
                )
            }
        return wanted

    def add_embeddings(self, fingerprint: str, rows: Iterable[tuple[bytes, bytes, bytes]]) -> None:
        """Keep (passage hash, vector, token vectors); durable at once, harmless if unused."""
        with self.writing():
            self.connection.executemany(
                "INSERT OR REPLACE INTO embeddings(passage, fingerprint, vector, tokens) "
                "VALUES (?, ?, ?, ?)",
                [(passage, fingerprint, vector, tokens) for passage, vector, tokens in rows],
            )

    def embeddings(self, fingerprint: str, rows: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
        """Return (vector, token vectors) by chunk row id."""
        found: dict[int, tuple[bytes, bytes]] = {}
        for batch in _batches(list(rows)):
            marks = ",".join("?" * len(batch))
            for row, vector, tokens in self.connection.execute(
                "SELECT c.id, e.vector, e.tokens FROM chunks c JOIN embeddings e "
                f"ON e.passage = c.passage AND e.fingerprint = ? WHERE c.id IN ({marks})",
                (fingerprint, *batch),
            ):
                found[row] = (vector, tokens)
        return found

    def drop_orphan_embeddings(self, only: str | None, *, keep_share: float) -> None:
        """Forget vectors no chunk uses, once they exceed a share of all of them.

        With `only`, the vectors of every other model are forgotten first.
        """
        if only is not None:
            self.connection.execute("DELETE FROM embeddings WHERE fingerprint <> ?", (only,))
        total, orphans = self.connection.execute(
            "SELECT count(*), sum(passage NOT IN (SELECT passage FROM chunks)) FROM embeddings"
        ).fetchone()
        if (orphans or 0) > total * keep_share:
            self.connection.execute(
                "DELETE FROM embeddings WHERE passage NOT IN (SELECT passage FROM chunks)"
            )

    def reclaim_space(self, *, share: float = 0.3, least: int = 1_000_000) -> bool:
        """Give unused pages back to the disk; return whether it was done.

        Only where they are more than a `share` of the file and `least` bytes. Left for
        another time where the disk has no room for the copy or a reader is in the way.
        """
        pages, unused, size = (
            int(self.connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        if unused <= pages * share or unused * size < least:
            return False
        try:
            self.connection.execute("VACUUM")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError:
            return False
        return True

    # --- writing notes (inside `writing()`) -------------------------------------------

    def remove_file(self, note_id: str) -> None:
        """Remove a note with its chunks and terms, or a skipped file."""
        found = self.connection.execute(
            "SELECT id, words FROM notes WHERE path = ?", (note_id,)
        ).fetchone()
        if found:
            row = found[:1]
            words = json.loads(found[1])
            self.connection.executemany(
                "UPDATE words SET notes = notes - 1 WHERE word = ? AND term = ?", words
            )
            self.connection.executemany(
                "DELETE FROM words WHERE word = ? AND term = ? AND notes <= 0", words
            )
            self.connection.execute(
                "DELETE FROM terms WHERE rowid IN (SELECT id FROM chunks WHERE note = ?)", row
            )
            self.connection.execute("DELETE FROM chunks WHERE note = ?", row)
            self.connection.execute("DELETE FROM notes WHERE id = ?", row)
        self.connection.execute("DELETE FROM skipped WHERE path = ?", (note_id,))

    def add_skipped(self, skipped: Skipped, digest: str, signature: str) -> None:
        """Remember a file that cannot be indexed."""
        self.connection.execute(
            "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?, ?)",
            (skipped.note_id, skipped.reason, digest, signature, skipped.missing_library),
        )

    def set_signature(self, note_id: str, signature: str) -> None:
        """Remember that a file was hashed in this state and had not changed."""
        for table in ("notes", "skipped"):
            self.connection.execute(
                f"UPDATE {table} SET signature = ? WHERE path = ?", (signature, note_id)
            )

    def add_note(
        self,
        note: Note,
        signature: str,
        chunks: Sequence[tuple[Chunk, bytes, str]],
        words: Iterable[tuple[str, str]],
    ) -> None:
        """Add a note with its chunks, each with its passage hash and analysed terms.

        `words` are the (surface word, term) of the note, each once, for spelling.
        """
        said = sorted(words)
        cursor = self.connection.execute(
            "INSERT INTO notes(path, title, language, author, date, sha256, signature, source, "
            "body_start, tags, places, links, text, words) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                note.id,
                note.title,
                note.language,
                note.author,
                note.date,
                note.sha256,
                signature,
                str(note.source),
                note.body_start,
                json.dumps(note.tags, ensure_ascii=False),
                json.dumps([astuple(place) for place in note.places]),
                json.dumps(note.links, ensure_ascii=False),
                note.text,
                json.dumps(said, ensure_ascii=False),
            ),
        )
        note_row = cursor.lastrowid
        for chunk, passage, terms in chunks:
            cursor = self.connection.execute(
                "INSERT INTO chunks(note, ordinal, start, stop, headings, lead_in, spans, passage, "
                "text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    note_row,
                    chunk.ordinal,
                    chunk.start,
                    chunk.end,
                    json.dumps(chunk.headings, ensure_ascii=False),
                    chunk.lead_in,
                    json.dumps([astuple(span) for span in chunk.spans]),
                    passage,
                    chunk.text,
                ),
            )
            self.connection.execute(
                "INSERT INTO terms(rowid, analysed) VALUES (?, ?)", (cursor.lastrowid, terms)
            )

        self.connection.executemany(
            "INSERT INTO words VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET notes = notes + 1", said
        )

    def clear(self) -> None:
        """Remove all notes, chunks and terms; embeddings stay, to be used again."""
        for table in ("terms", "chunks", "notes", "skipped", "words"):
            self.connection.execute(f"DELETE FROM {table}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _batches(values: list[_T], size: int = 500) -> Iterator[list[_T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
