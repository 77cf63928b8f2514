"""A sentence that takes up the words of a place in another order is not proved by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.word_order import changes_order, turns_passive


def words(text: str) -> list[frozenset[str]]:
    return [frozenset({word}) for word in text.split()]


@pytest.mark.parametrize(
    ("claim", "is_changed"),
    [
        ("tête pointe branche pointe commit", False),
        ("tête pointe commit pointe branche", True),
        ("tête désigne branche pointe commit", False),  # a word of its own counts for nothing
        ("commit tête branche", False),  # three may stand in any order
        ("commit pointe tête branche", True),
    ],
)
def test_the_order_of_a_place_is_kept(claim: str, is_changed: bool) -> None:
    assert changes_order(words(claim), words("tête pointe branche pointe commit")) is is_changed


@given(st.lists(st.sampled_from("abcdef"), max_size=7), st.lists(st.sampled_from("abcdef")))
def test_what_is_left_out_of_a_place_changes_nothing(claim: list[str], place: list[str]) -> None:
    """Against the definition: is there a rising choice of places for the shared words?"""
    shared = [word for word in claim if word in place]

    def rises(left: list[str], begin: int) -> bool:
        if not left:
            return True
        return any(place[n] == left[0] and rises(left[1:], n) for n in range(begin, len(place)))

    expected = len(shared) >= 4 and not rises(shared, 0)
    assert changes_order(words(" ".join(claim)), words(" ".join(place))) is expected


def test_a_passive_turns_an_active_place_round() -> None:
    assert turns_passive("Les ressources sont limitées par les cgroups", "Les cgroups limitent")
    assert not turns_passive("Il est limité par a", "Il est limité par b")
    assert not turns_passive("Les cgroups limitent", "Limitées par les cgroups")
