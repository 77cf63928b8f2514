"""The folder of what readers leave on the server: a secret and SQLite files.

Unlike the index it cannot be made again, so it lies beside it, readable by its owner
alone. The secret signs cookies; it is made once. A `Database` is one connection shared
by all threads behind a lock: the statements here take microseconds, and a pool would
only hold more memory. In WAL mode a process killed at any instant loses no turn.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from assistant.errors import SettingsError

_SECRET_BYTES = 32


def open_data_folder(folder: Path) -> Path:
    """Make the folder if need be, for its owner alone; SettingsError where that fails."""
    with _mapped_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def secret_of(folder: Path) -> bytes:
    """The secret of this folder, made the first time, in a file of mode 0600."""
    path = folder / "secret"
    with _mapped_errors(folder), FileLock(folder / "secret.lock", timeout=30):
        if not path.exists():
            new = folder / f"secret.{os.getpid()}.new"
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(_SECRET_BYTES))
            new.replace(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        secret = path.read_bytes().strip()
    if len(secret) < _SECRET_BYTES:
        raise SettingsError(
            f"Le fichier « {path} » est abîmé : supprimez-le, un nouveau sera fait "
            "(les navigateurs perdront leurs conversations)."
        )
    return secret


class Database:
    """One SQLite file, one connection, any thread."""

    def __init__(
        self,
        path: Path,
        schema: str,
        functions: dict[str, Callable[[str], str]] | None = None,
    ) -> None:
        """Open the file and run `schema`, which must be able to run again.

        `functions`: SQL functions of one text. Raises SettingsError where the file
        cannot be opened.
        """
        self._path = path
        self._lock = threading.RLock()
        with _mapped_errors(path):
            self._connection = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            for name, function in (functions or {}).items():
                self._connection.create_function(name, 1, function, deterministic=True)
            for pragma in (
                "journal_mode=WAL",
                "synchronous=NORMAL",
                "foreign_keys=ON",
                "secure_delete=ON",  # what a reader deletes is overwritten
            ):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(schema)
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing."""
        with self._lock, _mapped_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Everything a statement finds."""
        with self._lock, _mapped_errors(self._path):
            return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()


def storable(text: str) -> str:
    """A text that SQLite, UTF-8 and HTML all take: no lone surrogate, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


@contextmanager
def _mapped_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(
            f"« {path} » ne peut pas être lu ou écrit ({error}) : vérifiez ses droits et la place "
            "sur le disque, ou choisissez un autre dossier avec ASSISTANT_DATA."
        ) from error
