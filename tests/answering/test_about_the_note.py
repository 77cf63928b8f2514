"""Questions about the course itself are answered by its front matter, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.answering.about_the_note import is_about_the_course
from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
from assistant.settings import Settings

NOTE = """---
Title:  Les volcans
Author:   Jeanne Roche  
Date: 3 mars 2024
---
# Volcans

Le volcan explosif projette des cendres.
"""


@pytest.fixture
def course(tmp_path: Path) -> Assistant:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "volcans.md").write_text(NOTE, encoding="utf-8")
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index")
    return Assistant.open(settings, embedder=FakeEmbedder())


@pytest.mark.parametrize(
    ("question", "quote", "line"),
    [
        ("qui a écrit ce cours ?", "Author:   Jeanne Roche", 3),
        ("Qui est l'auteur du cours sur les volcans ?", "Author:   Jeanne Roche", 3),
        ("de quelle date sont ces notes ?", "Date: 3 mars 2024", 4),
    ],
)
def test_the_front_matter_is_quoted(
    course: Assistant, question: str, quote: str, line: int
) -> None:
    answer = course.ask(question)
    (citation,) = answer.citations
    assert (answer.answered, citation.quote, citation.line_start) == (True, quote, line)


@pytest.mark.parametrize(
    "question",
    ["Quand le cours d'une action monte-t-il ?", "quand utiliser les notes de version ?",
     "What is the page size when swapping the page?", "qui a fait le volcan ?",
     "Quand utiliser le document object model ?", "quelle est la date de l'éruption du cours ?"],
)  # fmt: skip
def test_questions_that_only_hold_its_words_are_none(question: str) -> None:
    assert not is_about_the_course(question)


def test_other_questions_are_left_to_the_passages(course: Assistant) -> None:
    answer = course.ask("que projette le volcan explosif ?")
    assert [c.line_start for c in answer.citations] == [8]
    assert all(c.line_start > 5 for c in course.ask("qui a étudié les volcans ?").citations)
