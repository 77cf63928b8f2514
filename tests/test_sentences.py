"""Where sentences end in notes as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.sentences import split_sentences


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Un. Deux ! Trois ? Quatre… Cinq", ["Un.", "Deux !", "Trois ?", "Quatre…", "Cinq"]),
        (
            "un processus.Docker partage le système.Chaque conteneur a le sien",
            ["un processus.", "Docker partage le système.", "Chaque conteneur a le sien"],
        ),
        ("M. Martin voit Mme. Durand, cf. p. 12, etc. et part.", None),
        ("Il écrit « Bonjour ! » puis part.", None),
        ("Python 3.11 et fichier.Txt, node.js ou FICHIER.TXT", None),
        ("« Bonjour ! » Il part.", ["« Bonjour ! »", "Il part."]),
        ("1. Ouvrir le terminal", None),
        ("J. Dupont a écrit. Il dort.", ["J. Dupont a écrit.", "Il dort."]),
        ("J. Le Goff écrit.", None),
        ("L'intensité est I. La tension est U.", ["L'intensité est I.", "La tension est U."]),
        ("✅ **4. Vérifier le réseau :**", None),
        ("On attend... Rien.", ["On attend...", "Rien."]),
        ("On attend... mais rien.", None),
        ("(Fin.) Suite.", ["(Fin.)", "Suite."]),
        ("**Gras.** Suite.", ["**Gras.**", "Suite."]),
        ("Coupée\nsur deux lignes. Autre.", ["Coupée\nsur deux lignes.", "Autre."]),
        ("Une ligne.\nune autre.", ["Une ligne.", "une autre."]),
        ("", []),
        (" \n\u2028 ", []),
    ],
)
def test_sentences(text: str, expected: list[str] | None) -> None:
    assert _sentences(text) == ([text] if expected is None else expected)


def test_offsets_are_those_of_the_whole_text() -> None:
    text = "Avant. Un. Deux. Après."
    assert split_sentences(text, 7, 16) == [(7, 10), (11, 16)]


@given(
    st.text(alphabet='aBé.!?… \n\r\u2028"»)1M', max_size=80),
    st.integers(0, 20),
    st.integers(0, 20),
)
@settings(max_examples=300, deadline=None)
def test_every_character_but_white_space_is_in_one_sentence(text: str, cut: int, tail: int) -> None:
    start, end = min(cut, len(text)), max(min(cut, len(text)), len(text) - tail)
    position = start
    for left, right in split_sentences(text, start, end):
        assert position <= left < right <= end
        assert not text[position:left].strip()
        assert text[left:right] == text[left:right].strip()
        position = right
    assert not text[position:end].strip()
