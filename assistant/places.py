"""Where an offset of a note stands in its file: line, page, slide or cell.

The text of a Markdown note is the file's own, so its lines are counted. An extracted
text carries places; a place that is a source line takes the place of the count.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from assistant.datatypes import Note, Place


@lru_cache(maxsize=64)
def line_starts(text: str) -> tuple[int, ...]:
    """Return the offset at which every line of `text` begins."""
    starts = [0]
    found = text.find("\n")
    while found >= 0:
        starts.append(found + 1)
        found = text.find("\n", found + 1)
    return tuple(starts)


def place_at(note: Note, offset: int) -> Place | None:
    """Return the page, slide, cell or source line that holds `offset`; None without places."""
    index = bisect_right(note.places, offset, key=lambda place: place.start) - 1
    return note.places[max(index, 0)] if note.places else None


def line_at(note: Note, offset: int) -> int:
    """Return the line, 1 for the first: of the source where places say it, else of the text."""
    place = place_at(note, offset)
    if place is not None and place.unit == "line":
        return place.number
    return bisect_right(line_starts(note.text), offset)
