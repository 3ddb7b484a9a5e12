"""A volume that has become larger: its voxels stay where they are in space."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np


def padded(
    array: np.ndarray, before: np.ndarray, after: np.ndarray, occupied: tuple[slice, slice, slice] | None = None
) -> np.ndarray:
    """A larger copy of `array` (k, j, i), with so many zeros before and after along i, j, k. Untouched memory stays so.

    occupied  slices (k, j, i) of `array` outside which all is zero: only they are copied; None for all of it
    """
    shape = [size + int(b) + int(a) for size, b, a in zip(array.shape, before[::-1], after[::-1])]
    larger = np.zeros(shape, array.dtype)
    places = occupied or tuple(slice(0, size) for size in array.shape)
    moved = tuple(slice(part.start + int(b), part.stop + int(b)) for part, b in zip(places, before[::-1]))
    source, target = array[places], larger[moved]
    edges = np.linspace(0, len(source), 5).astype(int).tolist() if source.nbytes > 1 << 24 else [0, len(source)]

    def copy(first: int, end: int) -> None:
        target[first:end] = source[first:end]

    with ThreadPoolExecutor(len(edges) - 1) as pool:
        list(pool.map(copy, edges[:-1], edges[1:]))
    return larger
