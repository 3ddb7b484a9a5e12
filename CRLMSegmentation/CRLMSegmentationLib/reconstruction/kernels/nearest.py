"""Inserting a frame into the nearest voxels.

One kernel for each way of compounding and each arithmetic. A kernel pastes one frame into the slab of voxels that its
thread owns, pixels in raster order, so that the volume does not depend on the number of threads. Neighbouring pixels
mostly meet the same voxel: a row is then taken segment by segment (segments.py). Where pixels lie farther apart than
voxels, where dark ones are left out, and in doubles every pixel is looked at; the voxel's value is held in registers
until the index changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import DTypeLike

from ...compilation.jit import compiled
from .arithmetic import (
    EXACT_BITS,
    IGSIO_BITS,
    RECURSIVE_AFTER,
    columns_within_double,
    columns_within_fixed,
    igsio_index,
    running_mean_of_bytes,
    running_mean_of_doubles,
    running_mean_of_floats,
    running_mean_of_integers,
)
from .nearest_segments import (
    latest_of_segments,
    maximum_of_segments,
    packed_sum_of_segments,
    plain_sum_of_segments,
    running_mean_of_segments,
)
from .segments import segments_of_row

LATEST, MAXIMUM, MEAN = 0, 1, 2
FIXED, DOUBLE, EXACT = 0, 1, 2
BYTES, WORDS, INTEGERS, FLOATS, DOUBLES = 0, 1, 2, 3, 4
SUM_BITS = (36, 40)  # of the packed accumulator of the exact mean of BYTES and WORDS: weights above, sum below

_RUNNING_MEANS = {BYTES: running_mean_of_bytes, FLOATS: running_mean_of_floats, DOUBLES: running_mean_of_doubles}


def pixel_kind(dtype: DTypeLike) -> int:
    """How pixels of `dtype` are treated: uint8 and uint16 on fast paths, other integers, float32, float64."""
    dtype = np.dtype(dtype)
    if dtype == np.uint8:
        return BYTES
    if dtype == np.uint16:
        return WORDS
    if dtype.kind == "f":
        return FLOATS if dtype == np.float32 else DOUBLES
    return INTEGERS


@cache
def nearest_kernel(arithmetic: int, compounding: int, kind: int) -> Callable[..., None]:
    """The compiled kernel, as the function below.

    paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest)

    pixels        (v, u) of the frame
    runs          (v, n, 2) int32, see footprint.row_runs
    coefficients  (3, 4): per axis i, j, k the index change per column and per row, the index of pixel (0, 0), and a
                  last term added after the others. int64 fixed point with the half for rounding; float64 for DOUBLE,
                  where IGSIO's plain arithmetic, which sums column and row first, has the offset in the last term
    low, high     (3,) int64, first and last voxel of the slab
    size          (3,) int64, voxels of the whole volume
    strides       (3,) int64 of the flat arrays
    volume        flat, dtype of the pixels
    hits          flat: 1 where a pixel came, uint8; for IGSIO's mean the number of pixels, up to 255; for the exact
                  mean of pixels other than uint8 and uint16 their number, uint32
    sums          flat, exact mean only: uint64, number of pixels << SUM_BITS | sum; float64 sum for other pixels
    darkest       pixels below it are left out (float64, -inf for none)
    """
    fixed, exact = arithmetic != DOUBLE, arithmetic == EXACT
    bits = EXACT_BITS if exact else IGSIO_BITS
    packed_sum = exact and compounding == MEAN and kind in (BYTES, WORDS)
    plain_sum = exact and compounding == MEAN and not packed_sum
    one_weight = 1 << SUM_BITS[kind] if packed_sum else 0
    running_mean = _RUNNING_MEANS.get(kind, running_mean_of_integers)
    mean_of_segments = running_mean_of_segments(running_mean)

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        add_i, add_j, add_k = coefficients[0, 3], coefficients[1, 3], coefficients[2, 3]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        in_segments = fixed and darkest == -np.inf and abs(step_i) + abs(step_j) + abs(step_k) <= np.int64(1) << bits
        room = pixels.shape[1] + 2 if in_segments else 0
        starts, places = np.empty(room, dtype=np.uint32), np.empty(room, dtype=np.uint64)
        changes, before = np.zeros(room, dtype=np.int64), np.empty(room if packed_sum else 0, dtype=np.int64)
        steps = np.array([np.int64(step_i), np.int64(step_j), np.int64(step_k)])
        for row in range(pixels.shape[0]):
            first, last = np.int64(0), np.int64(pixels.shape[1] - 1)
            row_i = coefficients[0, 1] * row + coefficients[0, 2]
            row_j = coefficients[1, 1] * row + coefficients[1, 2]
            row_k = coefficients[2, 1] * row + coefficients[2, 2]
            if fixed:
                for axis in range(3):
                    start = coefficients[axis, 1] * row + coefficients[axis, 2]
                    first, last = columns_within_fixed(
                        start,
                        coefficients[axis, 0],
                        low[axis] << bits,
                        ((high[axis] + 1) << bits) - 1,
                        first,
                        last,
                    )
            else:
                for axis in range(3):
                    start = coefficients[axis, 1] * row + coefficients[axis, 2]
                    first, last = columns_within_double(
                        coefficients[axis, 0], start, coefficients[axis, 3], low[axis], high[axis], first, last
                    )
            for run in range(runs.shape[1]):
                begin = max(first, np.int64(runs[row, run, 0]))
                end = min(last, np.int64(runs[row, run, 1]))
                if in_segments and begin <= end:
                    if fixed:
                        x, y, z = row_i + step_i * begin, row_j + step_j * begin, row_k + step_k * begin
                        number = segments_of_row(begin, end, x, y, z, steps, strides, bits, starts, places, changes)
                        if compounding == LATEST:
                            latest_of_segments(pixels[row], starts, places, number, volume, hits)
                        elif compounding == MAXIMUM:
                            maximum_of_segments(pixels[row], starts, places, number, volume, hits)
                        elif packed_sum:
                            packed_sum_of_segments(pixels[row], starts, places, number, before, one_weight, sums)
                        elif plain_sum:
                            plain_sum_of_segments(pixels[row], starts, places, number, sums, hits)
                        else:
                            mean_of_segments(pixels[row], starts, places, number, volume, hits)
                    continue
                current = np.int64(-1)
                value = volume[0]
                count = np.int64(0)
                total = sums[0] - sums[0]
                for column in range(begin, end + 1):
                    pixel = pixels[row, column]
                    if pixel < darkest:
                        continue
                    if fixed:
                        i = (row_i + step_i * column) >> bits
                        j = (row_j + step_j * column) >> bits
                        k = (row_k + step_k * column) >> bits
                    else:
                        i = igsio_index(column, step_i, row_i, add_i)
                        j = igsio_index(column, step_j, row_j, add_j)
                        k = igsio_index(column, step_k, row_k, add_k)
                    index = i * stride_i + j * stride_j + k * stride_k
                    if compounding == LATEST:
                        volume[index] = pixel
                        hits[index] = 1
                    elif compounding == MAXIMUM:
                        if index != current:
                            if current >= 0:
                                volume[current] = value
                            current = index
                            value = volume[index]
                            hits[index] = 1
                        if pixel > value:
                            value = pixel
                    elif packed_sum:
                        if index != current:
                            if current >= 0:
                                sums[current] += total
                            current = index
                            total = np.uint64(0)
                        total += np.uint64(pixel) + np.uint64(one_weight)
                    elif plain_sum:
                        if index != current:
                            if current >= 0:
                                sums[current] += total
                                hits[current] += count
                            current = index
                            total = 0.0
                            count = 0
                        total += pixel
                        count += 1
                    else:
                        if index != current:
                            if current >= 0:
                                volume[current] = value
                                hits[current] = count
                            current = index
                            value = volume[index]
                            count = np.int64(hits[index])
                        value = running_mean(value, count, pixel)
                        if count < RECURSIVE_AFTER:
                            count += 1
                if current >= 0:
                    if compounding == MAXIMUM:
                        volume[current] = value
                    elif packed_sum:
                        sums[current] += total
                    elif plain_sum:
                        sums[current] += total
                        hits[current] += count
                    elif compounding == MEAN:
                        volume[current] = value
                        hits[current] = count

    return compiled(paste)
