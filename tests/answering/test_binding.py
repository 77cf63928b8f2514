"""Facts that change places are seen; the same facts in other words or another order are not."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.binding import exchanges_facts, lone_capitals

PORTS = "Le port 80 sert à HTTP et le port 443 à HTTPS."
VESSELS = (
    "Les artères portent le sang du cœur vers les organes, les veines le ramènent vers le cœur."
)
WAVES = "Les ondes de volume traversent le globe et les ondes de surface suivent les interfaces."
TUNINGS = "- l'option A règle la vitesse ;\n- l'option B règle la couleur."


@pytest.mark.parametrize(
    ("claim", "place", "exchanged"),
    [
        ("Le port 443 sert à HTTP et le port 80 à HTTPS.", PORTS, True),
        ("Le port 443 à HTTP, le port 80 à HTTPS.", PORTS, True),
        ("Le port 443 sert à HTTPS, tandis que le port 80 sert à HTTP.", PORTS, False),
        ("Les ondes de surface traversent le globe, celles de volume suivent les interfaces.",
         WAVES, True),
        ("Les interfaces sont suivies par les ondes de surface et le globe est traversé par les "
         "ondes de volume.", WAVES, False),
        ("L'option B règle la vitesse et l'option A la couleur.", TUNINGS, True),
        ("L'option A règle la vitesse et l'option B la couleur.", TUNINGS, False),
        ("Les veines ramènent le sang vers le cœur, les artères le portent aux organes.",
         VESSELS, False),
        ("Les ports 80 et 443 servent respectivement à HTTP et à HTTPS.", PORTS, False),
        ("Il utilise le noyau et le système, la mémoire et le disque.",
         "Il utilise le disque, la mémoire, le système et le noyau.", False),
        ("L'eau est plus lourde que l'huile.", "L'huile est bien plus lourde que l'eau.", True),
        ("L'huile est plus lourde que l'eau.", "L'huile est bien plus lourde que l'eau.", False),
    ],
)  # fmt: skip
def test_facts_that_change_places(claim, place, exchanged):
    assert exchanges_facts(claim, place, "fr", "fr") is exchanged


def test_an_english_sentence_about_an_english_place():
    place = "Port 80 carries HTTP while port 443 carries HTTPS."
    assert exchanges_facts("Port 443 carries HTTP and port 80 carries HTTPS.", place, "en", "en")
    assert not exchanges_facts("Port 443 carries HTTPS; port 80, HTTP.", place, "en", "en")


def test_letters_that_name():
    assert lone_capitals("A. Les ondes P et S, l'option B, 12 V et 40 °C") == {"P", "S", "B"}
    assert lone_capitals("Une pile de 12\u00a0V, 3\u202fA") == set()


NAMES = ("ALPHA", "BRAVO", "DELTA", "GOLF", "HOTEL", "INDIA")


@given(
    st.permutations(NAMES).map(lambda names: names[:3]),
    st.lists(st.integers(2, 9_999), min_size=3, max_size=3, unique=True),
    st.permutations(range(3)),
)
def test_exactly_another_assignment_of_numbers_to_names_is_seen(names, numbers, order):
    place = (
        ", ".join(f"{name} porte le {number}" for name, number in zip(names, numbers, strict=True))
        + "."
    )
    for values in itertools.permutations(numbers):
        said = list(zip(names, values, strict=True))
        claim = "; ".join(f"{said[k][0]} porte le {said[k][1]}" for k in order)
        exchanged = (
            sum(a != b for a, b in zip(values, numbers, strict=True)) == 2
        )  # of three, one is right
        if exchanged or values == tuple(numbers):
            assert exchanges_facts(claim, place, "fr", "fr") is exchanged


def test_a_word_said_again_and_again_costs_little():
    """A model may write one without end, and so may a note: this took minutes."""
    endless = "le port 80, " * 160
    started = time.perf_counter()
    assert not exchanges_facts(endless, endless, "fr", "fr")
    assert time.perf_counter() - started < 10
