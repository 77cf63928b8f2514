"""Showing a passage once: copied passages collapse, neighbours in a section join.

Two passages are near-duplicates when their word sets overlap by Jaccard's index of 0.9
or more (Broder 1997); the better one stays and names the notes of the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.datatypes import Chunk, Hit

if TYPE_CHECKING:
    from assistant.retrieval.found import Passage

_SAME = 0.9  # Jaccard index of two word sets
_LEAST_WORDS = 6  # a shorter passage is a duplicate only of the very same words
_WORD = re.compile(r"\w+")


def collapse_duplicates(passages: Sequence[Passage]) -> list[tuple[Passage, tuple[str, ...]]]:
    """Return the distinct passages in order, each with the ids of notes that repeat it."""
    kept: list[tuple[Passage, frozenset[str], list[str]]] = []
    sizes: list[int] = []  # of the word sets kept
    for passage in passages:
        words = frozenset(_WORD.findall(passage.stored.text.casefold()))
        # Sets of sizes too far apart cannot overlap enough: most pairs end here.
        own, least = len(words), _SAME * len(words)
        near = [kept[n] for n, size in enumerate(sizes) if least <= size and _SAME * size <= own]
        same = next((one for one in near if _is_same(words, one[1])), None)
        if same is None:
            kept.append((passage, words, []))
            sizes.append(len(words))
            continue
        other, _, repeats = same
        note_id = passage.stored.note_id
        if note_id not in (other.stored.note_id, *repeats):
            repeats.append(note_id)
    return [(passage, tuple(repeats)) for passage, _, repeats in kept]


def _is_same(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < _LEAST_WORDS:
        return one == other
    common = len(one & other)
    return common >= _SAME * (len(one) + len(other) - common)


def join_neighbours(hits: Sequence[Hit], text_of: Callable[[str], str]) -> tuple[Hit, ...]:
    """Join hits whose chunks follow each other under the same headings.

    The joined hit has the rank and scores of the better one, and a chunk that covers
    both: `text_of(note_id)[start:end] == text`.
    """
    groups: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.chunk.note_id, hit.chunk.start)):
        whole = _joined(groups[-1].chunk, hit.chunk, text_of) if groups else None
        if whole is None:
            groups.append(hit)
        else:
            groups[-1] = replace(min(groups[-1], hit, key=lambda h: h.rank), chunk=whole)
    groups.sort(key=lambda hit: hit.rank)
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(groups, start=1))


def _joined(first: Chunk, last: Chunk, text_of: Callable[[str], str]) -> Chunk | None:
    """Return the chunk covering both, when only white space lies between them."""
    if first.note_id != last.note_id or first.headings != last.headings:
        return None
    text = text_of(first.note_id)
    if text[first.end : last.start].strip():
        return None
    return replace(
        first, end=last.end, text=text[first.start : last.end], spans=first.spans + last.spans
    )
