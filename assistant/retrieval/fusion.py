"""One score from three legs: dense cosine, BM25 and late interaction.

The sum is linear and its weights are fixed but for one: how much BM25 counts depends on
whether the passage is in the language of the question, since across languages only
names and technical words are shared, unless the glossary translates the question. They
are rounded between the fits that `benchmarks/fit_fusion.py` gives on different
collections, which are flat around them; the one for translated questions was chosen by
nDCG@10 on the fitting halves of the two bilingual collections, flat from 6 to 10.

Late interaction weighs each question token by its contrast, the best minus the mean of
its MaxSim over the candidates: a token that every passage supports tells none apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DENSE_WEIGHT = 33.0
LATE_WEIGHT = 42.0
LEXICAL_WEIGHT = 4.0  # where passage and question are in one language
FOREIGN_LEXICAL_WEIGHT = 0.9
TRANSLATED_LEXICAL_WEIGHT = 7.0  # the other legs tell less across languages
_FIRST_DENSE_WEIGHT = 60.0  # before late interaction, which the dense leg foretells best
_FULL_BM25 = 2.2  # k1 + 1: what a word can reach, in units of its IDF
_LEAST_CANDIDATES = 8  # for the mean over candidates to mean something


def lexical_share(bm25: NDArray[np.floating], idf: Sequence[float]) -> NDArray[np.floating]:
    """Return BM25 as a share, 0 to 1, of what the question's words could reach.

    `bm25` is (candidates,), `idf` that of each word of the question; a word that the
    notes never say counts, so the share also tells how much of the question is found.
    """
    mass = _FULL_BM25 * sum(idf)
    return bm25 / mass if mass else np.zeros_like(bm25)


def contrast_weights(
    weights: NDArray[np.floating], support: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Weigh question tokens, (tokens,), by contrast over `support`, (candidates, tokens)."""
    return weights if len(support) < _LEAST_CANDIDATES else contrasted(weights, support)


def contrasted(
    weights: NDArray[np.floating], support: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Weigh question tokens, (tokens,), by best minus mean of `support`, (candidates, tokens)."""
    contrast = weights * (support.max(axis=0) - support.mean(axis=0))
    total = float(contrast.sum())
    return contrast / total if total > 0 else weights


def first_scores(
    dense: NDArray[np.floating],
    share: NDArray[np.floating],
    foreign: NDArray[np.bool_],
    *,
    translated: bool = False,
) -> NDArray[np.floating]:
    """Score candidates, all arrays (candidates,), to choose those compared by token."""
    return _FIRST_DENSE_WEIGHT * dense + _lexical_weight(foreign, translated) * share


def fused_scores(
    dense: NDArray[np.floating],
    share: NDArray[np.floating],
    late: NDArray[np.floating],
    foreign: NDArray[np.bool_],
    *,
    translated: bool = False,
) -> NDArray[np.floating]:
    """Score candidates, all arrays (candidates,); higher is better.

    `translated` tells that BM25 looked for the question's words in the notes' language too.
    """
    lexical = _lexical_weight(foreign, translated) * share
    return DENSE_WEIGHT * dense + LATE_WEIGHT * late + lexical


def _lexical_weight(foreign: NDArray[np.bool_], translated: bool) -> NDArray[np.floating]:
    abroad = TRANSLATED_LEXICAL_WEIGHT if translated else FOREIGN_LEXICAL_WEIGHT
    return np.where(foreign, abroad, LEXICAL_WEIGHT)
