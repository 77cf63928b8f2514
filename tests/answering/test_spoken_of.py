"""Lines that no rule knows: which lean on what was said, and when a topic goes with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assistant.answering.conversation import Turn, topics
from assistant.answering.spoken_of import apart, beside, chosen_topic, leans, parted, shown


@pytest.mark.parametrize(
    "line",
    [
        "comment je vois ce qu'il y a dedans ?",
        "et faut savoir quoi avant de s'y mettre ?",
        "sauf si c'est moi qui l'ai arrêté ?",
        "par quel nom il y accède ?",
        "pourquoi pas ?",
        "on peut mettre l'un dans l'autre ?",
        "and why not?",
    ],
)
def test_a_line_that_points_back_leans(line: str) -> None:
    assert leans(line)


@pytest.mark.parametrize(
    "line",
    [
        "quelles sont les bonnes pratiques avec docker compose ?",
        "où sont les logs sous linux ?",
        "un ogm c'est quoi ?",
        "Swarm ou Kubernetes en production ?",
        "comment marche un préservatif masculin ?",
        "What does a worker do?",
    ],
)
def test_a_whole_question_does_not_lean(line: str) -> None:
    assert not leans(line)


def sureness_of(**known: float) -> tuple[Callable[[str], float], list[str]]:
    """A retrieval whose confidence is known for each topic; `alone` for the line alone."""
    asked: list[str] = []

    def sureness(text: str) -> float:
        asked.append(text)
        return known[apart(text)[1] or "alone"]

    return sureness, asked


LEANING = "pourquoi pas ?"


@pytest.mark.parametrize(
    ("alone", "first", "second", "expected"),
    [
        (0.2, 0.6, 0.5, "ssh"),  # surer with the topic
        (0.2, 0.6, 0.7, "cgroups"),  # the surest topic
        (0.6, 0.55, 0.1, "ssh"),  # it may be a little less sure
        (0.6, 0.45, 0.1, ""),  # not much less
        (0.9, 0.99, 0.99, ""),  # the line alone will do
    ],
)
def test_the_topic_is_chosen_by_what_is_found(
    alone: float, first: float, second: float, expected: str
) -> None:
    sureness, _ = sureness_of(alone=alone, ssh=first, cgroups=second)
    assert chosen_topic(LEANING, ("ssh", "cgroups"), sureness) == expected


def test_nothing_is_retrieved_for_a_whole_question_or_without_a_topic() -> None:
    sureness, asked = sureness_of(alone=0.0, ssh=1.0)
    assert chosen_topic("où sont les logs sous linux ?", ("ssh",), sureness) == ""
    assert chosen_topic(LEANING, (), sureness) == ""
    assert asked == []


def test_what_is_shown_can_be_taken_apart_again() -> None:
    for language, words in (("fr", "à propos de : "), ("en", "about: ")):
        text = shown("et avant ?", "le registre privé", language)
        assert words in text
        assert parted(text) == ("et avant ?", "le registre privé")
    assert apart(beside("et avant ?", "le registre")) == ("et avant", "le registre")
    assert parted("à quoi sert un registre (privé) ?")[1] == ""


def turn(question: str, heading: str = "") -> Turn:
    return Turn(question, question, True, "fr", (), (), heading)


def test_topics_are_what_was_asked_about_and_the_section_that_answered() -> None:
    assert topics([turn("C'est quoi SSH ?", "2. Clés SSH")]) == ("SSH", "Clés SSH")
    assert topics([turn("C'est quoi SSH ?", "Introduction")]) == ("SSH",)
    assert topics([]) == ()


def test_a_turn_without_a_topic_hands_on_the_one_before() -> None:
    before = [turn("C'est quoi un registre privé ?"), turn("et vite ?")]
    assert topics(before)[0] == "un registre privé"
