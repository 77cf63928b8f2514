"""From words on a PDF page to lines in reading order: rows, then columns.

Two columns are read one after the other when both hold running text, or when the file
itself draws one before the other; a table keeps its rows. Lines that cross the gutter
(a title, a wide figure) end the columns above them. Tables are not rebuilt: their cells
stay together in one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import mean

from assistant.reading.pdf_words import Word

_FEWEST = 3  # lines that make a column
_DEEPEST = 6  # columns in columns


@dataclass(frozen=True)
class Line:
    """Words that stand side by side, from left to right; what is asked of them is kept."""

    words: tuple[Word, ...]
    cells: int = 1  # parts with a wide gap between, as in a table

    @cached_property
    def x0(self) -> float:
        return self.words[0].x0

    @cached_property
    def x1(self) -> float:
        return max(word.x1 for word in self.words)

    @cached_property
    def y(self) -> float:
        return max(self.words, key=lambda word: (len(word.text), word.size)).y

    @cached_property
    def size(self) -> float:
        return Counter({w.size: 0 for w in self.words} | _letters(self.words)).most_common(1)[0][0]

    @cached_property
    def order(self) -> int:
        return min(word.order for word in self.words)

    @cached_property
    def text(self) -> str:
        return joined(self.words)

    @cached_property
    def bold(self) -> bool:
        return all(word.bold for word in self.words if any(map(str.isalnum, word.text)))

    @cached_property
    def mono(self) -> bool:
        return all(word.mono for word in self.words)


def _letters(words: Sequence[Word]) -> dict[float, int]:
    counts: dict[float, int] = {}
    for word in words:
        counts[word.size] = counts.get(word.size, 0) + len(word.text)
    return counts


def joined(words: Sequence[Word]) -> str:
    """Return the words with a space between, none where their letters touch (exponents)."""
    parts: list[str] = []
    for index, word in enumerate(words):
        previous = words[index - 1] if index else None
        gap = word.x0 - previous.x1 if previous else 0.0
        if previous and (word.spaced or gap > 0.15 * max(word.size, previous.size)):
            parts.append(" ")
        parts.append(word.text)
    return "".join(parts)


def _rows(words: Sequence[Word]) -> list[list[Word]]:
    """Group words by baseline, with room for exponents; rows from top to bottom."""
    rows: list[list[Word]] = []
    base: list[Word] = []  # the biggest word of each row
    for word in sorted(words, key=lambda word: (word.y, word.x0)):
        if base and abs(word.y - base[-1].y) < 0.4 * max(word.size, base[-1].size):
            rows[-1].append(word)
            if word.size > base[-1].size * 1.1:
                base[-1] = word
        else:
            rows.append([word])
            base.append(word)
    return [sorted(row, key=lambda word: word.x0) for row in rows]


def _segments(row: Sequence[Word], gap: float) -> list[list[Word]]:
    """Cut a row where the space is wider than `gap` times the size of its letters."""
    found = [[row[0]]]
    for previous, word in pairwise(row):
        if word.x0 - max(w.x1 for w in found[-1]) > gap * max(previous.size, word.size):
            found.append([word])
        else:
            found[-1].append(word)
    return found


def _gutter(lines: Sequence[Line]) -> float | None:
    """Return where a column begins that has another one at its left; None without one."""
    starts = Counter(round(line.x0) for line in lines)
    leftmost = min(starts)
    best: tuple[float, float] | None = None
    for start, count in starts.items():
        if start <= leftmost + 20 or count < _FEWEST:
            continue
        x = start - 2.0
        left = [line for line in lines if line.x1 <= x]
        right = [line for line in lines if line.x0 >= x]
        crossing = len(lines) - len(left) - len(right)
        if min(len(left), len(right)) < _FEWEST or crossing > 0.4 * len(lines):
            continue
        overlap = min(left[-1].y, right[-1].y) - max(left[0].y, right[0].y)
        heights = (left[-1].y - left[0].y, right[-1].y - right[0].y)
        if overlap < 0.4 * min(heights) or min(heights) <= 0:
            continue
        if not (_is_prose(left) and _is_prose(right)) and not _drawn_apart(left, right):
            continue
        score = len(left) + len(right) - 2.0 * crossing + min(len(left), len(right))
        if best is None or score > best[0]:
            best = (score, x)
    return best[1] if best else None


def _is_prose(lines: Sequence[Line]) -> bool:
    """Whether most lines hold words enough, and fill their column, to be running text."""
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    filled = mean((line.x1 - line.x0) / max(width, 1.0) for line in lines)
    words = mean(len(line.words) for line in lines)
    letters = mean(sum(map(str.isalpha, line.text)) / len(line.text) for line in lines)
    return len(lines) > _FEWEST and words >= 3.5 and filled >= 0.6 and letters >= 0.6


def _drawn_apart(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """Whether the file draws the whole left column before the right one."""
    return max(line.order for line in left) < min(line.order for line in right)


def _merged(lines: Sequence[Line]) -> list[Line]:
    """Put the parts of a row together again where no gutter parts them."""
    rows = _rows([word for line in lines for word in line.words])
    return [Line(tuple(row), len(_segments(row, 1.5))) for row in rows]


def _columns(lines: list[Line], depth: int = 0) -> list[list[Line]]:
    x = _gutter(lines) if depth < _DEEPEST and len(lines) >= 2 * _FEWEST else None
    if x is None:
        return [_merged(lines)] if lines else []
    found: list[list[Line]] = []
    left: list[Line] = []
    right: list[Line] = []
    crossing: list[Line] = []

    def close_columns() -> None:
        for side in (left, right):
            found.extend(_columns(list(side), depth + 1))
            side.clear()

    for line in lines:
        if line.x1 <= x or line.x0 >= x:
            if crossing:
                found.append(_merged(crossing))
                crossing.clear()
            (left if line.x1 <= x else right).append(line)
        else:
            close_columns()
            crossing.append(line)
    if crossing:
        found.append(_merged(crossing))
    close_columns()
    return found


def lines_in_order(words: Sequence[Word]) -> list[list[Line]]:
    """Return the columns of a page in reading order, each a list of lines from its top.

    Text that runs up or down the page (labels of axes) comes last, as one line.
    """
    upright = [word for word in words if word.upright]
    lines = [Line(tuple(part)) for row in _rows(upright) for part in _segments(row, 0.9)]
    lines.sort(key=lambda line: line.y)
    columns = _columns(lines)
    sideways = [word for word in words if not word.upright]
    if sideways:
        columns.append([Line((word,)) for word in sideways])
    return columns
