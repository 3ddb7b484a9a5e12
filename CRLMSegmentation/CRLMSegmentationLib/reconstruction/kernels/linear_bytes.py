"""Spreading a frame over the eight voxels around each pixel: 'latest' and 'maximum' of uint8.

A voxel counts where its weight is an eighth or more. Which of the eight do is found for many pixels side by side, as an
integer of 64 bits with one byte for each corner, ones where it counts; a grey level is put into every byte by one
multiplication. Pixel after pixel falls between the same eight voxels, a cell. What the pixels of a cell leave in it is
gathered for many cells side by side, in three steps: from each pixel and the next, then from two and two, from four and
four. The voxels themselves are touched once for each cell, all eight of them, without asking which of them counts: a
branch that is guessed wrong takes longer than writing back what was there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...compilation.jit import compiled, inlined
from .arithmetic import EXACT_BITS, IGSIO_BITS, columns_near_slab
from .corner_lanes import HIT, SEEN, rounded_igsio_weight
from .nearest import EXACT, LATEST

_PIECE = 128  # columns
_GATHERED = 8  # pixels
_BYTES = np.uint64(0x0101010101010101)
_EVERY_SECOND = np.uint64(0x00FF00FF00FF00FF)
_ABOVE = np.uint64(0x0100010001000100)  # the bit above every second byte
_EIGHT = np.uint64(8)
_BYTE = np.uint64(0xFF)
_NOTHING = np.uint64(0)
_ONE = np.uint64(1)


@inlined
def greater_of_second_bytes(some: int, others: int) -> int:
    """The greater in every second byte; the bytes between them are 0 in all three."""
    not_greater = ((others | _ABOVE) - some) & _ABOVE
    chosen = not_greater - (not_greater >> _EIGHT)
    return (some & ~chosen) | (others & chosen)


@inlined
def greater_bytes(some: int, others: int) -> int:
    """The greater in each of eight bytes."""
    even = greater_of_second_bytes(some & _EVERY_SECOND, others & _EVERY_SECOND)
    odd = greater_of_second_bytes((some >> _EIGHT) & _EVERY_SECOND, (others >> _EIGHT) & _EVERY_SECOND)
    return even | (odd << _EIGHT)


@inlined
def gather_next_pixels(
    bases: np.ndarray, near: np.ndarray, grey: np.ndarray, later: np.ndarray, size: int, apart: int
) -> None:
    """Give each pixel what it and the one `apart` behind it leave, where that is in the same cell.

    bases  int64 index of the cell of each of `size` pixels; others in the _GATHERED elements after them
    near   uint64, becomes ones in the bytes of all corners that count
    grey   uint64, 0 where a corner does not count, becomes their greatest grey levels
    later  uint64, is written over
    """
    for n in range(size):
        there = np.uint64(n) + np.uint64(apart)
        is_same = bases[n] == bases[there]
        later[n] = grey[there] if is_same else _NOTHING
        near[n] |= near[there] if is_same else _NOTHING
    bytes_of_grey, bytes_of_later = grey.view(np.uint8), later.view(np.uint8)
    for n in range(8 * size):
        some, others = bytes_of_grey[n], bytes_of_later[n]
        bytes_of_grey[n] = max(some, others)


@inlined
def cells_of_piece(bases: np.ndarray, size: int, starts: np.ndarray) -> int:
    """Write the first pixel of each cell, and `size` after the last; returns their number."""
    number = _NOTHING
    before = np.int64(-1)
    for n in range(size):
        starts[number] = n
        number += np.uint64(bases[n] != before)
        # The next one is written over the last as long as the cell stays the same.
        before = bases[n]
    starts[number] = size
    return number


@inlined
def put_cell(
    base: int, strides: np.ndarray, met: int, values: int, latest: bool, volume: np.ndarray, hits: np.ndarray
) -> None:
    """Write what was left in a cell to its eight voxels, the first of which is `base`.

    met, values  ones in the bytes of the corners that count, and their latest or greatest grey levels; 0 in the others
    """
    for corner in range(8):
        index = base
        if corner & 1:
            index += np.uint64(strides[0])
        if corner & 2:
            index += np.uint64(strides[1])
        if corner & 4:
            index += np.uint64(strides[2])
        value, is_met = np.uint8((values >> np.uint64(8 * corner)) & _BYTE), (met >> np.uint64(8 * corner)) & _ONE
        known, hit = volume[index], hits[index]
        if latest:
            volume[index] = value if is_met else known
            hits[index] = HIT if is_met else hit
        else:
            now = np.uint8(HIT) if value > known else np.uint8(is_met * SEEN)
            volume[index] = max(known, value)
            hits[index] = max(hit, now)


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
        # of each pixel of a piece: its eight bytes, ones where a voxel is near; its grey level there; the first voxel
        near, grey, later = np.zeros((3, _PIECE + _GATHERED), dtype=np.uint64)
        bases, starts = np.zeros((2, _PIECE + _GATHERED), dtype=np.int64)
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
                    if whole and latest:
                        n = _NOTHING
                        while n < part.size:
                            base, met, values = bases[n], _NOTHING, _NOTHING
                            while n < part.size and bases[n] == base:
                                values = (values & ~near[n]) | grey[n]
                                met |= near[n]
                                n += _ONE
                            put_cell(np.uint64(base), strides, met, values, latest, volume, hits)
                        begin = stop + 1
                        continue
                    if whole:
                        bases[part.size : part.size + _GATHERED] = -1
                        gather_next_pixels(bases, near, grey, later, part.size, 1)
                        gather_next_pixels(bases, near, grey, later, part.size, 2)
                        gather_next_pixels(bases, near, grey, later, part.size, 4)
                        for cell in range(cells_of_piece(bases, part.size, starts)):
                            n, following = np.uint64(starts[cell]), np.uint64(starts[cell + _ONE])
                            base, met, values = np.uint64(bases[n]), near[n], grey[n]
                            n += np.uint64(_GATHERED)
                            while n < following:
                                values = greater_bytes(values, grey[n])
                                met |= near[n]
                                n += np.uint64(_GATHERED)
                            put_cell(base, strides, met, values, latest, volume, hits)
                        begin = stop + 1
                        continue
                    for n in range(part.size):
                        i = (row_i + step_i * (begin + n)) >> bits
                        j = (row_j + step_j * (begin + n)) >> bits
                        k = (row_k + step_k * (begin + n)) >> bits
                        for corner in range(8):
                            at_i, at_j, at_k = i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2)
                            if (near[n] >> np.uint64(8 * corner)) & _ONE == _NOTHING or not low[0] <= at_i <= high[0]:
                                continue
                            if low[1] <= at_j <= high[1] and low[2] <= at_k <= high[2]:
                                index = at_i * stride_i + at_j * stride_j + at_k * stride_k
                                if latest or part[n] > volume[index]:
                                    volume[index] = part[n]
                                    hits[index] = HIT
                                elif hits[index] == 0:
                                    hits[index] = SEEN
                    begin = stop + 1

    return compiled(paste)
