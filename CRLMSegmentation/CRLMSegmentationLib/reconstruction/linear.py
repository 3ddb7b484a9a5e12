"""Spreading a frame over the eight voxels around each pixel, by their trilinear weights.

One kernel for each way of compounding and each arithmetic, with the same slabs as nearest.py. A slab takes the corners
of a pixel that lie in it; the pixels on the border between two slabs are looked at by both.

For 'latest' and 'maximum' a voxel counts only when its weight is an eighth or more (IGSIO's rule, after which a pixel
in the middle of eight voxels still reaches them all).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .arithmetic import (
    EXACT_BITS,
    IGSIO_BITS,
    columns_within_double,
    columns_within_fixed,
    igsio_floor,
    wrapped_to_32_bits,
)
from .jit import compiled
from .nearest import BYTES, DOUBLES, EXACT, FIXED, FLOATS, LATEST, MAXIMUM, MEAN, SUM_BITS, WORDS

SEEN, HIT = 1, 2  # in `hits` of 'latest' and 'maximum': a pixel came near; it also left its value
WEIGHT_BITS = (10, 8)  # the exact mean's weights are rounded to 2^-10 for BYTES and 2^-8 for WORDS
_QUOTIENT_OFFSET = 412316860416.0  # 1.5 * 2^38: adding it rounds a double to multiples of 2^-14
IGSIO_ONE = 1 << IGSIO_BITS
_HALF = IGSIO_ONE // 2
_EXACT_UNIT = 1.0 / (1 << EXACT_BITS)


@lru_cache(maxsize=None)
def linear_kernel(arithmetic: int, compounding: int, kind: int):
    """The compiled kernel paste(...) with the arguments of nearest.nearest_kernel, but for

    coefficients  fixed point without the half for rounding
    low, high     (3,) int64, first and last voxel of the slab, along i those of the whole volume
    hits          uint8 SEEN or HIT; for IGSIO's mean the weight in 1/256, uint16; for the exact mean of pixels other
                  than uint8 and uint16 the weight, float64
    sums          exact mean only: uint64, weight << SUM_BITS | weighted sum, in units of 2^-WEIGHT_BITS; or float64
    """
    fixed, exact = arithmetic == FIXED, arithmetic == EXACT
    bits = EXACT_BITS if exact else IGSIO_BITS
    packed_sum = exact and compounding == MEAN and kind in (BYTES, WORDS)
    plain_sum = exact and compounding == MEAN and not packed_sum
    sum_bits = SUM_BITS[kind] if packed_sum else 0
    weight_unit = float(1 << WEIGHT_BITS[kind]) if packed_sum else 1.0
    floats, doubles = kind == FLOATS, kind == DOUBLES
    one = IGSIO_ONE if fixed else 1.0
    least_weight = IGSIO_ONE // 8 if fixed else 0.125
    one_byte = kind == BYTES

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        add_i, add_j, add_k = coefficients[0, 3], coefficients[1, 3], coefficients[2, 3]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        last_i, last_j, last_k = size[0] - 1, size[1] - 1, size[2] - 1
        low_j, high_j, low_k, high_k = low[1], high[1], low[2], high[2]
        for row in range(pixels.shape[0]):
            first, last = np.int64(0), np.int64(pixels.shape[1] - 1)
            row_i = coefficients[0, 1] * row + coefficients[0, 2]
            row_j = coefficients[1, 1] * row + coefficients[1, 2]
            row_k = coefficients[2, 1] * row + coefficients[2, 2]
            for axis in range(3):
                start = coefficients[axis, 1] * row + coefficients[axis, 2]
                if fixed:
                    # the lower of the two voxels may be the one below the slab, the upper is at most the volume's last
                    lowest = max(low[axis] - 1, 0) << bits
                    highest = min(((high[axis] + 1) << bits) - 1, (size[axis] - 1) << bits)
                    first, last = columns_within_fixed(start, coefficients[axis, 0], lowest, highest, first, last)
                elif exact:
                    # within a voxel of the slab, and nearest to a voxel of the volume
                    lowest = max((low[axis] - 1) << bits, -(1 << (bits - 1)))
                    highest = min(((high[axis] + 1) << bits) - 1, (size[axis] << bits) - (1 << (bits - 1)) - 1)
                    first, last = columns_within_fixed(start, coefficients[axis, 0], lowest, highest, first, last)
                else:
                    # generous by a voxel; every pixel is tested below
                    first, last = columns_within_double(
                        coefficients[axis, 0],
                        start,
                        coefficients[axis, 3],
                        max(low[axis] - 1, 0),
                        min(high[axis] + 1, size[axis] - 1),
                        first,
                        last,
                    )
            for run in range(runs.shape[1]):
                begin = max(first, np.int64(runs[row, run, 0]))
                end = min(last, np.int64(runs[row, run, 1]))
                for column in range(begin, end + 1):
                    pixel = pixels[row, column]
                    if pixel < darkest:
                        continue
                    x = row_i + step_i * column + add_i
                    y = row_j + step_j * column + add_j
                    z = row_k + step_k * column + add_k
                    if fixed:
                        i, j, k = x >> bits, y >> bits, z >> bits
                        fi = x - (i << bits)
                        fj = y - (j << bits)
                        fk = z - (k << bits)
                    elif exact:
                        i, j, k = x >> bits, y >> bits, z >> bits
                        fi = (x - (i << bits)) * _EXACT_UNIT
                        fj = (y - (j << bits)) * _EXACT_UNIT
                        fk = (z - (k << bits)) * _EXACT_UNIT
                    else:
                        i, j, k = igsio_floor(x), igsio_floor(y), igsio_floor(z)
                        fi, fj, fk = x - i, y - j, z - k  # may fall below 0 by 2^-17
                        # a pixel is left out when any of its eight voxels is outside the volume
                        if i < 0 or j < 0 or k < 0:
                            continue
                        if i + (fi != 0) > last_i or j + (fj != 0) > last_j or k + (fk != 0) > last_k:
                            continue
                    base = i * stride_i + j * stride_j + k * stride_k
                    for upper_j in range(2):
                        if j + upper_j < low_j or j + upper_j > high_j:
                            continue
                        weight_j = fj if upper_j else one - fj
                        for upper_k in range(2):
                            if k + upper_k < low_k or k + upper_k > high_k:
                                continue
                            weight_k = fk if upper_k else one - fk
                            if fixed:
                                weight_jk = (weight_j * weight_k + _HALF) >> bits
                            else:
                                weight_jk = weight_j * weight_k
                            for upper_i in range(2):
                                if exact and (i + upper_i < 0 or i + upper_i > last_i):
                                    continue
                                weight_i = fi if upper_i else one - fi
                                if fixed:
                                    weight = (weight_i * weight_jk + _HALF) >> bits
                                else:
                                    weight = weight_i * weight_jk
                                if weight == 0:
                                    continue
                                index = base + upper_i * stride_i + upper_j * stride_j + upper_k * stride_k
                                if compounding == LATEST:
                                    if weight >= least_weight:
                                        volume[index] = pixel
                                        hits[index] = HIT
                                elif compounding == MAXIMUM:
                                    if weight >= least_weight:
                                        if pixel > volume[index]:
                                            volume[index] = pixel
                                            hits[index] = HIT
                                        elif hits[index] == 0:
                                            hits[index] = SEEN
                                elif packed_sum:
                                    units = np.uint64(weight * weight_unit + 0.5)
                                    sums[index] += (units << np.uint64(sum_bits)) + units * np.uint64(pixel)
                                elif plain_sum:
                                    sums[index] += weight * pixel
                                    hits[index] += weight
                                elif fixed:
                                    before = np.int64(hits[index]) << 6
                                    after = weight + before
                                    if floats:
                                        known = np.float32(before) * np.float32(1 / IGSIO_ONE)
                                        added = np.float32(weight) * np.float32(1 / IGSIO_ONE)
                                        both = np.float32(after) * np.float32(1 / IGSIO_ONE)
                                        volume[index] = (added * pixel + known * volume[index]) / both
                                    elif doubles:
                                        mean = (weight * pixel + before * volume[index]) / np.float64(after)
                                        volume[index] = mean
                                    elif one_byte:
                                        value = volume[index]
                                        if pixel != value:  # else the mean stays what it is
                                            total = np.float64(weight * np.int64(pixel) + before * np.int64(value))
                                            quotient = total / np.float64(after) + _QUOTIENT_OFFSET
                                            volume[index] = np.uint8((quotient - _QUOTIENT_OFFSET) + 0.5)
                                    else:
                                        total = weight * np.int64(pixel) + before * np.int64(volume[index])
                                        total = wrapped_to_32_bits(total)
                                        quotient = np.float64(total) / np.float64(after) + _QUOTIENT_OFFSET
                                        rounded = np.int64((quotient - _QUOTIENT_OFFSET) * IGSIO_ONE)
                                        volume[index] = (rounded + _HALF) >> bits
                                    weight_256 = ((after << 8) + _HALF) >> bits
                                    hits[index] = weight_256 if (after << 8) < (65535 << bits) else 65535
                                else:
                                    known = np.float64(hits[index]) / 256.0
                                    both = weight + known
                                    mean = (weight * pixel + known * volume[index]) / both
                                    if floats or doubles:
                                        volume[index] = mean
                                    else:
                                        volume[index] = igsio_floor(mean + 0.5)
                                    weight_256 = both * 256.0
                                    hits[index] = igsio_floor(weight_256 + 0.5) if weight_256 < 65535 else 65535

    return compiled(paste)
