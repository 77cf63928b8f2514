"""Lines that no rule knows: which lean on what was said, and how a topic goes with them."""

from __future__ import annotations

import pytest

from assistant.answering.noun_phrases import joined, plural_of
from assistant.answering.spoken_of import apart, beside, leans, parted, shown


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
        "à quoi ça sert, les volumes ?",
        "Is it possible to run two containers?",
        "qui a écrit la première version de Linux ?",
        "il y a combien de couches dans une image ?",
        "quel est le dossier dans lequel Docker écrit ?",
        "qui est Billy ?",
    ],
)
def test_a_whole_question_does_not_lean(line: str) -> None:
    assert not leans(line)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("un volume", "les volumes"),
        ("le réseau de neurones", "les réseaux de neurones"),
        ("un journal", "les journaux"),
        ("le jeu de données", "les jeux de données"),
        ("un festival", "les festivals"),
        ("le pneu", "les pneus"),
        ("l'index", "les index"),
        ("Docker", "les Docker"),
    ],
)
def test_the_plural_of_a_noun(one: str, many: str) -> None:
    assert plural_of(one) == many


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("image", "d'image"),
        ("héritage", "d'héritage"),
        ("histoire", "d'histoire"),
        ("hash", "de hash"),
        ("hachage", "de hachage"),
        ("hérisson", "de hérisson"),
        ("le volume", "du volume"),
        ("les hommes", "des hommes"),
        ("un héritage et une interface", "d'un héritage et d'une interface"),
        ("les images et le réseau", "des images et du réseau"),
        ("pile et file", "de pile et file"),
    ],
)
def test_of_before_a_noun(phrase: str, expected: str) -> None:
    assert joined("de", phrase) == expected


def test_what_is_shown_can_be_taken_apart_again() -> None:
    for language, words in (("fr", "à propos de : "), ("en", "about: ")):
        text = shown("et avant ?", "le registre privé", language)
        assert words in text
        assert parted(text) == ("et avant ?", "le registre privé")
    assert apart(beside("et avant ?", "le registre")) == ("et avant", "le registre")
    assert parted("à quoi sert un registre (privé) ?")[1] == ""
