"""Spreading a frame over the eight voxels around each pixel: 'latest' and 'maximum' of uint8.

A voxel counts where its weight is an eighth or more. Which of the eight do is found for many pixels side by side, as a
mask with one byte for each corner. While pixel after pixel falls between the same eight voxels, what becomes of all of
them is kept in one or two integers of 64 bits: a grey level is put into every byte by one multiplication, and the mask
says which bytes take it. The voxels themselves are touched once for all pixels between them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...compilation.jit import compiled, inlined
from .arithmetic import EXACT_BITS, IGSIO_BITS, columns_within_fixed
from .corner_lanes import HIT, SEEN, rounded_igsio_weight
from .nearest import EXACT, LATEST

_PIECE = 128  # columns
_BYTES = np.uint64(0x0101010101010101)
_EVERY_SECOND = np.uint64(0x00FF00FF00FF00FF)
_ONES = np.uint64(0x0001000100010001)  # in every second byte
_ABOVE = np.uint64(0x0100010001000100)  # the bit above every second byte
_EIGHT = np.uint64(8)
_BYTE = np.uint64(0xFF)


@inlined
def greater_bytes(some: int, others: int) -> int:
    """The greater in every second byte; the bytes between them are 0.

    Each pixel waits for what the one before left in `some`: six steps, each of one cycle.
    """
    not_greater = ((others | _ABOVE) - some) & _ABOVE
    chosen = not_greater - (not_greater >> _EIGHT)
    return (some & ~chosen) | (others & chosen)


@cache
def linear_bytes_kernel(arithmetic: int, compounding: int) -> Callable[..., None]:
    """The compiled kernel paste(...) with the arguments of linear.linear_kernel, for BYTES in fixed point."""
    exact, latest = arithmetic == EXACT, compounding == LATEST
    bits = EXACT_BITS if exact else IGSIO_BITS
    one = float(1 << bits)
    unit = 1.0 if exact else one  # of weights
    limit = unit / 8

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        # of each pixel of a piece: its eight bytes, ones where a voxel is near, and the index of the first voxel
        near = np.empty(_PIECE, dtype=np.uint64)
        bases = np.empty(_PIECE, dtype=np.int64)
        for row in range(pixels.shape[0]):
            row_i = coefficients[0, 1] * row + coefficients[0, 2]
            row_j = coefficients[1, 1] * row + coefficients[1, 2]
            row_k = coefficients[2, 1] * row + coefficients[2, 2]
            first, last = np.int64(0), np.int64(pixels.shape[1] - 1)
            inner_first, inner_last = first, last
            for axis in range(3):
                start = coefficients[axis, 1] * row + coefficients[axis, 2]
                step = coefficients[axis, 0]
                if exact:  # within a voxel of the slab, and nearest to a voxel of the volume
                    lowest = max((low[axis] - 1) << bits, -(1 << (bits - 1)))
                    highest = min(((high[axis] + 1) << bits) - 1, (size[axis] << bits) - (1 << (bits - 1)) - 1)
                else:  # the lower of the two voxels may be the one below the slab, the upper is at most the last
                    lowest = max(low[axis] - 1, 0) << bits
                    highest = min(((high[axis] + 1) << bits) - 1, (size[axis] - 1) << bits)
                first, last = columns_within_fixed(start, step, lowest, highest, first, last)
                inner_first, inner_last = columns_within_fixed(
                    start, step, low[axis] << bits, (high[axis] << bits) - 1, inner_first, inner_last
                )
            for run in range(runs.shape[1]):
                begin = max(first, np.int64(runs[row, run, 0]))
                end = min(last, np.int64(runs[row, run, 1]))
                while begin <= end:
                    whole = inner_first <= begin <= inner_last
                    stop = min(end, begin + _PIECE - 1)
                    if whole:
                        stop = min(stop, inner_last)
                    elif begin < inner_first <= inner_last:
                        stop = min(stop, inner_first - 1)
                    part = pixels[row, begin : stop + 1]
                    for n in range(part.size):
                        x = row_i + step_i * (begin + n)
                        y = row_j + step_j * (begin + n)
                        z = row_k + step_k * (begin + n)
                        i, j, k = x >> bits, y >> bits, z >> bits
                        bases[n] = i * stride_i + j * stride_j + k * stride_k
                        part_i = (x - (i << bits)) / one
                        part_j = (y - (j << bits)) / one
                        part_k = (z - (k << bits)) / one
                        below_i, below_j, below_k = 1.0 - part_i, 1.0 - part_j, 1.0 - part_k
                        mask = np.uint64(0)
                        for corner in range(8):
                            weight = (part_j if corner & 2 else below_j) * (part_k if corner & 4 else below_k)
                            if not exact:
                                weight = rounded_igsio_weight(weight * unit)
                            weight *= part_i if corner & 1 else below_i
                            if not exact:
                                weight = rounded_igsio_weight(weight)
                            mask |= (_BYTE << np.uint64(8 * corner)) if weight >= limit else np.uint64(0)
                        near[n] = mask if part[n] >= darkest else np.uint64(0)
                    n = np.int64(0)
                    while n < part.size:
                        base = bases[n]
                        met, values, others = np.uint64(0), np.uint64(0), np.uint64(0)
                        column = begin + n
                        while n < part.size and bases[n] == base:
                            mask, pixel = near[n], np.uint64(part[n])
                            met |= mask
                            if latest:
                                values = (values & ~mask) | (pixel * _BYTES & mask)
                            else:
                                two = pixel * _ONES
                                values = greater_bytes(values, two & mask)
                                others = greater_bytes(others, two & (mask >> _EIGHT))
                            n += 1
                        if not latest:
                            values |= others << _EIGHT
                        i = (row_i + step_i * column) >> bits
                        j = (row_j + step_j * column) >> bits
                        k = (row_k + step_k * column) >> bits
                        for corner in range(8):
                            shift = np.uint64(8 * corner)
                            up_i, up_j, up_k = corner & 1, corner >> 1 & 1, corner >> 2
                            if (met >> shift) & np.uint64(1) == np.uint64(0):
                                continue
                            if not whole:
                                if not low[0] <= i + up_i <= high[0]:
                                    continue
                                if not (low[1] <= j + up_j <= high[1] and low[2] <= k + up_k <= high[2]):
                                    continue
                            index = np.uint64(base + up_i * stride_i + up_j * stride_j + up_k * stride_k)
                            value = np.uint8((values >> shift) & _BYTE)
                            if latest or value > volume[index]:
                                volume[index] = value
                                hits[index] = HIT
                            elif hits[index] == 0:
                                hits[index] = SEEN
                    begin = stop + 1

    return compiled(paste)
