"""What retrieval finds, with all that answering and confidence need to judge it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.datatypes import Hit, Signals
from assistant.embedding.protocol import TokenVectors
from assistant.index.lexical import LexicalResult, QuestionTerm
from assistant.index.store import StoredChunk
from assistant.index.token_store import StoredTokens


@dataclass(frozen=True, slots=True)
class Question:
    """A question, read once for all legs."""

    text: str
    language: str
    note_languages: tuple[str, ...]  # of the index, the most frequent first
    vector: NDArray[np.float32]  # (dimension,)
    tokens: TokenVectors  # of its core, with words spelt as the notes spell them
    weights: NDArray[np.float32]  # (tokens,) of each token, summing to 1
    content_weights: NDArray[np.float32]  # the same with function words left out
    terms: tuple[QuestionTerm, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A candidate with all that was found out about it."""

    row: int
    stored: StoredChunk
    signals: Signals
    score: float
    tokens: StoredTokens
    similarities: NDArray[np.float32]  # (question tokens, passage tokens)
    support: NDArray[np.float32]  # (question tokens,) best cosine of each in this passage
    duplicates: tuple[str, ...] = ()  # ids of other notes holding nearly the same text


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for a question, the best passage first."""

    question: Question
    passages: tuple[Passage, ...]
    lexical: LexicalResult
    chunks: int  # passages in the index
    is_calibrated: bool  # whether the confidence was fitted to this model's cosines
    timings_ms: dict[str, float]  # of each step

    def hits(self, k: int) -> tuple[Hit, ...]:
        """Return the best `k` passages as hits."""
        return tuple(
            Hit(
                p.stored.chunk,
                p.stored.title,
                rank,
                p.score,
                p.signals,
                p.duplicates,
                p.stored.author,
                p.stored.date,
            )
            for rank, p in enumerate(self.passages[:k], start=1)
        )
