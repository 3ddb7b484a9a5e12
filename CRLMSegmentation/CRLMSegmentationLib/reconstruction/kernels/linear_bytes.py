"""Spreading a frame over the eight voxels around each pixel: 'latest' and 'maximum' of uint8.

A voxel counts where its weight is an eighth or more. Which of the eight do is found for many pixels side by side, as an
integer of 64 bits with one byte for each corner, ones where it counts; a grey level is put into every byte by one
multiplication. Pixel after pixel falls between the same eight voxels, a cell. What its pixels leave in it is gathered
in two such integers. The voxels themselves are touched once for each cell, all eight of them, without asking which of
them counts: a branch that is guessed wrong takes longer than writing back what was there. Only where some of a cell's
voxels lie beside the slab is each of them asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...compilation.jit import compiled, inlined
from .arithmetic import EXACT_BITS, IGSIO_BITS, columns_near_slab
from .cell_voxels import ALL_CORNERS, bytes_of_cell, corners_in_slab, offset_of_corner, put_bytes_of_cell
from .corner_lanes import HIT, SEEN, rounded_igsio_weight
from .eight_lanes import bytes_above, greater_bytes
from .nearest import EXACT, LATEST
from .wide_vectors import use_widest_vectors

_PIECE = 128  # columns
_BYTES = np.uint64(0x0101010101010101)
_BYTE = np.uint64(0xFF)
_NOTHING = np.uint64(0)
_ONE = np.uint64(1)
NO_CELL = np.int64(-(1 << 62))


@inlined
def cells_of_piece(cells: np.ndarray, size: int, starts: np.ndarray) -> int:
    """Write the first pixel of each cell, and `size` after the last; returns their number. NO_CELL is one too, unless
    it comes first.
    """
    number = _NOTHING
    before = NO_CELL
    for n in range(size):
        starts[number] = n
        number += np.uint64(cells[n] != before)
        # The next one is written over the last as long as the cell stays the same.
        before = cells[n]
    starts[number] = size
    return number


@inlined
def put_cell(
    base: int,
    strides: np.ndarray,
    there: int,
    met: int,
    values: int,
    latest: bool,
    tells_hits: bool,
    volume: np.ndarray,
    hits: np.ndarray,
) -> None:
    """Write what was left in a cell to its eight voxels, the first of which is `base`.

    there        of corners_in_slab, or ALL_CORNERS
    met, values  ones in the bytes of the corners that count, and their latest or greatest grey levels; 0 in the others
    tells_hits   whether a voxel that a pixel came near is told from one that it left its value in
    """
    if latest:  # nothing to compare: one by one they wait less for what the cell before wrote
        for corner in range(8):
            if there >> np.uint64(corner) & _ONE:
                index = base + offset_of_corner(corner, strides)
                value = np.uint8((values >> np.uint64(8 * corner)) & _BYTE)
                is_met = (met >> np.uint64(8 * corner)) & _ONE
                known, hit = volume[index], hits[index]
                volume[index] = value if is_met else known
                hits[index] = SEEN if is_met else hit
        return
    known, hit = bytes_of_cell(volume, base, strides, there), bytes_of_cell(hits, base, strides, there)
    now = met & _BYTES
    if tells_hits:
        now = greater_bytes(now * np.uint64(SEEN), bytes_above(values, known) & (_BYTES * np.uint64(HIT)))
        now = greater_bytes(now, hit)
    else:
        now |= hit
    put_bytes_of_cell(volume, base, strides, there, greater_bytes(known, values))
    put_bytes_of_cell(hits, base, strides, there, now)


@cache
def linear_bytes_kernel(arithmetic: int, compounding: int) -> Callable[..., None]:
    """The compiled kernel paste(...) with the arguments of linear.linear_kernel, for BYTES in fixed point."""
    exact, latest = arithmetic == EXACT, compounding == LATEST
    tells_hits = not exact and not latest
    bits = EXACT_BITS if exact else IGSIO_BITS
    one = float(1 << bits)
    unit = 1.0 if exact else one  # of weights
    limit = unit / 8

    def paste(pixels, runs, coefficients, low, high, size, strides, volume, hits, sums, darkest):
        use_widest_vectors()
        step_i, step_j, step_k = coefficients[0, 0], coefficients[1, 0], coefficients[2, 0]
        stride_i, stride_j, stride_k = strides[0], strides[1], strides[2]
        # of each pixel of a piece: its eight bytes, ones where a voxel is near; its grey level there; its cell
        near, grey = np.zeros((2, _PIECE), dtype=np.uint64)
        cells, starts = np.zeros((2, _PIECE + 1), dtype=np.int64)
        for row in range(pixels.shape[0]):
            row_i = coefficients[0, 1] * row + coefficients[0, 2]
            row_j = coefficients[1, 1] * row + coefficients[1, 2]
            row_k = coefficients[2, 1] * row + coefficients[2, 2]
            first, last, inner_first, inner_last = columns_near_slab(
                coefficients, row, np.int64(pixels.shape[1] - 1), low, high, size, bits, exact
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
                        cells[n] = i * stride_i + j * in_j + k * in_k
                        part_i = (x - (i << bits)) / one
                        part_j = (y - (j << bits)) / one
                        part_k = (z - (k << bits)) / one
                        below_i, below_j, below_k = 1.0 - part_i, 1.0 - part_j, 1.0 - part_k
                        mask = _NOTHING
                        for corner in range(8):
                            weight = (part_j if corner & 2 else below_j) * (part_k if corner & 4 else below_k)
                            if not exact:
                                weight = rounded_igsio_weight(weight * unit)
                            weight *= part_i if corner & 1 else below_i
                            if not exact:
                                weight = rounded_igsio_weight(weight)
                            mask |= (_BYTE << np.uint64(8 * corner)) if weight >= limit else _NOTHING
                        near[n] = mask if part[n] >= darkest else _NOTHING
                        grey[n] = (np.uint64(part[n]) * _BYTES) & near[n]
                        x, y, z = x + step_i, y + step_j, z + step_k
                    for number in range(cells_of_piece(cells, part.size, starts)):
                        n, following = np.uint64(starts[number]), np.uint64(starts[number + _ONE])
                        base, column = np.uint64(cells[n]), begin + np.int64(n)
                        met, values = near[n], grey[n]
                        n += _ONE
                        while n < following:
                            values = (values & ~near[n]) | grey[n] if latest else greater_bytes(values, grey[n])
                            met |= near[n]
                            n += _ONE
                        if whole:
                            put_cell(base, strides, ALL_CORNERS, met, values, latest, tells_hits, volume, hits)
                            continue
                        i = (row_i + step_i * column) >> bits
                        j = (row_j + step_j * column) >> bits
                        k = (row_k + step_k * column) >> bits
                        base = np.uint64(i * stride_i + j * stride_j + k * stride_k)
                        there = corners_in_slab(i, j, k, low, high)
                        put_cell(base, strides, there, met, values, latest, tells_hits, volume, hits)
                    begin = stop + 1

    return compiled(paste)
