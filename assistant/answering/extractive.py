"""The extractive answer: the course's own words, each quotation with its citation.

The best span, whole; a list with its lead-in when the span introduces one or is too
short to be understood alone; a second or third span only when it says as much as the
first. Every piece of text is a slice of a note, found by offsets, never retyped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from assistant.answering.evidence import Evidence, leans_on_previous
from assistant.datatypes import Citation, Note, Span
from assistant.places import line_at, place_at

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
    parts: tuple[Span, ...]  # the first, then those under it where it is a list


def choose_quotations(evidence: list[Evidence], notes: dict[str, Note]) -> list[Quotation]:
    """Choose what to quote, the best first; ranges of one note never overlap."""
    chosen: list[Quotation] = []
    said: list[list[str]] = []  # the same sentence in two notes is quoted once
    for candidate in evidence:
        near = _NEAR_BEST if evidence[0].covered >= _AS_COVERED else _NEAR_BEST / 2
        if len(chosen) == _MOST_SPANS or candidate.score < evidence[0].score - near:
            break
        if candidate.covered < _AS_COVERED * evidence[0].covered:
            continue  # near in sense alone: rather the best span alone than a stray one
        note = notes[candidate.passage.stored.chunk.note_id]
        quotation = _quotation(candidate, note)
        words = note.text[quotation.start : quotation.end].casefold().split()
        if words not in said and not any(_overlap(quotation, other) for other in chosen):
            chosen.append(quotation)
            said.append(words)
    return chosen


def _overlap(one: Quotation, other: Quotation) -> bool:
    same = one.evidence.passage.stored.chunk.note_id == other.evidence.passage.stored.chunk.note_id
    return same and one.start < other.end and other.start < one.end


def _quotation(evidence: Evidence, note: Note) -> Quotation:
    span, spans = evidence.span, evidence.passage.stored.chunk.spans
    children = _children(span, spans, note)
    if children:
        return Quotation(evidence, span.start, children[-1].end, (span, *children))
    words = len(note.text[span.start : span.end].split())
    if span.kind == "item" and span.lead and words <= _SHORT_ITEM:
        parent = _inside(span.lead, spans)
        if parent and 0 < span.end - parent.start <= _LIST_CHARACTERS:
            siblings = [s for s in spans if s.lead == span.lead and s.start <= span.start]
            return Quotation(evidence, parent.start, span.end, (parent, *siblings))
    if span.kind == "sentence" and leans_on_previous(note.text[span.start : span.end]):
        before = [s for s in spans if s.kind == "sentence" and s.end <= span.start]
        if (
            before
            and span.end - before[-1].start <= _SENTENCE_CHARACTERS
            and "\n\n" not in note.text[before[-1].end : span.start]
        ):
            span = replace(span, start=before[-1].start)
    return Quotation(evidence, span.start, span.end, (span,))


def _children(span: Span, spans: tuple[Span, ...], note: Note) -> list[Span]:
    """Return the items that a span introduces, as far as they can be quoted whole."""
    children = [
        s
        for s in spans
        if s.lead and s.lead[0] <= span.start and span.end <= s.lead[1] and s.start >= span.end
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
        place = place_at(note, quotation.start)
        unit = place.unit if place else "line"
        citations.append(
            Citation(
                number=number,
                note_id=note.id,
                title=note.title,
                headings=chunk.headings,
                start=quotation.start,
                end=quotation.end,
                line_start=line_at(note, quotation.start),
                line_end=line_at(note, max(quotation.start, quotation.end - 1)),
                page=place.number if place and unit != "line" else None,
                quote=note.text[quotation.start : quotation.end],
                score=quotation.evidence.score,
                unit=unit,
            )
        )
    return tuple(citations)


def compose(quotations: list[Quotation], notes: dict[str, Note]) -> str:
    """Write the answer: each quotation followed by its number, lists as lists."""
    paragraphs = []
    for number, quotation in enumerate(quotations, start=1):
        text = notes[quotation.evidence.passage.stored.chunk.note_id].text
        shown = _table(text, quotation.parts) or _list(text, quotation.parts)
        ends_in_block = quotation.parts[-1].kind == "code" or shown.startswith("|")
        paragraphs.append(f"{shown}\n\n[{number}]" if ends_in_block else f"{shown} [{number}]")
    return "\n\n".join(paragraphs)


def _list(text: str, parts: tuple[Span, ...]) -> str:
    """Write the first part as it is, those under it as items, code as code."""
    lines = [_shown(text, parts[0])]
    for part in parts[1:]:
        shown = _shown(text, part)
        lines.append(f"\n{shown}" if part.kind == "code" else f"- {shown}")
    return "\n".join(lines)


def _table(text: str, parts: tuple[Span, ...]) -> str:
    """Write rows under their header as a Markdown table; "" for anything else."""
    if len(parts) < 2 or any(part.kind != "row" for part in parts):
        return ""
    header, *rows = (f"| {' | '.join(_cells(text[p.start : p.end]))} |" for p in parts)
    rule = "|" + "---|" * len(_cells(text[parts[0].start : parts[0].end]))
    return "\n".join([header, rule, *rows])


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _shown(text: str, part: Span) -> str:
    """Leave code as it is, in a fence; elsewhere join lines broken inside a sentence."""
    quote = text[part.start : part.end]
    if part.kind == "row":
        return " · ".join(filter(None, _cells(quote)))
    if part.kind != "code":
        return re.sub(r"[ \t]*\r?\n[ \t>]*", " ", quote)
    if quote.lstrip().startswith(("```", "~~~")):
        return quote
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", quote)), default=0))
    return f"{fence}\n{quote}\n{fence}"
