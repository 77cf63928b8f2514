"""Where notes and files of the course are found on this server.

`/notes/<id>#L12-L14` is the form to send to somebody: the page marks these lines and
scrolls to them. `?L=12-14#L12` does the same where no script runs.
"""

from __future__ import annotations

from urllib.parse import quote

NOTES = "/notes"
FILES = "/files"


def note_url(note_id: str, line_start: int | None = None, line_end: int | None = None) -> str:
    """The address of a note, or of lines of it; 1 is the first line."""
    address = f"{NOTES}/{quote(note_id)}"
    if line_start is None:
        return address
    if line_end is None or line_end <= line_start:
        return f"{address}#L{line_start}"
    return f"{address}#L{line_start}-L{line_end}"


def file_url(path: str) -> str:
    """The address of an image of the corpus, by its path relative to the corpus."""
    return f"{FILES}/{quote(path)}"
