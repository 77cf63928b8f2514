"""Whether the notes answer at all: one probability from scale-free signals.

A rule on two legs: how near the best passage's tokens come to the question's content
words (late interaction), and which share of the question's IDF mass that passage says
in so many words (lexical). Cosines of the model lie between 0.6 and 0.95; around 0.80 a
content word has no counterpart.
"""

from __future__ import annotations

import math

from assistant.retrieval.search import Passage, Retrieval

_UNSUPPORTED = 0.803  # weighted MaxSim at which, with half of the words found, odds are even
_SLOPE = 60.0
_COVERAGE_WEIGHT = 3.0


def covered_share(retrieval: Retrieval, passage: Passage) -> float:
    """Return the share of the question's IDF mass whose terms the passage contains."""
    total = sum(term.idf for term in retrieval.question.terms)
    if not total:
        return 0.0
    found = sum(
        term.idf * term.weight
        for term, rows in zip(retrieval.question.terms, retrieval.lexical.by_term, strict=True)
        if passage.row in rows
    )
    return found / total


def confidence(retrieval: Retrieval) -> float:
    """Return the probability, 0 to 1, that the notes answer the question."""
    if not retrieval.passages or not retrieval.question.terms:
        return 0.0
    best = max(retrieval.passages[:3], key=lambda passage: passage.signals.late)
    covered = max(covered_share(retrieval, passage) for passage in retrieval.passages[:3])
    evidence = _SLOPE * (best.signals.late - _UNSUPPORTED) + _COVERAGE_WEIGHT * (covered - 0.4)
    return 1 / (1 + math.exp(-evidence))
