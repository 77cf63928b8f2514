"""Two readings of one follow-up, looked for together.

A follow-up can be completed with the wrong topic, or be read after the questions before it,
whose words then weigh as much as its own. A passage that both readings find is seldom
wrong: its scores are averaged, and a reading that did not propose it lends it the lowest of
its own. A passage of a note that was quoted in the conversation is likelier to be meant.
The first reading stays the question: evidence is picked and confidence judged by it alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from assistant.datatypes import Signals
from assistant.embedding.late_interaction import Codec
from assistant.index.vectors import VectorIndex
from assistant.retrieval.diversity import collapse_duplicates
from assistant.retrieval.found import Passage, Retrieval
from assistant.retrieval.fusion import contrast_weights
from assistant.retrieval.search import align

# By recall@3 on the first splits of `benchmarks/conversations.jsonl`, and on "blind-dev" with
# rules that had not seen it; flat from 0.4 to 0.6, and from 0.5 to 2 for the notes.
_SECOND_READING = 0.4
_QUOTED_NOTE = 1.0  # added to the fused score


def found_together(
    first: Retrieval,
    second: Retrieval,
    quoted: Collection[str],
    vectors: VectorIndex,
    codec: Codec,
) -> Retrieval:
    """Return what was found for the `first` reading, ordered by both.

    `quoted` are ids of notes. Passages that only the second found are added, compared with
    the first one's question.
    """
    if not first.passages or not second.passages:
        return first
    one, other = _scores(first), _scores(second)
    others = [passage for passage in second.passages if passage.row not in one]
    together = [*first.passages, *_compared(others, first, vectors, codec)]
    least, least_of_other = min(one.values()), min(other.values())
    rescored = [
        replace(
            p,
            score=(1 - _SECOND_READING) * one.get(p.row, least)
            + _SECOND_READING * other.get(p.row, least_of_other)
            + _QUOTED_NOTE * (p.stored.note_id in quoted),
        )
        for p in together
    ]
    rescored.sort(key=lambda p: (-p.score, p.stored.note_id, p.stored.ordinal))
    distinct = [
        replace(passage, duplicates=tuple(dict.fromkeys((*passage.duplicates, *repeats))))
        for passage, repeats in collapse_duplicates(rescored)
    ]
    timings = {
        step: milliseconds + second.timings_ms.get(step, 0.0)
        for step, milliseconds in first.timings_ms.items()
    }
    return replace(first, passages=tuple(distinct), timings_ms=timings)


def _scores(retrieval: Retrieval) -> dict[int, float]:
    return {passage.row: passage.score for passage in retrieval.passages}


def _compared(
    passages: Sequence[Passage], retrieval: Retrieval, vectors: VectorIndex, codec: Codec
) -> list[Passage]:
    """Return passages found for another question, compared with this one's."""
    if not passages:
        return []
    question = retrieval.question
    rows = [passage.row for passage in passages]
    dense = vectors.inner_products(question.vector, rows)
    bm25 = retrieval.lexical.of(rows).sum(axis=0)
    alignments, support = align(question, [passage.tokens for passage in passages], codec)
    known = np.stack([passage.support for passage in retrieval.passages])
    late = support @ contrast_weights(question.weights, np.concatenate([known, support]))
    return [
        replace(
            passage,
            signals=Signals(dense=float(dense[n]), lexical=float(bm25[n]), late=float(late[n])),
            similarities=alignments[n],
            support=support[n],
        )
        for n, passage in enumerate(passages)
    ]
