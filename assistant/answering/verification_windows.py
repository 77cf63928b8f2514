"""The places of a passage that may support a sentence, each read once with its context.

A window is one sentence or item with the headings above it and the line that introduces its
list; a sentence that leans on the one before it is read with that. Lists are never read
whole: what one item says would then speak for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import Term, analyse, fold
from assistant.answering.evidence import leans_on_previous
from assistant.answering.prompt import NumberedPassage
from assistant.answering.rewording import initials, senses
from assistant.chunking import passage_context
from assistant.datatypes import Span

_COORDINATE = re.compile(  # where a clause of its own begins; an enumeration is none
    r"(?<=\b\w)\.\s+(?=[A-ZÀ-Þ])|[,;]\s+(?=(?:et|ou|le|la|les|un|une|tandis|alors|mais|and|or|the|while|but|whereas)\b|l['’])",
    re.I,
)
_SEVERAL = re.compile(r"\b(?:et|ou|and|or|vs|versus|contre)\b", re.I)
_LEANS_WITHIN = re.compile(  # on the sentence before
    r"^[^,;:]{1,40},\s*(?:il|elle|ils|elles|celui-ci|celle-ci|it|they)\b|"
    r"\b(?:ce|cet|cette) \w+-là\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class ClauseTerms:
    """The index terms of one clause of a window."""

    head: frozenset[str]  # of its first content word
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Window:
    """A place of the passage: one span with its context."""

    start: int  # in the chunk's text; what may be quoted
    end: int
    text: str
    own: frozenset[str]  # terms of that text alone
    terms: frozenset[str]  # with those of its context
    words: frozenset[str]  # folded
    senses: frozenset[str]  # of the words of a span, without its context
    acronyms: frozenset[str]  # that its words could be
    tokens: NDArray[np.bool_]  # (tokens of the passage,) that lie in it
    lead: tuple[int, int] | None
    clauses: tuple[ClauseTerms, ...]
    order: tuple[frozenset[str], ...]  # the terms of each content word


class Source:
    """A passage, read once."""

    def __init__(self, passage: NumberedPassage) -> None:
        self.passage = passage
        self.context = passage_context(passage.title, passage.chunk)
        self.folded = folded_whole(self.context + passage.chunk.text)

    @cached_property
    def windows(self) -> list[Window]:
        """Each span in its context, after the one before it where it leans on that."""
        chunk = self.passage.chunk
        spans = chunk.spans or (Span(chunk.start, chunk.end, "sentence"),)
        windows: list[Window] = []
        for number, span in enumerate(spans):
            start, end = span.start - chunk.start, span.end - chunk.start
            before = spans[number - 1] if number else None
            text = chunk.text[start:end]
            if before and (leans_on_previous(text) or _LEANS_WITHIN.search(text)):
                start = before.start - chunk.start
            windows.append(self._window(start, end, span.lead))
        return windows

    def around(self, window: Window) -> str:
        """Return the headings of a place, the line that introduces it, and its own lines whole."""
        chunk = self.passage.chunk
        left = chunk.text.rfind("\n", 0, window.start) + 1
        right = chunk.text.find("\n", window.end)
        own = chunk.text[left : right if right >= 0 else None]
        parts = ["", self.context, *chunk.headings, own]
        if window.lead:
            begin, end = window.lead[0] - chunk.start, window.lead[1] - chunk.start
            parts.append(chunk.text[max(0, begin) : max(0, end)])
        return "\n".join(parts)

    def _window(self, start: int, end: int, lead: tuple[int, int] | None) -> Window:
        chunk = self.passage.chunk
        tokens = self.passage.tokens.starts
        inside = (tokens < 0) | ((tokens >= start) & (tokens < end))
        parts = [chunk.text[start:end]]
        if lead:
            left, right = max(0, lead[0] - chunk.start), lead[1] - chunk.start
            parts.append(chunk.text[left : max(left, right)])
            inside |= (tokens >= left) & (tokens < right)
        text = parts[0]
        analysed = analyse("\n".join(parts), self.passage.language)
        # "TCP and UDP" speaks for a place only with words that no other place claims for itself.
        is_shared = bool(_SEVERAL.search(" ".join(chunk.headings)))
        own = frozenset(t.term for t in self._inside_spans) if is_shared else frozenset()
        headings = f"{self.context}\n{' '.join(chunk.headings)}"
        analysed += [t for t in analyse(headings, self.passage.language) if t.term not in own]
        return Window(
            start=start,
            end=end,
            text=text,
            own=frozenset(t.term for t in analyse(text, self.passage.language)),
            terms=frozenset(t.term for t in analysed),
            words=frozenset(t.word for t in analysed),
            senses=senses((t.word for t in analysed), self.passage.language),
            acronyms=initials(text, self.passage.language),
            tokens=inside,
            lead=lead,
            clauses=tuple(_clauses(text, self.passage.language)),
            order=terms_in_order(analyse(text, self.passage.language)),
        )

    @cached_property
    def _inside_spans(self) -> list[Term]:
        chunk = self.passage.chunk
        return [
            term
            for span in chunk.spans
            for term in analyse(
                chunk.text[span.start - chunk.start : span.end - chunk.start],
                self.passage.language,
            )
        ]

    @cached_property
    def terms(self) -> frozenset[str]:
        """Index terms of the whole passage."""
        return frozenset(t.term for t in self._analysed)

    @cached_property
    def words(self) -> frozenset[str]:
        """Folded words of the whole passage."""
        return frozenset(t.word for t in self._analysed)

    @cached_property
    def _analysed(self) -> list[Term]:
        return analyse(self.context + self.passage.chunk.text, self.passage.language)


def terms_in_order(terms: list[Term]) -> tuple[frozenset[str], ...]:
    """Return the terms of each word."""
    grouped: dict[int, set[str]] = {}
    for term in terms:
        grouped.setdefault(term.start, set()).add(term.term)
    return tuple(frozenset(grouped[start]) for start in sorted(grouped))


def _clauses(text: str, language: str) -> Iterator[ClauseTerms]:
    begin = 0
    for end in [*(m.start() for m in _COORDINATE.finditer(text)), len(text)]:
        if terms := analyse(text[begin:end], language):
            first = frozenset(t.term for t in terms if t.start == terms[0].start)
            yield ClauseTerms(first, frozenset(t.term for t in terms))
        begin = end


def folded_whole(text: str) -> str:
    """Fold for comparing verbatim: case, accents and white space do not matter."""
    return " ".join(fold(text).split())
