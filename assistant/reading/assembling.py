"""Writing Markdown from what other formats hold: one text, its places, and its quoting."""

from __future__ import annotations

import re
from collections.abc import Iterable

from assistant.datatypes import Place, Unit

# Control characters and halves of surrogate pairs, which UTF-8 cannot hold.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LOOKS_LIKE_HEADING = re.compile(r"^(?=#{1,6}(?:\s|$))", re.M)


def printable(text: str) -> str:
    """Return the text with `\\n` line ends, without characters that no note can hold."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def escaped(text: str) -> str:
    """Return prose that Markdown does not take for a heading."""
    return _LOOKS_LIKE_HEADING.sub(r"\\", text)


def fence_for(code: str) -> str:
    """Return a fence longer than any that the code holds."""
    return "`" * max([3, *(len(run) + 1 for run in re.findall(r"`{3,}", code))])


def fenced(code: str, language: str = "") -> str:
    """Return code in its fence."""
    fence = fence_for(code)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def join_blocks(blocks: Iterable[tuple[str, str]]) -> str:
    """Join (kind, Markdown) by blank lines; items of one list, lines of one code stay together."""
    text: list[str] = []
    code: list[str] = []
    last = ""
    for kind, content in (*blocks, ("end", "")):
        if code and kind != "code":
            text.append(("\n\n" if text else "") + fenced("\n".join(code)))
            code = []
        if kind == "code":
            code.append(content)
        elif content.strip():
            text.append(("" if not text else "\n" if kind == last == "item" else "\n\n") + content)
        last = kind
    return "".join(text)


def list_indent(depth: float, above: list[float]) -> str:
    """Return the indentation of an item; `above` are the depths it may stand under.

    An item deeper than its list has levels stands one level under the last, as Markdown
    wants it. `above` is brought up to date.
    """
    while above and depth < above[-1]:
        above.pop()
    if not above or depth > above[-1]:
        above.append(depth)
    return "    " * (len(above) - 1)


def assemble(parts: Iterable[tuple[int, str]], unit: Unit) -> tuple[str, tuple[Place, ...]]:
    """Join parts with a blank line; each has its number (1 is the first), empty ones none."""
    text: list[str] = []
    places: list[Place] = []
    length = 0
    for number, part in parts:
        content = printable(part).strip("\n")
        if not content.strip():
            continue
        if text:
            text.append("\n\n")
            length += 2
        places.append(Place(length, unit, number))
        text.append(content)
        length += len(content)
    return "".join(text) + "\n" * bool(text), tuple(places)
