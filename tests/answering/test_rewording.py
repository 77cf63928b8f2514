"""Derived forms and synonyms stand for each other; terms of a field never do."""

from __future__ import annotations

import pytest

from assistant.answering.rewording import (
    base,
    initials,
    is_derived,
    is_framing,
    is_sort,
    senses,
    translated,
)


def are_one(one, other):
    return bool(senses([one], "fr") & senses([other], "fr"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("limitation", "limiter"),
        ("limite", "limitées"),
        ("expliquer", "explication"),
        ("ralentissement", "ralentit"),
        ("distribution", "distribue"),
        ("création", "créent"),
        ("gestion", "gérer"),
        ("hausse", "augmentation"),
        ("cardiaque", "cœur"),
        ("mensuel", "mois"),
        ("comporte", "contient"),
    ],
)
def test_words_of_one_sense(one, other):
    assert are_one(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("volumes", "cgroups"),
        ("prêteurs", "prêt"),
        ("prêteurs", "emprunteurs"),
        ("hausse", "baisse"),
        ("veines", "artères"),
        ("chloroplastes", "chlorophylle"),
        ("image", "conteneur"),
        ("parties", "partage"),
        ("euros", "dollars"),
    ],
)
def test_words_of_two_senses(one, other):
    assert not are_one(one, other)


def test_the_senses_of_another_language_are_its_own():
    assert senses(["limitation"], "en") == frozenset()


def test_a_base_is_no_shorter_than_four_letters_and_never_longer_than_the_word():
    for word in ("fin", "finir", "mot", "déclaration", "qualité", "uu", "ruissellement"):
        assert min(4, len(word)) <= len(base(word)) <= len(word)


def test_short_stems_need_known_endings():
    assert is_derived("fuite", "fuir") and is_derived("projection", "projette")
    assert not is_derived("chromosomes", "chromatides")


def test_words_that_frame():
    assert is_framing("Mécanismes", "fr") and is_framing("example", "en")
    assert not is_framing("processus", "fr") and not is_framing("nombre", "fr")


@pytest.mark.parametrize(
    ("claim", "noun", "sorts"),
    [
        ("La ville de Saint-Pierre fut détruite", "ville", True),
        ("Elle contient l'hémoglobine, une substance rouge", "substance", True),
        ("Docker Compose est un outil qui lance des conteneurs", "outil", True),
        ("Un conteneur est un outil.", "outil", False),
        ("Il détruit la ville.", "ville", False),
    ],
)
def test_a_noun_that_only_sorts(claim, noun, sorts):
    start = claim.index(noun)
    assert is_sort(claim, start, start + len(noun)) is sorts


def test_an_acronym_is_the_initials_of_neighbours():
    found = initials("La Banque centrale européenne vise un taux de 2 %", "fr")
    assert "bce" in found and "bct" not in found


def test_a_word_is_translated():
    found = translated("The memory is limited", "en", "fr")
    assert "memoir" in found[4, 10]
    assert translated("La mémoire", "fr", "fr") == {}
