"""Spreading a frame over the eight voxels around each pixel: the exact mean of uint8 and uint16.

Sums of integers come out the same in any order, so nothing has to wait for the pixel before. A row is taken in pieces:
first what each of its pixels adds to its eight voxels, many pixels side by side, then the additions. Where all eight
voxels of every pixel of a piece lie in the slab, nothing is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...compilation.jit import compiled
from .arithmetic import EXACT_BITS, columns_near_slab
from .nearest import SUM_BITS

WEIGHT_BITS = (10, 8)  # weights are rounded to 2^-10 for BYTES and 2^-8 for WORDS
_PIECE = 128  # columns
_TO_INTEGER = 6755399441055744.0  # 1.5 * 2^52: adding it leaves a rounded integer in the lower bits of a double
_LOWER_BITS = 0xFFFFFFFF


@cache
def linear_sums_kernel(kind: int) -> Callable[..., None]:
    """The compiled kernel paste(...) with the arguments of linear.linear_kernel, for BYTES or WORDS.

    sums  flat uint64, weight << SUM_BITS | weighted sum, in units of 2^-WEIGHT_BITS
    """
    bits = EXACT_BITS
    one = float(1 << EXACT_BITS)
    unit = float(1 << WEIGHT_BITS[kind])
    sum_bits = SUM_BITS[kind]

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        # what each pixel of a piece adds to its eight voxels, one after the other, and the index of the first of them
        added = np.empty(9 * _PIECE, dtype=np.int64)
        for row in range(pixels.shape[0]):
            row_i = coefficients[0, 1] * row + coefficients[0, 2]
            row_j = coefficients[1, 1] * row + coefficients[1, 2]
            row_k = coefficients[2, 1] * row + coefficients[2, 2]
            first, last, inner_first, inner_last = columns_near_slab(
                coefficients, row, np.int64(pixels.shape[1] - 1), low, high, size, bits, True
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
                        pixel = part[n]
                        x = row_i + step_i * (begin + n)
                        y = row_j + step_j * (begin + n)
                        z = row_k + step_k * (begin + n)
                        i, j, k = x >> bits, y >> bits, z >> bits
                        added[8 * _PIECE + n] = i * stride_i + j * stride_j + k * stride_k
                        part_i = (x - (i << bits)) / one
                        part_j = (y - (j << bits)) / one
                        part_k = (z - (k << bits)) / one
                        of_units = unit if pixel >= darkest else 0.0
                        below_i, below_j, below_k = 1.0 - part_i, 1.0 - part_j, 1.0 - part_k
                        for corner in range(8):
                            weight_jk = (part_j if corner & 2 else below_j) * (part_k if corner & 4 else below_k)
                            weight = (part_i if corner & 1 else below_i) * weight_jk
                            units = np.float64(weight * of_units + _TO_INTEGER).view(np.int64) & _LOWER_BITS
                            added[corner * _PIECE + n] = (units << sum_bits) + units * np.int64(pixel)
                    if whole:
                        for n in range(part.size):
                            base = np.uint64(added[8 * _PIECE + n])
                            for corner in range(8):
                                index = base
                                if corner & 1:
                                    index += np.uint64(stride_i)
                                if corner & 2:
                                    index += np.uint64(stride_j)
                                if corner & 4:
                                    index += np.uint64(stride_k)
                                sums[index] += np.uint64(added[corner * _PIECE + n])
                    else:
                        for n in range(part.size):
                            i = (row_i + step_i * (begin + n)) >> bits
                            j = (row_j + step_j * (begin + n)) >> bits
                            k = (row_k + step_k * (begin + n)) >> bits
                            for corner in range(8):
                                at_i, at_j, at_k = i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2)
                                if not low[0] <= at_i <= high[0]:
                                    continue
                                if low[1] <= at_j <= high[1] and low[2] <= at_k <= high[2]:
                                    index = at_i * stride_i + at_j * stride_j + at_k * stride_k
                                    sums[index] += np.uint64(added[corner * _PIECE + n])
                    begin = stop + 1

    return compiled(paste)
