"""Copied passages collapse into one hit; neighbours of a section become one."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.assistant import Assistant
from assistant.datatypes import Signals
from assistant.embedding.fake import FakeEmbedder
from assistant.index.store import StoredChunk
from assistant.index.token_store import StoredTokens
from assistant.retrieval.diversity import collapse_duplicates, join_neighbours
from assistant.retrieval.found import Passage
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


def passages_of(texts: list[str]) -> list[Passage]:
    nothing = np.zeros((0, 0), np.float32)
    return [
        Passage(
            n,
            StoredChunk(
                n, f"{n}.md", 0, 0, len(text), text, "", "[]", "[]", "", "fr", None, None, b"", b""
            ),
            Signals(0, 0),
            0.0,
            StoredTokens(np.zeros((0, 1), np.uint8), np.zeros(0, np.uint8)),
            nothing,
            nothing[0:0].ravel(),
        )
        for n, text in enumerate(texts)
    ]


def distinct_by_all_pairs(texts: list[str]) -> dict[int, tuple[str, ...]]:
    words = [set(re.findall(r"\w+", text.casefold())) for text in texts]
    kept: dict[int, list[str]] = {}
    for n, own in enumerate(words):
        for other in kept:
            shared, either = len(own & words[other]), len(own | words[other])
            few = min(len(own), len(words[other])) < 6
            if own == words[other] if few else shared >= 0.9 * either:
                kept[other].append(f"{n}.md")
                break
        else:
            kept[n] = []
    return {n: tuple(repeats) for n, repeats in kept.items()}


WORDS = st.sampled_from(
    "le volume garde les données du conteneur même après sa fin l été où ça a b c x86 réseau "
    "œuvre ÉTÉ Docker docker_run 1024 свет 容器 Größe".split()
)
BETWEEN = st.sampled_from([" ", ", ", "'", " « ", "\n\n- ", " | ", "`", " : ", "\u00a0! ", " 📌 "])


@pytest.mark.parametrize("mark", ["’", "\u00a0", "–", "…", "📌"])
def test_short_texts_whose_words_other_marks_part_are_duplicates(mark: str) -> None:
    texts = ["C'est l'heure d'été.", f"C{mark}est{mark}l{mark}heure{mark}d{mark}été."]
    assert len(collapse_duplicates(passages_of(texts))) == 1


@given(
    st.lists(st.lists(st.tuples(WORDS, BETWEEN), max_size=30), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_duplicates_are_those_of_all_pairs_of_word_sets(parts, random) -> None:
    texts = ["".join(word + between for word, between in text) for text in parts]
    for text in parts:  # the same words in another order and with other marks
        shuffled = random.sample([word for word, _ in text], len(text))
        texts.append(", ".join(shuffled) + ".")
        texts.append("| " + " | ".join(word.title() for word in shuffled[1:]) + " |")
    found = {p.row: repeats for p, repeats in collapse_duplicates(passages_of(texts))}
    assert found == distinct_by_all_pairs(texts)
    assert all(one < other for one, other in pairwise(found))
