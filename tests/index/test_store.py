"""The SQLite store: snapshots, rollback, and every way its file can be unusable."""

from __future__ import annotations

import errno
import sqlite3
import threading
from pathlib import Path

import pytest

from assistant.datatypes import Chunk, Note, Span
from assistant.errors import IndexDamagedError, IndexFolderError, IndexMissingError
from assistant.index.schema import FILE_NAME, SCHEMA_VERSION, mapped_errors
from assistant.index.store import Store, passage_hash


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "index", create=True)


def note_of(text, note_id="a/b.md"):
    return Note(note_id, "Titre", "fr", text, "0" * 64, Path("x"), "Moi", "hier", 3)


CHUNK = Chunk(
    "a/b.md", 4, 2, 9, ("Un", "Deux « é »"), "texte 😀", "entrée :",
    (Span(2, 5, "item", (0, 2)), Span(5, 9, "sentence", None)),
)  # fmt: skip


def test_note_and_chunk_come_back_equal(store):
    note = note_of("é 😀\r\n\u2028 texte\x00 fin")
    with store.writing():
        store.add_note(note, "signature", [(CHUNK, b"p" * 16, "texte")], [("texte", "text")])
    assert store.note("a/b.md") == note
    (row,) = store.chunks([1, 99])
    found = store.chunks([1])[1]
    assert (row, found.chunk, found.title, found.language, found.passage) == (
        1, CHUNK, "Titre", "fr", b"p" * 16,
    )  # fmt: skip
    assert store.note("absent") is None and store.note_ids() == [("a/b.md", "Titre")]


def test_more_rows_than_sqlite_takes_variables(store):
    rows = [(passage_hash(str(n)), bytes(4), b"t") for n in range(2_000)]
    store.add_embeddings("f", rows)
    wanted = [passage_hash(str(n)) for n in range(1_000, 40_000, 500)]
    expected = {passage_hash(str(n)) for n in range(2_000, 40_000, 500)}
    assert store.missing_passages("f", wanted) == expected
    assert store.missing_passages("other", wanted) == set(wanted)
    assert store.chunks(range(1, 5_000)) == {}


def test_failed_write_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError), store.writing():
        store.add_note(note_of("x"), "s", [(CHUNK, b"p", "terme")], [("mot", "mot")])
        raise ZeroDivisionError
    assert store.counts() == (0, 0)
    with store.writing():
        pass


def test_failed_commit_ends_the_transaction(store):
    """A full disk shows at COMMIT; the same connection must go on afterwards."""

    class Full:
        def __init__(self, connection):
            self.connection = connection

        def __getattr__(self, name):
            return getattr(self.connection, name)

        def execute(self, statement, *values):
            if statement == "COMMIT":
                raise sqlite3.OperationalError("database or disk is full")
            return self.connection.execute(statement, *values)

    real = store.connection
    store.connection = Full(real)
    with pytest.raises(IndexFolderError, match="disque est plein"), store.writing():
        store.set_meta(generation=7)
    store.connection = real
    assert not real.in_transaction
    assert store.meta()["generation"] == "0"
    with store.writing():
        store.set_meta(generation=8)
    assert store.meta()["generation"] == "8"


def test_reader_sees_one_snapshot(store):
    reader = Store.open(store.folder)
    with reader.reading():
        assert reader.meta()["generation"] == "0"
        with store.writing():
            store.set_meta(generation=1)
        with reader.reading():
            assert reader.meta()["generation"] == "0"
    assert reader.meta()["generation"] == "1"


def test_many_open_a_new_folder_at_once(tmp_path):
    failures = []
    barrier = threading.Barrier(8)

    def open_it():
        barrier.wait()
        try:
            Store.open(tmp_path / "new", create=True).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Store.open(tmp_path / "new").meta()["schema"] == SCHEMA_VERSION


def test_missing_and_empty_are_told_apart_from_damaged(tmp_path):
    with pytest.raises(IndexMissingError, match="assistant index"):
        Store.open(tmp_path)
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(IndexMissingError, match="assistant index"):
        Store.open(tmp_path)
    Store.open(tmp_path, create=True).close()
    Store.open(tmp_path).close()


def test_tables_of_another_version_are_made_anew(tmp_path):
    old = sqlite3.connect(tmp_path / FILE_NAME)
    old.executescript(
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT); INSERT INTO meta VALUES"
        "('schema', '0'), ('fingerprint', 'x'); CREATE TABLE notes(other);"
    )
    old.close()
    with pytest.raises(IndexMissingError, match="assistant index"):
        Store.open(tmp_path)
    store = Store.open(tmp_path, create=True)
    assert store.meta().keys() == {"schema", "generation", "identity"}
    assert store.counts() == (0, 0)


def test_a_database_of_another_program_is_left_alone(tmp_path):
    other = sqlite3.connect(tmp_path / FILE_NAME)
    other.executescript("CREATE TABLE notes(precious); INSERT INTO notes VALUES (1);")
    for create in (False, True):
        with pytest.raises(IndexDamagedError, match="--rebuild"):
            Store.open(tmp_path, create=create)
    assert other.execute("SELECT * FROM notes").fetchall() == [(1,)]


@pytest.mark.parametrize("content", [b"garbage" * 999, b"SQLite format 3\0" + b"\xff" * 4096])
@pytest.mark.parametrize("create", [False, True])
def test_garbage_is_damaged(tmp_path, content, create):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(IndexDamagedError, match="--rebuild"):
        Store.open(tmp_path, create=create)
    assert (tmp_path / FILE_NAME).read_bytes() == content


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (sqlite3.OperationalError("database or disk is full"), IndexFolderError, "plein"),
        (OSError(errno.ENOSPC, "No space left on device"), IndexFolderError, "plein"),
        (sqlite3.OperationalError("database is locked"), IndexFolderError, "occupé"),
        (sqlite3.OperationalError("disk I/O error"), IndexFolderError, "Impossible"),
        (PermissionError(13, "Permission denied"), IndexFolderError, "--index"),
        (sqlite3.OperationalError("attempt to write a readonly database"), IndexFolderError,
         "--index"),
        (sqlite3.DatabaseError("database disk image is malformed"), IndexDamagedError, "--rebuild"),
        (sqlite3.OperationalError("no such table: meta"), IndexDamagedError, "--rebuild"),
    ],
)  # fmt: skip
def test_foreign_errors_are_mapped_to_one_line(tmp_path, error, kind, words):
    with pytest.raises(kind) as raised, mapped_errors(tmp_path):
        raise error
    assert words in str(raised.value) and "\n" not in str(raised.value)
    assert raised.value.__cause__ is error


def test_is_current_tells_a_replaced_file(store):
    assert store.is_current()
    path = store.folder / FILE_NAME
    path.rename(path.with_suffix(".gone"))
    assert not store.is_current()
    Store.open(store.folder, create=True).close()
    assert not store.is_current()
