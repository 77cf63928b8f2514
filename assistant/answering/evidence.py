"""Evidence: the spans of the found passages that answer, best first.

A span is scored by how well its own tokens, read in their context, support each word of
the question (late interaction), most of all the words that tell the found passages apart;
by what the sentence before it adds to that, and by the word it supports least; by the share
of the question's IDF mass it contains; and by the passage it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import term_names
from assistant.answering.answer_type import can_answer
from assistant.answering.question_kind import QuestionKind, question_kind
from assistant.datatypes import Chunk, Span
from assistant.message_spelling import spelt
from assistant.retrieval.found import Passage, Retrieval
from assistant.retrieval.fusion import contrasted

_PASSAGES = 5  # the best ones, looked at span by span
# From `benchmarks/fit_evidence.py`, on the half of the titles of a French reading collection
# kept for fitting, in units in which the weights below, set by hand, stand.
_LATE_WEIGHT = 7.2  # cosines differ by hundredths between spans
_BEFORE_WEIGHT = 4.0  # for what the span before supports better
_LEAST_WEIGHT = 3.4  # for the word of the question that is supported least
_COVERED_WEIGHT = 0.9
_PASSAGE_WEIGHT = 0.18
_DEFINED_WEIGHT = 1.6  # for a span that begins with what is to be defined
_UNTYPED = 0.7  # taken from a span without the date, number or name that is asked for; by hand,
# as the one above, on the questions of these kinds of a French reading collection
_SAYS_WHAT_WEIGHT = 0.3  # for one that begins so and says what it is; by hand, on courses
_SAYS_WHAT = re.compile(
    r"[^.;\n]{0,80}?(?:(?<!c['’])\b(?:est|sont) (?:une?\b|des\b|l[ea]s?\b|l['’]|appel)|"
    r"\bs['’]appelle|\bd[ée]signe|\bd[ée]fini|\bcorrespond|"
    r"\b(?:is|are) (?:an?|the|called)\b|\bmeans\b|"
    r": |(?:\*\*|__)\n)",  # a colon, or the end of a headword
    re.I,
)
_WANTS_CODE = re.compile(
    r"\b(?:comment|commandes?|code|exemples?|syntaxe|script|option|how|commands?|example)\b", re.I
)
_EXERCISE = re.compile(
    r"^\W*(?:questions?|exercices?|consignes?|à vous|cherchez|recherchez|observez|répondez|"
    r"complétez|décrivez|justifiez|réfléchissez)\b|:\W*(?:re)?cherchez\b",
    re.I,
)
_ASKING = 4.0  # taken from a span that asks: a question echoes the words, not the answer
_UNASKED_CODE = 0.8  # taken from code when the question does not ask for any
_UNFINISHED = 0.6  # taken from a line that introduces something this passage does not hold
_LEANING = re.compile(
    r"^\W*(?:il|elle|ils|elles|cela|ceci|ça|celui-ci|celle-ci|grâce à cela|it|they|this)\b", re.I
)


class SpanSignals(NamedTuple):
    """What tells how well a span answers; all but the last are weighted by fitted numbers."""

    late: float  # mean support of the question's tokens, those that tell passages apart first
    before: float  # what the span before adds to it
    least: float  # support of the token supported least
    covered: float  # share of the question's IDF mass that the span says
    passage: float  # fused score of its passage, less that of the best
    other: float  # of what is asked for and how the span is written

    @property
    def score(self) -> float:
        """Return the sum that spans are ranked by."""
        return (
            _LATE_WEIGHT * self.late
            + _BEFORE_WEIGHT * self.before
            + _LEAST_WEIGHT * self.least
            + _COVERED_WEIGHT * self.covered
            + _PASSAGE_WEIGHT * self.passage
            + self.other
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span with the passage it stands in; a higher score is better."""

    passage: Passage
    span: Span
    score: float
    covered: float = 0.0  # share of the question's IDF mass that the span says


def find_evidence(retrieval: Retrieval) -> list[Evidence]:
    """Return every span of the best passages, the best first."""
    found = [
        Evidence(passage, span, signals.score, signals.covered)
        for passage, span, signals in judged_spans(retrieval)
    ]
    found.sort(key=lambda e: (-e.score, e.passage.row, e.span.start))
    return found


