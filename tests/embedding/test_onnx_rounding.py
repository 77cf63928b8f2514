"""Rounding for the inputs a matrix meets: against GPTQ written out, and plain rounding."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.embedding.onnx_rounding import _DAMPING, round_matrix


def written_out(matrix, inputs):
    """Row by row, inverting the Hessian of the rows that are left each time, in float64."""
    hessian = inputs.T.astype(np.float64) @ inputs
    hessian += np.eye(len(hessian)) * _DAMPING * np.trace(hessian) / len(hessian)
    scales = np.abs(matrix).max(axis=0) / 127
    rows = matrix.astype(np.float64) / scales
    result = np.zeros(matrix.shape)
    left = sorted(range(len(matrix)), key=lambda row: -hessian[row, row])
    while left:
        inverse = np.linalg.inv(hessian[np.ix_(left, left)])
        row, *left = left
        result[row] = np.clip(np.round(rows[row]), -127, 127)
        error = (rows[row] - result[row]) / inverse[0, 0]
        rows[left] -= inverse[1:, :1] * error
    return result, scales


def correlated(samples, channels, seed):
    """Inputs that vary mostly in a few directions, whose mean is 0; the same directions."""
    directions = np.random.default_rng(5).standard_normal((channels // 6, channels))
    random = np.random.default_rng(seed)
    values = random.standard_normal((samples, channels // 6)) @ directions
    values += 0.3 * random.standard_normal(values.shape)
    return (values - values.mean(axis=0)).astype(np.float32)


@pytest.mark.parametrize("channels", [7, 32, 70])
def test_is_gptq(channels):
    matrix = np.random.default_rng(channels).standard_normal((channels, 9)).astype(np.float32)
    inputs = correlated(200, channels, 1)
    rounded, scales = round_matrix(matrix, inputs)
    expected, expected_scales = written_out(matrix, inputs)
    assert rounded.dtype == np.int8
    np.testing.assert_allclose(scales, expected_scales, rtol=1e-6)
    np.testing.assert_array_equal(rounded, expected)


def test_products_are_nearer_than_by_plain_rounding():
    matrix = np.random.default_rng(3).standard_normal((96, 40)).astype(np.float32)
    rounded, scales = round_matrix(matrix, correlated(400, 96, 1))
    others = correlated(400, 96, 2)  # not those it was rounded for
    plain = np.round(matrix / scales) * scales
    error = np.linalg.norm(others @ (rounded * scales - matrix))
    assert error < 0.7 * np.linalg.norm(others @ (plain - matrix))
    assert np.abs(rounded).max() <= 127


def test_channels_that_have_nothing_in_common_are_rounded_plainly():
    matrix = np.random.default_rng(4).standard_normal((16, 5)).astype(np.float32)
    rounded, scales = round_matrix(matrix, 3 * np.eye(16, dtype=np.float32))
    np.testing.assert_array_equal(rounded, np.round(matrix / scales))


def test_inputs_that_never_vary_and_columns_of_zeros_are_no_error():
    matrix = np.ones((8, 3), np.float32)
    matrix[:, 1] = 0
    rounded, scales = round_matrix(matrix, np.zeros((4, 8), np.float32))
    np.testing.assert_allclose(rounded * scales, matrix, atol=1e-6)
