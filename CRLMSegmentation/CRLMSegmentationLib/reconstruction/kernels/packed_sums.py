"""The exact mean's packed sums never overflow: before a voxel could, it is emptied into a table that holds any number.

A packed sum has 28 (uint8) or 24 bits (uint16) for the weight of all pixels that met a voxel; linear interpolation
counts each in units of 2^-10 or 2^-8. A probe that is held still over large voxels fills that in minutes. How much a
frame can add to one voxel at most is known from its pose, so that the sums are looked at only every few hundred frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .arithmetic import EXACT_BITS
from .linear_sums import WEIGHT_BITS
from .nearest import SUM_BITS


class PackedSums:
    """Bounds, and what was emptied, of the packed sums of one inserter.

    kind    nearest.BYTES or WORDS
    linear  whether a pixel goes to the eight voxels around it
    """

    def __init__(self, kind: int, linear: bool):
        self._sum_bits = np.uint64(SUM_BITS[kind])
        self._lower = (np.uint64(1) << self._sum_bits) - np.uint64(1)
        self._most = (1 << (64 - SUM_BITS[kind])) - 1  # weight of a voxel
        self._unit = 1 << WEIGHT_BITS[kind] if linear else 1
        self._reach_voxels = (2 if linear else 1) * math.sqrt(3)  # the longest way through what belongs to a voxel
        self._heaviest = 0  # no voxel has a greater weight
        self._indices = np.zeros(0, dtype=np.int64)  # of emptied voxels, ascending, with what was in them
        self._weights, self._sums = np.zeros((2, 0), dtype=np.uint64)

    def parts_of(self, coefficients: np.ndarray, image_shape: tuple[int, int]) -> list[tuple[int, int, int]]:
        """First and last row, and the weight that no voxel's gain exceeds, of the parts in which a frame is added.

        One part, unless a single frame could fill a voxel up.
        """
        rows, columns = image_shape
        # plain numbers: this is done for every frame
        (a, b), (c, d), (e, f) = coefficients[:, :2].tolist()
        step, apart = math.hypot(a, c, e), 0.0
        if step:
            apart = math.hypot(a * d - c * b, c * f - e * d, e * b - a * f) / step / (1 << EXACT_BITS)
            step /= 1 << EXACT_BITS
        in_a_row = self._count_within(step, columns) * self._unit
        rows_at_once = max(1, (self._most // 2) // in_a_row)
        near = self._count_within(apart, rows)
        if near <= rows_at_once:
            return [(0, rows - 1, near * in_a_row)]
        starts = range(0, rows, rows_at_once)
        return [(first, min(first + rows_at_once, rows) - 1, rows_at_once * in_a_row) for first in starts]

    def _count_within(self, step_voxels: float, most: int) -> int:
        return min(most, int(self._reach_voxels / step_voxels) + 1) if step_voxels * most > self._reach_voxels else most

    def room_for_half(self) -> int:
        """The most weight that make_room() may be asked for."""
        return self._most // 2

    def make_room(self, packed: Callable[[], np.ndarray], weight: int) -> np.ndarray | None:
        """Before at most `weight` more is added to any voxel.

        packed  gives the sums, flat uint64; called only when a voxel may be full
        Returns the sums when voxels of them were emptied, else None.
        """
        emptied = None
        if self._heaviest + weight > self._most:
            sums = packed()
            self._heaviest = int(sums.max() >> self._sum_bits)
            if self._heaviest + weight > self._most:
                limit = self._most // 4
                self._empty(sums, np.flatnonzero(sums > (np.uint64(limit) << self._sum_bits)))
                self._heaviest, emptied = limit, sums
        self._heaviest += weight
        return emptied

    def _empty(self, packed: np.ndarray, heavy: np.ndarray) -> None:
        indices = np.union1d(self._indices, heavy)
        weights, sums = np.zeros((2, indices.size), dtype=np.uint64)
        before, now = np.searchsorted(indices, self._indices), np.searchsorted(indices, heavy)
        weights[before], sums[before] = self._weights, self._sums
        weights[now] += packed[heavy] >> self._sum_bits
        sums[now] += packed[heavy] & self._lower
        packed[heavy] = 0
        self._indices, self._weights, self._sums = indices, weights, sums

    def put_means(self, packed: np.ndarray, values: np.ndarray, seen: np.ndarray) -> None:
        """Write the means of all voxels that were ever emptied, rounded half up, into flat arrays of the volume."""
        at = self._indices
        weights = self._weights + (packed[at] >> self._sum_bits)
        sums = self._sums + (packed[at] & self._lower)
        values[at] = (sums + (weights >> np.uint64(1))) // weights
        seen[at] = 1

    def grow(self, shape: tuple[int, int, int], before: ArrayLike, grown: tuple[int, int, int]) -> None:
        """The volume (k, j, i) has become `grown`, with so many voxels more before i, j, k."""
        places = np.unravel_index(self._indices, shape)
        moved = tuple(place + int(b) for place, b in zip(places, np.asarray(before)[::-1]))
        self._indices = np.asarray(np.ravel_multi_index(moved, grown), dtype=np.int64)
