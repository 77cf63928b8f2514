"""Lines, pages and source lines of an offset, against worked examples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from assistant.datatypes import Note, Place
from assistant.places import line_at, place_at

NOTE = Note("a.md", "A", "fr", "a\r\nb\u2028c\n\nd", "0", Path("a.md"))


def test_lines_begin_at_one_and_end_in_line_feeds() -> None:
    assert [line_at(NOTE, NOTE.text.index(letter)) for letter in "abcd"] == [1, 2, 2, 4]
    assert place_at(NOTE, 0) is None


def test_pages_hold_what_follows_their_start() -> None:
    note = replace(NOTE, places=(Place(0, "page", 1), Place(3, "page", 2), Place(8, "page", 5)))
    places = [place_at(note, note.text.index(letter)) for letter in "abcd"]
    assert [place.number for place in places if place] == [1, 2, 2, 5]
    assert line_at(note, note.text.index("d")) == 4  # of the extracted text


def test_source_lines_take_the_place_of_counted_ones() -> None:
    note = replace(NOTE, places=(Place(0, "line", 10), Place(3, "line", 20)))
    assert [line_at(note, note.text.index(letter)) for letter in "abcd"] == [10, 20, 20, 20]
