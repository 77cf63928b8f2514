"""Front matter as people write it: sound, broken, or none at all."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.reading.front_matter import FrontMatter, read_front_matter

COURSE = (Path(__file__).parents[2] / "corpus" / "docker.md").read_text(encoding="utf-8")


def test_the_docker_course() -> None:
    assert read_front_matter(COURSE) == FrontMatter(
        end=COURSE.index("\n# Fonctionnement"),
        title="Cours sur docker issu de Dyma",
        author="v de GERMAIN",
        date="15 fevrier 2021",
    )


@pytest.mark.parametrize(
    ("block", "title", "author", "date"),
    [
        ("---\ntitle: Un\nauthor: A\ndate: 2024-01-02\n---\n", "Un", "A", "2024-01-02"),
        ("---\r\ntitle: 'Un'\r\nauteur: A\r\n---\r\n", "Un", "A", None),
        ("+++\ntitle = 'Un'\nauthors = ['A', 'B']\ndate = 2024-01-02\n+++\n", "Un", "A, B",
         "2024-01-02"),
        ("---\nTitle: Cours: la suite\n---\n", "Cours: la suite", None, None),
        ("---\nTitle: a: b\nAuthor: Jean\n    de La Fontaine\n---\n", "a: b", "Jean de La Fontaine",
         None),
        ("---\ntitle: [cassé\nauthor: A\n---\n", "[cassé", "A", None),
        ("---\ntitle: >\n  Sur deux\n  lignes\n---\n", "Sur deux lignes", None, None),
        ("---\nauthor:\n  - name: A\n  - B\n---\n", None, "A, B", None),
        ("---\ntitle: Un\n...\n", "Un", None, None),
        ("+++\ntitle = \nauthor = A\n+++\n", None, "A", None),
        ("---\n---\n", None, None, None),
        ("---\ntitle:\n---\n", None, None, None),
    ],
)  # fmt: skip
def test_metadata(block: str, title: str | None, author: str | None, date: str | None) -> None:
    matter = read_front_matter(block + "Le texte.\n")
    assert (matter.title, matter.author, matter.date) == (title, author, date)
    assert matter.end == len(block)


@pytest.mark.parametrize(
    "text",
    ["", "Du texte.\n", "---\ntitle: jamais fermé\n", " ---\ntitle: x\n---\n", "----\na: b\n----\n",
     "---\nDu texte entre deux filets.\nEncore : du texte.\nEt la suite.\n---\n",
     "---\n# Diapo : un\n\nDu texte.\n\n---\nSuite\n", "# Titre\n---\ntitle: x\n---\n"],
)  # fmt: skip
def test_what_is_no_front_matter_stays_text(text: str) -> None:
    assert read_front_matter(text) == FrontMatter()


def test_aliases_that_multiply_are_never_written_out() -> None:
    names = "abcdefghij"
    lines = ["a: &a [x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise(names)
    ]
    start = time.perf_counter()
    matter = read_front_matter("---\n" + "\n".join(lines) + "\ntitle: *j\ntags: [*j]\n---\n")
    assert time.perf_counter() - start < 2
    assert (matter.title, matter.tags) == (None, ())


@given(st.text(alphabet="-+.:=ab[]{}&*!|>'\"#\n\r\t é\u2028", max_size=100))
@settings(max_examples=300, deadline=None)
def test_any_text_is_tolerated(text: str) -> None:
    for candidate in (text, f"---\n{text}\n---\n", f"+++\n{text}\n+++\n"):
        matter = read_front_matter(candidate)
        assert 0 <= matter.end <= len(candidate)
        assert matter.end == 0 or candidate[: matter.end].rstrip()[-3:] in ("---", "...", "+++")
