"""Spreading a frame over the eight voxels around each pixel: the exact mean of uint8 and uint16.

Sums of integers come out the same in any order, so nothing has to wait for the pixel before. A row is taken in pieces:
first where its pixels lie, many side by side; then cell by cell, a cell being the eight voxels that pixel after pixel
falls between. What a cell's pixels add to it stays in the processor's registers until all of them are done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...compilation.jit import compiled
from .arithmetic import EXACT_BITS, columns_near_slab
from .cell_voxels import ALL_CORNERS, add_to_cell, corners_in_slab
from .eight_lanes import sums_of_pixels
from .linear_bytes import NO_CELL, cells_of_piece
from .nearest import SUM_BITS
from .wide_vectors import use_widest_vectors

WEIGHT_BITS = (10, 8)  # weights are rounded to 2^-10 for BYTES and 2^-8 for WORDS
_PIECE = 128  # columns
_ONE = np.uint64(1)


@cache
def linear_sums_kernel(kind: int) -> Callable[..., None]:
    """The compiled kernel paste(...) with the arguments of linear.linear_kernel, for BYTES or WORDS.

    sums  flat uint64, weight << SUM_BITS | weighted sum, in units of 2^-WEIGHT_BITS
    """
    bits = EXACT_BITS
    one = float(1 << EXACT_BITS)
    unit = float(1 << WEIGHT_BITS[kind])
    sum_bits = np.uint64(SUM_BITS[kind])

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        use_widest_vectors()
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        # of each pixel of a piece: the first voxel of its cell, or NO_CELL when it is left out
        bases, starts = np.zeros((2, _PIECE + 1), dtype=np.int64)
        parts, greys = np.zeros((3, _PIECE)), np.zeros(_PIECE, dtype=np.uint64)
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
                    # a cell's number is that of its first voxel, or of one in a volume with a border around it
                    in_j = stride_j if whole else size[0] + 2
                    in_k = stride_k if whole else (size[0] + 2) * (size[1] + 2)
                    x, y, z = row_i + step_i * begin, row_j + step_j * begin, row_k + step_k * begin
                    for n in range(part.size):
                        i, j, k = x >> bits, y >> bits, z >> bits
                        base = i * stride_i + j * in_j + k * in_k
                        bases[n] = base if part[n] >= darkest else NO_CELL
                        parts[0, n] = (x - (i << bits)) / one
                        parts[1, n] = (y - (j << bits)) / one
                        parts[2, n] = (z - (k << bits)) / one
                        greys[n] = part[n]
                        x, y, z = x + step_i, y + step_j, z + step_k
                    for cell in range(cells_of_piece(bases, part.size, starts)):
                        n, following = np.uint64(starts[cell]), np.uint64(starts[cell + _ONE])
                        if bases[n] == NO_CELL:
                            continue
                        base, column = np.uint64(bases[n]), begin + np.int64(n)
                        added = sums_of_pixels(parts, greys, n, following, unit, sum_bits)
                        if whole:
                            add_to_cell(sums, base, strides, ALL_CORNERS, added)
                            continue
                        i = (row_i + step_i * column) >> bits
                        j = (row_j + step_j * column) >> bits
                        k = (row_k + step_k * column) >> bits
                        base = np.uint64(i * stride_i + j * stride_j + k * stride_k)
                        add_to_cell(sums, base, strides, corners_in_slab(i, j, k, low, high), added)
                    begin = stop + 1

    return compiled(paste)
