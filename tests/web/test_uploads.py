"""Uploads: nothing leaves the corpus folder, nothing unread or half done gets into it."""

from __future__ import annotations

import io
import os
import stat
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.reading.corpus import scan_corpus
from assistant.web import uploads as uploads_module
from assistant.web.uploads import (
    FOLDER,
    Outcome,
    RefusedUploadError,
    UploadLimits,
    Uploads,
    safe_name,
)

NOTE = b"# Titre\n\nUne note du cours.\n"
SMALL = UploadLimits(file_bytes=50_000, body_bytes=200_000, batch_bytes=120_000, files=5,
                     spare_bytes=0, batches=2, seconds=60)  # fmt: skip


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "ancien.md").write_bytes(b"# Ancien\n")
    return folder


@pytest.fixture
def uploads(corpus: Path) -> Uploads:
    return Uploads(corpus, limits=SMALL)


def send(uploads: Uploads, batch: str, name: str, data: bytes) -> list[Outcome]:
    path = uploads.receiving(batch)
    path.write_bytes(data)
    return list(uploads.add(batch, name, path))


def archive(entries: dict[str, bytes], **options: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, **options) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return written.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and FOLDER not in path.parts
    }


def test_files_wait_unseen_and_are_put_in_place_together(uploads: Uploads, corpus: Path) -> None:
    batch = uploads.begin()
    assert send(uploads, batch, "a.md", NOTE) == [Outcome("a.md", "ready")]
    assert send(uploads, batch, "semaine 1/é.md", NOTE) == [Outcome("semaine 1/é.md", "ready")]
    assert [file.id for file in scan_corpus(corpus)] == ["ancien.md"]
    assert uploads.publish(batch, []) == [
        Outcome("a.md", "placed"), Outcome("semaine 1/é.md", "placed"),
    ]  # fmt: skip
    assert tree(corpus) == {"a.md": NOTE, "ancien.md": b"# Ancien\n", "semaine 1/é.md": NOTE}
    assert list((corpus / FOLDER).iterdir()) == []
    with pytest.raises(KeyError):
        uploads.publish(batch, [])


def test_an_existing_file_is_replaced_only_by_name(uploads: Uploads, corpus: Path) -> None:
    for replace, result, content in (
        ([], "exists", b"# Ancien\n"),
        (["autre.md"], "exists", b"# Ancien\n"),
        (["ancien.md"], "replaced", NOTE),
    ):
        batch = uploads.begin()
        assert send(uploads, batch, "ancien.md", NOTE)[0].result == "exists"
        assert uploads.publish(batch, replace) == [Outcome("ancien.md", result)]  # type: ignore[arg-type]
        assert tree(corpus) == {"ancien.md": content}


def test_a_file_that_appeared_meanwhile_is_not_overwritten(uploads: Uploads, corpus: Path) -> None:
    batch = uploads.begin()
    assert send(uploads, batch, "a.md", NOTE)[0].result == "ready"
    (corpus / "a.md").write_bytes(b"autre")
    assert uploads.publish(batch, [])[0].result == "exists"
    assert (corpus / "a.md").read_bytes() == b"autre"


def test_a_decomposed_name_is_the_composed_one(uploads: Uploads, corpus: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "été.md")
    (corpus / decomposed).write_bytes(b"avant")
    batch = uploads.begin()
    assert send(uploads, batch, decomposed, NOTE) == [Outcome("été.md", "exists")]
    uploads.publish(batch, ["été.md"])
    assert tree(corpus) == {"ancien.md": b"# Ancien\n", decomposed: NOTE}


@pytest.mark.parametrize(
    "name",
    ["../a.md", "a/../../b.md", "/etc/a.md", "..\\a.md", "C:\\a.md", "c:a.md", "a//b.md", "./a.md",
     "a/./b.md", ".cache.md", "x/.git/a.md", "~$a.md", "con.md", "x/NUL.md", "COM1.txt", "LPT¹.md",
     "aux", "a\0.md", "a\n.md", "a\u202edm.md", "a .md/ b.md", "a./b.md", " a.md", "a.md ", "a.md.",
     "", "/", "x" * 300 + ".md", "d/" * 20 + "a.md", "é" * 120 + ".md", "a\ud800.md", "a:b.md",
     "a|b.md", "node_modules/a.md", ".incoming/a.md", "\u2025/a\u2024\u2024.md/\uff0e./a.md"],
)  # fmt: skip
def test_names_that_lead_astray_are_refused(uploads: Uploads, corpus: Path, name: str) -> None:
    batch = uploads.begin()
    (outcome,) = send(uploads, batch, name, NOTE)
    assert (outcome.name, outcome.result) == (name, "refused")
    assert outcome.reason
    if name and "\ud800" not in name:
        for told in send(uploads, batch, "x.zip", archive({name: NOTE})):
            assert told.result == "refused" or told.name == zipfile.ZipInfo(name).filename
    uploads.publish(batch, [name])
    assert {p.name for p in corpus.parent.iterdir()} == {"corpus"}
    assert all(not Path(p).is_absolute() and ".." not in p for p in tree(corpus))


