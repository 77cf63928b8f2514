"""The extractive answer: the course's own words, each quotation with its citation.

The best span, whole; a list with its lead-in when the span introduces one, when the
question asks for a list, or when the item is too short to be understood alone; code with
the sentence that introduces it; two spans side by side for a comparison. A further span
is quoted when it is worth its words: its probability of being the one that answers, by
the scores of all spans found, against the words it adds. Sentences of one paragraph are
quoted as one passage, with what stands between them. Every piece of text is a slice of a
note, found by offsets, never retyped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from assistant.analysis import analyse
from assistant.answering.evidence import Evidence, leans_on_previous
from assistant.answering.proof import cited
from assistant.answering.question_kind import QuestionKind, compared, question_kind
from assistant.datatypes import Citation, Note, Span
from assistant.markup import without_tags

_MOST_SPANS = 3
SHARPNESS = 2.5  # of the softmax over scores that makes probabilities: likeliest on the half
# of the titles of a French reading collection kept for fitting, of 1, 1.5, 2, 2.5 and 3
_WORTH_A_WORD = 0.0036  # probability a word must add: on that half, answers of 58 words (median)
_MOST_WORDS = 150  # of all that is quoted, the first span apart
_MOST_BETWEEN = 40  # words between two sentences quoted as one passage
_AS_COVERED = 0.2  # of the question's words in the first span, that a further one must say
CITABLE = 20  # the best spans, among which quotations are chosen
_SHORT_ITEM = 7  # words: a shorter item is quoted with its lead-in
_LIST_CHARACTERS = 900  # of a list quoted whole
_ASKED_LIST_CHARACTERS = 2_000  # of one that the question asks for
_SENTENCE_CHARACTERS = 420  # of a sentence quoted with the one before it
_FORMULA = re.compile(r"\$\$|\\\[|\\begin\{")
_CONTRAST = re.compile(
    r"\b(?:contrairement|alors que|tandis que|diff[éèe]r\w+|à l['’]inverse|par rapport à|au lieu d|"
    r"unlike|whereas|while|in contrast|differ\w*|instead of)\b",
    re.I,
)
_NEW_BLOCK = re.compile(  # a line between two sentences that parts their paragraphs
    r"\n[ \t\r>]*(?:\n|#{1,6}[ \t]|[`~]{3}|(?:[-*+]|\d+[.)])[ \t])"
)
_SAID_SIDE = 0.5  # of the words that name one side of a comparison


@dataclass(frozen=True, slots=True)
class Quotation:
    """A range of a note to be quoted, and the parts of it to be shown, one a line."""

    evidence: Evidence
    start: int
    end: int
    parts: tuple[Span, ...]  # the first, then those under it where it is a list

    @property
    def note_id(self) -> str:
        """Return the note it is a range of."""
        return self.evidence.passage.stored.chunk.note_id

    def text(self, notes: Mapping[str, Note]) -> str:
        """Return the range as the note has it."""
        return notes[self.note_id].text[self.start : self.end]


def choose_quotations(
    evidence: list[Evidence], notes: Mapping[str, Note], question: str = ""
) -> list[Quotation]:
    """Choose what to quote, the best first; ranges of one note never overlap.

    `evidence` is all that was found, the best first; `notes` holds at least the notes of
    its first spans: others are not quoted.
    """
    kind = question_kind(question)
    if kind is QuestionKind.COMPARISON and (sides := compared(question)):
        pair = _side_by_side(evidence[:CITABLE], notes, sides)
        if pair:
            return pair
    spans = _spans_with_probability(evidence)
    chosen: list[Quotation] = []
    said: list[list[str]] = []  # the same sentence in two notes is quoted once
    for candidate in evidence[:CITABLE]:
        note = notes[candidate.passage.stored.chunk.note_id]
        quotation = _quotation(candidate, note, kind)
        if not chosen:
            chosen.append(quotation)
            said.append(_words(quotation, notes))
            continue
        if any(_holds(other, quotation) for other in chosen):
            continue
        total = sum(len(_words(q, notes)) for q in chosen)
        widened = _widened(chosen, quotation, note, kind)
        if widened is not None:
            place, wider = widened
            gain = _probability(wider, spans) - _probability(chosen[place], spans)
            added = len(_words(wider, notes)) - len(_words(chosen[place], notes))
            if gain >= _WORTH_A_WORD * added and total + added <= _MOST_WORDS:
                chosen[place] = wider
                continue
        words = _words(quotation, notes)
        if (
            len(chosen) < _MOST_SPANS
            and candidate.covered >= _AS_COVERED * evidence[0].covered  # near in sense alone
            and words not in said
            and _probability(quotation, spans) >= _WORTH_A_WORD * len(words)
            and total + len(words) <= _MOST_WORDS
            and not any(_overlap(quotation, other) for other in chosen)
        ):
            chosen.append(quotation)
            said.append(words)
    return chosen


def _spans_with_probability(evidence: list[Evidence]) -> list[tuple[str, Span, float]]:
    """Return (note id, span, probability that it is the one that answers), summing to 1."""
    best = evidence[0].score if evidence else 0.0
    shares = [math.exp(SHARPNESS * (e.score - best)) for e in evidence]
    total = sum(shares)
    return [
        (e.passage.stored.chunk.note_id, e.span, share / total)
        for e, share in zip(evidence, shares, strict=True)
    ]


def _probability(quotation: Quotation, spans: list[tuple[str, Span, float]]) -> float:
    """Return the probability that one of the spans quoted whole is the one that answers."""
    return sum(
        probability
        for note_id, span, probability in spans
        if note_id == quotation.note_id
        and quotation.start <= span.start
        and span.end <= quotation.end
    )


def _words(quotation: Quotation, notes: Mapping[str, Note]) -> list[str]:
    return quotation.text(notes).casefold().split()


def _widened(
    chosen: list[Quotation], quotation: Quotation, note: Note, kind: QuestionKind
) -> tuple[int, Quotation] | None:
    """Return which chosen sentence of the same paragraph to widen, and how; None without one.

    The one that takes the fewest words. A definition begins with what it defines: nothing
    is added before the first.
    """
    options: list[tuple[int, int, Quotation]] = []
    for place, other in enumerate(chosen):
        if other.note_id != note.id or not (_is_sentence(other) and _is_sentence(quotation)):
            continue
        start, end = min(other.start, quotation.start), max(other.end, quotation.end)
        between = note.text[min(other.end, quotation.end) : max(other.start, quotation.start)]
        wider = replace(
            other, start=start, end=end, parts=(replace(other.parts[0], start=start, end=end),)
        )
        if (
            not _NEW_BLOCK.search(between)
            and len(between.split()) <= _MOST_BETWEEN
            and not (kind is QuestionKind.DEFINITION and place == 0 and start < other.start)
            and not any(_overlap(wider, third) for third in chosen if third is not other)
        ):
            options.append((end - start - (other.end - other.start), place, wider))
    if not options:
        return None
    _, place, wider = min(options, key=lambda option: option[:2])
    return place, wider


def _is_sentence(quotation: Quotation) -> bool:
    return quotation.evidence.span.kind == "sentence" and len(quotation.parts) == 1


def _holds(outer: Quotation, inner: Quotation) -> bool:
    same = outer.note_id == inner.note_id
    return same and outer.start <= inner.start and inner.end <= outer.end


def _side_by_side(
    evidence: list[Evidence], notes: Mapping[str, Note], sides: tuple[str, str]
) -> list[Quotation]:
    """Return a span that contrasts both sides, or what begins with each; none if a side lacks.

    Without a span that begins with each, one that says both will do.
    """
    one, two = sides
    said = [(_said(e, one, two), _said(e, two, one)) for e in evidence]
    both = [n for n, shares in enumerate(said) if min(shares) >= _SAID_SIDE]
    contrast = [n for n in both if _CONTRAST.search(_text_of(evidence[n]))]
    opening = [
        [
            n
            for n, e in enumerate(evidence)
            if said[n][side] >= _SAID_SIDE and _opens(e, sides[side], sides[1 - side])
        ]
        for side in (0, 1)
    ]
    if contrast:
        wanted = contrast[:1]
    elif all(opening) and opening[0][0] != opening[1][0]:
        wanted = [opening[0][0], opening[1][0]]
    else:
        wanted = both[:1]
    chosen: list[Quotation] = []
    for index in wanted:
        note = notes[evidence[index].passage.stored.chunk.note_id]
        quotation = _quotation(evidence[index], note, QuestionKind.COMPARISON)
        if any(_overlap(quotation, other) for other in chosen):
            span = evidence[index].span
            quotation = Quotation(evidence[index], span.start, span.end, (span,))
        if not any(_overlap(quotation, other) for other in chosen):
            chosen.append(quotation)
    return chosen


def _text_of(evidence: Evidence) -> str:
    chunk, span = evidence.passage.stored.chunk, evidence.span
    return chunk.text[span.start - chunk.start : span.end - chunk.start]


def _said(evidence: Evidence, side: str, other: str) -> float:
    """Return the share of the words naming one side of a comparison alone that the span says.

    "librairie statique" and "librairie partagée" are told apart by the second word.
    """
    language = evidence.passage.stored.language
    named = {term.term for term in analyse(side, language)}
    wanted = named - {term.term for term in analyse(other, language)} or named
    said = {term.term for term in analyse(_text_of(evidence), language)}
    return len(wanted & said) / max(len(wanted), 1)


def _opens(evidence: Evidence, side: str, other: str) -> bool:
    """Whether the span begins with one side of a comparison, as its definition does."""
    language = evidence.passage.stored.language
    named = {term.term for term in analyse(side, language)}
    wanted = named - {term.term for term in analyse(other, language)} or named
    first = [term.term for term in analyse(_text_of(evidence), language)][: len(named) + 1]
    return bool(first) and first[0] in named and not wanted.isdisjoint(first)


def _overlap(one: Quotation, other: Quotation) -> bool:
    return one.note_id == other.note_id and one.start < other.end and other.start < one.end


def _quotation(evidence: Evidence, note: Note, kind: QuestionKind) -> Quotation:
    span, spans = evidence.span, evidence.passage.stored.chunk.spans
    asked = kind in (QuestionKind.LIST, QuestionKind.PROCEDURE)
    longest = _ASKED_LIST_CHARACTERS if asked else _LIST_CHARACTERS
    children = _children(span, spans, note, kind, longest)
    if children:
        return Quotation(evidence, span.start, children[-1].end, (span, *children))
    parent = _inside(span.lead, spans) if span.lead else None
    if span.kind == "code" and parent and span.end - parent.start <= longest:
        return Quotation(evidence, parent.start, span.end, (parent, span))
    words = len(note.text[span.start : span.end].split())
    if span.kind == "item" and (asked or words <= _SHORT_ITEM):
        siblings = [s for s in spans if s.kind == "item" and s.lead == span.lead]
        if parent and parent.start < span.start:
            kept = [s for s in siblings if s.start <= span.start or asked]
            kept = [s for s in kept if s.end - parent.start <= longest]
            if span in kept:
                return Quotation(evidence, parent.start, kept[-1].end, (parent, *kept))
        elif asked and len(siblings) > 1 and siblings[-1].end - siblings[0].start <= longest:
            return Quotation(evidence, siblings[0].start, siblings[-1].end, tuple(siblings))
    if formula := _formula_after(span, spans, note):
        return Quotation(evidence, span.start, formula.end, (span, formula))
    if span.kind == "sentence" and leans_on_previous(note.text[span.start : span.end]):
        before = [s for s in spans if s.kind == "sentence" and s.end <= span.start]
        if (
            before
            and span.end - before[-1].start <= _SENTENCE_CHARACTERS
            and not _NEW_BLOCK.search(note.text, before[-1].end, span.start)
        ):
            span = replace(span, start=before[-1].start)
    return Quotation(evidence, span.start, span.end, (span,))


def _children(
    span: Span, spans: tuple[Span, ...], note: Note, kind: QuestionKind, longest: int
) -> list[Span]:
    """Return the items or code that a span introduces, as far as they can be quoted whole."""
    children = [
        s
        for s in spans
        if s.lead and s.lead[0] <= span.start and span.end <= s.lead[1] and s.start >= span.end
    ]
    introduces = note.text[span.start : span.end].rstrip(" *_").endswith(":")
    wants_code = kind in (QuestionKind.COMMAND, QuestionKind.PROCEDURE) and any(
        child.kind == "code" for child in children
    )
    if not children or not (introduces or wants_code or _is_short(note, span)):
        return []
    return [child for child in children if child.end - span.start <= longest]


def _formula_after(span: Span, spans: tuple[Span, ...], note: Note) -> Span | None:
    """Return the displayed formula that ends a sentence: "… vaut", or follows its colon."""
    if note.text[span.start : span.end].rstrip(" *_\n").endswith((".", "!", "?", "…", ";")):
        return None
    after = next((s for s in spans if s.start >= span.end), None)
    if after is None or note.text[span.end : after.start].strip():
        return None
    return after if _FORMULA.match(note.text, after.start) else None


def _is_short(note: Note, span: Span) -> bool:
    text = note.text[span.start : span.end]
    return len(text.split()) <= 2 * _SHORT_ITEM and not text.endswith((".", "!", "?"))


def _inside(outer: tuple[int, int], spans: tuple[Span, ...]) -> Span | None:
    return next((s for s in spans if outer[0] <= s.start and s.end <= outer[1]), None)


def cite(quotations: list[Quotation], notes: dict[str, Note]) -> tuple[Citation, ...]:
    """Number the quotations and find their lines."""
    return tuple(
        cited(
            notes[quotation.note_id],
            number,
            quotation.start,
            quotation.end,
            quotation.evidence.passage.stored.chunk.headings,
            quotation.evidence.score,
        )
        for number, quotation in enumerate(quotations, start=1)
    )


def compose(quotations: list[Quotation], notes: dict[str, Note]) -> str:
    """Write the answer: each quotation followed by its number, lists as lists."""
    paragraphs = []
    for number, quotation in enumerate(quotations, start=1):
        text = notes[quotation.note_id].text
        shown = _table(text, quotation.parts) or _list(text, quotation.parts)
        ends_in_block = quotation.parts[-1].kind == "code" or shown.startswith("|")
        paragraphs.append(f"{shown}\n\n[{number}]" if ends_in_block else f"{shown} [{number}]")
    return "\n\n".join(paragraphs)


def _list(text: str, parts: tuple[Span, ...]) -> str:
    """Write the first part as it is, those under it as items, code as code."""
    is_list = len(parts) > 1 and parts[0].kind == "item" and parts[0].lead == parts[1].lead
    lines = [f"- {_shown(text, parts[0])}" if is_list else _shown(text, parts[0])]
    for part in parts[1:]:
        shown = _shown(text, part)
        is_block = part.kind == "code" or _FORMULA.match(shown)
        lines.append(f"\n{shown}" if is_block else f"- {shown}")
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
        return shown_prose(quote)
    if quote.lstrip().startswith(("```", "~~~")):
        return quote
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", quote)), default=0))
    return f"{fence}\n{quote}\n{fence}"


def shown_prose(quote: str) -> str:
    """Write a sentence or item on one line, without the tags of HTML."""
    return without_tags(re.sub(r"[ \t]*(?:\r?\n[ \t>]*)+", " ", quote)).strip()
