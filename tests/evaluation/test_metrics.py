"""The measures against trec_eval, numpy and one worked example each."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.evaluation import metrics

DOCUMENTS = [f"d{n}" for n in range(12)]


@settings(max_examples=25, deadline=None)
@given(
    st.permutations(DOCUMENTS),
    st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(1, 3), min_size=1, max_size=5),
)
def test_retrieval_measures_equal_trec_eval(ranking: list[str], relevant: dict[str, int]) -> None:
    wanted = {"ndcg_cut.10", "recall.1,10", "recip_rank"}
    run = {"q": {d: float(len(ranking) - i) for i, d in enumerate(ranking[:10])}}
    expected = pytrec_eval.RelevanceEvaluator({"q": relevant}, wanted).evaluate(run)["q"]
    gains = {document: float(gain) for document, gain in relevant.items()}
    assert metrics.ndcg(ranking, gains, 10) == pytest.approx(expected["ndcg_cut_10"])
    assert metrics.recall(ranking, gains, 10) == pytest.approx(expected["recall_10"])
    assert metrics.recall(ranking, gains, 1) == pytest.approx(expected["recall_1"])
    assert metrics.reciprocal_rank(ranking, gains, 10) == pytest.approx(expected["recip_rank"])


def test_ndcg_of_one_document_at_rank_three() -> None:
    assert metrics.ndcg(["a", "b", "c"], {"c": 1.0}, 10) == pytest.approx(1 / math.log2(4))
    assert metrics.ndcg(["a", "b", "c"], {"c": 1.0}, 2) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_the_share_of_ordered_pairs(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in pairs], dtype=float)
    positive = np.array([is_positive for _, is_positive in pairs])
    above = [
        1.0 if p > n else 0.5 if p == n else 0.0
        for p in scores[positive]
        for n in scores[~positive]
    ]
    value = metrics.auroc(scores, positive)
    assert math.isnan(value) if not above else value == pytest.approx(np.mean(above))


def test_refusals_worked_example() -> None:
    answered = np.array([True, True, False, False, False])
    answerable = np.array([True, False, True, False, False])
    found = metrics.refusals(answered, answerable)
    assert found == pytest.approx(
        {"refusal_precision": 2 / 3, "refusal_recall": 2 / 3, "coverage": 1 / 2}
    )


def test_calibration_error_worked_example() -> None:
    confidence = np.array([0.95, 0.95, 0.15, 0.15])
    positive = np.array([True, False, False, False])
    diagram = metrics.reliability(confidence, positive)
    assert [row["questions"] for row in diagram] == [2, 2]
    assert metrics.expected_calibration_error(diagram) == pytest.approx((0.15 + 0.45) / 2)


def test_bootstrap_interval_holds_the_mean_and_is_repeatable() -> None:
    values = np.linspace(0, 1, 101)
    measure = lambda sample: float(values[sample].mean())  # noqa: E731
    low, high = metrics.bootstrap_interval(measure, len(values))
    assert (low, high) == metrics.bootstrap_interval(measure, len(values))
    deviation = values.std() / math.sqrt(len(values))
    assert low == pytest.approx(0.5 - 1.96 * deviation, abs=0.01)
    assert high == pytest.approx(0.5 + 1.96 * deviation, abs=0.01)
