"""From a note to its chunks: structure first, size second.

Blocks of one section are packed in order until the next would not fit; a list item, a
code block or a table row stays whole as long as it fits alone. What a chunk needs to be
understood but does not contain (headings above, the line introducing its list, the
header of its table) is embedded with it by `passage_text` and never part of its text.

Each chunk also carries its spans, the smallest quotable units (sentence, item, row,
code block), found here once so that answering reads no Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from assistant.datatypes import Chunk, Note, Span
from assistant.sentences import split_sentences
from assistant.structure import (
    ITEM_MARKER,
    PLAIN_HEADING_DEPTH,
    Block,
    Kind,
    is_directive,
    read_structure,
)

VERSION = "10"  # of chunks and spans: another version makes an index stale
TARGET_TOKENS = 320  # of a chunk's own text
_CONTEXT_CHARACTERS = 240  # of headings, and again of the lead-in
_ADDRESS = r"\([^()]*(?:\([^()]*\)[^()]*)*\)"  # "(fiche(1).pdf)"
# Images, links and bare addresses, tags and comments: alone they are no evidence.
_UNREADABLE = re.compile(rf"!?\[[^\]]*\]{_ADDRESS}|<!--.*?-->|</?[a-zA-Z][^>]*>|https?://\S+", re.S)
_IMAGE = rf"!\[[^\]\n]*\]{_ADDRESS}(?:\{{[^}}\n]*\}})?"  # with the attributes of Pandoc and Quarto
_IMAGES_BEFORE = re.compile(rf"(?:{_IMAGE}\s*)+")
_IMAGES_AFTER = re.compile(rf"(?:\s*{_IMAGE})+\Z")
_LONG_GAP = 200  # characters of a comment or blob that end a chunk before them
_LONG_ITEM = 320  # characters: a longer item is quoted by sentence

CountTokens = Callable[[Sequence[str]], list[int]]


def passage_text(title: str, chunk: Chunk) -> str:
    """Return what is embedded for a chunk: its context, a line break, its text."""
    return passage_context(title, chunk) + chunk.text


def passage_context(title: str, chunk: Chunk) -> str:
    """Return title, headings and lead-in, each once, cut to a bounded length."""
    first_line = chunk.text.split("\n", 1)[0]
    names: list[str] = []
    for name in (title, *chunk.headings):
        if name and name not in names and name not in first_line:
            names.append(name)
    path = " > ".join(names)[-_CONTEXT_CHARACTERS:]
    lead = " ".join(chunk.lead_in.split())[-_CONTEXT_CHARACTERS:]
    return "".join(f"{line}\n" for line in (path, lead) if line)


def chunk_note(note: Note, count_tokens: CountTokens, *, window: int) -> list[Chunk]:
    """Split a note. `window` is the model's, in tokens, prompt and special ones included.

    The chunks are in order, `note.text[start:end] == text`, nothing but white space, front
    matter, comments and blobs lies outside them, and no passage exceeds `window`.
    """
    structure = read_structure(note.text, note.body_start)
    blocks = [block for block in structure if block.kind is not Kind.HIDDEN]
    if not blocks:
        return []
    overhead = count_tokens([""])[0]
    budget = max(1, min(TARGET_TOKENS, window - overhead))
    sizes = [size - overhead for size in count_tokens(_with_gaps(note.text, blocks))]
    has_words = [any(map(str.isalnum, _content(note, b))) for b in blocks]
    groups = _pack(blocks, sizes, has_words, budget)
    ranges = _cut(note, groups, count_tokens, budget + overhead)
    chunks = [_chunk(note, start, end, inside) for start, end, inside in ranges]
    fitting = _fit(note, chunks, ranges, count_tokens, window)
    return [
        Chunk(c.note_id, ordinal, c.start, c.end, c.headings, c.text, c.lead_in, c.spans)
        for ordinal, c in enumerate(fitting)
    ]


def _content(note: Note, block: Block) -> str:
    return note.text[block.start : block.end]


def _with_gaps(text: str, blocks: list[Block]) -> list[str]:
    """Return the text of each block after the short hidden one above, which its chunk holds too."""
    starts = [block.start for block in blocks]
    for index, above in enumerate(blocks[:-1], start=1):
        if starts[index] - above.end <= _LONG_GAP:
            starts[index] = above.end
    return [text[start : block.end] for start, block in zip(starts, blocks, strict=True)]


def _pack(
    blocks: list[Block], sizes: list[int], has_words: list[bool], budget: int
) -> list[list[Block]]:
    """Group blocks: another heading opens a group, except right under a heading."""
    groups: list[list[Block]] = []
    filled = 0
    for index, (block, size, words) in enumerate(zip(blocks, sizes, has_words, strict=True)):
        current = groups[-1] if groups else None
        only_headings = current is not None and current[-1].kind is Kind.HEADING
        is_heading = block.kind is Kind.HEADING
        opens = is_heading and (not only_headings or filled + size > budget)
        # The list under a plain heading is over: what follows stands under the one above.
        opens |= current is not None and not is_heading and block.headings != current[-1].headings
        gap = current is not None and block.start - current[-1].end > _LONG_GAP
        if current is not None and not gap and not words and filled + size <= budget * 5 // 4:
            current.append(block)  # a rule or an ornament is no passage of its own
            filled += size
            continue
        starts_list = (
            block.lead is None
            and filled > budget // 2
            and block.kind in (Kind.PARAGRAPH, Kind.ITEM)
            and current is not None
            and block.kind is not current[-1].kind
        )
        too_much = filled + size > budget and not only_headings
        if current is not None and too_much and not gap and (family := _family(current, block)):
            kept, moved = current[:family], current[family:]
            moved_size = sum(sizes[index - len(moved) : index])
            if moved_size + size <= budget:  # a list stays with the line that introduces it
                groups[-1] = kept
                groups.append([*moved, block])
                filled = moved_size + size
                continue
        if current is None or opens or too_much or starts_list or gap:
            groups.append([block])
            filled = size
        else:
            current.append(block)
            filled += size
    return groups


def _family(group: list[Block], block: Block) -> int:
    """Return where in `group` the blocks begin that introduce `block`; 0 if they do not."""
    index, lead = 0, block.lead
    while lead is not None:
        found = next((i for i, b in enumerate(group) if b.start <= lead[0] < b.end), None)
        if found is None or all(b.kind is Kind.HEADING for b in group[:found]):
            break
        index, lead = found, group[found].lead
    return index


def _cut(
    note: Note, groups: list[list[Block]], count_tokens: CountTokens, limit: int
) -> list[tuple[int, int, list[Block]]]:
    """Give each group its range; a block too large alone is cut into several."""
    ranges: list[tuple[int, int, list[Block]]] = []
    texts = [note.text[group[0].start : group[-1].end] for group in groups]
    for group, size in zip(groups, count_tokens(texts), strict=True):
        start, end = group[0].start, group[-1].end
        if size <= limit + limit // 4:  # a little over the target reads better than torn
            ranges.append((start, end, group))
            continue
        for left, right in _pieces(note.text, start, end, group, count_tokens, limit):
            ranges.append((left, right, _inside(group, left, right)))
    return ranges


def _pieces(
    text: str,
    start: int,
    end: int,
    group: Iterable[Block],
    count_tokens: CountTokens,
    limit: int,
) -> list[tuple[int, int]]:
    """Cut `text[start:end]` at the gentlest boundaries that make every piece fit."""
    gentle: list[tuple[int, int]] = []
    for block in group:
        left, right = max(block.start, start), min(block.end, end)
        if block.kind is Kind.CODE:
            lines = re.finditer(r"[^\n]+", text[left:right])
            gentle += [(left + m.start(), left + m.end()) for m in lines if not m[0].isspace()]
        else:
            gentle += split_sentences(text, left, right)
    parts = _bounded(text, gentle, count_tokens, limit)
    befores = [left for left, _ in parts[:1]] + [right for _, right in parts[:-1]]
    sizes = count_tokens([text[b:right] for b, (_, right) in zip(befores, parts, strict=True)])
    pieces: list[tuple[int, int]] = []
    filled = 0
    for (left, right), size in zip(parts, sizes, strict=True):
        if pieces and filled + size <= limit:
            pieces[-1] = (pieces[-1][0], right)
            filled += size
        else:
            pieces.append((left, right))
            filled = size
    return pieces


def _bounded(
    text: str, parts: list[tuple[int, int]], count_tokens: CountTokens, limit: int
) -> list[tuple[int, int]]:
    """Halve every part that exceeds `limit`, at white space where there is some."""
    done: list[tuple[int, int]] = []
    sizes = count_tokens([text[left:right] for left, right in parts])
    for (left, right), size in zip(parts, sizes, strict=True):
        if size <= limit or right - left <= 1:
            done.append((left, right))
            continue
        middle = (left + right) // 2
        space = text.rfind(" ", left + 1, middle)
        cut = space if space > left + (right - left) // 4 else middle
        halves = [_strip(text, left, cut), _strip(text, cut, right)]
        done += _bounded(text, [h for h in halves if h[0] < h[1]], count_tokens, limit)
    return done


def _strip(text: str, left: int, right: int) -> tuple[int, int]:
    content = text[left:right]
    if not content.strip():
        return left, left
    left += len(content) - len(content.lstrip())
    return left, left + len(content.strip())


def _chunk(note: Note, start: int, end: int, blocks: list[Block]) -> Chunk:
    first = next((b for b in blocks if b.kind is not Kind.HEADING), blocks[0])
    lead = first.lead
    outside = lead is not None and not (start <= lead[0] < end)
    return Chunk(
        note_id=note.id,
        ordinal=0,
        start=start,
        end=end,
        headings=blocks[-1].headings if blocks[0].kind is Kind.HEADING else first.headings,
        text=note.text[start:end],
        lead_in=note.text[lead[0] : lead[1]].strip() if lead and outside else "",
        spans=tuple(_spans(note.text, start, end, blocks)),
    )


def _fit(
    note: Note,
    chunks: list[Chunk],
    ranges: list[tuple[int, int, list[Block]]],
    count_tokens: CountTokens,
    window: int,
) -> list[Chunk]:
    """Cut the rare chunk whose context pushes it over the window."""
    sizes = count_tokens([passage_text(note.title, chunk) for chunk in chunks])
    fitting: list[Chunk] = []
    for chunk, size, (start, end, blocks) in zip(chunks, sizes, ranges, strict=True):
        if size <= window:
            fitting.append(chunk)
        else:
            fitting += _narrowed(note, start, end, blocks, count_tokens, window)
    return fitting


def _narrowed(
    note: Note, start: int, end: int, blocks: list[Block], count_tokens: CountTokens, window: int
) -> list[Chunk]:
    """Cut `[start, end)` until each passage fits, without context where that takes half."""
    chunk = _chunk(note, start, end, blocks)
    passage = passage_text(note.title, chunk)
    size, context, overhead = count_tokens([passage, passage_context(note.title, chunk), ""])
    if size > window and context - overhead > (window - overhead) // 2:
        chunk = replace(chunk, headings=(), lead_in="")  # the text matters more
        passage = passage_text(note.title, chunk)
        size, context = count_tokens([passage, passage_context(note.title, chunk)])
    if size <= window or end - start <= 1:
        return [chunk]
    # Never as large as the whole, so that every round makes progress.
    room = min(window - context + overhead, count_tokens([chunk.text])[0]) - 1
    pieces = _pieces(note.text, start, end, blocks, count_tokens, room)
    return [
        narrowed
        for left, right in pieces
        for narrowed in _narrowed(
            note, left, right, _inside(blocks, left, right), count_tokens, window
        )
    ]


def _inside(blocks: Iterable[Block], start: int, end: int) -> list[Block]:
    return [block for block in blocks if block.start < end and block.end > start]


def _spans(text: str, start: int, end: int, blocks: list[Block]) -> Iterable[Span]:
    """Yield the quotable units of a chunk, in order; headings and ornaments are none.

    A bold line is one with the first sentence of the paragraph that it names.
    """
    headword: Block | None = None
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        left, right = max(block.start, start), min(block.end, end)
        is_title = block.kind is Kind.HEADING and block.depth < PLAIN_HEADING_DEPTH
        if is_title or left >= right or is_directive(text[left:right]):
            continue  # a plain line over a list is its lead-in, which can be quoted
        if left == block.start and following is not None and _names(block, following):
            headword = block
            continue
        lead = None if block.kind is Kind.PARAGRAPH else block.lead
        for unit, kind in _units(text, left, right, block):
            first, last = unit if kind in ("code", "row") else _without_images(text, *unit)
            first, headword = first if headword is None else headword.start, None
            if is_readable(text[first:last]):
                yield Span(first, last, kind, lead)


def _names(block: Block, following: Block) -> bool:
    """Whether a block is the bold line above the paragraph that it names."""
    is_under = following.kind is Kind.PARAGRAPH and block.kind is Kind.PARAGRAPH
    return is_under and following.lead == (block.start, block.end)


def _without_images(text: str, left: int, right: int) -> tuple[int, int]:
    """Leave out the images that stand before and after what is said."""
    if before := _IMAGES_BEFORE.match(text, left, right):
        left = before.end()
    after = _IMAGES_AFTER.search(text, left, right) if "](" in text[left:right] else None
    return left, after.start() if after else right


def is_readable(text: str) -> bool:
    """Whether anything is left to read without images, links and tags."""
    return any(map(str.isalnum, _UNREADABLE.sub("", text)))


def _units(
    text: str, left: int, right: int, block: Block
) -> Iterable[tuple[tuple[int, int], Literal["sentence", "item", "row", "code"]]]:
    if block.kind is Kind.CODE:
        yield (left, right), "code"
    elif block.kind is Kind.TABLE:
        yield _strip(text, left, right), "row"
    elif block.kind is Kind.ITEM:
        marker = ITEM_MARKER.match(text[left:right])
        if marker and left == block.start:
            left += marker.end()
        left, right = _strip(text, left, right)
        if right - left <= _LONG_ITEM:
            yield (left, right), "item"
        else:
            for sentence in split_sentences(text, left, right):
                yield sentence, "item"
    else:
        for sentence in split_sentences(text, left, right):
            yield sentence, "sentence"
