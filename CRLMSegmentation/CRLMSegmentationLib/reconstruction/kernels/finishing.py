"""The last step of the exact mean: one division and one rounding for every voxel."""

from __future__ import annotations

import numpy as np

from ...compilation.jit import compiled


@compiled
def finish_packed_mean(
    sums: np.ndarray, sum_bits: np.uint64, values: np.ndarray, seen: np.ndarray, first: int, end: int
) -> None:
    """Unpack weight and weighted sum (uint64, see nearest.SUM_BITS), divide, round half up; flat arrays."""
    lower = (np.uint64(1) << sum_bits) - np.uint64(1)
    for index in range(np.uint64(first), np.uint64(end)):  # numba tests signed ones for being negative
        weight = np.int64(sums[index] >> sum_bits)
        total = np.int64(sums[index] & lower) + (weight >> 1)
        # In doubles, many voxels side by side, and yet exact: a quotient below the next integer is so by 2^-28 or more.
        values[index] = np.int32(np.float64(total) / np.float64(weight + (weight == 0)))
        seen[index] = weight != 0


@compiled
def finish_plain_mean(
    sums: np.ndarray, weights: np.ndarray, rounding: float, values: np.ndarray, seen: np.ndarray, first: int, end: int
) -> None:
    """The same for float64 sums and their weights; `rounding` is 0.5 for integer voxels and 0 for floats."""
    for index in range(first, end):
        weight = weights[index]
        if weight == 0:
            values[index] = 0
            seen[index] = 0
        else:
            mean = sums[index] / weight
            values[index] = np.floor(mean + rounding) if rounding > 0 else mean
            seen[index] = 1
