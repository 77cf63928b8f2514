"""Refresh: after every change the index is what one built from nothing would be."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from assistant import analysis, chunking
from assistant.embedding.fake import FakeEmbedder
from assistant.errors import CorpusError, IndexFolderError
from assistant.index import refresh as refreshing
from assistant.index import vectors
from assistant.reading import extracted, web_page
from assistant.reading.corpus import CorpusFile

A = "# Le noyau\n\nDocker utilise le noyau Linux.\n\n- un conteneur\n- une image\n"
B = "# Les volumes\n\nLes volumes permettent aux conteneurs de stocker des données.\n"
PICTURE = b"\x89PNG\r\n\x1a\n"
C = "# Le réseau\n\nLe réseau relie les conteneurs entre eux.\n"


@pytest.fixture
def two(course):
    course.write("a.md", A)
    course.write("sub/b.md", B)
    course.refresh()
    course.embedder.passages.clear()
    return course


def summary(report):
    return (report.added, report.changed, report.renamed, report.removed, report.unchanged)


def test_first_refresh_adds_everything(course):
    course.write("a.md", A)
    course.write("sub/b.md", B)
    report = course.refresh()
    assert summary(report) == (("a.md", "sub/b.md"), (), (), (), 0)
    assert report.chunks == report.embedded == len(course.embedder.passages) > 0
    assert report.is_stale and report.rebuilt is None
    assert course.dump() == course.fresh_dump()


@pytest.mark.parametrize("hash_all", [False, True])
def test_second_refresh_does_nothing(two, hash_all):
    before = (two.index / "index.sqlite").read_bytes(), two.store().meta()
    report = two.refresh(hash_all=hash_all)
    assert summary(report) == ((), (), (), (), 2)
    assert not report.is_stale and report.embedded == 0 and not two.embedder.passages
    assert two.store().meta() == before[1]


def test_changed_note_costs_its_own_passages(two):
    two.write("a.md", A.replace("une image", "une grande image"))
    report = two.refresh()
    assert summary(report) == ((), ("a.md",), (), (), 1)
    assert report.embedded == len(two.embedder.passages) == 1
    assert "grande image" in two.embedder.passages[0]
    assert two.dump() == two.fresh_dump()


def test_renamed_note_is_not_embedded_again(two):
    (two.corpus / "a.md").rename(two.corpus / "z.md")
    report = two.refresh()
    assert summary(report) == ((), (), (("a.md", "z.md"),), (), 1)
    assert not two.embedder.passages
    assert two.dump() == two.fresh_dump()


def test_renamed_twins_are_paired_one_to_one(two):
    two.write("a2.md", A)
    two.refresh()
    for name in ("a", "a2"):
        (two.corpus / f"{name}.md").rename(two.corpus / f"new-{name}.md")
    report = two.refresh()
    assert summary(report) == ((), (), (("a.md", "new-a.md"), ("a2.md", "new-a2.md")), (), 1)
    assert two.dump() == two.fresh_dump()


def test_removed_note_leaves_nothing(two):
    (two.corpus / "a.md").unlink()
    report = two.refresh()
    assert summary(report) == ((), (), (), ("a.md",), 1)
    assert two.dump() == two.fresh_dump()


def test_removed_note_that_comes_back_is_not_embedded_again(two):
    two.fill(10)
    two.refresh()
    (two.corpus / "a.md").unlink()
    two.refresh()
    two.embedder.passages.clear()
    two.write("a.md", A)
    assert two.refresh().added == ("a.md",)
    assert not two.embedder.passages
    assert two.dump() == two.fresh_dump()


def test_vectors_nothing_uses_are_forgotten_once_they_are_many(two):
    two.fill(30)
    two.refresh()
    shutil.rmtree(two.corpus)
    two.corpus.mkdir()
    two.write("a.md", A)
    two.refresh()
    store = two.store()
    kept = store.connection.execute("SELECT count(*) FROM embeddings").fetchone()[0]
    assert kept == store.counts()[1]


def test_twin_notes_are_embedded_once_and_live_apart(two):
    two.write("twin.md", A)
    report = two.refresh()
    assert report.added == ("twin.md",) and report.embedded == 0
    assert two.dump() == two.fresh_dump()
    (two.corpus / "a.md").unlink()
    two.refresh()
    assert two.dump() == two.fresh_dump()
    assert [path for path, _ in two.store().note_ids()] == ["sub/b.md", "twin.md"]


def test_emptied_corpus_and_back(two):
    shutil.rmtree(two.corpus)
    two.corpus.mkdir()
    report = two.refresh()
    assert summary(report) == ((), (), (), ("a.md", "sub/b.md"), 0)
    assert report.chunks == 0
    assert two.dump() == two.fresh_dump()
    assert not two.refresh().is_stale
    two.write("a.md", A)
    assert two.refresh().added == ("a.md",)
    assert two.dump() == two.fresh_dump()


def test_note_replaced_by_a_folder(two):
    (two.corpus / "a.md").unlink()
    two.write("a.md/inside.md", C)
    report = two.refresh()
    assert summary(report) == (("a.md/inside.md",), (), (), ("a.md",), 1)
    assert two.dump() == two.fresh_dump()


def test_missing_corpus_keeps_the_index(two):
    before = two.dump()
    two.corpus.rename(two.root / "away")
    with pytest.raises(CorpusError, match="--corpus"):
        two.refresh()
    assert two.dump() == before


def test_missing_corpus_begins_no_index(course):
    course.corpus.rmdir()
    with pytest.raises(CorpusError):
        course.refresh()
    assert not course.index.exists()


def test_same_size_and_time_is_seen(two):
    path = two.corpus / "a.md"
    status = path.stat()
    path.write_text(A.replace("Linux", "Minix"), encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert two.refresh().changed == ("a.md",)
    assert "Minix" in two.store().note("a.md").text


def test_index_command_hashes_what_times_would_trust(two):
    """Even where the whole signature is the recorded one, `hash_all` reads the file."""
    two.write("a.md", A.replace("Linux", "Minix"))
    store = two.store()
    forged = [(f.id, f"{f.path.stat().st_size}:forged") for f in
              refreshing.scan_corpus(two.corpus)]  # fmt: skip
    with store.writing():
        for note_id, signature in forged:
            store.set_signature(note_id, signature)
    files = [CorpusFile(note_id, two.corpus / note_id, signature) for note_id, signature in forged]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refreshing, "scan_corpus", lambda corpus: files)
        assert not two.refresh().is_stale
        assert two.refresh(hash_all=True).changed == ("a.md",)


def test_touched_note_is_read_but_not_indexed_again(two):
    os.utime(two.corpus / "a.md", (1_000_000_000, 1_000_000_000))
    generation = two.store().meta()["generation"]
    report = two.refresh()
    assert summary(report) == ((), (), (), (), 2)
    assert two.store().meta()["generation"] == generation


def test_file_that_is_no_note_is_skipped_and_the_rest_goes_on(two):
    two.write("picture.md", PICTURE)
    two.write("c.md", C)
    report = two.refresh()
    assert report.added == ("c.md",)
    (skipped,) = report.skipped
    assert skipped.note_id == "picture.md" and "PNG" in skipped.reason
    assert "\n" not in skipped.reason
    assert two.dump() == two.fresh_dump()
    generation = two.store().meta()["generation"]
    for hash_all in (False, True):
        again = two.refresh(hash_all=hash_all)
        assert again.skipped == report.skipped and not again.is_stale
        assert again.unchanged == 3
    assert two.store().meta()["generation"] == generation, "nothing had to be written"
    assert not two.assistant.check().is_stale
    two.write("picture.md", "# Été\n\nUne note réparée.\n")
    mended = two.refresh()
    assert mended.added == ("picture.md",) and not mended.skipped
    assert two.dump() == two.fresh_dump()


def test_note_that_becomes_unreadable_leaves_the_index_with_its_reason(two):
    two.write("a.md", PICTURE)
    report = two.refresh()
    assert report.removed == ("a.md",) and report.skipped[0].note_id == "a.md"
    assert two.dump() == two.fresh_dump()
    (two.corpus / "a.md").unlink()
    gone = two.refresh()
    assert not gone.skipped and not gone.removed
    assert two.dump() == two.fresh_dump()


def test_skipped_note_that_is_renamed_is_no_rename(two):
    two.write("picture.md", PICTURE)
    two.refresh()
    (two.corpus / "picture.md").rename(two.corpus / "other.md")
    report = two.refresh()
    assert summary(report) == ((), (), (), (), 2)
    assert [skipped.note_id for skipped in report.skipped] == ["other.md"]
    assert two.dump() == two.fresh_dump()


def test_file_that_may_not_be_read_is_skipped(two, monkeypatch):
    two.write("c.md", C)
    two.write("d.md", C + "\nEt plus.\n")
    open_file = Path.open

    def refuse(path, *arguments, **options):
        if path.name == "c.md":
            raise PermissionError(13, "Permission denied")
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    report = two.refresh()
    assert report.added == ("d.md",)
    assert [s.note_id for s in report.skipped] == ["c.md"]
    assert "illisible" in report.skipped[0].reason
    generation = two.store().meta()["generation"]
    assert [s.note_id for s in two.refresh().skipped] == ["c.md"]
    assert two.store().meta()["generation"] == generation
    monkeypatch.undo()
    assert two.refresh().added == ("c.md",)
    assert two.dump() == two.fresh_dump()


def test_file_removed_while_it_is_read(two, monkeypatch):
    two.write("c.md", C)
    read_bytes = Path.read_bytes

    def vanish(path):
        if path.name == "c.md":
            path.unlink()
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", vanish)
    assert not two.refresh().is_stale


@pytest.mark.parametrize(
    ("module", "reason"),
    [(extracted, "lecture"), (chunking, "découpage"), (analysis, "analyse")],
    ids=["readers", "chunker", "terms"],
)
def test_another_version_rebuilds_and_keeps_the_vectors(two, monkeypatch, module, reason):
    two.write("bad.md", PICTURE)
    two.refresh()
    (two.corpus / "bad.md").unlink()
    monkeypatch.setattr(module, "VERSION", "other")
    assert two.assistant.check().rebuilt
    report = two.refresh()
    assert reason in report.rebuilt and report.is_stale and not report.skipped
    assert report.added == ("a.md", "sub/b.md") and report.embedded == 0
    assert not two.embedder.passages
    assert two.dump() == two.fresh_dump()
    assert not two.refresh().is_stale


def test_bytes_that_stay_are_read_again_by_a_newer_reader(two, monkeypatch):
    two.write("page.html", "<h1>Ports</h1><p>Un port relie.</p><aside>Une remarque.</aside>")
    two.refresh()
    two.embedder.passages.clear()
    old = two.store().note("page.html").text

    def newer(data, name):
        return extracted.Extracted(text=old.replace("relie", "est ouvert"))

    monkeypatch.setattr(web_page, "read_html", newer)
    assert two.refresh().rebuilt is None, "nothing says that the reader is another"
    monkeypatch.setattr(extracted, "VERSION", "other")
    assert two.refresh().rebuilt
    assert "est ouvert" in two.store().note("page.html").text
    assert two.embedder.passages and all("est ouvert" in text for text in two.embedder.passages)
    assert two.dump() == two.fresh_dump()


def test_an_index_that_names_no_version_of_the_readers_is_read_again(two):
    store = two.store()
    with store.writing():
        store.connection.execute("DELETE FROM meta WHERE key = 'readers'")
    store.close()
    assert "lecture" in two.refresh().rebuilt
    assert not two.refresh().is_stale and not two.embedder.passages


def test_another_model_rebuilds_and_never_mixes(two):
    other = FakeEmbedder(dimension=32)
    first = two.embedder
    two.embedder = other
    two.assistant = two.reopened()
    report = two.refresh()
    assert "modèle" in report.rebuilt and report.embedded == report.chunks
    assert two.dump() == two.fresh_dump(FakeEmbedder(dimension=32))
    index = vectors.open_vectors(two.store(), two.store().meta(), 32)
    assert index.base.d == 32
    two.embedder = first
    two.assistant = two.reopened()
    assert two.refresh().embedded == 0, "the first model's vectors were still valid"
    assert two.dump() == two.fresh_dump()


def test_check_changes_nothing(two):
    two.write("c.md", C)
    (two.corpus / "a.md").unlink()
    before = two.dump(), sorted(path.name for path in two.index.iterdir())
    report = two.assistant.check()
    assert report.added == ("c.md",) and report.removed == ("a.md",) and report.is_stale
    assert (two.dump(), sorted(path.name for path in two.index.iterdir())) == before
    assert not two.embedder.passages


def test_long_edit_history_ends_as_a_fresh_index(course, monkeypatch):
    """Eighty random edits with vector files written often; compared now and then."""
    import random

    monkeypatch.setattr(vectors, "REBUILD_AT", 4)
    generator = random.Random(3)
    course.fill(8)
    for step in range(80):
        names = sorted(path.name for path in course.corpus.iterdir())
        kind = generator.choice(["add", "change", "remove", "rename", "twin"])
        chosen = generator.choice(names) if names else "x.md"
        if kind == "add" or not names:
            course.write(f"x{step}.md", A.replace("noyau", f"sujet {step}"))
        elif kind == "change":
            course.write(chosen, B + f"\nUn ajout {step} sur les images.\n")
        elif kind == "remove":
            (course.corpus / chosen).unlink()
        elif kind == "rename":
            (course.corpus / chosen).rename(course.corpus / f"r{step}.md")
        else:
            shutil.copy(course.corpus / chosen, course.corpus / f"t{step}.md")
        course.refresh()
        if step % 10 == 9:
            assert course.dump() == course.fresh_dump()
            base = list(course.index.glob("vectors-*"))
            assert len(base) == 1 and vectors.is_whole(course.index, course.store().meta())


def test_busy_index_is_reported(two):
    from filelock import FileLock

    two.write("c.md", C)
    stages = []
    with (
        FileLock(two.index / "refresh.lock"),
        pytest.raises(IndexFolderError, match="en cours"),
    ):
        two.refresh(wait_seconds=0.1, progress=lambda stage, *_: stages.append(stage))
    assert stages == ["attente d'une autre mise à jour"]
    assert two.refresh().added == ("c.md",)


def test_what_a_killed_writer_left_goes_though_nothing_changed(two):
    (base,) = two.index.glob("vectors-*.faiss")
    leftover = two.index / "vectors-2.1.tmp"
    leftover.write_bytes(b"begun")
    with refreshing.refresh_lock(two.index):  # perhaps it is still at work
        assert two.refresh().embedded == 0
        assert leftover.exists()
    assert two.refresh().embedded == 0
    assert not leftover.exists() and base.exists()
    assert two.dump() == two.fresh_dump()


def test_progress_tells_stages_up_to_the_end(course):
    course.fill(5)
    told = []
    course.refresh(progress=lambda *step: told.append(step))
    assert told[:2] == [("lecture", n, 5, f"note{n:03}.md") for n in (0, 1)]
    for stage in ("lecture", "vectorisation"):
        *_, (_, done, total, *_) = [step for step in told if step[0] == stage]
        assert done == total > 0
    assert [step[1] for step in told if step[0] == "écriture"] == list(range(5))


def size(course):
    course.close()
    return (course.index / "index.sqlite").stat().st_size


def test_space_of_removed_notes_is_given_back(course):
    for n in range(12):
        course.write(
            f"long{n}.md", "".join(f"# Titre {n} {i}\n\nLe mot{i}.\n\n" for i in range(200))
        )
    course.write("a.md", A)
    course.refresh()
    full = size(course)
    for n in range(12):
        (course.corpus / f"long{n}.md").unlink()
    course.refresh()
    assert size(course) < full / 3
    assert course.dump() == course.fresh_dump()
    assert not course.refresh().is_stale


def test_another_models_vectors_go_with_the_first_edit_after_the_change(two):
    def fingerprints():
        query = "SELECT DISTINCT fingerprint FROM embeddings"
        return len(two.store().connection.execute(query).fetchall())

    two.embedder = FakeEmbedder(dimension=32)
    two.assistant = two.reopened()
    two.refresh()
    assert fingerprints() == 2, "whoever only tried a model goes back for nothing"
    two.write("c.md", C)
    two.refresh()
    assert fingerprints() == 1
    assert two.dump() == two.fresh_dump(FakeEmbedder(dimension=32))


def stopping_at(count):
    """Progress that Ctrl-C ends once `count` passages are embedded."""

    def stop(stage, done, total, note_id=""):
        if stage == "vectorisation" and done >= count:
            raise KeyboardInterrupt

    return stop


def test_an_interrupted_refresh_goes_on_where_it_stopped(course, monkeypatch):
    """Ctrl-C between batches: what is ready answers, and no passage is embedded twice."""
    monkeypatch.setattr(refreshing, "_BATCH", 4)
    course.write("a.md", A)
    course.refresh()
    course.fill(20)
    course.embedder.passages.clear()
    with pytest.raises(KeyboardInterrupt):
        course.refresh(progress=stopping_at(8))  # in the second batch of four
    assert course.assistant.search("noyau", refresh=False)
    first = list(course.embedder.passages)
    assert len(first) >= 8
    course.embedder.passages.clear()
    report = course.refresh()
    assert report.embedded == len(course.embedder.passages) < report.chunks
    assert not set(first[:4]) & set(course.embedder.passages)
    assert not list(course.index.glob("*.tmp"))
    assert course.dump() == course.fresh_dump()


def test_no_passage_is_embedded_twice_though_no_note_was_ready(course, monkeypatch):
    """The longest passage of each note is embedded first: none of them is whole when it ends."""
    monkeypatch.setattr(refreshing, "_BATCH", 1)
    for n in range(4):
        long, short = f"Le volume {n} garde des données. " * 8, f"Le réseau {n} relie."
        course.write(f"{n}.md", f"# Cours {n}\n\n## Volumes\n\n{long}\n\n## Réseau\n\n{short}\n")
    with pytest.raises(KeyboardInterrupt):
        course.refresh(progress=stopping_at(3))
    assert course.assistant.notes() == []
    first = set(course.embedder.passages[:2])  # the third was not kept yet
    course.embedder.passages.clear()
    course.refresh()
    assert not first & set(course.embedder.passages)
    assert course.dump() == course.fresh_dump()


def test_a_first_index_that_is_interrupted_answers_from_the_notes_that_are_ready(
    course, monkeypatch
):
    monkeypatch.setattr(refreshing, "_BATCH", 1)
    course.write("a.md", "# Noyau\n\nLe noyau partage le temps.\n")  # shorter: embedded later
    course.write("c.md", "# Image\n\nUne image est figée.\n")
    course.write("b.md", "# Volume\n\nUn volume garde les données d'un conteneur arrêté.\n")
    with pytest.raises(KeyboardInterrupt):
        course.refresh(progress=stopping_at(2))  # before the second is kept
    assert [note_id for note_id, _ in course.assistant.notes()] == ["b.md"]
    assert course.assistant.search("volume", refresh=False)
    report = course.refresh()
    assert (report.added, report.embedded) == (("a.md", "c.md"), 2)
    assert course.dump() == course.fresh_dump()


def test_an_edit_that_is_interrupted_leaves_the_note_as_it_was(course):
    course.write("a.md", A)
    course.write("b.md", B)
    course.refresh()
    before = course.dump()
    course.write("a.md", A + "\nUne phrase de plus sur le noyau.\n")
    with pytest.raises(KeyboardInterrupt):
        course.refresh(progress=stopping_at(0))
    assert course.dump() == before
    course.refresh()
    assert course.dump() == course.fresh_dump()


def test_a_new_model_that_is_interrupted_leaves_the_old_index(two):
    before = two.dump()
    two.embedder = FakeEmbedder(dimension=32)
    two.assistant = two.reopened()
    with pytest.raises(KeyboardInterrupt):
        two.refresh(progress=stopping_at(1))
    assert two.dump() == before


def test_memory_does_not_grow_with_the_corpus(course):
    """Only one note is held at a time: 300 notes of 200 KB take little more than one."""
    import tracemalloc

    text = "".join(
        f"# Titre {i}\n\nLe mot sert de texte, {'et encore ' * 20}.\n\n" for i in range(80)
    )

    def peak(count):
        for n in range(count):
            course.write(f"n{n}.md", f"# Note {n}\n\n{text}")
        tracemalloc.start()
        try:
            course.refresh()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small = peak(20)
    assert peak(120) < 1.5 * small + 5_000_000


def test_a_file_is_read_once_the_library_it_wanted_is_there(two, monkeypatch):
    two.write("c.tex", "Le volume garde les données.")
    with monkeypatch.context() as patch:
        for module in [name for name in sys.modules if name.partition(".")[0] == "pylatexenc"]:
            patch.delitem(sys.modules, module)
        patch.setitem(sys.modules, "pylatexenc", None)
        two.refresh()
        assert [s.note_id for s in two.refresh().skipped] == ["c.tex"]
    assert two.refresh().added == ("c.tex",)
    assert two.dump() == two.fresh_dump()
