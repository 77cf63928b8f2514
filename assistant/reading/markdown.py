"""Markdown and plain text notes: decoded, never changed.

The text stays as the author wrote it, markers and typing errors included, so that an
offset in it is an offset in the file. Only front matter, links and tags are interpreted; plain
text is read as Markdown because that is how people write it.
"""

from __future__ import annotations

import re

from assistant.reading.decoding import decode
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.front_matter import read_front_matter
from assistant.reading.links import CODE, markdown_links

_FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.S | re.M)
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->", re.S)
_HEADING = re.compile(
    r"^ {0,3}#{1,6}[ \t]+(?P<marked>\S.*)$|^(?P<underlined>[^\s>#|].*)\n=+[ \t]*$", re.M
)
_WEB_PAGE = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype\s+html|html)\b", re.I)
_TAG = re.compile(r"(?<!\S)#(?P<tag>[^\W\d_][\w/-]{1,60})(?=[\s,;.!?)]|\Z)")
_NO_TAG = re.compile(
    r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}|"
    r"include|define|undef|ifn?def|if|elif|else|endif|pragma|error|line|region|endregion"
)
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
    """Return the words of the first heading outside code and comments; None without one."""
    text = _COMMENT.sub("", _FENCE.sub("", body[:20_000].replace("\r\n", "\n")))
    for match in _HEADING.finditer(text):
        if words := plain_heading(match["marked"] or match["underlined"]):
            return words
    return None


def inline_tags(body: str) -> tuple[str, ...]:
    """Return the tags among the words, as Obsidian writes them: "#cours/docker", each once.

    Colours ("#ffffff") and lines of C ("#include") are none.
    """
    found = (match["tag"] for match in _TAG.finditer(CODE.sub(" ", body)))
    return tuple(dict.fromkeys(tag for tag in found if not _NO_TAG.fullmatch(tag)))


def read_markdown(data: bytes, name: str) -> Extracted:
    """Read one note from its bytes; raise UnreadableNoteError with the reason."""
    text = decode(data)
    if _WEB_PAGE.match(text):
        raise UnreadableNoteError("est une page HTML : donnez-lui le suffixe .html")
    matter = read_front_matter(text)
    return Extracted(
        text=text,
        title=matter.title,
        author=matter.author,
        date=matter.date,
        tags=tuple(dict.fromkeys((*matter.tags, *inline_tags(text[matter.end :])))),
        body_start=matter.end,
        links=markdown_links(text[matter.end :]),
    )
