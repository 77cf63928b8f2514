"""Where notes and files of the course are found on this server.

`/notes/<id>#L12-L14` is the form to send to somebody: the page marks these lines and
scrolls to them. `?L=12-14#L12` does the same where no script runs. A citation adds
`?quote=120-180-1f2e3d4c`, the offsets of its words and the beginning of their SHA-256, so
that they are marked as long as the note says them there.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from assistant.datatypes import Citation

NOTES = "/notes"
FILES = "/files"
QUOTE = re.compile(r"(\d{1,9})-(\d{1,9})-([0-9a-f]{8})")  # the value of `quote`


def note_url(note_id: str, line_start: int | None = None, line_end: int | None = None) -> str:
    """The address of a note, or of lines of it; 1 is the first line."""
    address = f"{NOTES}/{quote(note_id)}"
    if line_start is None:
        return address
    if line_end is None or line_end <= line_start:
        return f"{address}#L{line_start}"
    return f"{address}#L{line_start}-L{line_end}"


def citation_url(citation: Citation) -> str:
    """The address of a note with the words of a citation marked."""
    digest = quote_digest(citation.quote)
    quoted = f"{citation.start}-{citation.end}-{digest}"
    lines = note_url("", citation.line_start, citation.line_end).partition("#")[2]
    return f"{note_url(citation.note_id)}?quote={quoted}#{lines}"


def quote_digest(text: str) -> str:
    """The first 8 hexadecimal digits of the SHA-256 of a quotation."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def file_url(path: str) -> str:
    """The address of an image of the corpus, by its path relative to the corpus."""
    return f"{FILES}/{quote(path)}"