def judged_spans(retrieval: Retrieval) -> Iterator[tuple[Passage, Span, SpanSignals]]:
    """Yield every span of the best passages that has tokens, with its signals."""
    question = retrieval.question
    kind = question_kind(question.text)
    defines = kind in (QuestionKind.DEFINITION, QuestionKind.PURPOSE)
    asks_what = kind is QuestionKind.DEFINITION
    wants_code = bool(_WANTS_CODE.search(spelt(question.text)))
    weights = _telling_weights(retrieval)
    for passage in retrieval.passages[:_PASSAGES]:
        chunk = passage.stored.chunk
        starts = passage.tokens.starts
        before: NDArray[np.float32] | None = None
        for span in chunk.spans:
            start, end = span.start - chunk.start, span.end - chunk.start
            inside = (starts >= start) & (starts < end)
            if not inside.any():
                continue
            nearest = passage.similarities[:, inside].max(axis=1)
            added = 0.0
            if before is not None and not defines:  # a definition is read by itself
                added = float(weights @ np.maximum(before - nearest, 0.0))
            before = nearest
            text = chunk.text[start:end]
            covered, opening = _covered(retrieval, text, passage.stored.language)
            yield (
                passage,
                span,
                SpanSignals(
                    late=float(weights @ nearest),
                    before=added,
                    least=float(nearest.min(initial=1.0)),
                    covered=covered,
                    passage=passage.score - retrieval.passages[0].score,
                    other=(_DEFINED_WEIGHT * opening if defines else 0.0)
                    + (_SAYS_WHAT_WEIGHT if asks_what and _says_what(text, opening) else 0.0)
                    - (0.0 if can_answer(question.text, text) else _UNTYPED)
                    - _penalty(chunk, span, wants_code=wants_code),
                ),
            )


def _telling_weights(retrieval: Retrieval) -> NDArray[np.float32]:
    """Weigh the question's tokens, (tokens,), by how far the best passages differ in them."""
    weights = retrieval.question.weights
    best = retrieval.passages[:_PASSAGES]
    if len(best) < _PASSAGES:
        return weights
    return contrasted(weights, np.stack([passage.support for passage in best]))


def _says_what(text: str, opening: float) -> bool:
    """Whether a span that begins with a thing says what it is, not what it does or has."""
    return opening > 0.5 and bool(_SAYS_WHAT.match(text))


def _penalty(chunk: Chunk, span: Span, *, wants_code: bool) -> float:
    """Return what a span loses for echoing a question instead of answering one."""
    text = chunk.text[span.start - chunk.start : span.end - chunk.start].rstrip(" \t*_»")
    if text.endswith("?") or _EXERCISE.search(text):
        return _ASKING
    if span.kind == "code":
        return 0.0 if wants_code else _UNASKED_CODE
    introduces = any(other.lead and other.lead[0] <= span.start < other.lead[1]
                     for other in chunk.spans if other.start >= span.end)  # fmt: skip
    return _UNFINISHED if text.endswith(":") and not introduces else 0.0


def _covered(retrieval: Retrieval, text: str, language: str) -> tuple[float, float]:
    """Return the IDF share of the question that `text` says, and how far it opens with it.

    The second is the share of the question's words among as many first words of `text`, the
    first one counted thrice: "un conteneur Docker" is defined by what begins "Un conteneur".
    """
    terms = term_names(text, language)
    known = set(terms)
    wanted = retrieval.question.terms
    total = sum(term.idf for term in wanted)
    if not total:
        return 0.0, 0.0
    share = sum(term.idf * term.weight for term in wanted if term.is_said(known)) / total
    first = set(terms[: len(wanted)])
    opened = [term.is_said(first) for term in wanted]
    return share, (sum(opened) + 2 * opened[0]) / (len(wanted) + 2)


def leans_on_previous(text: str) -> bool:
    """Whether a sentence begins with a word that stands for something said before it."""
    return bool(_LEANING.match(text))
