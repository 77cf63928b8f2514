"""FAISS against numpy brute force, in every state the base file can be in."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from assistant.index import vectors
from assistant.index.vectors import base_path, open_vectors

DIMENSION = 64


def brute_force(store, vector, k):
    """The best k chunk rows by inner product, from SQLite alone."""
    meta = store.meta()
    rows = [row for (row,) in store.connection.execute("SELECT id FROM chunks ORDER BY id")]
    stored = store.embeddings(meta["fingerprint"], rows)
    matrix = np.stack([np.frombuffer(stored[row][0], np.float32) for row in rows])
    scores = matrix @ vector
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], rows[i]))[:k]
    return [rows[i] for i in order], scores[order]


def assert_exact(store, k=10, base_is_used=None):
    index = open_vectors(store, store.meta(), DIMENSION)
    if base_is_used is not None:
        assert (index.base.ntotal == int(store.meta()["base_size"])) is base_is_used
    random = np.random.default_rng(1)
    for _ in range(20):
        vector = random.standard_normal(DIMENSION).astype(np.float32)
        vector /= np.linalg.norm(vector)
        rows, scores = brute_force(store, vector, k)
        found = index.search(vector, k)
        assert [row for row, _ in found] == rows
        np.testing.assert_allclose([score for _, score in found], scores, atol=1e-6)
        rows, scores = brute_force(store, vector, store.counts()[1])
        np.testing.assert_allclose(index.inner_products(vector, rows), scores, atol=1e-6)
        assert index.inner_products(vector, []).shape == (0,)
    return index


@pytest.fixture
def filled(course):
    course.fill(40)
    course.refresh()
    return course


def test_base_alone(filled):
    index = assert_exact(filled.store(), base_is_used=True)
    assert index.recent is None and not index.gone


def test_more_wanted_than_there_are(filled):
    store = filled.store()
    index = open_vectors(store, store.meta(), DIMENSION)
    found = index.search(np.ones(DIMENSION, np.float32), 10_000)
    assert len(found) == store.counts()[1]
    assert all(row > 0 for row, _ in found)


def test_base_with_recent_and_removed(filled):
    written = base_path(filled.index, 1).stat().st_mtime_ns
    for n in range(0, 40, 3):
        (filled.corpus / f"note{n:03}.md").unlink()
    filled.write("new.md", "# Nouveau\n\nUne note neuve sur les conteneurs.\n")
    filled.write("note001.md", "# Autre\n\nUn texte tout autre qui parle de réseau.\n")
    filled.refresh(hash_all=True)
    assert base_path(filled.index, 1).stat().st_mtime_ns == written, "base written for an edit"
    index = assert_exact(filled.store())
    assert index.recent.ntotal >= 2
    assert len(index.gone) >= 14
    assert_exact(filled.store(), k=1)
    assert_exact(filled.store(), k=1_000)


def test_base_is_written_anew_when_much_changed(filled, monkeypatch):
    monkeypatch.setattr(vectors, "REBUILD_AT", 3)
    filled.fill(50)
    filled.refresh(hash_all=True)
    index = assert_exact(filled.store(), base_is_used=True)
    assert index.recent is None and not index.gone
    assert [path.name for path in filled.index.glob("vectors-*")] == ["vectors-2.faiss"]


def damage_middle(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x40
    path.write_bytes(data)


def damage_header(path):
    data = bytearray(path.read_bytes())
    data[:64] = b"x" * 64
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
        damage_middle,
        damage_header,
    ],
    ids=["missing", "empty", "truncated", "longer", "a bit", "header"],
)
def test_damaged_base_is_not_believed_and_mended_without_embedding(filled, damage):
    path = base_path(filled.index, 1)
    damage(path)
    assert_exact(filled.store())
    filled.embedder.passages.clear()
    report = filled.refresh(hash_all=True)
    assert not report.is_stale and report.embedded == 0 and not filled.embedder.passages
    assert_exact(filled.store(), base_is_used=True)
    assert filled.refresh(hash_all=True).embedded == 0


def test_base_of_another_generation_or_course_is_not_believed(filled, tmp_path):
    old = tmp_path / "old.faiss"
    shutil.copy(base_path(filled.index, 1), old)
    filled.write("note000.md", "# Tout autre\n\nUn texte changé.\n")
    for path in filled.index.glob("vectors-*"):
        path.unlink()
    filled.refresh(hash_all=True)
    (newest,) = filled.index.glob("vectors-*")
    shutil.copy(old, newest)
    assert_exact(filled.store())


def test_a_copied_index_is_used_as_it_is(filled, tmp_path):
    shutil.copytree(filled.index, tmp_path / "copy")
    store = vectors.Store.open(tmp_path / "copy")
    assert_exact(store, base_is_used=True)
    assert vectors.is_whole(store.folder, store.meta())


def test_a_copied_base_is_read_whole_once_and_again_when_it_changes(filled, tmp_path, monkeypatch):
    shutil.copytree(filled.index, tmp_path / "copy")
    store = vectors.Store.open(tmp_path / "copy")
    assert vectors.is_whole(store.folder, store.meta())
    with monkeypatch.context() as patch:
        patch.setattr(vectors.hashlib, "file_digest", None)
        assert vectors.is_whole(store.folder, store.meta()), "read again"
    damage_middle(base_path(store.folder, 1))
    assert not vectors.is_whole(store.folder, store.meta())


def test_one_question_starts_no_threads(filled):
    """Two threads take several times as long to meet as one does to compare."""
    import faiss

    faiss.omp_set_num_threads(2)
    index = open_vectors(filled.store(), filled.store().meta(), DIMENSION)
    index.search(np.ones(DIMENSION, np.float32), 5)
    assert faiss.omp_get_max_threads() == 1


@pytest.fixture
def listed(course, monkeypatch):
    """A course whose base is an inverted file, in which a search looks at a part of the lists."""
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 60)
    monkeypatch.setattr(vectors, "_PROBED", 0.3)
    course.fill(200)
    course.refresh()
    return course


def assert_nearly_exact(store, k=10):
    """Whatever is found has its exact score and is there; nearly all the best are found."""
    index = open_vectors(store, store.meta(), DIMENSION)
    assert index.lists == int(store.meta()["base_lists"]) > 20
    everything = store.counts()[1]
    random = np.random.default_rng(2)
    recalls = []
    for _ in range(40):
        vector = random.standard_normal(DIMENSION).astype(np.float32)
        vector /= np.linalg.norm(vector)
        rows, scores = brute_force(store, vector, everything)
        exact = dict(zip(rows, scores, strict=True))
        found = index.search(vector, k)
        assert len(found) == k == len(dict(found))
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
        for row, score in found:
            assert score == pytest.approx(exact[row], abs=1e-6)
        recalls.append(len(set(rows[:k]) & dict(found).keys()) / k)
        np.testing.assert_allclose(index.inner_products(vector, rows), scores, atol=1e-6)
        allowed = frozenset(random.choice(rows, everything // 4, replace=False).tolist())
        best = [row for row in rows if row in allowed][:k]
        assert [row for row, _ in index.search(vector, k, allowed)] == best, "exact when limited"
    return float(np.mean(recalls))


def test_a_large_base_finds_nearly_the_best_and_scores_them_exactly(listed):
    assert 0.3 < assert_nearly_exact(listed.store()) < 1, "vectors without clusters: a part is seen"


def test_all_lists_together_are_exact(listed, monkeypatch):
    monkeypatch.setattr(vectors, "_PROBED", 1.0)
    assert_exact(listed.store(), base_is_used=True)


def test_a_large_base_with_recent_and_removed(listed, monkeypatch):
    for n in range(0, 200, 7):
        (listed.corpus / f"note{n:03}.md").unlink()
    listed.write("new.md", "# Nouveau\n\nUne note neuve sur les conteneurs.\n")
    listed.refresh(hash_all=True)
    store = listed.store()
    index = open_vectors(store, store.meta(), DIMENSION)
    assert index.recent.ntotal and len(index.gone) >= 28 and index.lists
    assert_nearly_exact(store)
    monkeypatch.setattr(vectors, "_PROBED", 1.0)
    assert_exact(store)
    assert_exact(store, k=1)


def test_lists_are_the_same_in_every_run(listed):
    store = listed.store()
    digest = store.meta()["base_sha256"]
    with store.writing():
        facts = vectors.write_base(store, 9, store.meta()["fingerprint"], DIMENSION)
    assert facts["base_lists"] > 0 and facts["base_sha256"] == digest


def test_the_kind_follows_the_size_both_ways(course, monkeypatch):
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 60)
    monkeypatch.setattr(vectors, "REBUILD_AT", 3)

    def lists_at(notes):
        course.fill(notes)
        for path in course.corpus.glob("note*.md"):
            if int(path.stem.removeprefix("note")) >= notes:
                path.unlink()
        course.refresh(hash_all=True)
        return int(course.store().meta()["base_lists"])

    assert lists_at(20) == 0
    assert_exact(course.store(), base_is_used=True)
    assert lists_at(200) > 0
    monkeypatch.setattr(vectors, "_PROBED", 1.0)
    assert_exact(course.store(), base_is_used=True)
    assert lists_at(20) == 0
    assert_exact(course.store(), base_is_used=True)


def test_a_large_base_that_is_damaged_is_replaced_by_exact_search(listed):
    damage_middle(base_path(listed.index, 1))
    index = assert_exact(listed.store())
    assert index.lists == 0
    listed.refresh(hash_all=True)
    assert int(listed.store().meta()["base_lists"]) > 0
    assert_nearly_exact(listed.store())


def test_killed_before_lists_are_named_the_old_base_answers(filled, monkeypatch):
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 10)
    monkeypatch.setattr(vectors, "REBUILD_AT", 0)
    write_base = vectors.write_base

    def killed(*arguments):
        write_base(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(vectors, "write_base", killed)
    filled.fill(80)
    with pytest.raises(KeyboardInterrupt):
        filled.refresh(hash_all=True)
    assert base_path(filled.index, 2).exists() and filled.store().meta()["generation"] == "1"
    assert assert_exact(filled.store(), base_is_used=True).lists == 0
    monkeypatch.setattr(vectors, "write_base", write_base)
    filled.refresh(hash_all=True)
    assert int(filled.store().meta()["base_lists"]) > 0
    assert [path.name for path in filled.index.glob("vectors-*")] == ["vectors-2.faiss"]


def test_open_vectors_of_an_empty_course(course):
    course.refresh()
    store = course.store()
    index = open_vectors(store, store.meta(), DIMENSION)
    assert index.search(np.ones(DIMENSION, np.float32), 5) == []


def test_a_snapshot_keeps_its_vectors_while_another_refreshes(filled, monkeypatch):
    """A reader of generation 1 whose base file is gone already still gets generation 1."""
    monkeypatch.setattr(vectors, "REBUILD_AT", 0)
    reader = filled.store()
    with reader.reading():
        meta = reader.meta()
        assert meta["generation"] == "1"
        filled.fill(80)
        filled.refresh(hash_all=True)
        assert not base_path(filled.index, 1).exists()
        assert reader.meta() == meta
        assert_exact(reader)
    assert reader.meta()["generation"] == "2"
    assert_exact(reader, base_is_used=True)
