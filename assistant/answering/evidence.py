"""Evidence: the spans of the found passages that answer, best first.

A span is scored by how well its own tokens, read in their context, support each word of
the question (late interaction), by the share of the question's IDF mass it contains,
and by the passage it stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.analysis import analyse
from assistant.datatypes import Span
from assistant.retrieval.found import Passage, Retrieval

_PASSAGES = 5  # the best ones, looked at span by span
_LATE_WEIGHT = 8.0  # cosines differ by hundredths between spans
_COVERED_WEIGHT = 0.6
_PASSAGE_WEIGHT = 0.3
_DEFINED_WEIGHT = 0.35  # for a span that begins with what is to be defined
_DEFINITION = re.compile(
    r"^\W*(?:c['’ ]?est quoi|c quoi|qu['’ ]est[- ]ce (?:que|qu['’])|que veut dire|définis|définir|"
    r"(?:donne|quelle est la) définition|what (?:is|are)|define)\b",
    re.I,
)
_LEANING = re.compile(
    r"^\W*(?:il|elle|ils|elles|cela|ceci|ça|celui-ci|celle-ci|grâce à cela|it|they|this)\b", re.I
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
    question = retrieval.question
    is_definition = bool(_DEFINITION.match(question.text))
    found: list[Evidence] = []
    for passage in retrieval.passages[:_PASSAGES]:
        chunk = passage.stored.chunk
        for span in chunk.spans:
            start, end = span.start - chunk.start, span.end - chunk.start
            inside = (passage.tokens.starts >= start) & (passage.tokens.starts < end)
            if not inside.any():
                continue
            nearest = passage.similarities[:, inside].max(axis=1)
            late = float(question.weights @ nearest)
            covered, first = _covered(retrieval, chunk.text[start:end], passage.stored.language)
            score = (
                _LATE_WEIGHT * late
                + _COVERED_WEIGHT * covered
                + _PASSAGE_WEIGHT * (passage.score - retrieval.passages[0].score)
                + (_DEFINED_WEIGHT if is_definition and first else 0.0)
            )
            found.append(Evidence(passage, span, score, covered))
    found.sort(key=lambda e: (-e.score, e.passage.row, e.span.start))
    return found


def _covered(retrieval: Retrieval, text: str, language: str) -> tuple[float, bool]:
    """Return the IDF share of the question in `text`, and whether it begins with a word of it."""
    terms = [term.term for term in analyse(text, language)]
    known = set(terms)
    wanted = retrieval.question.terms
    total = sum(term.idf for term in wanted)
    if not total:
        return 0.0, False
    share = sum(term.idf * term.weight for term in wanted if known & set(term.terms)) / total
    rarest = max(wanted, key=lambda term: term.idf if term.terms else 0.0)
    return share, bool(set(terms[:2]) & set(rarest.terms))


def leans_on_previous(text: str) -> bool:
    """Whether a sentence begins with a word that stands for something said before it."""
    return bool(_LEANING.match(text))
