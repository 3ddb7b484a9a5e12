"""Spreading a frame over the eight voxels around each pixel: IGSIO's running mean of uint8.

Each pixel waits for the value that the one before left in a voxel, but its eight voxels do not wait for each other, and
how heavy a voxel was before each pixel does not hang on its values. A row is taken in pieces: first where its pixels
lie, many side by side; then cell by cell, a cell being the eight voxels that pixel after pixel falls between. Their
values and weights are packed into three integers, which eight_lanes.py takes through all pixels of the cell.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...compilation.jit import compiled, inlined
from .arithmetic import IGSIO_BITS, columns_near_slab
from .cell_voxels import (
    ALL_CORNERS,
    bytes_of_cell,
    corners_in_slab,
    put_bytes_of_cell,
    put_words_of_cell,
    words_of_cell,
)
from .eight_lanes import GREY_OFFSET, igsio_means_of_pixels
from .linear_bytes import NO_CELL, cells_of_piece
from .wide_vectors import use_widest_vectors

_PIECE = 128  # columns
_ONE = np.uint64(1)


@inlined
def put_pixels_of_cell(
    base: int,
    strides: np.ndarray,
    there: int,
    parts: np.ndarray,
    greys: np.ndarray,
    first: int,
    end: int,
    volume: np.ndarray,
    hits: np.ndarray,
) -> None:
    """Add the pixels `first` to `end` - 1 of a piece to the cell at `base`.

    there         of corners_in_slab, or ALL_CORNERS
    parts, greys  as igsio_means_of_pixels wants them
    """
    values = bytes_of_cell(volume, base, strides, there)
    lower, upper = words_of_cell(hits, base, strides, there)
    values, lower, upper = igsio_means_of_pixels(values, lower, upper, parts, greys, first, end)
    put_bytes_of_cell(volume, base, strides, there, values)
    put_words_of_cell(hits, base, strides, there, (lower, upper))


@cache
def linear_means_kernel() -> Callable[..., None]:
    """The compiled kernel paste(...) with the arguments of linear.linear_kernel, for IGSIO's mean of BYTES in FIXED."""
    bits = IGSIO_BITS
    below_one = (1 << IGSIO_BITS) - 1

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        use_widest_vectors()
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        # of each pixel of a piece: the first voxel of its cell, or NO_CELL when it is left out
        bases, starts = np.zeros((2, _PIECE + 1), dtype=np.int64)
        parts = np.zeros((3, _PIECE), dtype=np.int32)
        greys = np.zeros(_PIECE)
        for row in range(pixels.shape[0]):
            row_i = coefficients[0, 1] * row + coefficients[0, 2]
            row_j = coefficients[1, 1] * row + coefficients[1, 2]
            row_k = coefficients[2, 1] * row + coefficients[2, 2]
            first, last, inner_first, inner_last = columns_near_slab(
                coefficients, row, np.int64(pixels.shape[1] - 1), low, high, size, bits, False
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
                    x, y, z = row_i + step_i * begin, row_j + step_j * begin, row_k + step_k * begin
                    for n in range(part.size):
                        base = (x >> bits) * stride_i + (y >> bits) * stride_j + (z >> bits) * stride_k
                        bases[n] = base if part[n] >= darkest else NO_CELL
                        parts[0, n] = x & below_one
                        parts[1, n] = y & below_one
                        parts[2, n] = z & below_one
                        greys[n] = part[n] + GREY_OFFSET
                        x, y, z = x + step_i, y + step_j, z + step_k
                    for cell in range(cells_of_piece(bases, part.size, starts)):
                        n, following = starts[cell], starts[cell + _ONE]
                        if bases[n] == NO_CELL:
                            continue
                        base = np.uint64(bases[n])
                        if whole:
                            put_pixels_of_cell(base, strides, ALL_CORNERS, parts, greys, n, following, volume, hits)
                            continue
                        i = (row_i + step_i * (begin + n)) >> bits
                        j = (row_j + step_j * (begin + n)) >> bits
                        k = (row_k + step_k * (begin + n)) >> bits
                        there = corners_in_slab(i, j, k, low, high)
                        put_pixels_of_cell(base, strides, there, parts, greys, n, following, volume, hits)
                    begin = stop + 1

    return compiled(paste)
