"""The tables of the index, the opening of its file, and what its errors tell a user.

An index of another schema is made anew by whoever may write; all in it is derived.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.errors import IndexDamagedError, IndexFolderError, IndexMissingError, system_reason

_BUSY_SECONDS = 30.0  # to wait for another process

FILE_NAME = "index.sqlite"
SCHEMA_VERSION = "4"

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE notes(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    language TEXT NOT NULL,
    author TEXT,
    date TEXT,
    sha256 TEXT NOT NULL,
    signature TEXT NOT NULL,
    source TEXT NOT NULL,
    body_start INTEGER NOT NULL,
    tags TEXT NOT NULL, -- JSON list
    places TEXT NOT NULL, -- JSON list of [start, unit, number]
    links TEXT NOT NULL, -- JSON list
    text TEXT NOT NULL,
    words TEXT NOT NULL -- JSON list of [word, term], counted in the table of words
);
CREATE TABLE skipped(
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    sha256 TEXT NOT NULL, -- empty when the file could not be read
    signature TEXT NOT NULL,
    missing_library TEXT NOT NULL -- a module; empty when none is missing
);
CREATE TABLE chunks(
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: vector files rely on it
    note INTEGER NOT NULL REFERENCES notes(id),
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    headings TEXT NOT NULL, -- JSON list
    lead_in TEXT NOT NULL,
    spans TEXT NOT NULL, -- JSON list of [start, end, kind, lead]
    passage BLOB NOT NULL, -- hash of what was embedded
    text TEXT NOT NULL
);
CREATE INDEX chunks_of_note ON chunks(note, ordinal);
CREATE INDEX chunks_by_passage ON chunks(passage);
CREATE TABLE embeddings(
    passage BLOB NOT NULL,
    fingerprint TEXT NOT NULL,
    vector BLOB NOT NULL, -- float32, unit length
    tokens BLOB NOT NULL, -- compressed token vectors, see token_store.py
    UNIQUE(passage, fingerprint)
);
CREATE TABLE words(
    word TEXT NOT NULL,
    term TEXT NOT NULL,
    notes INTEGER NOT NULL, -- that say it
    PRIMARY KEY(word, term)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE terms USING fts5(analysed, tokenize = "ascii");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(terms, row);
"""


@contextmanager
def mapped_errors(folder: Path) -> Iterator[None]:
    """Turn SQLite's and the file system's errors into ours, each with its remedy."""
    try:
        yield
    except sqlite3.OperationalError as error:
        message = str(error)
        if "full" in message:
            raise _disk_full(folder) from error
        if "locked" in message:
            raise IndexFolderError(
                f"L'index « {folder} » est occupé par un autre programme : "
                "réessayez dans un instant."
            ) from error
        if "no such table" in message or "malformed" in message:
            raise _damaged(folder) from error
        raise _unwritable(folder, message) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(folder) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(folder) from error
        raise _unwritable(folder, system_reason(error)) from error


def _disk_full(folder: Path) -> IndexFolderError:
    return IndexFolderError(
        f"Le disque est plein : libérez de la place près de « {folder} » puis relancez "
        "« assistant index ». L'index précédent est intact."
    )


def _damaged(folder: Path) -> IndexDamagedError:
    return IndexDamagedError(
        f"L'index « {folder / FILE_NAME} » est abîmé : lancez « assistant index --rebuild » pour "
        "le reconstruire à partir des notes (elles ne sont pas touchées)."
    )


def _unwritable(folder: Path, reason: str) -> IndexFolderError:
    return IndexFolderError(
        f"Impossible d'écrire l'index dans « {folder} » ({reason}) : vérifiez ses droits, ou "
        "choisissez un autre dossier avec --index."
    )


def _schema(connection: sqlite3.Connection) -> str | None:
    """Return the version of the tables; None where there are none yet."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("not an index of ours")
    return str(row[0])


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the file and bring it to our schema.

    While another process turns a new file to WAL, SQLite answers "locked" at once instead
    of waiting its timeout: it is asked again until that is over.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            # Mapped, the file would count in the memory of every thread that reads it, and
            # questions are answered no faster.
            connection.execute("PRAGMA mmap_size = 0")
            if _schema(connection) != SCHEMA_VERSION:
                if not create:
                    raise IndexMissingError(
                        f"L'index « {path.parent} » est vide ou d'une autre version : "
                        "lancez « assistant index »."
                    )
                _create(connection)
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        except BaseException:
            connection.close()
            raise


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables; those of another version are given up."""
    connection.execute("BEGIN IMMEDIATE")
    if _schema(connection) != SCHEMA_VERSION:  # else another process was faster
        for table in ("vocabulary", "terms", "words", "chunks", "notes", "skipped", "embeddings",
                      "meta"):  # fmt: skip
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SCHEMA.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,))
        connection.execute("INSERT INTO meta VALUES ('generation', '0')")
        # Tells this index from another one made later in the same folder.
        connection.execute("INSERT INTO meta VALUES ('identity', hex(randomblob(8)))")
    connection.execute("COMMIT")
