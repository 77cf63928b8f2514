"""Measures of retrieval, refusal and calibration, each over plain numbers.

Retrieval measures are those of trec_eval for one question (Järvelin & Kekäläinen 2002
for nDCG, here with linear gain); AUROC is the Mann–Whitney statistic; the expected
calibration error is Naeini et al. 2015 with bins of equal width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_SAMPLES = 1_000


def ndcg(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Normalised discounted cumulative gain of the first `k`, 0 to 1."""
    gains = [relevant.get(document, 0.0) for document in ranking[:k]]
    ideal = sorted(relevant.values(), reverse=True)[:k]
    best = sum(gain / math.log2(rank + 2) for rank, gain in enumerate(ideal))
    found = sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))
    return found / best if best else 0.0


def recall(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Share of the relevant documents among the first `k`."""
    wanted = {document for document, gain in relevant.items() if gain > 0}
    return len(wanted & set(ranking[:k])) / len(wanted) if wanted else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """1 / rank of the first relevant document among the first `k`, or 0."""
    for rank, document in enumerate(ranking[:k], start=1):
        if relevant.get(document, 0.0) > 0:
            return 1 / rank
    return 0.0


def auroc(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Probability that a positive has a higher score than a negative; ties count half."""
    if positive.all() or not positive.any():
        return float("nan")
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):
        tied = scores == value
        ranks[tied] = ranks[tied].mean()
    positives = int(positive.sum())
    negatives = len(positive) - positives
    return float(
        (ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    )


def refusals(answered: NDArray[np.bool_], answerable: NDArray[np.bool_]) -> dict[str, float]:
    """Precision and recall of refusing, and the share of answerable questions answered."""
    refused = ~answered
    right = float((refused & ~answerable).sum())
    return {
        "refusal_precision": right / refused.sum() if refused.any() else float("nan"),
        "refusal_recall": right / (~answerable).sum() if (~answerable).any() else float("nan"),
        "coverage": float(answered[answerable].mean()) if answerable.any() else float("nan"),
    }


def reliability(
    confidence: NDArray[np.floating], positive: NDArray[np.bool_], bins: int = 10
) -> list[dict[str, float]]:
    """Return, by bin of confidence, how many questions, mean confidence, share positive."""
    index = np.clip((confidence * bins).astype(int), 0, bins - 1)
    return [
        {
            "from": b / bins,
            "to": (b + 1) / bins,
            "questions": int((index == b).sum()),
            "confidence": float(confidence[index == b].mean()),
            "answerable": float(positive[index == b].mean()),
        }
        for b in range(bins)
        if (index == b).any()
    ]


def expected_calibration_error(diagram: Sequence[Mapping[str, float]]) -> float:
    """Mean distance of confidence and share positive, weighted by questions."""
    total = sum(row["questions"] for row in diagram)
    return sum(
        row["questions"] * abs(row["confidence"] - row["answerable"]) for row in diagram
    ) / max(total, 1)


def bootstrap_interval(
    measure: Callable[[NDArray[np.intp]], float], size: int, *, samples: int = BOOTSTRAP_SAMPLES
) -> tuple[float, float]:
    """Return the 95 % percentile interval of `measure` over resampled question numbers."""
    generator = np.random.default_rng(0)
    values = [measure(generator.integers(0, size, size)) for _ in range(samples)]
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
