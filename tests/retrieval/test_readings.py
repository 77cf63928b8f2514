"""Two readings of a follow-up: one ranking, exact comparisons, notes quoted before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assistant.answering.conversation import remember
from assistant.retrieval.found import Retrieval
from assistant.retrieval.readings import found_together

FIRST = "comment fermer le port ?"
SECOND = "À quoi sert le pare-feu ? comment fermer le port ?"


@pytest.fixture
def notes(course):
    course.fill(8)
    course.write("reseau.md", "# Réseau\n\nLe pare-feu filtre les paquets du port ouvert.\n")
    course.write("disque.md", "# Disque\n\nLe volume a un port, que l'on peut fermer.\n")
    course.refresh()
    return course


def together(notes, first: Retrieval, second: Retrieval, quoted=()) -> Retrieval:
    assistant = notes.assistant
    with assistant._reading() as store:
        vectors = assistant._current_snapshot(store).vectors
        return found_together(first, second, quoted, vectors, assistant.codec)


def test_a_passage_that_only_the_second_reading_found_is_compared_as_by_the_first(notes):
    first, second = notes.assistant.retrieve(FIRST), notes.assistant.retrieve(SECOND)
    known = {passage.row: passage for passage in first.passages}
    assert len(known) > 3
    found = together(notes, replace(first, passages=first.passages[:1]), second)
    assert {passage.row for passage in found.passages} == set(known)
    assert found.question is first.question
    for passage in found.passages:
        expected = known[passage.row]
        assert np.allclose(passage.similarities, expected.similarities, atol=1e-5)
        assert np.allclose(passage.support, expected.support, atol=1e-5)
        assert passage.signals.dense == pytest.approx(expected.signals.dense, abs=1e-5)
        assert passage.signals.lexical == pytest.approx(expected.signals.lexical, abs=1e-5)


def test_scores_are_averaged_and_a_missing_one_is_the_lowest(notes):
    first, second = notes.assistant.retrieve(FIRST), notes.assistant.retrieve(SECOND)
    one = {p.row: p.score for p in first.passages}
    other = {p.row: p.score for p in second.passages[:2]}
    found = together(notes, first, replace(second, passages=second.passages[:2]))
    for passage in found.passages:
        expected = 0.6 * one[passage.row] + 0.4 * other.get(passage.row, min(other.values()))
        assert passage.score == pytest.approx(expected)
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)


def test_a_note_quoted_before_gains_a_point_and_no_other(notes):
    first, second = notes.assistant.retrieve(FIRST), notes.assistant.retrieve(SECOND)
    without = {p.row: p.score for p in together(notes, first, second).passages}
    for passage in together(notes, first, second, {"disque.md"}).passages:
        gained = passage.score - without[passage.row]
        expected = 1.0 if passage.stored.chunk.note_id == "disque.md" else 0.0
        assert gained == pytest.approx(expected)


def test_nothing_found_by_one_reading_leaves_the_first(notes):
    first, second = notes.assistant.retrieve(FIRST), notes.assistant.retrieve(SECOND)
    assert together(notes, first, replace(second, passages=())) is first
    nothing = replace(first, passages=())
    assert together(notes, nothing, second) is nothing


def test_only_a_follow_up_or_an_unsure_question_is_looked_for_twice(notes, monkeypatch):
    asked: list[str] = []
    encode = notes.embedder.encode_queries

    def counted(texts, *args, **options):
        asked.extend(texts)
        return encode(texts, *args, **options)

    monkeypatch.setattr(notes.embedder, "encode_queries", counted)
    before = [remember(notes.assistant.ask("À quoi sert le pare-feu ?"))]
    asked.clear()
    follow_up = notes.assistant.ask("et le volume ?", conversation=before)
    assert follow_up.standalone == "à quoi sert le volume ?"
    assert len(asked) == 2 and "pare-feu" in asked[1]
    asked.clear()
    complete = notes.assistant.ask("À quoi sert le noyau ?", conversation=before)
    assert complete.standalone == "" and len(asked) == 1
    assert complete.hits == notes.assistant.ask("À quoi sert le noyau ?").hits
    asked.clear()
    unsure = notes.assistant.ask("quelle licence pour le volume ?", conversation=before)
    assert unsure.standalone == "" and len(asked) == 2 and "pare-feu" in asked[1]
