"""The extractive answer: the course's own words, each quotation with its citation.

The best span, whole; a list with its lead-in when the span introduces one or is too
short to be understood alone; a second or third span only when it says as much as the
first. Every piece of text is a slice of a note, found by offsets, never retyped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.answering.evidence import Evidence, leans_on_previous
from assistant.datatypes import Citation, Note, Span
from assistant.structure import line_number, line_starts

_MOST_SPANS = 3
_NEAR_BEST = 0.5  # of score: a further span must come this near to the first
_AS_COVERED = 0.5  # of the question's words in the first span, that a further one must say
_SHORT_ITEM = 7  # words: a shorter item is quoted with its lead-in
_LIST_CHARACTERS = 900  # of a list quoted whole
_SENTENCE_CHARACTERS = 420  # of a sentence quoted with the one before it


@dataclass(frozen=True, slots=True)
class Quotation:
    """A range of a note to be quoted, and the parts of it to be shown, one a line."""

    evidence: Evidence
    start: int
    end: int
    parts: tuple[tuple[int, int], ...]  # the first, then items under it
    is_list: bool


def choose_quotations(evidence: list[Evidence], notes: dict[str, Note]) -> list[Quotation]:
    """Choose what to quote, the best first; ranges of one note never overlap."""
    chosen: list[Quotation] = []
    for candidate in evidence:
        if len(chosen) == _MOST_SPANS or candidate.score < evidence[0].score - _NEAR_BEST:
            break
        if candidate.covered < _AS_COVERED * evidence[0].covered:
            continue  # near in sense alone: rather the best span alone than a stray one
        note = notes[candidate.passage.stored.chunk.note_id]
        quotation = _quotation(candidate, note)
        if not any(_overlap(quotation, other) for other in chosen):
            chosen.append(quotation)
    return chosen


def _overlap(one: Quotation, other: Quotation) -> bool:
    same = one.evidence.passage.stored.chunk.note_id == other.evidence.passage.stored.chunk.note_id
    return same and one.start < other.end and other.start < one.end


def _quotation(evidence: Evidence, note: Note) -> Quotation:
    span, spans = evidence.span, evidence.passage.stored.chunk.spans
    children = _children(span, spans, note)
    if children:
        end = children[-1].end
        parts = ((span.start, span.end), *((c.start, c.end) for c in children))
        return Quotation(evidence, span.start, end, parts, True)
    words = len(note.text[span.start : span.end].split())
    if span.kind == "item" and span.lead and words <= _SHORT_ITEM:
        parent = _inside(span.lead, spans)
        if parent and 0 < span.end - parent.start <= _LIST_CHARACTERS:
            siblings = [s for s in spans if s.lead == span.lead and s.start <= span.start]
            parts = ((parent.start, parent.end), *((s.start, s.end) for s in siblings))
            return Quotation(evidence, parent.start, span.end, parts, True)
    if span.kind == "sentence" and leans_on_previous(note.text[span.start : span.end]):
        before = [s for s in spans if s.kind == "sentence" and s.end <= span.start]
        if (
            before
            and span.end - before[-1].start <= _SENTENCE_CHARACTERS
            and "\n\n" not in note.text[before[-1].end : span.start]
        ):
            whole = (before[-1].start, span.end)
            return Quotation(evidence, *whole, (whole,), False)
    whole = (span.start, span.end)
    return Quotation(evidence, *whole, (whole,), False)


def _children(span: Span, spans: tuple[Span, ...], note: Note) -> list[Span]:
    """Return the items that a span introduces, as far as they can be quoted whole."""
    children = [
        s
        for s in spans
        if s.lead
        and s.kind == "item"
        and s.lead[0] <= span.start
        and span.end <= s.lead[1]
        and s.start >= span.end
    ]
    introduces = note.text[span.start : span.end].rstrip(" *_").endswith(":")
    if not children or not (introduces or _is_short(note, span)):
        return []
    kept = [c for c in children if c.end - span.start <= _LIST_CHARACTERS]
    return kept


def _is_short(note: Note, span: Span) -> bool:
    text = note.text[span.start : span.end]
    return len(text.split()) <= 2 * _SHORT_ITEM and not text.endswith((".", "!", "?"))


def _inside(outer: tuple[int, int], spans: tuple[Span, ...]) -> Span | None:
    return next((s for s in spans if outer[0] <= s.start and s.end <= outer[1]), None)


def cite(quotations: list[Quotation], notes: dict[str, Note]) -> tuple[Citation, ...]:
    """Number the quotations and find their lines."""
    citations = []
    for number, quotation in enumerate(quotations, start=1):
        chunk = quotation.evidence.passage.stored.chunk
        note = notes[chunk.note_id]
        starts = line_starts(note.text)
        citations.append(
            Citation(
                number=number,
                note_id=note.id,
                title=note.title,
                headings=chunk.headings,
                start=quotation.start,
                end=quotation.end,
                line_start=line_number(starts, quotation.start),
                line_end=line_number(starts, max(quotation.start, quotation.end - 1)),
                page=None,
                quote=note.text[quotation.start : quotation.end],
                score=quotation.evidence.score,
            )
        )
    return tuple(citations)


def compose(quotations: list[Quotation], notes: dict[str, Note]) -> str:
    """Write the answer: each quotation followed by its number, lists as lists."""
    paragraphs = []
    for number, quotation in enumerate(quotations, start=1):
        text = notes[quotation.evidence.passage.stored.chunk.note_id].text
        pieces = [
            _shown(text[start:end], quotation.evidence.span.kind) for start, end in quotation.parts
        ]
        if quotation.is_list:
            pieces = [pieces[0], *(f"- {piece}" for piece in pieces[1:])]
        paragraphs.append("\n".join(pieces) + _mark(number, quotation.evidence.span.kind))
    return "\n\n".join(paragraphs)


def _mark(number: int, kind: str) -> str:
    return f"\n\n[{number}]" if kind == "code" else f" [{number}]"


def _shown(quote: str, kind: str) -> str:
    """Leave code as it is, in a fence; elsewhere join lines broken inside a sentence."""
    if kind != "code":
        return re.sub(r"[ \t]*\r?\n[ \t>]*", " ", quote)
    if quote.lstrip().startswith(("```", "~~~")):
        return quote
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", quote)), default=0))
    return f"{fence}\n{quote}\n{fence}"
