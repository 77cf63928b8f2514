"""The very words of a quotation, marked in a note that was rendered.

A quotation is a slice of the note's source; the page has lost its Markdown, drawn its
formulas and coloured its code. The words of each block that the quotation touches are
aligned with those of its source lines (Ratcliff and Obershelp's longest common runs), and
those that stand in the slice go into <mark>. What has no word of its own, as a formula,
follows the source between its neighbours. Nothing is marked in a block too long to align, or
of too few words repeated: its lines are, as they are where the note no longer says the
quotation.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import groupby, pairwise

from assistant.datatypes import Note
from assistant.places import line_at, line_starts
from assistant.web.addresses import QUOTE, quote_digest
from assistant.web.notes_html import NotePage, mark_lines

LONGEST = 2_000  # words and signs of a block that are aligned
_MOST_PAIRS = 50_000  # of a word shown and the same in the source; time may grow as these to 3/2

_CITED = re.compile(
    r'<(?P<tag>p|span|h[1-6]|tr|div|dt)\b[^<>]*? data-l="(\d+)-(\d+)" '
    r'(?P<cited>data-cited="")[^<>]*>'
)
_PIECE = re.compile(
    r'(?P<formula><math\b.*?</math>)|(?P<tag><(?:[^>"]|"[^"]*")*>)|'
    r"(?P<space>(?:\s|&nbsp;)+)|(?P<word>[^\W_]+|&\#?\w+;|[^<])",
    re.S,
)
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_OPEN = '<mark data-quote="">'


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a block's HTML: a tag, white space, or words that are marked together."""

    kind: str
    html: str
    words: tuple[str, ...] = ()


def quoted_slice(note: Note, wish: str) -> tuple[int, int] | None:
    """The slice that an address asks to mark; None unless the note still says it there."""
    found = QUOTE.fullmatch(wish)
    if found is None:
        return None
    start, end = int(found[1]), int(found[2])
    text = note.text[start:end]
    same = start < end <= len(note.text) and quote_digest(text) == found[3]
    return (start, end) if same and text.strip() else None


def mark_quote(page: NotePage, note: Note, start: int, end: int, said: tuple[str, str]) -> NotePage:
    """The same page with `note.text[start:end]` marked, and the blocks of its lines.

    `said` tells readers who do not see the marks where they begin and end.
    """
    text = note.text
    start = end - len(text[start:end].lstrip())
    end = start + len(text[start:end].rstrip())
    page = mark_lines(page, line_at(note, start), line_at(note, end - 1))
    starts = line_starts(text)
    numbers = [line_at(note, offset) for offset in starts]
    written: list[str] = []
    position = 0
    for block in _CITED.finditer(page.html):
        first, after = bisect_left(numbers, int(block[2])), bisect_right(numbers, int(block[3]))
        if block.start() < position or first == len(starts):
            continue
        source = starts[first], starts[after] if after < len(starts) else len(text)
        close = _end_of(page.html, block.end(), block["tag"])
        pieces = list(_pieces(page.html[block.end() : close]))
        chosen = _chosen(pieces, text, source, (start, end))
        if any(chosen):
            written.append(page.html[position : block.start("cited")])
            written.append(f'data-cited="exact"{page.html[block.end("cited") : block.end()]}')
            written += _marked(pieces, chosen, block["tag"])
            position = close
    return replace(page, html=_announced("".join([*written, page.html[position:]]), said))


def _end_of(page: str, position: int, tag: str) -> int:
    """Where the element ends whose opening tag ends at `position`."""
    depth = 1
    for found in re.compile(rf"<(/?){tag}\b").finditer(page, position):
        depth += -1 if found[1] else 1
        if depth == 0:
            return found.start()
    return len(page)


def _pieces(block: str) -> Iterator[_Piece]:
    for found in _PIECE.finditer(block):
        kind, written = str(found.lastgroup), found[0]
        if kind == "formula":
            words = _WORD.findall(html.unescape(re.sub(r"<[^>]*>", " ", written)))
            yield _Piece(kind, written, tuple(words or [""]))
        else:
            yield _Piece(kind, written, (html.unescape(written),) if kind == "word" else ())


