"""What becomes of the segments of a row (segments.py), one function for each way of compounding.

They all give what nearest.py gives pixel by pixel: in a row no voxel has two segments, as each axis runs one way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...compilation.jit import inlined
from .arithmetic import RECURSIVE_AFTER

_ONE = np.uint64(1)


@inlined
def latest_of_segments(
    line: np.ndarray, starts: np.ndarray, places: np.ndarray, number: int, volume: np.ndarray, hits: np.ndarray
) -> None:
    """The last pixel of each segment. `line` holds the pixels of the row."""
    for n in range(number):
        volume[places[n]] = line[np.uint64(starts[n + _ONE]) - _ONE]
        hits[places[n]] = 1


@inlined
def maximum_of_segments(
    line: np.ndarray, starts: np.ndarray, places: np.ndarray, number: int, volume: np.ndarray, hits: np.ndarray
) -> None:
    """The brightest pixel."""
    for n in range(number):
        value = volume[places[n]]
        for column in range(np.uint64(starts[n]), np.uint64(starts[n + _ONE])):
            pixel = line[column]
            if pixel > value:
                value = pixel
        volume[places[n]] = value
        hits[places[n]] = 1


@inlined
def packed_sum_of_segments(
    line: np.ndarray,
    starts: np.ndarray,
    places: np.ndarray,
    number: int,
    before: np.ndarray,
    one_weight: int,
    sums: np.ndarray,
) -> None:
    """Number and sum of the pixels. `before`, int64 with one element more than `line`, is written over."""
    first, end = np.uint64(starts[np.uint64(0)]), np.uint64(starts[number])
    total = np.int64(0)
    for column in range(first, end):
        before[column] = total
        total += np.int64(line[column])
    before[end] = total
    for n in range(number):
        column, following = np.uint64(starts[n]), np.uint64(starts[n + _ONE])
        sums[places[n]] += np.uint64(before[following] - before[column] + np.int64(following - column) * one_weight)


@inlined
def plain_sum_of_segments(
    line: np.ndarray, starts: np.ndarray, places: np.ndarray, number: int, sums: np.ndarray, hits: np.ndarray
) -> None:
    """Sum in doubles and number of the pixels."""
    for n in range(number):
        total = 0.0
        for column in range(np.uint64(starts[n]), np.uint64(starts[n + _ONE])):
            total += line[column]
        sums[places[n]] += total
        hits[places[n]] += starts[n + _ONE] - starts[n]


def running_mean_of_segments(running_mean: Callable[..., float]) -> Callable[..., None]:
    """One of IGSIO's means, of arithmetic.py; compiled for that one, so that values keep its type."""

    @inlined
    def of_segments(
        line: np.ndarray, starts: np.ndarray, places: np.ndarray, number: int, volume: np.ndarray, hits: np.ndarray
    ) -> None:
        for n in range(number):
            value = volume[places[n]]
            count = np.int64(hits[places[n]])
            for column in range(np.uint64(starts[n]), np.uint64(starts[n + _ONE])):
                value = running_mean(value, count, line[column])
                if count < RECURSIVE_AFTER:
                    count += 1
            volume[places[n]] = value
            hits[places[n]] = count

    return of_segments
