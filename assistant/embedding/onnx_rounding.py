"""Rounds a matrix to signed bytes so that its products, more than its values, stay near.

This is GPTQ (Frantar et al., 2023): rows are rounded in turn, and the error that one
makes is made up for by those not rounded yet, as far as the channels of the inputs go
together. It costs nothing when the matrix is used. Scales are not searched for: with 8
bits, clipping the largest value loses more than it gains.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DAMPING = 0.3  # of the mean variance, added to each channel's, as the sample is small
_BLOCK = 32  # rows rounded before their errors reach the rows that follow the block
_LEAST_SCALE = np.float32(1e-9)


def round_matrix(
    matrix: NDArray[np.float32], inputs: NDArray[np.float32]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return bytes, (input, output), and the scale of each column, (output,).

    `inputs`, (samples, input), are what the matrix is multiplied with; their mean is to
    be 0, that is, the products of the mean are to be corrected by the caller.
    """
    scales = np.maximum(np.abs(matrix).max(axis=0) / 127, _LEAST_SCALE).astype(np.float32)
    order = np.argsort(-np.square(inputs).sum(axis=0), kind="stable")
    rows = (matrix / scales)[order]
    spread = _spread_of_errors(inputs[:, order])
    rounded = np.empty_like(rows)
    for start in range(0, len(rows), _BLOCK):
        end = min(start + _BLOCK, len(rows))
        errors = np.empty_like(rows[start:end])
        for row in range(start, end):
            rounded[row] = np.clip(np.round(rows[row]), -127, 127)
            errors[row - start] = rows[row] - rounded[row]
            rows[row + 1 : end] -= np.outer(spread[row, row + 1 : end], errors[row - start])
        rows[end:] -= spread[start:end, end:].T @ errors
    result = np.empty(matrix.shape, np.int8)
    result[order] = rounded.astype(np.int8)
    return result, scales


def _spread_of_errors(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much each row's error moves each later row: upper triangular, (input, input).

    It is the Cholesky factor U of the inverse Hessian, H⁻¹ = UᵀU, over its diagonal. With
    H = RRᵀ and R upper triangular, U is R⁻¹.
    """
    wide = inputs.astype(np.float64)
    hessian = wide.T @ wide
    hessian[np.diag_indices(len(hessian))] += _DAMPING * np.trace(hessian) / len(hessian) + 1e-9
    upper = np.linalg.cholesky(hessian[::-1, ::-1])[::-1, ::-1]
    factor = np.linalg.inv(upper)
    return np.asarray(factor / np.diag(factor)[:, np.newaxis], np.float32)
