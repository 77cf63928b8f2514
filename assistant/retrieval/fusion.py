"""One score from three: dense cosine, BM25 and late interaction.

Each is put on a common scale over the candidates (min-max), then averaged with weights
that depend on the question: a question in another language than the notes shares few
words with them, so BM25 counts for little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from assistant.retrieval.search import Question


def scaled(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Map to 0 … 1 over the candidates; all equal gives 0."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def fuse(
    dense: NDArray[np.floating],
    lexical: NDArray[np.floating],
    late: NDArray[np.floating] | None,
    question: Question,
) -> NDArray[np.floating]:
    """Return the fused score of each candidate, 0 … 1; all arrays are (candidates,)."""
    foreign = question.language != question.note_languages[0]
    lexical_weight = 0.1 if foreign else 0.4
    semantic = scaled(dense) if late is None else (scaled(dense) + 2 * scaled(late)) / 3
    return lexical_weight * scaled(lexical) + (1 - lexical_weight) * semantic
