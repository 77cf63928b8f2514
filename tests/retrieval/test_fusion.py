"""The fused score by hand, and what makes a leg count more or less."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.retrieval.fusion import (
    DENSE_WEIGHT,
    FOREIGN_LEXICAL_WEIGHT,
    LATE_WEIGHT,
    LEXICAL_WEIGHT,
    TRANSLATED_LEXICAL_WEIGHT,
    contrast_weights,
    first_scores,
    fused_scores,
    lexical_share,
)


def test_the_score_is_the_weighted_sum_of_the_legs() -> None:
    found = fused_scores(
        np.array([0.8, 0.9]), np.array([0.5, 0.0]), np.array([0.7, 0.6]), np.array([False, True])
    )
    assert found[0] == pytest.approx(DENSE_WEIGHT * 0.8 + LATE_WEIGHT * 0.7 + LEXICAL_WEIGHT * 0.5)
    assert found[1] == pytest.approx(DENSE_WEIGHT * 0.9 + LATE_WEIGHT * 0.6)


def test_shared_words_count_less_across_languages() -> None:
    legs = np.array([0.8, 0.8]), np.array([1.0, 1.0])
    own, foreign = first_scores(*legs, np.array([False, True]))
    assert own - foreign == pytest.approx(LEXICAL_WEIGHT - FOREIGN_LEXICAL_WEIGHT)
    assert LEXICAL_WEIGHT > FOREIGN_LEXICAL_WEIGHT


def test_words_looked_for_in_translation_count_across_languages() -> None:
    legs = np.array([0.8, 0.8]), np.array([1.0, 1.0])
    foreign = np.array([False, True])
    own, translated = first_scores(*legs, foreign, translated=True)
    assert own - translated == pytest.approx(LEXICAL_WEIGHT - TRANSLATED_LEXICAL_WEIGHT)
    plain = fused_scores(*legs, np.array([0.5, 0.5]), foreign)
    found = fused_scores(*legs, np.array([0.5, 0.5]), foreign, translated=True)
    gained = TRANSLATED_LEXICAL_WEIGHT - FOREIGN_LEXICAL_WEIGHT
    assert found - plain == pytest.approx([0.0, gained])


def test_the_share_of_bm25_counts_words_the_notes_never_say() -> None:
    bm25 = np.array([4.4, 0.0])
    assert lexical_share(bm25, [2.0]) == pytest.approx([1.0, 0.0])
    assert lexical_share(bm25, [2.0, 2.0]) == pytest.approx([0.5, 0.0])
    assert lexical_share(bm25, []) == pytest.approx([0.0, 0.0])


def test_a_token_that_every_candidate_supports_weighs_nothing() -> None:
    support = np.full((10, 2), 0.5)
    support[0, 1] = 0.9
    weights = contrast_weights(np.array([0.7, 0.3]), support)
    assert weights == pytest.approx([0.0, 1.0])


def test_few_candidates_or_no_contrast_leave_the_weights() -> None:
    weights = np.array([0.7, 0.3])
    assert contrast_weights(weights, np.eye(2)) is weights
    assert contrast_weights(weights, np.full((10, 2), 0.5)) is weights
