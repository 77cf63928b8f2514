"""Markdown and plain text notes: decoded, never changed.

The text stays as the author wrote it, markers and typing errors included, so that an
offset in it is an offset in the file. Only the title, author and date are interpreted.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path, PurePosixPath

from assistant.datatypes import Note
from assistant.language import detect_language
from assistant.reading.front_matter import read_front_matter

_FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.S | re.M)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*)$", re.M)
# Code is full of English words whatever the note is written in.
_CODE = re.compile(
    r"^ {0,3}(?P<fence>```|~~~).*?(?:^ {0,3}(?P=fence)|\Z)|^(?: {3,}|\t)[^\n]*|^ *>>> [^\n]*"
    r"|`+[^`\n]+`+|https?://\S+|<[^>\n]{1,200}>",
    re.S | re.M,
)
_FEW_WORDS = 8
_SAMPLE = 20_000  # characters in which the language is looked for
_INLINE_MARKS = re.compile(
    r"\*\*|__|`|!?\[([^\[\]]{0,300})\]\([^()]{0,500}\)|\{[.#][^{}]{0,200}\}|<[^<>]{1,80}>"
)


class UnreadableNoteError(ValueError):
    """A file that is not a readable note; `str(error)` is the reason to show."""


def _prose(body: str) -> str:
    """Return the beginning of a note without its code; empty when hardly a word is left."""
    prose = _CODE.sub(" ", body[:_SAMPLE])
    return prose if len(prose.split()) >= _FEW_WORDS else ""


def plain_heading(line: str) -> str:
    """Return a heading's words without inline Markdown: `## **Les** `ps` ##` is "Les ps"."""
    words = _INLINE_MARKS.sub(lambda match: match[1] or "", line).split()
    if len(words) > 1 and not words[-1].strip("#"):
        words.pop()  # `## Titre ##`, but not `# C#`
    return " ".join(words)


def _first_heading(body: str) -> str | None:
    match = _HEADING.search(_FENCE.sub("", body[:20_000]))
    return plain_heading(match[1]) or None if match else None


def read_markdown(note_id: str, data: bytes, source: Path, expected_language: str = "fr") -> Note:
    """Read one note from its bytes; raise UnreadableNoteError with the reason."""
    if b"\0" in data:
        raise UnreadableNoteError(
            "n'est pas du texte en UTF-8 (octets nuls) : réenregistrez-la en UTF-8"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableNoteError(
            f"n'est pas en UTF-8 (octet {error.start}) : réenregistrez-la en UTF-8"
        ) from error
    matter = read_front_matter(text)
    body = text[matter.end :]
    title = matter.title or _first_heading(body) or PurePosixPath(note_id).stem
    return Note(
        id=note_id,
        title=title,
        language=detect_language(_prose(body) or body, expected_language),
        text=text,
        sha256=sha256(data).hexdigest(),
        source=source,
        author=matter.author,
        date=matter.date,
        body_start=matter.end,
    )
