"""Markdown and plain text notes: decoded, never changed.

The text stays as the author wrote it, markers and typing errors included, so that an
offset in it is an offset in the file. Only the title, author and date are interpreted.
"""

from __future__ import annotations

import re

from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.front_matter import read_front_matter

_FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.S | re.M)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*)$", re.M)
_INLINE_MARKS = re.compile(
    r"\*\*|__|`|!?\[([^\[\]]{0,300})\]\([^()]{0,500}\)|\{[.#][^{}]{0,200}\}|<[^<>]{1,80}>"
)


def plain_heading(line: str) -> str:
    """Return a heading's words without inline Markdown: `## **Les** `ps` ##` is "Les ps"."""
    words = _INLINE_MARKS.sub(lambda match: match[1] or "", line).split()
    if len(words) > 1 and not words[-1].strip("#"):
        words.pop()  # `## Titre ##`, but not `# C#`
    return " ".join(words)


def first_heading(body: str) -> str | None:
    """Return the words of the first `#` heading outside code; None without one."""
    match = _HEADING.search(_FENCE.sub("", body[:20_000]))
    return plain_heading(match[1]) or None if match else None


def read_markdown(data: bytes, name: str) -> Extracted:
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
    return Extracted(
        text=text,
        title=matter.title,
        author=matter.author,
        date=matter.date,
        tags=matter.tags,
        body_start=matter.end,
    )
