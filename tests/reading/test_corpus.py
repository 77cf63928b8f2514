"""The folder of notes: what is listed, what is left out, what cannot be read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from assistant.datatypes import Note, Skipped
from assistant.errors import CorpusError
from assistant.reading.corpus import read_note, scan_corpus


def _write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Titre\n", encoding="utf-8")


def test_notes_are_listed_by_id(tmp_path: Path) -> None:
    _write(tmp_path, "b.md", "a/z.MD", "a/é.txt", "c.markdown", "A.md")
    assert [file.id for file in scan_corpus(tmp_path)] == [
        "A.md", "a/z.MD", "a/é.txt", "b.md", "c.markdown",
    ]  # fmt: skip


def test_tools_hidden_and_foreign_files_are_left_out(tmp_path: Path) -> None:
    _write(tmp_path, "ok.md", ".cache/a.md", "node_modules/a.md", "a/_build/b.md", ".b.md",
           "~$c.md", "image.png", "code.py")  # fmt: skip
    assert [file.id for file in scan_corpus(tmp_path)] == ["ok.md"]


def test_links_are_followed_only_inside(tmp_path: Path) -> None:
    _write(tmp_path, "corpus/a.md", "secret.md")
    corpus = tmp_path / "corpus"
    (corpus / "dedans.md").symlink_to(corpus / "a.md")
    (corpus / "dehors.md").symlink_to(tmp_path / "secret.md")
    (corpus / "nulle-part.md").symlink_to(tmp_path / "absent.md")
    assert [file.id for file in scan_corpus(corpus)] == ["a.md", "dedans.md"]


def test_an_empty_folder_has_no_notes(tmp_path: Path) -> None:
    assert scan_corpus(tmp_path) == []


@pytest.mark.parametrize("name", ["absent", "fichier.md"])
def test_a_missing_folder_is_one_clear_line(tmp_path: Path, name: str) -> None:
    _write(tmp_path, "fichier.md")
    with pytest.raises(CorpusError) as error:
        scan_corpus(tmp_path / name)
    assert "--corpus" in str(error.value)
    assert "\n" not in str(error.value)


def test_only_a_file_that_has_rested_has_a_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, "a.md")
    assert scan_corpus(tmp_path)[0].signature == ""  # it may still change within a clock tick
    later = time.time_ns() + 3_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    [before] = scan_corpus(tmp_path)
    assert before.signature
    assert scan_corpus(tmp_path) == [before]
    (tmp_path / "a.md").write_text("# Autre\n", encoding="utf-8")  # as long as before
    monkeypatch.setattr(time, "time_ns", lambda: later + 3_000_000_000)
    assert scan_corpus(tmp_path)[0].signature not in ("", before.signature)


def test_one_unreadable_note_is_skipped_with_its_reason(tmp_path: Path) -> None:
    _write(tmp_path, "a.md", "absent.md")
    (tmp_path / "latin.md").write_bytes("été".encode("latin-1"))
    files = scan_corpus(tmp_path)
    os.remove(tmp_path / "absent.md")
    read = [read_note(file) for file in files]
    assert [type(one) for one in read] == [Note, Skipped, Skipped]
    assert isinstance(read[1], Skipped) and read[1].note_id == "absent.md"
    assert isinstance(read[2], Skipped) and "UTF-8" in read[2].reason
