"""What a reader gives back: the text of one file, and what the file says of itself.

A reader is a function `(data: bytes, name: str) -> Extracted`, `name` being the last part
of the file's path. The text is Markdown (`#` headings, `- ` items, `|` tables, fenced
code, `$` formulas), because one structure serves every format; `places` map its offsets
back to pages, slides, cells or source lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from assistant.datatypes import Place

VERSION = "4"  # of what all readers make of a file: another version makes an index stale


class UnreadableNoteError(ValueError):
    """A file that is not a readable note; `str(error)` is the reason to show, in French."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a file and its metadata; what is unknown is None or empty."""

    text: str
    title: str | None = None  # without one, the first heading or the file's name is taken
    author: str | None = None
    date: str | None = None
    tags: tuple[str, ...] = ()
    body_start: int = 0  # where the text after the front matter begins
    places: tuple[Place, ...] = ()  # by start
    links: tuple[str, ...] = ()  # targets as written, relative to the file; [[names]] too