def _chosen(
    pieces: Sequence[_Piece], text: str, source: tuple[int, int], quote: tuple[int, int]
) -> list[bool]:
    """Which pieces of a block stand in a quotation; `source` is the slice it was made of."""
    chosen = [False] * len(pieces)
    shown = [(word, at) for at, piece in enumerate(pieces) for word in piece.words]
    found = list(_WORD.finditer(text, *source))
    if not shown or not found:
        return chosen
    if quote[0] <= found[0].start() and found[-1].end() <= quote[1]:
        spans = [quote] * len(shown)
    elif _can_be_aligned(words := [word for word, _ in shown], [match[0] for match in found]):
        spans = _spans(words, found, source)
    else:
        return chosen
    for (_, at), span in zip(shown, spans, strict=True):
        chosen[at] |= _is_within(span, quote)
    return _with_spaces(pieces, chosen)


def _can_be_aligned(shown: Sequence[str], found: Sequence[str]) -> bool:
    """Whether the words of a block and of its source are few and varied enough."""
    if max(len(shown), len(found)) > LONGEST:
        return False
    there = Counter(found)
    return sum(times * there[word] for word, times in Counter(shown).items()) <= _MOST_PAIRS


def _spans(
    shown: Sequence[str], found: Sequence[re.Match[str]], source: tuple[int, int]
) -> list[tuple[int, int]]:
    """The slice of the source that each word shown stands for.

    A word that is not found there stands for what lies between its neighbours.
    """
    matcher = SequenceMatcher(None, [word[0] for word in found], list(shown), autojunk=False)
    known: list[tuple[int, int] | None] = [None] * len(shown)
    for block in matcher.get_matching_blocks():
        for ahead in range(block.size):
            known[block.b + ahead] = found[block.a + ahead].span()
    spans: list[tuple[int, int]] = []
    before = source[0]
    for at, span in enumerate(known):
        if span is None:
            after = next((later[0] for later in known[at:] if later is not None), source[1])
            spans.append((before, after))
        else:
            spans.append(span)
            before = span[1]
    return spans


def _is_within(span: tuple[int, int], quote: tuple[int, int]) -> bool:
    """Whether at least half of a slice lies in a quotation."""
    if span[0] == span[1]:
        return quote[0] < span[0] < quote[1]
    return 2 * (min(span[1], quote[1]) - max(span[0], quote[0])) >= span[1] - span[0]


def _with_spaces(pieces: Sequence[_Piece], chosen: Sequence[bool]) -> list[bool]:
    """The same choice with the white space between two pieces chosen."""
    with_words = [at for at, piece in enumerate(pieces) if piece.words]
    joined = list(chosen)
    for one, other in pairwise(with_words):
        if chosen[one] and chosen[other]:
            for at in range(one + 1, other):
                joined[at] = pieces[at].kind == "space"
    return joined


def _marked(pieces: Sequence[_Piece], chosen: Sequence[bool], tag: str) -> Iterator[str]:
    """The HTML of the pieces of an element, each run of chosen ones in a <mark>.

    White space alone is in none within a table row, where no <mark> may stand.
    """
    for is_chosen, run in groupby(zip(pieces, chosen, strict=True), key=lambda pair: pair[1]):
        parts = [piece for piece, _ in run]
        written = "".join(piece.html for piece in parts)
        may_stand = tag != "tr" or any(piece.words for piece in parts)
        yield f"{_OPEN}{written}</mark>" if is_chosen and may_stand else written


def _announced(page: str, said: tuple[str, str]) -> str:
    """The page with words of ours at the first and the last mark, for screen readers."""
    before, opening, after = page.rpartition(_OPEN)
    if not opening:
        return page
    begins, ends = (html.escape(words) for words in said)
    page = f'{before}{opening[:-1]} data-ends="{ends}">{after}'
    first = f'{_OPEN[:-1]} data-begins="{begins}" tabindex="-1"'
    return page.replace(_OPEN[:-1], first, 1)
