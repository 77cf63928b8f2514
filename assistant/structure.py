"""The structure of a note: its text as a row of blocks that tile it.

markdown-it finds what CommonMark defines (headings, fences, tables, lists). Real notes
are messier, so each paragraph is read again line by line: `-- ` and `- -` bullets, bold
lines and numbered lines are items, and a short line ending in a colon before items is
a heading or a lead-in. Directives of MyST (```{note}) hold prose, not code. Nothing is
changed, moved or dropped: every character that is not white space lies in exactly one
block; comments, what nobody reads (base64, minified code) and what is written for a
program (Obsidian's block ids and queries, code that a page does not show) in blocks of their
own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from assistant.reading.markdown import plain_heading
from assistant.sentences import split_sentences

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token


class Kind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    CODE = "code"
    TABLE = "table"
    HIDDEN = "hidden"  # a comment, a blob nobody reads, what only a program reads


@dataclass(frozen=True, slots=True)
class Block:
    """A run of whole lines: `text[start:end]`, without the line break at its end.

    `depth` is the level of a heading or the nesting of an item. `lead` is the range of
    the line that introduces an item, code or row, or of the bold line that names what a
    paragraph defines, where there is one.
    """

    kind: Kind
    start: int
    end: int
    headings: tuple[str, ...]
    depth: int = 0
    lead: tuple[int, int] | None = None


# A bullet, doubled or spaced as people type them, or a number: "- ", "-- ", "- - ", "1. ".
ITEM_MARKER = re.compile(
    r"^(?P<indent>[ \t>]*)"
    r"(?P<marker>(?:[-–—*+•·▪‣◦➔→►✓✔][ \t]?){1,3}(?<=[ \t])|(?:\d{1,3}|[a-zA-Z])[.)][ \t]+)"
    r"(?P<check>\[[ xX]\][ \t]+)?(?=\S)"
)
_BOLD_LINE = re.compile(r"^[ \t]*(\*\*|__)(?=\S).*(?<=\S)\1[ \t]*[:.]?[ \t]*$")
# Of `# x`, and the line under a setext heading; trailing marks are `plain_heading`'s.
_HEADING_MARKS = re.compile(r"^[ \t>]*#{1,6}[ \t]*|\n[ \t>]*[=-]+\s*$")
_ADMONITION = re.compile(r"(?:!!!|\?\?\?\+?)[ \t]+\w")
# A line that only opens or closes a container: `:::`, `!!! note`, ```{tip}, `> [!note]`.
_DIRECTIVE = re.compile(r"[ \t>]*(?::::|(?:!!!|\?\?\?\+?)[ \t]+\w|[`~]{3,}\{|\[![\w-]+\])")
_MYST_FENCE = re.compile(r"^(?P<indent>[ ]{0,3})(?P<mark>`{3,}|~{3,}|:{3,})[ ]*(?P<info>[^\n]*)$")
# Directives whose content is prose; any other name in braces is that of a language.
_MYST_PROSE = re.compile(
    r"\{(?:admonition|attention|asis|caution|card\w*|danger|details|dropdown|epigraph|error|"
    r"exercise\w*|(?:sub-)?figure|glossary|grid\S*|hint|important|margin|note|panels|"
    r"pr?f:\w+|pull-quote|question|seealso|sidebar|solution\w*|tab-\w+|tip|todo|topic|toggle|"
    r"version\w+|warning)(?:\}|[ \t,])"
)
_MYST_OPTION = re.compile(r"^[ \t]*:[\w-]+:(?:[ \t][^\n]*)?$")
# No comment holds the opening of another, so that many never closed cost no time.
_COMMENT = re.compile(
    r"<!--(?:(?!<!--).)*?-->|(?:(?<=\s)|(?<![\s\S]))%%(?=[^%]).*?(?<=[^%])%%(?=\s|\Z)"
    r"|^\[(?://|comment|_)\]:[ \t]*(?:#|<>)[^\n]*$",
    re.S | re.M,
)
_LONGEST_COMMENT = 20_000  # characters between two `%%`
_BLOB = re.compile(r"[!-~]{400,}")  # of ASCII without a space: base64, minified code, an address
_ADDRESS = re.compile(r"data:|https?:")
# What stands around a blob's address: `![words](…  "title")`, `[words]: …`, `<img src="…">`.
_BLOB_OPENING = re.compile(
    r"!?\[(?P<words>[^\[\]\n]{0,300})\](?:\(|:[ \t]*)<?$|<[a-zA-Z][^<>\n]{0,300}=[\"']?$"
)
_BLOB_CLOSING = re.compile(r"[ \t]+\"[^\"\n]{0,200}\"[ \t]*\)|[ \t]+[^<>\n]{0,300}>")
_FEWEST_ALTERNATIVE_WORDS = 3  # of an image, to be read without it; "fig" says nothing
_BLOCK_ID = re.compile(r"(?<!\S)\^(?=[\w-]*[a-zA-Z])[a-zA-Z0-9-]{2,}\Z")  # Obsidian's
_QUERY = re.compile(r"[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:dataview(?:js)?|tasks|query|base)\b")
# R Markdown and Quarto: code of which the page shows the result alone, or nothing.
_UNSHOWN = re.compile(
    r"[ \t>]*(?:`{3,}|~{3,})[ \t]*\{(?:[^\n}]*[\s,](?:echo|include)[ \t]*=[ \t]*(?:F|FALSE|False)\b"
    r"|[^\n]*\n(?:[ \t>]*#\|[^\n]*\n)*?[ \t>]*#\|[ \t]*(?:echo|include):[ \t]*(?:false|FALSE)\b)"
)
_LONG_LINE = re.compile(r"[^\n]{1000,}")
_FEWEST_SPACES = 0.1  # of a long line that people read; French has 0.13 to 0.17
_LONGEST_MARKED = 1_000  # characters of a line that can be all bold
_LONE_RETURN = re.compile(r"\r(?!\n)|\0")  # markdown-it would end a line here
_PLAIN_HEADING_WORDS = 6
_HEADWORD_WORDS = 8  # of a bold line that names what the paragraph under it defines
PLAIN_HEADING_DEPTH = 7  # below every real heading


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Only line ranges of blocks are wanted: inline parsing would be work for nothing.
    parser = MarkdownIt("commonmark").enable("table").disable(["inline"])
    parser.block.ruler.at("table", _table_alone, {"alt": ["paragraph", "reference"]})
    return parser


def _table_alone(state: StateBlock, first_line: int, last_line: int, silent: bool) -> bool:
    """Read a table, and forget its cells: those of a large sheet would take gigabytes."""
    from markdown_it.rules_block import table

    count = len(state.tokens)
    found = table(state, first_line, last_line, silent)
    del state.tokens[count + 1 :]
    return found


@dataclass(slots=True)
class _Line:
    start: int
    end: int  # without the line break
    kind: Kind | None = None  # None: blank, or not claimed by any token
    group: int = -1  # lines of one block share it
    depth: int = 0
    token: int = -1  # lines that CommonMark takes for one paragraph share it


def _lines(text: str, offset: int) -> list[_Line]:
    """Cut where markdown-it does: after each line feed, and nowhere else."""
    found = []
    position = offset
    for part in text[offset:].split("\n"):
        found.append(_Line(position, position + len(part)))
        position += len(part) + 1
    return found


def _claim(lines: list[_Line], tokens: list[Token]) -> None:
    """Write kind, group and depth of every token that has lines onto those lines."""
    depth = 0
    for group, token in enumerate(tokens):
        if token.type == "list_item_open":
            depth += 1
            if token.map:
                first = lines[min(token.map[0], len(lines) - 1)]
                if first.kind is None:  # an item of its own, unless "- - x" claimed it
                    first.kind, first.group, first.depth = Kind.ITEM, group, depth
        elif token.type == "list_item_close":
            depth -= 1
        kind = {
            "heading_open": Kind.HEADING,
            "paragraph_open": Kind.PARAGRAPH,
            "html_block": Kind.PARAGRAPH,
            "fence": Kind.CODE,
            "code_block": Kind.CODE,
            "table_open": Kind.TABLE,
        }.get(token.type)
        if kind is None or not token.map:
            continue
        for index in range(token.map[0], min(token.map[1], len(lines))):
            line = lines[index]
            if line.kind is None or kind is not Kind.PARAGRAPH:
                first_of_item = line.kind is Kind.ITEM and kind is Kind.PARAGRAPH
                if not first_of_item:
                    line.kind = Kind.ITEM if depth and kind is Kind.PARAGRAPH else kind
                    line.group = group
                    line.depth = int(token.tag[1]) if kind is Kind.HEADING else depth
            elif line.kind is Kind.ITEM:
                line.group = group


def _refine(text: str, lines: list[_Line]) -> None:
    """Find the items, lead-ins and plain headings that CommonMark takes for prose."""
    for line in lines:
        line.token = line.group
    admonition = fence = False
    for index, line in enumerate(lines):
        content = text[line.start : line.end]
        if not content.strip():
            if line.kind is not Kind.CODE or admonition:
                line.kind = None
            continue
        if admonition and content.startswith(("    ", "\t")):
            is_mark = content.lstrip().startswith(("```", "~~~"))
            if line.kind is Kind.CODE and not fence and not is_mark:
                # Indented under `!!! note`, it is prose, not code.
                goes_on = index > 0 and lines[index - 1].kind is Kind.PARAGRAPH
                line.kind = Kind.PARAGRAPH
                line.group = line.token = lines[index - 1].group if goes_on else -10 - index
            fence ^= is_mark
        else:
            admonition, fence = bool(_ADMONITION.match(content)), False
        if is_directive(content) and line.kind in (Kind.PARAGRAPH, Kind.ITEM, None):
            line.kind, line.group, line.token = Kind.PARAGRAPH, -10 - index, -2
            continue
        if line.kind is None:
            line.kind = Kind.PARAGRAPH
            line.group = -2
        if line.kind is Kind.CODE and not content.lstrip().startswith(("```", "~~~")):
            continue
        if line.kind in (Kind.PARAGRAPH, Kind.ITEM):
            marker = ITEM_MARKER.match(content)
            previous = lines[index - 1] if index else None
            if marker:
                numbered = marker["marker"][:1].isalnum()
                if line.kind is Kind.ITEM or not numbered or _continues_list(text, lines, index):
                    line.kind = Kind.ITEM
                    line.depth = max(line.depth, 1)
                    line.group = -10 - index  # starts a block of its own
            elif _is_bold(content) and _in_bold_run(text, lines, index):
                line.kind = Kind.ITEM
                line.depth = max(line.depth, 1) + 1
                line.group = -10 - index
            elif (
                previous is not None
                and previous.kind is Kind.ITEM
                and previous.group <= -10
                and (previous.token == line.token or line.kind is Kind.ITEM)
            ):  # goes on with the item above
                line.kind, line.group, line.depth = Kind.ITEM, previous.group, previous.depth


def _continues_list(text: str, lines: list[_Line], index: int) -> bool:
    """A numbered line in prose is an item only beside another one or after a colon."""
    for neighbour in (index - 1, index + 1):
        if 0 <= neighbour < len(lines):
            content = text[lines[neighbour].start : lines[neighbour].end]
            if ITEM_MARKER.match(content) or content.rstrip().endswith(":"):
                return True
    return False


def _in_bold_run(text: str, lines: list[_Line], index: int) -> bool:
    """Bold lines are items where two follow each other or a colon introduces them."""
    before = text[lines[index - 1].start : lines[index - 1].end] if index else ""
    after = text[lines[index + 1].start : lines[index + 1].end] if index + 1 < len(lines) else ""
    return _is_bold(before) or _is_bold(after) or before.rstrip().endswith(":")


def _is_bold(line: str) -> bool:
    return len(line) <= _LONGEST_MARKED and bool(_BOLD_LINE.match(line))


def _raw_blocks(text: str, lines: list[_Line]) -> list[Block]:
    """Join the lines of one group; tables give one block a row, the header first."""
    blocks: list[Block] = []
    group: int | None = None
    for line in lines:
        if line.kind is None:
            if group is not None and group < -1:
                group = None
            continue
        start, end = line.start, line.end
        is_table = line.kind is Kind.TABLE
        if blocks and line.group == group and not is_table:
            last = blocks[-1]
            blocks[-1] = Block(last.kind, last.start, end, (), last.depth)
        else:
            blocks.append(Block(line.kind, start, end, (), line.depth))
        group = line.group
    return [_trimmed(text, block) for block in blocks]


def _trimmed(text: str, block: Block) -> Block:
    """Leave out white space at the end, and blank lines at the start."""
    end = block.start + len(text[block.start : block.end].rstrip())
    return Block(block.kind, block.start, max(end, block.start), (), block.depth)


def _indent(text: str, block: Block) -> int:
    content = text[block.start : block.end]
    return len(content) - len(content.lstrip(" \t>"))


def _marker(text: str, block: Block) -> str:
    match = ITEM_MARKER.match(text[block.start : block.end])
    return re.sub(r"\d+|[a-zA-Z]", "1", match["marker"]).strip() if match else "**"


def _ends_in_colon(text: str, block: Block) -> bool:
    content = _BLOCK_ID.sub("", text[block.start : block.end]).rstrip().rstrip(" \t*_")
    return content.endswith(":") and not content.endswith(":::")


def _last_sentence(text: str, block: Block) -> tuple[int, int]:
    return split_sentences(text, block.start, block.end)[-1]


def _is_plain_heading(text: str, blocks: list[Block], index: int) -> bool:
    """A short paragraph of one line ending in a colon, with items right under it."""
    block = blocks[index]
    content = text[block.start : block.end]
    return (
        block.kind is Kind.PARAGRAPH
        and "\n" not in content
        and _ends_in_colon(text, block)
        and len(content.split()) <= _PLAIN_HEADING_WORDS
        and len(split_sentences(text, block.start, block.end)) == 1
        and content.lstrip(" *_")[:1].isupper()
        and index + 1 < len(blocks)
        and blocks[index + 1].kind is Kind.ITEM
    )


def _is_headword(text: str, block: Block) -> bool:
    """A short bold line that is a paragraph of its own and asks or ends nothing."""
    content = text[block.start : block.end].strip()
    return (
        block.kind is Kind.PARAGRAPH
        and "\n" not in content
        and _is_bold(content)
        and not content.rstrip("*_").endswith((".", "!", "?", "…"))
        and len(content.split()) <= _HEADWORD_WORDS
    )


def read_structure(text: str, body_start: int = 0) -> list[Block]:
    """Return the blocks of `text` from `body_start` on, in order, never overlapping."""
    lines = _lines(text, body_start)
    source, options = _open_directives(_LONE_RETURN.sub(" ", text[body_start:]))
    _claim(lines, _parser().parse(source))
    _refine(text, lines)
    raw = [block for block in _raw_blocks(text, lines) if block.end > block.start]

    found: list[Block] = []
    path: list[tuple[int, str]] = []  # (depth, words) of the headings above
    parents: list[tuple[int, tuple[int, int]]] = []  # (depth of item, its range)
    lead: tuple[int, int] | None = None  # of the list, code or table that comes
    plain_scope: str | None = None  # marker of the list under a plain heading
    for index, block in enumerate(raw):
        content = text[block.start : block.end]
        span = (block.start, block.end)
        if block.kind is Kind.HEADING or _is_plain_heading(text, raw, index):
            is_plain = block.kind is not Kind.HEADING
            depth = PLAIN_HEADING_DEPTH if is_plain else block.depth
            words = plain_heading(_HEADING_MARKS.sub("", content))
            path = [entry for entry in path if entry[0] < depth]
            if words:
                path.append((depth, words.rstrip(" :") if is_plain else words))
            parents, lead = [], span if is_plain else None
            plain_scope = _marker(text, raw[index + 1]) if is_plain else None
            found.append(Block(Kind.HEADING, *span, tuple(name for _, name in path), depth))
            continue
        blank_above = index > 0 and "\n" in text[raw[index - 1].end : block.start].replace(
            "\n", "", 1
        )
        if (
            plain_scope is not None
            and blank_above
            and (block.kind is not Kind.ITEM or _marker(text, block) != plain_scope)
        ):
            path = [entry for entry in path if entry[0] < PLAIN_HEADING_DEPTH]
            plain_scope, lead, parents = None, None, []
        headings = tuple(name for _, name in path)
        if block.kind is Kind.ITEM:
            # Deeper by CommonMark, by indentation, or by a longer run of dashes.
            marker = _marker(text, block)
            depth = block.depth * 100 + _indent(text, block) * 4 + len(marker.replace(" ", ""))
            while parents and parents[-1][0] >= depth:
                parents.pop()
            own_lead = parents[-1][1] if parents else lead
            parents.append((depth, span))
            found.append(Block(Kind.ITEM, *span, headings, len(parents), own_lead))
        elif block.kind is Kind.TABLE:
            previous = found[-1] if found else None
            is_first = not (previous and previous.kind is Kind.TABLE and not blank_above)
            if is_first:
                lead = span
                found.append(Block(Kind.TABLE, *span, headings))
            else:
                found.append(Block(Kind.TABLE, *span, headings, 0, lead))
        else:
            introduced = lead or (parents[-1][1] if parents else None)
            if block.kind is Kind.CODE:
                found.append(Block(Kind.CODE, *span, headings, 0, introduced))
                continue
            parents = []
            lead = _last_sentence(text, block) if _ends_in_colon(text, block) else None
            above = raw[index - 1] if index else None
            named = above and _is_headword(text, above) and not _is_headword(text, block)
            headword = (above.start, above.end) if above and named else None
            found.append(Block(Kind.PARAGRAPH, *span, headings, 0, headword))
            if block.kind is Kind.PARAGRAPH and lead is None:
                following = raw[index + 1].kind if index + 1 < len(raw) else None
                if following is Kind.CODE and not is_directive(content):
                    lead = _last_sentence(text, block)
    return _hide(text, body_start, found, [(lines[i].start, lines[i].end) for i in options])


def _open_directives(text: str) -> tuple[str, list[int]]:
    """Blank the fences of directives that hold prose; also say which lines are options."""
    if "```{" not in text and "~~~{" not in text and "``` {" not in text:
        return text, []
    lines = text.split("\n")
    opened: list[tuple[str, bool]] = []  # (mark, whether the fence holds prose)
    options: list[int] = []
    in_options = False
    for index, line in enumerate(lines):
        match = _MYST_FENCE.match(line.rstrip("\r"))
        in_options = in_options and bool(_MYST_OPTION.match(line))
        if in_options:
            options.append(index)
            lines[index] = ""
        if not match:
            continue
        mark, info = match["mark"], match["info"].strip()
        closes = not info and opened and opened[-1][0][0] == mark[0]
        if closes and len(mark) >= len(opened[-1][0]):
            if opened.pop()[1]:
                lines[index] = ""
        elif mark[0] != ":" and not (opened and not opened[-1][1]):  # nothing opens inside code
            is_prose = bool(_MYST_PROSE.match(info))
            opened.append((mark, is_prose))
            if is_prose:
                lines[index] = ""
                in_options = True
    return "\n".join(lines), options


def _hide(
    text: str, body_start: int, blocks: list[Block], options: list[tuple[int, int]]
) -> list[Block]:
    """Cut options, comments and blobs out of the blocks that hold them, as blocks themselves."""
    code = [(b.start, b.end) for b in blocks if b.kind is Kind.CODE]
    ranges = options + _comments(text, body_start, code)
    ranges += [
        (match.start(), match.end())
        for match in _LONG_LINE.finditer(text, body_start)
        if _is_unreadable(match[0])
    ]
    for match in _BLOB.finditer(text, body_start):
        ranges += _around_blob(text, match)
    for block in blocks:
        if block.kind is Kind.CODE:
            if any(mark.match(text, block.start, block.end) for mark in (_QUERY, _UNSHOWN)):
                ranges.append((block.start, block.end))
        elif found := _BLOCK_ID.search(text, block.start, block.end):
            ranges.append((found.start(), found.end()))
    hidden = _joined(ranges)
    if not hidden:
        return blocks
    cut: list[Block] = []
    first = 0
    for block in blocks:
        while first < len(hidden) and hidden[first][1] <= block.start:
            first += 1
        lead = block.lead
        if lead:
            lead = _outside(text, lead, hidden)
        position, index = block.start, first
        pieces: list[tuple[Kind, int, int]] = []
        while index < len(hidden) and hidden[index][0] < block.end:
            start, end = max(hidden[index][0], block.start), min(hidden[index][1], block.end)
            pieces += [(block.kind, position, start), (Kind.HIDDEN, start, end)]
            position = end
            index += 1
        pieces.append((block.kind, position, block.end))
        for kind, start, end in pieces:
            content = text[start:end]
            if content.strip():
                start += len(content) - len(content.lstrip()) if start != block.start else 0
                end = start + len(text[start:end].rstrip())
                cut.append(Block(kind, start, end, block.headings, block.depth, lead))
    return cut


def _around_blob(text: str, blob: re.Match[str]) -> list[tuple[int, int]]:
    """Return the ranges of a blob and the markup that holds it; the words of an image stay."""
    address = _ADDRESS.search(blob[0])  # what stands before it are words
    start, end = blob.start() + (address.start() if address else 0), blob.end()
    line = max(text.rfind("\n", 0, start) + 1, start - 700)
    opening = _BLOB_OPENING.search(text, line, start)
    if not opening:
        return [(start, end)]
    if closing := _BLOB_CLOSING.match(text, end):
        end = closing.end()
    words = opening["words"] or ""
    if len(words.split()) < _FEWEST_ALTERNATIVE_WORDS:
        return [(opening.start(), end)]
    return [(opening.start(), opening.start("words")), (opening.end("words"), end)]


def _outside(
    text: str, lead: tuple[int, int], hidden: list[tuple[int, int]]
) -> tuple[int, int] | None:
    """Return a lead without what is hidden at its end; None where nothing is left."""
    for start, end in hidden:
        if start < lead[1] <= end:
            left = lead[0] + len(text[lead[0] : max(start, lead[0])].rstrip())
            return (lead[0], left) if left > lead[0] else None
    return lead


def _comments(text: str, start: int, code: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges of comments that do not begin inside code, in order."""
    found: list[tuple[int, int]] = []
    index = 0
    position = start
    if "<!--" not in text and "%%" not in text and "]:" not in text:
        return found
    while match := _COMMENT.search(text, position):
        while index < len(code) and code[index][1] <= match.start():
            index += 1
        if index < len(code) and code[index][0] <= match.start():
            position = code[index][1]
            continue
        is_percent = match[0].startswith("%%")
        if is_percent and (len(match[0]) > _LONGEST_COMMENT or _is_in_span(text, match.start())):
            position = match.start() + 2
            continue
        found.append((match.start(), match.end()))
        position = match.end()
    return found


def _is_in_span(text: str, offset: int) -> bool:
    """Whether an offset lies inside `code` on its line."""
    return text.count("`", text.rfind("\n", 0, offset) + 1, offset) % 2 == 1


def _is_unreadable(line: str) -> bool:
    """Whether a long line has too few spaces for prose; scripts without spaces excepted."""
    line = _BLOB.sub("", line)
    if len(line) < _LONGEST_MARKED or line.count(" ") + line.count("\t") >= _FEWEST_SPACES * len(
        line
    ):
        return False
    return 2 * sum(map(str.isascii, line)) > len(line)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def is_directive(line: str) -> bool:
    """Whether a line only opens or closes a container, as `::: {.callout-tip}` does."""
    return "\n" not in line and bool(_DIRECTIVE.match(line))
