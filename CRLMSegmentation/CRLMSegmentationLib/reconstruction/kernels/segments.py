"""A row of an image as segments: neighbouring pixels whose nearest voxel is the same.

Along a row the position grows by the same step from pixel to pixel, so that an axis crosses from one voxel to the next
after q or q + 1 pixels, as in Bresenham's way of drawing a line (IBM Systems Journal 1965). The crossings of each axis
follow from sums of integers alone, exactly; no pixel between them has to be looked at.
"""

from __future__ import annotations

import numpy as np

from ...compilation.jit import inlined

_NEVER = 1 << 40  # a column that no image has


@inlined
def first_crossing(position: int, step: int, column: int, bits: int) -> tuple[int, int]:
    """The first column after `column`, at `position`, that is in another voxel, and how far it lies beyond the border.

    position, step  fixed point with `bits` after the point; step per column
    """
    if step == 0:
        return np.int64(_NEVER), np.int64(0)
    if step < 0:  # seen in a mirror, in which the floor of a position becomes the floor of -position - 1
        position, step = -position - 1, -step
    missing = (((position >> bits) + 1) << bits) - position
    columns = -((-missing) // step)
    return column + columns, step * columns - missing


@inlined
def columns_of_a_voxel(step: int, one: int) -> tuple[int, int]:
    """Whole columns within a voxel, `one` long, and what is left of it; 0 for a step of 0, which never crosses."""
    size = abs(step)
    whole = one // size if size != 0 else np.int64(0)
    return whole, one - whole * size


@inlined
def next_crossing(at: int, beyond: int, whole: int, left: int, size: int) -> tuple[int, int]:
    """The column of the crossing after the one in column `at`, and how far it lies beyond the border."""
    beyond -= left
    short = beyond >> 63  # -1 when one column more is needed, else 0: no branch that would be guessed wrong
    return at + whole - short, beyond + (size & short)


@inlined
def add_crossings(
    changes: np.ndarray, at: int, beyond: int, end: int, to: int, whole: int, left: int, size: int
) -> None:
    """Add `to` to the `changes` of every column up to `end` in which an axis crosses, from column `at` on."""
    while at <= end:
        changes[np.uint64(at)] += to
        at, beyond = next_crossing(at, beyond, whole, left, size)


@inlined
def segments_of_row(
    begin: int,
    end: int,
    x: int,
    y: int,
    z: int,
    steps: np.ndarray,
    strides: np.ndarray,
    bits: int,
    starts: np.ndarray,
    places: np.ndarray,
    changes: np.ndarray,
) -> int:
    """Write the segments of the columns `begin` to `end` (not before it) and return their number, n.

    x, y, z  position of column `begin` along i, j, k, fixed point with the half for rounding
    steps    (3,) int64 per column, none longer than a voxel
    strides  (3,) int64 of the flat volume
    starts   uint32, becomes the first column of each segment, and end + 1 after the last
    places   uint64, becomes their flat voxel indices
    changes  int64, for every column; 0 before and after
    All three have room for two more than there are columns.
    """
    one = np.int64(1) << bits
    size_i, size_j, size_k = abs(steps[0]), abs(steps[1]), abs(steps[2])
    whole_i, left_i = columns_of_a_voxel(steps[0], one)
    whole_j, left_j = columns_of_a_voxel(steps[1], one)
    whole_k, left_k = columns_of_a_voxel(steps[2], one)
    to_i = strides[0] if steps[0] > 0 else -strides[0]
    to_j = strides[1] if steps[1] > 0 else -strides[1]
    to_k = strides[2] if steps[2] > 0 else -strides[2]
    place = (x >> bits) * strides[0] + (y >> bits) * strides[1] + (z >> bits) * strides[2]
    at_i, beyond_i = first_crossing(x, steps[0], begin, bits)
    at_j, beyond_j = first_crossing(y, steps[1], begin, bits)
    at_k, beyond_k = first_crossing(z, steps[2], begin, bits)
    number = np.uint64(0)  # unsigned, as are all indices: numba tests signed ones for being negative
    starts[number], places[number] = begin, place
    if min(at_j, at_k) > end:  # along i alone
        while at_i <= end:
            number += np.uint64(1)
            place += to_i
            starts[number], places[number] = at_i, place
            at_i, beyond_i = next_crossing(at_i, beyond_i, whole_i, left_i, size_i)
    else:
        add_crossings(changes, at_i, beyond_i, end, to_i, whole_i, left_i, size_i)
        add_crossings(changes, at_j, beyond_j, end, to_j, whole_j, left_j, size_j)
        add_crossings(changes, at_k, beyond_k, end, to_k, whole_k, left_k, size_k)
        for column in range(np.uint64(begin), np.uint64(end + 1)):
            change = changes[column]
            changes[column] = 0
            place += change
            number += np.uint64(change != 0)
            places[number] = place
            starts[number + np.uint64(1)] = column + np.uint64(1)
    number += np.uint64(1)
    starts[number] = end + 1
    return number
