"""From what a reader extracted to a note: title, language, identity, links as ids."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path, PurePosixPath

from assistant.datatypes import Note
from assistant.language import detect_language
from assistant.reading.extracted import Extracted
from assistant.reading.links import resolve_links
from assistant.reading.markdown import first_heading

# Code is full of English words whatever the note is written in.
_CODE = re.compile(
    r"^ {0,3}(?P<fence>```|~~~).*?(?:^ {0,3}(?P=fence)|\Z)|^(?: {3,}|\t)[^\n]*|^ *>>> [^\n]*"
    r"|`+[^`\n]+`+|https?://\S+|<[^>\n]{1,200}>",
    re.S | re.M,
)
_FEW_WORDS = 8
_SAMPLE = 20_000  # characters in which the language is looked for


def _prose(body: str) -> str:
    """Return the beginning of a note without its code; empty when hardly a word is left."""
    prose = _CODE.sub(" ", body[:_SAMPLE])
    return prose if len(prose.split()) >= _FEW_WORDS else ""


def make_note(
    note_id: str, data: bytes, source: Path, extracted: Extracted, expected_language: str = "fr"
) -> Note:
    """Return the note of a file; its title falls back on the first heading, then the name."""
    text = extracted.text
    body = text[extracted.body_start :]
    return Note(
        id=note_id,
        title=extracted.title or first_heading(body) or PurePosixPath(note_id).stem,
        language=detect_language(_prose(body) or body, expected_language),
        text=text,
        sha256=sha256(data).hexdigest(),
        source=source,
        author=extracted.author,
        date=extracted.date,
        body_start=extracted.body_start,
        tags=extracted.tags,
        places=extracted.places,
        links=resolve_links(extracted.links, note_id),
    )
