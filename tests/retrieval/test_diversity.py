"""Copied passages collapse into one hit; neighbours of a section become one."""

from __future__ import annotations

from pathlib import Path

from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
from assistant.retrieval.diversity import join_neighbours
from assistant.settings import Settings

COPIED = "Les volumes gardent les données des conteneurs, même quand on les supprime un à un."


def open_course(root: Path, notes: dict[str, str]) -> Assistant:
    corpus = root / "corpus"
    corpus.mkdir()
    for name, text in notes.items():
        (corpus / name).write_text(text, encoding="utf-8")
    settings = Settings(corpus=corpus, index=root / "index", caution=0.0)
    return Assistant.open(settings, embedder=FakeEmbedder(max_tokens=32))


def test_a_copied_passage_is_one_hit_that_names_the_copies(tmp_path: Path) -> None:
    notes = {
        "a.md": f"# Volumes\n{COPIED}\n",
        "b.md": f"# Volumes\n{COPIED}\n",
        "c.md": f"# Volumes\n{COPIED.replace('un à un', 'tous à un')}\n",
        "d.md": "# Réseaux\nLes réseaux relient les conteneurs.\n",
    }
    hits = open_course(tmp_path, notes).search("volumes données conteneurs")
    assert {hits[0].chunk.note_id, *hits[0].duplicates} == {"a.md", "b.md", "c.md"}
    assert len(hits[0].duplicates) == 2
    assert (hits[1].chunk.note_id, hits[1].duplicates) == ("d.md", ())
    assert [hit.rank for hit in hits] == [1, 2]


def test_neighbouring_chunks_of_a_section_become_one_exact_slice(tmp_path: Path) -> None:
    sentences = [f"Le volume numéro {n} garde les données du conteneur {n}." for n in range(12)]
    text = "# Volumes\n" + " ".join(sentences) + "\n\n# Autre\nUne image est un schéma.\n"
    course = open_course(tmp_path, {"a.md": text})
    hits = course.search("volume données conteneur", k=20)
    note = course.note("a.md")
    ranges = sorted((hit.chunk.start, hit.chunk.end) for hit in hits)
    assert len(hits) == 2
    assert all(note.text[h.chunk.start : h.chunk.end] == h.chunk.text for h in hits)
    assert hits[0].chunk.headings == ("Volumes",)
    assert hits[0].chunk.text.count("garde les données") == 12
    assert ranges[0][1] <= ranges[1][0]


def test_joined_neighbours_leave_their_places_to_the_next_passages(tmp_path: Path) -> None:
    sentences = [f"Le volume numéro {n} garde les données du conteneur {n}." for n in range(12)]
    notes = {f"{n}.md": f"# Note {n}\nLe volume {n} vide la cache {n * 7}.\n" for n in range(6)}
    course = open_course(tmp_path, {"a.md": "# Volumes\n" + " ".join(sentences) + "\n", **notes})
    course.refresh()
    note = course.note("a.md")
    passages = course.retrieve("volume données conteneur")
    fewer = []
    for k in (1, 2, 4, 7):
        hits = course.search("volume données conteneur", k=k)
        assert [hit.rank for hit in hits] == list(range(1, k + 1))
        assert all(note.text[h.chunk.start : h.chunk.end] == h.chunk.text
                   for h in hits if h.chunk.note_id == "a.md")  # fmt: skip
        fewer.append(len(join_neighbours(passages.hits(k), lambda _: note.text)) < k)
    assert any(fewer)
    assert len(course.search("volume données conteneur", k=50)) == 7
