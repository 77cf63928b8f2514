"""Make Markdown that holds note text safe for the chat, whatever the note says.

The chat's own sanitizer keeps forms, inputs and remote images, and its renderer puts
formulas and Mermaid blocks into the page unescaped. So nothing is left to it that
could become an element: `<`, `&`, brackets, backticks and tildes become character
references, images become their description, links their label, addresses plain text.
Code is rebuilt here as `<code>` and `<pre>` from escaped characters. What stays
Markdown is emphasis, lists, tables, quotations and formulas (KaTeX, which is local and
trusts nothing). A `$` that is no formula is set apart, so that prices and shell
variables stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from assistant.markup import without_tags

_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_ACTIVE = re.compile(r"[\\`*_\[\]<>&$#|~]|^[-+=]|(?<=\d)[.)](?=\s)")
_FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)\n(?P<code>.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>[^\n]+?)(?<!`)(?P=ticks)(?!`)")
_IMAGE = re.compile(r"!\[(?P<label>[^\[\]\n]*)\](?:\([^()\s]*(?:\s[^()\n]*)?\)|\[[^\[\]\n]*\])")
_LINK = re.compile(r"(?<!!)\[(?P<label>[^\[\]\n]*)\]\([^()\s]+(?:\s[^()\n]*)?\)")
_FORMULA = re.compile(r"\$\$[^$]+\$\$|\$(?!\s)[^$\n]+(?<![\s\\])\$(?!\w)")
_ADDRESS = re.compile(r"(?i)(?<=\b[a-z]):(?=//)|(?<=https):(?=//)|(?<=http):(?=//)|(?<=www)\.|@")
_HEADING = re.compile(r"^(\s*(?:>\s*)*)(#{1,6})(?=\s|$)", re.MULTILINE)
_MARKER = re.compile(r"\[(\d{1,3})\]")
_LINE_START = re.compile(r"^[\s>]*(?:(?:[-*+•]|\d+[.)])\s+)?")  # which answers leave out or change
_DEEP = re.compile(r"^(?: {4,}|[ ]*\t\s*)(?![-*+\d\s])", re.MULTILINE)


def escape_all(text: str) -> str:
    """Show `text` exactly as typed: no character of it is read as Markdown or HTML.

    Ordinary punctuation is left alone, because the chat also reads the message aloud as
    it was sent.
    """
    lines = [line.strip() for line in text.splitlines()]
    return "<br>".join(_ADDRESS.sub(_reference, _ACTIVE.sub(_reference, line)) for line in lines)


def render_answer(text: str, quotes: Iterable[str], link: Callable[[int], str | None]) -> str:
    """Turn an answer's Markdown into safe Markdown whose `[n]` markers are links.

    `quotes` are the quotations the answer holds: a `[1]` written inside a line of one is
    note text, never a marker. `link(n)` gives the address of source `n`, None where there is
    no such source: the marker then stays plain text.
    """
    quoted_lines = {
        _LINE_START.sub("", line).strip() for quote in quotes for line in quote.splitlines()
    }
    # The answer shows a quotation without the tags that only format its words.
    lines = quoted_lines | {without_tags(line).strip() for line in quoted_lines}
    lying = [line for line in lines if _MARKER.search(line) and not _MARKER.fullmatch(line)]
    quoted = [re.escape(line) for line in sorted(lying, key=len, reverse=True)]
    pieces = re.split(f"({'|'.join(quoted)})", text) if quoted else [text]
    # Code and formulas may cross a quotation's border, so markers are set aside first
    # under characters that notes do not use, and the whole is escaped in one pass.
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        address = link(int(found[1]))
        if address is None:
            return found[0]
        held.append(f"[[{found[1]}]]({address})")
        return f"\ue000{len(held) - 1}\ue001"

    for position, piece in enumerate(pieces):
        clean = piece.replace("\ue000", "").replace("\ue001", "")
        pieces[position] = clean if position % 2 else _MARKER.sub(hold, clean)
    safe = escape_note("".join(pieces))
    return re.sub("\ue000(\\d+)\ue001", lambda found: held[int(found[1])], safe)


def escape_note(text: str) -> str:
    """Escape Markdown from a note, keeping emphasis, lists, tables, code and formulas."""
    output: list[str] = []
    position = 0
    for fence in _FENCE.finditer(text):
        output.append(_escape_prose(text[position : fence.start()]))
        output.append(f"<pre><code>{_escape_code(fence['code'])}</code></pre>\n")
        position = fence.end()
    output.append(_escape_prose(text[position:]))
    return "".join(output)


def _escape_prose(text: str) -> str:
    output: list[str] = []
    position = 0
    for code in _CODE.finditer(text):
        output.append(_escape_inline(text[position : code.start()]))
        output.append(f"<code>{_escape_code(code['code'].strip() or ' ')}</code>")
        position = code.end()
    output.append(_escape_inline(text[position:]))
    return "".join(output)


def _escape_inline(text: str) -> str:
    text = without_tags(text)
    text = _IMAGE.sub(lambda image: image["label"], text)
    text = _LINK.sub(lambda found: found["label"], text)
    text = _DEEP.sub("  ", text)
    text = re.sub(r"[&<`~\[\]]", _reference, text)
    text = _ADDRESS.sub(_reference, text)
    text = _HEADING.sub(lambda found: found[1] + "&#35;" * len(found[2]), text)
    output: list[str] = []
    position = 0
    for formula in _FORMULA.finditer(text):
        output.append(_set_dollars_apart(text[position : formula.start()]))
        output.append(formula[0])
        position = formula.end()
    output.append(_set_dollars_apart(text[position:]))
    return "".join(output)


def _set_dollars_apart(text: str) -> str:
    # Alone in its element, a dollar finds no partner when formulas are looked for.
    return text.replace("$", "<span>&#36;</span>")


def _escape_code(code: str) -> str:
    return _PUNCTUATION.sub(_reference, code.rstrip("\n")).replace("\n", "&#10;")


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