@given(st.text(max_size=40))
def test_a_safe_name_stays_in_its_folder_and_is_stable(name: str) -> None:
    try:
        path = safe_name(name)
    except RefusedUploadError:
        return
    root = Path("/corpus")
    assert os.path.normpath(root / path) == str(root / path)
    assert (root / path).is_relative_to(root) and path != "."
    assert safe_name(path) == path
    assert unicodedata.is_normalized("NFC", path)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.exe", NOTE), ("a", NOTE), ("a.md.sh", NOTE), ("a.svg", b"<svg onload=alert(1)>"),
     ("image.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20),
     ("gros.md", b"a" * 50_001)],
)  # fmt: skip
def test_what_the_corpus_does_not_read_is_refused_with_a_reason(
    uploads: Uploads, corpus: Path, name: str, data: bytes
) -> None:
    batch = uploads.begin()
    (outcome,) = send(uploads, batch, name, data)
    assert outcome.result == "refused" and outcome.reason
    assert uploads.publish(batch, [name]) == []
    assert tree(corpus) == {"ancien.md": b"# Ancien\n"}


def test_a_reader_that_fails_refuses_the_file(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(uploads_module, "read_note", explode)
    (outcome,) = send(uploads, uploads.begin(), "a.md", NOTE)
    assert outcome == Outcome("a.md", "refused", "ne peut pas être lu")


def test_links_are_never_followed(uploads: Uploads, corpus: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").write_bytes(b"dehors")
    (corpus / "lien").symlink_to(outside)
    (corpus / "lien.md").symlink_to(outside / "a.md")
    (corpus / "dossier.md").mkdir()
    batch = uploads.begin()
    for name in ("lien/a.md", "lien.md", "ancien.md/a.md", "dossier.md"):
        assert send(uploads, batch, name, NOTE)[0].result == "refused"
    later = uploads.begin()
    assert send(uploads, later, "plus/a.md", NOTE)[0].result == "ready"
    (corpus / "plus").symlink_to(outside)
    assert uploads.publish(later, ["plus/a.md"])[0].result == "refused"
    assert {p.name: p.read_bytes() for p in outside.iterdir()} == {"a.md": b"dehors"}


def test_an_archive_keeps_its_folders_and_tells_each_file(uploads: Uploads, corpus: Path) -> None:
    batch = uploads.begin()
    entries = {"cours/a.md": NOTE, "cours/b.exe": b"MZ", "../c.md": NOTE, "__MACOSX/x.md": NOTE,
               "cours/.DS_Store": b"", "cours\\d.md": NOTE, "vide/": b""}  # fmt: skip
    outcomes = {o.name: o.result for o in send(uploads, batch, "Cours.ZIP", archive(entries))}
    assert outcomes == {
        "cours/a.md": "ready", "cours/b.exe": "refused", "../c.md": "refused",
        "cours/d.md": "ready",
    }  # fmt: skip
    uploads.publish(batch, [])
    assert set(tree(corpus)) == {"ancien.md", "cours/a.md", "cours/d.md"}


def test_a_link_in_an_archive_is_refused(uploads: Uploads, corpus: Path) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, kind in (("lien.md", stat.S_IFLNK), ("tube.md", stat.S_IFIFO)):
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = (kind | 0o777) << 16
            file.writestr(entry, "/etc/passwd")
    batch = uploads.begin()
    outcomes = send(uploads, batch, "a.zip", written.getvalue())
    assert [o.result for o in outcomes] == ["refused", "refused"]
    assert all("lien" in o.reason for o in outcomes)


def test_bombs_do_not_go_off(corpus: Path) -> None:
    uploads = Uploads(corpus, limits=UploadLimits(spare_bytes=0, batch_bytes=8 * 2**20, files=50))
    zeros = archive({"bombe.md": b"0" * 4_000_000}, compresslevel=9)
    assert len(zeros) < 6_000
    (outcome,) = send(uploads, uploads.begin(), "a.zip", zeros)
    assert "bombe" in outcome.reason
    many = archive({f"{n}.md": b"0" * 900_000 for n in range(10)})
    (outcome,) = send(uploads, uploads.begin(), "a.zip", many)
    assert outcome.name == "" and "une fois décompressée" in outcome.reason
    crowd = archive({f"{n}.md": b"" for n in range(51)})
    (outcome,) = send(uploads, uploads.begin(), "a.zip", crowd)
    assert "51 fichiers" in outcome.reason


def test_a_directory_that_would_fill_the_memory_is_not_read(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = Uploads(corpus, limits=UploadLimits(spare_bytes=0))
    many = archive({f"{n:060}.md": b"" for n in range(45_000)})
    assert len(many) > 4 * 2**20
    honest = archive({"a.md": NOTE})
    end = honest.rindex(b"PK\x05\x06")
    wide = honest[:end] + b"PK\x06\x07" + bytes(16) + honest[end:]
    monkeypatch.setattr(uploads_module, "ZipFile", None)  # would be called by now
    for data in (many, wide):
        (outcome,) = send(uploads, uploads.begin(), "a.zip", data)
        assert outcome.result == "refused" and "trop de fichiers" in outcome.reason


def test_an_archive_that_lies_about_sizes_is_refused(corpus: Path) -> None:
    uploads = Uploads(corpus, limits=UploadLimits(spare_bytes=0))
    honest = archive({"a.md": b"mot " * 100_000})
    size = (400_000).to_bytes(4, "little")
    lying = honest.replace(size, (10).to_bytes(4, "little"))
    assert lying != honest
    (outcome,) = send(uploads, uploads.begin(), "a.zip", lying)
    assert outcome.result == "refused"
    assert sum(p.stat().st_size for p in (corpus / FOLDER).rglob("*") if p.is_file()) < 1000


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"PK\3\4" + b"x" * 100, NOTE, archive({"a.md": NOTE})[:-30]]
)
def test_a_damaged_archive_is_refused_as_a_whole(uploads: Uploads, data: bytes) -> None:
    (outcome,) = send(uploads, uploads.begin(), "a.zip", data)
    assert (outcome.name, outcome.result) == ("", "refused")


def test_damaged_content_and_doubles_in_an_archive_are_refused(uploads: Uploads) -> None:
    data = bytearray(archive({"a.md": NOTE * 200}))
    data[60] ^= 0xFF
    (outcome,) = send(uploads, uploads.begin(), "a.zip", bytes(data))
    assert outcome.result == "refused" and "abîmé" in outcome.reason
    written = io.BytesIO()
    with pytest.warns(UserWarning), zipfile.ZipFile(written, "w") as file:
        file.writestr("a.md", NOTE)
        file.writestr("a.md", b"autre")
        file.writestr("A.md", b"autre")
    outcomes = send(uploads, uploads.begin(), "a.zip", written.getvalue())
    assert [o.result for o in outcomes] == ["ready", "refused", "refused"]


def test_a_batch_is_bounded_in_files_and_bytes(uploads: Uploads) -> None:
    batch = uploads.begin()
    results = [send(uploads, batch, f"{n}.md", b"a" * 30_000)[0] for n in range(6)]
    assert [o.result for o in results] == ["ready"] * 4 + ["refused"] * 2
    small = uploads.begin()
    results = [send(uploads, small, f"{n}.md", b"a")[0] for n in range(6)]
    assert [o.result for o in results] == ["ready"] * 5 + ["refused"]


def test_batches_are_bounded_and_leave_nothing(corpus: Path) -> None:
    now = [0.0]
    uploads = Uploads(corpus, limits=SMALL, clock=lambda: now[0])
    first, second, third = (uploads.begin() for _ in range(3))
    with pytest.raises(KeyError):
        uploads.receiving(first)
    send(uploads, second, "a.md", NOTE)
    uploads.discard(second)
    uploads.discard("unknown")
    send(uploads, third, "a.md", NOTE)
    now[0] += 61
    uploads.begin()
    with pytest.raises(KeyError):
        uploads.publish(third, [])
    assert list((corpus / FOLDER).iterdir()) == []
    send(uploads, uploads.begin(), "b.md", NOTE)
    Uploads(corpus)  # another start, after a kill
    assert not (corpus / FOLDER).exists()
    assert tree(corpus) == {"ancien.md": b"# Ancien\n"}


def test_a_full_disk_refuses_before_anything_is_written(corpus: Path) -> None:
    uploads = Uploads(corpus, limits=UploadLimits(spare_bytes=2**60))
    with pytest.raises(RefusedUploadError, match="disque"):
        uploads.receiving(uploads.begin())
