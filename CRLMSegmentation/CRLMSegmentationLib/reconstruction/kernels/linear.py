"""Spreading a frame over the eight voxels around each pixel, by their trilinear weights.

One kernel for each way of compounding and each arithmetic, with the same slabs as nearest.py. A slab takes the corners
of a pixel that lie in it; the pixels on the border between two slabs are looked at by both. The exact mean of uint8 and
uint16 is in linear_sums.py, 'latest' and 'maximum' of uint8 mostly in linear_bytes.py, IGSIO's usual mean of uint8 in
linear_means.py.

For 'latest' and 'maximum' a voxel counts only when its weight is an eighth or more (IGSIO's rule, after which a pixel
in the middle of eight voxels still reaches them all).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...compilation.jit import compiled, inlined
from .arithmetic import EXACT_BITS, IGSIO_BITS, columns_within_double, columns_within_fixed, igsio_floor
from .corner_lanes import (
    HIT,
    IGSIO_DOUBLES,
    IGSIO_FLOATS,
    IGSIO_INTEGERS,
    LANES,
    PLAIN_DOUBLES,
    PLAIN_INTEGERS,
    PLAIN_SINGLES,
    PLAIN_SUM,
    SECOND,
    SEEN,
    compounded,
    corner_weight_i,
    corner_weight_jk,
    rounded_igsio_weight,
)
from .linear_bytes import linear_bytes_kernel
from .linear_means import linear_means_kernel
from .linear_sums import linear_sums_kernel
from .nearest import BYTES, DOUBLE, DOUBLES, EXACT, FIXED, FLOATS, INTEGERS, LATEST, MAXIMUM, MEAN, WORDS

IGSIO_ONE = 1 << IGSIO_BITS


@cache
def linear_kernel(arithmetic: int, compounding: int, kind: int) -> Callable[..., None]:
    """The compiled kernel paste(...), with the arguments of nearest.nearest_kernel but for those below.

    coefficients  fixed point without the half for rounding
    low, high     (3,) int64, first and last voxel of the slab, along i those of the whole volume
    hits          uint8 SEEN, or HIT where IGSIO's maximum left a value; for IGSIO's mean the weight in 1/256, uint16;
                  for the exact mean of pixels other than uint8 and uint16 the weight, float64
    sums          exact mean only: uint64 as linear_sums.py says; or float64
    """
    if arithmetic == EXACT and compounding == MEAN and kind in (BYTES, WORDS):
        return linear_sums_kernel(kind)
    if kind == BYTES and compounding != MEAN and arithmetic != DOUBLE:
        return linear_bytes_kernel(arithmetic, compounding)
    if kind == BYTES and arithmetic == FIXED:
        return linear_means_kernel()
    hit = HIT if compounding == MAXIMUM and arithmetic != EXACT else SEEN
    fixed, exact, doubles = arithmetic == FIXED, arithmetic == EXACT, arithmetic == DOUBLE
    bits = EXACT_BITS if exact else IGSIO_BITS
    one = np.int64(1) << bits
    keeps = compounding != MEAN
    way = -1 if keeps else _way_of_mean(arithmetic, kind)
    plain_sum = way == PLAIN_SUM
    limit = (IGSIO_ONE if fixed else 1) / 8
    lowest, mask = (-32768, 65535) if kind == INTEGERS else (0, 255 if kind == BYTES else 65535)

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        add_i, add_j, add_k = coefficients[0, 3], coefficients[1, 3], coefficients[2, 3]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        low_j, high_j, low_k, high_k = low[1], high[1], low[2], high[2]
        last_i, last_j, last_k = size[0] - 1, size[1] - 1, size[2] - 1
        eight = strides.size + 5  # not a constant: see corner_lanes
        lanes = np.zeros(LANES)
        for row in range(pixels.shape[0]):
            first, last = np.int64(0), np.int64(pixels.shape[1] - 1)
            row_i = coefficients[0, 1] * row + coefficients[0, 2]
            row_j = coefficients[1, 1] * row + coefficients[1, 2]
            row_k = coefficients[2, 1] * row + coefficients[2, 2]
            for axis in range(3):
                start = coefficients[axis, 1] * row + coefficients[axis, 2]
                if fixed:
                    # the lower of the two voxels may be the one below the slab, the upper is at most the volume's last
                    lowest_x = max(low[axis] - 1, 0) << bits
                    highest_x = min(((high[axis] + 1) << bits) - 1, (size[axis] - 1) << bits)
                    first, last = columns_within_fixed(start, coefficients[axis, 0], lowest_x, highest_x, first, last)
                elif exact:
                    # within a voxel of the slab, and nearest to a voxel of the volume
                    lowest_x = max((low[axis] - 1) << bits, -(1 << (bits - 1)))
                    highest_x = min(((high[axis] + 1) << bits) - 1, (size[axis] << bits) - (1 << (bits - 1)) - 1)
                    first, last = columns_within_fixed(start, coefficients[axis, 0], lowest_x, highest_x, first, last)
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
                held = False
                held_i, held_j, held_k = np.int64(0), np.int64(0), np.int64(0)
                whole = False
                for column in range(begin, end + 2):
                    over = column > end  # once more, to put back what is held
                    if over:
                        if keeps or not held:
                            break
                        i, j, k = held_i, held_j, held_k
                    else:
                        pixel = pixels[row, column]
                        if pixel < darkest:
                            continue
                        x = row_i + step_i * column + add_i
                        y = row_j + step_j * column + add_j
                        z = row_k + step_k * column + add_k
                        if doubles:
                            i, j, k = igsio_floor(x), igsio_floor(y), igsio_floor(z)
                            part_i, part_j, part_k = x - i, y - j, z - k  # may fall below 0 by 2^-17
                            # a pixel is left out when any of its eight voxels is outside the volume
                            if i < 0 or j < 0 or k < 0:
                                continue
                            if i + (part_i != 0) > last_i or j + (part_j != 0) > last_j or k + (part_k != 0) > last_k:
                                continue
                        else:
                            i, j, k = x >> bits, y >> bits, z >> bits
                            part_i = (x - (i << bits)) / one
                            part_j = (y - (j << bits)) / one
                            part_k = (z - (k << bits)) / one
                    if keeps:
                        base = i * stride_i + j * stride_j + k * stride_k
                        for upper_j in range(2):
                            if j + upper_j < low_j or j + upper_j > high_j:
                                continue
                            weight_j = part_j if upper_j else 1.0 - part_j
                            for upper_k in range(2):
                                if k + upper_k < low_k or k + upper_k > high_k:
                                    continue
                                weight_jk = weight_j * (part_k if upper_k else 1.0 - part_k)
                                if fixed:
                                    weight_jk = rounded_igsio_weight(weight_jk * IGSIO_ONE)
                                for upper_i in range(2):
                                    if exact and (i + upper_i < 0 or i + upper_i > last_i):
                                        continue
                                    weight = weight_jk * (part_i if upper_i else 1.0 - part_i)
                                    if fixed:
                                        weight = rounded_igsio_weight(weight)
                                    index = base + upper_i * stride_i + upper_j * stride_j + upper_k * stride_k
                                    if compounding == LATEST:
                                        if weight >= limit:
                                            volume[index] = pixel
                                            hits[index] = hit
                                    elif weight >= limit:
                                        if pixel > volume[index]:
                                            volume[index] = pixel
                                            hits[index] = hit
                                        elif hits[index] == 0:
                                            hits[index] = SEEN
                        continue
                    if over or not held or i != held_i or j != held_j or k != held_k:
                        if held:
                            base = held_i * stride_i + held_j * stride_j + held_k * stride_k
                            for corner in range(8):
                                up_i, up_j, up_k = corner & 1, corner >> 1 & 1, corner >> 2
                                if not whole and not inside(
                                    held_i + up_i, held_j + up_j, held_k + up_k, last_i, low_j, high_j, low_k, high_k
                                ):
                                    continue
                                index = base + up_i * stride_i + up_j * stride_j + up_k * stride_k
                                if plain_sum:
                                    sums[index] = lanes[corner]
                                    hits[index] = lanes[corner + SECOND]
                                else:
                                    volume[index] = lanes[corner]
                                    hits[index] = lanes[corner + SECOND]
                        if over:
                            break
                        held, held_i, held_j, held_k = True, i, j, k
                        whole = 0 <= i < last_i and low_j <= j < high_j and low_k <= k < high_k
                        base = i * stride_i + j * stride_j + k * stride_k
                        for corner in range(8):
                            up_i, up_j, up_k = corner & 1, corner >> 1 & 1, corner >> 2
                            if whole or inside(i + up_i, j + up_j, k + up_k, last_i, low_j, high_j, low_k, high_k):
                                index = base + up_i * stride_i + up_j * stride_j + up_k * stride_k
                                lanes[corner] = sums[index] if plain_sum else volume[index]
                                lanes[corner + SECOND] = hits[index]
                    for corner in range(eight):
                        weight_jk = corner_weight_jk(corner, part_j, part_k)
                        if fixed:
                            weight_jk = rounded_igsio_weight(weight_jk * IGSIO_ONE)
                        weight = corner_weight_i(corner, part_i) * weight_jk
                        if fixed:
                            weight = rounded_igsio_weight(weight)
                        lanes[corner], lanes[corner + SECOND] = compounded(
                            way, lanes[corner], lanes[corner + SECOND], weight, pixel, lowest, mask
                        )

    return compiled(paste)


@inlined
def inside(i: int, j: int, k: int, last_i: int, low_j: int, high_j: int, low_k: int, high_k: int) -> bool:
    """True when voxel (i, j, k) lies in the slab: i from 0, j and k from their lowest, all to their last."""
    return 0 <= i <= last_i and low_j <= j <= high_j and low_k <= k <= high_k


def _way_of_mean(arithmetic: int, kind: int) -> int:
    """What becomes of pixels that meet in a voxel, one of corner_lanes."""
    if arithmetic == EXACT:
        return PLAIN_SUM
    if arithmetic == FIXED:
        return {FLOATS: IGSIO_FLOATS, DOUBLES: IGSIO_DOUBLES}.get(kind, IGSIO_INTEGERS)
    return {FLOATS: PLAIN_SINGLES, DOUBLES: PLAIN_DOUBLES}.get(kind, PLAIN_INTEGERS)
