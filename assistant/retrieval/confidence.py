"""Whether the notes answer at all: one calibrated probability from scale-free signals.

A logistic regression over five signals of the three best passages, fitted by
`benchmarks/fit_confidence.py` on the fitting half (articles whose title has an even sha1)
of a French collection in which the passages of some questions were removed; the script
reports the other half, whole and as collections of 1, 10 and 100 articles, so that the
probability means the same on one page and on a library. FOREIGN was set by hand on the
two bilingual collections. An embedder without a learnt codec has cosines of another
scale: there the lexical signal decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from assistant.retrieval.found import Passage, Retrieval
from assistant.retrieval.phrasing import core

PASSAGES = 3  # the best ones, looked at together
INTERCEPT = -21.91
LATE = 4.60  # best support of the question's content words
DENSE = 19.97  # best cosine of question and passage
COVERED = 2.47  # share of the question's IDF mass that a passage says in so many words
MARGIN = 16.06  # by how much the best passage's tokens support more than the second's
UNNAMED = -2.39  # share of the question's names and numbers that no passage says
FOREIGN = 1.0  # a question in another language reaches lower values with the same right

_OTHER_SLOPE = 6.0  # of the lexical share alone, for a model without a learnt codec
_OTHER_MIDDLE = 0.45


def covered_share(retrieval: Retrieval, passage: Passage) -> float:
    """Return the share of the question's IDF mass that the passage says; a misspelt word counts."""
    total = sum(term.idf for term in retrieval.question.terms)
    if not total:
        return 0.0
    said = retrieval.lexical.of([passage.row])[:, 0] > 0
    terms = zip(retrieval.question.terms, said, strict=True)
    return sum(term.idf for term, is_said in terms if is_said) / total


def unnamed_share(retrieval: Retrieval, passages: Sequence[Passage]) -> float:
    """Return the share of the question's names and numbers that the best of `passages` lacks.

    A name is a word with a capital inside a sentence: "Que dit Swarm de Ceph ?" has two. 0
    where the question has none, as most typed in haste.
    """
    text = core(retrieval.question.text)  # in which the terms have their places
    named = [_is_named(text, term.start) for term in retrieval.question.terms]
    if not any(named) or text.isupper():
        return 0.0
    said = retrieval.lexical.of([passage.row for passage in passages])[named] > 0
    return 1.0 - float(said.mean(axis=0).max())


def _is_named(text: str, start: int) -> bool:
    before = text[:start].rstrip(" «\"'(’")
    return text[start : start + 1].isdigit() or (
        text[start : start + 1].isupper() and before != "" and before[-1] not in ".?!:"
    )


def logistic(logit: float) -> float:
    """Return the probability of a logit."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


def signals(retrieval: Retrieval) -> tuple[float, float, float, float, float] | None:
    """Return late, dense, covered, margin and unnamed of the best passages; None without any."""
    best = retrieval.passages[:PASSAGES]
    if not best or not retrieval.question.terms:
        return None
    late = [float(retrieval.question.content_weights @ passage.support) for passage in best]
    return (
        max(late),
        max(passage.signals.dense for passage in best),
        max(covered_share(retrieval, passage) for passage in best),
        late[0] - late[1] if len(late) > 1 else 0.0,
        unnamed_share(retrieval, best),
    )


def confidence(retrieval: Retrieval) -> float:
    """Return the probability, 0 to 1, that the notes answer the question."""
    found = signals(retrieval)
    if found is None:
        return 0.0
    late, dense, covered, margin, unnamed = found
    if not retrieval.is_calibrated:
        return logistic(_OTHER_SLOPE * (covered - _OTHER_MIDDLE))
    foreign = retrieval.passages[0].stored.language != retrieval.question.language
    return logistic(
        INTERCEPT
        + LATE * late
        + DENSE * dense
        + COVERED * covered
        + MARGIN * margin
        + UNNAMED * unnamed
        + FOREIGN * foreign
    )
