"""The folder of notes: what is listed, what is left out, what cannot be read."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.datatypes import Note, Skipped
from assistant.errors import CorpusError
from assistant.reading import markdown
from assistant.reading.corpus import (
    LARGEST_FILE,
    READERS,
    SAVED_AS,
    CorpusFile,
    read_bytes,
    read_note,
    scan_corpus,
)
from assistant.reading.extracted import Extracted, UnreadableNoteError

# Git of whoever runs the tests must not bring its own rules.
_GIT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


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


def test_built_folders_are_left_out_unless_taken_back(tmp_path: Path) -> None:
    _write(tmp_path, "ok.md", "build/a.md", "c/dist/a.md", "c/target/x/a.md", "_book/a.md",
           "build.md", "c/build-system/a.md")  # fmt: skip
    left = ["build.md", "c/build-system/a.md", "ok.md"]
    assert [file.id for file in scan_corpus(tmp_path)] == left
    (tmp_path / ".assistantignore").write_text("!/build/\n")
    assert [file.id for file in scan_corpus(tmp_path)] == ["build.md", "build/a.md", *left[1:]]


@pytest.mark.parametrize(
    ("name", "better"),
    [("a.doc", ".docx"), ("a.RTF", ".docx"), ("a.ppt", ".pptx"), ("a.ods", ".xlsx")],
)
def test_a_document_that_no_reader_opens_is_told(tmp_path: Path, name: str, better: str) -> None:
    _write(tmp_path, name)
    (file,) = scan_corpus(tmp_path)
    told = read_note(file)
    assert isinstance(told, Skipped) and f"enregistrez-le en {better}" in told.reason
    assert Path(name).suffix.lower() in told.reason and not set(READERS) & set(SAVED_AS)


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
    (tmp_path / "nul.md").write_bytes(b"a\0b")
    files = scan_corpus(tmp_path)
    os.remove(tmp_path / "absent.md")
    read = [read_note(file) for file in files]
    assert [type(one) for one in read] == [Note, Skipped, Note, Skipped]
    assert isinstance(read[1], Skipped) and read[1].note_id == "absent.md"
    assert isinstance(read[2], Note) and read[2].text == "été"
    assert isinstance(read[3], Skipped) and "nuls" in read[3].reason


def test_every_reader_is_there_or_names_what_it_lacks() -> None:
    for target in READERS.values():
        module, function = target.split(":")
        try:
            reader = getattr(import_module(f"assistant.reading.{module}"), function)
        except ModuleNotFoundError as error:  # an optional library, never a module of ours
            assert not (error.name or "").startswith("assistant")
        else:
            assert callable(reader)


def test_listing_imports_no_reader() -> None:
    program = (
        "import sys, assistant.reading.corpus as c; from pathlib import Path; "
        "c.scan_corpus(Path('.')); "
        "print([m for m in ('lxml', 'docutils', 'pylatexenc', 'pathspec', 'chardet', 'yaml') "
        "if m in sys.modules])"
    )
    folder = Path(__file__).parent
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_whatever_a_reader_raises_becomes_one_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, words in [
        (KeyError("x"), "KeyError"), (RecursionError(), "imbriqués"),
        (ModuleNotFoundError("no", name="pypdfium2"), "« pypdfium2 »"),
        (UnreadableNoteError("parce que"), "parce que"),
    ]:  # fmt: skip

        def fail(data: bytes, name: str, error: Exception = error) -> Extracted:
            raise error

        monkeypatch.setattr(markdown, "read_markdown", fail)
        read = read_bytes(CorpusFile("a.md", tmp_path / "a.md", ""), b"x")
        assert isinstance(read, Skipped) and words in read.reason and "\n" not in read.reason


@pytest.mark.parametrize(
    ("name", "library"), [("a.pdf", "pypdfium2"), ("a.docx", "docx"), ("a.tex", "pylatexenc")]
)
def test_a_missing_library_is_named_and_no_damage_to_the_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str
) -> None:
    container = io.BytesIO()
    with ZipFile(container, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    data = {"a.pdf": b"%PDF-1.4", "a.docx": container.getvalue(), "a.tex": b"Un mot."}[name]
    for module in [m for m in sys.modules if m.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    read = read_bytes(CorpusFile(name, tmp_path / name, ""), data)
    assert isinstance(read, Skipped) and f"bibliothèque « {library} »" in read.reason
    assert read.missing_library == library


def test_a_module_of_ours_that_is_missing_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "assistant.reading.notebook", None)
    with pytest.raises(ModuleNotFoundError):
        read_bytes(CorpusFile("a.ipynb", tmp_path / "a.ipynb", ""), b"{}")


def test_ignore_files_hold_at_every_level(tmp_path: Path) -> None:
    _write(tmp_path, "a.md", "brouillon.md", "d/brouillon.md", "d/garde.md", "d/e/x.md", "out/y.md",
           "d/out.md", "tmp/z.md", "tmp/garde.md")  # fmt: skip
    (tmp_path / ".gitignore").write_text("brouillon.md\n/out/\ntmp\n# rien\n[\n!\n")
    (tmp_path / "d" / ".assistantignore").write_text("!brouillon.md\n/e/\n")
    (tmp_path / "tmp" / ".gitignore").write_text("!garde.md\n")  # its folder is out: too late
    assert [file.id for file in scan_corpus(tmp_path)] == [
        "a.md", "d/brouillon.md", "d/garde.md", "d/out.md",
    ]  # fmt: skip


def test_the_second_ignore_file_has_the_last_word(tmp_path: Path) -> None:
    _write(tmp_path, "a.md", "b.md")
    (tmp_path / ".gitignore").write_text("*.md\n")
    (tmp_path / ".assistantignore").write_text("!b.md\n")
    assert [file.id for file in scan_corpus(tmp_path)] == ["b.md"]


def test_ignore_files_above_the_corpus_are_not_read(tmp_path: Path) -> None:
    _write(tmp_path, "corpus/a.md")
    (tmp_path / ".gitignore").write_text("*.md\n")
    assert [file.id for file in scan_corpus(tmp_path / "corpus")] == ["a.md"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@given(st.lists(st.text(alphabet="ab/*!?.#\\ []", max_size=6), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_git_ignores_the_same_files(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, "a.md", "b.md", "a/a.md", "a/b.md", "b/a/b.md", "ab.md", "b/ab/a.md")
        (folder / ".gitignore").write_text("\n".join(lines) + "\n")
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True, env=_GIT)
        listed = subprocess.run(
            ["git", "ls-files", "--others", "--exclude-standard", "-z"],
            cwd=folder, check=True, capture_output=True, text=True, env=_GIT,
        )  # fmt: skip
        wanted = sorted(path for path in listed.stdout.split("\0") if path.endswith(".md"))
        assert [file.id for file in scan_corpus(folder)] == wanted


def test_loops_pipes_and_odd_names(tmp_path: Path) -> None:
    names = ["Un été.md", "e\u0301te\u0301.md", "🐳 docker.md", "a\nb.md"]
    _write(tmp_path, *names)
    (tmp_path / "boucle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "soi.md").symlink_to(tmp_path / "soi.md")
    os.mkfifo(tmp_path / "tube.md")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.md")).write_text("x")
    read = {file.id: read_note(file) for file in scan_corpus(tmp_path)}
    assert set(read) == {*names, "?.md"}
    assert isinstance(read["?.md"], Skipped) and "renommez" in read["?.md"].reason
    assert all(isinstance(read[name], Note) for name in names)


def test_a_folder_that_cannot_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, "a.md", "secret/b.md")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if os.fspath(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    files = scan_corpus(tmp_path)
    assert [file.id for file in files] == ["a.md", "secret"]
    assert isinstance(read_note(files[1]), Skipped)


def test_a_file_too_large_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "a.md").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    monkeypatch.setattr(Path, "read_bytes", None)
    [read] = [read_note(file) for file in scan_corpus(tmp_path)]
    assert isinstance(read, Skipped) and "200 Mo" in read.reason
