"""Sample frames of a case on one page, for people to judge."""

from __future__ import annotations

import numpy as np

from ...geometry import transform_points
from .case import SimulatedCase


def contact_sheet(case: SimulatedCase, columns: int = 4, rows: int = 2, outline: bool = False) -> np.ndarray:
    """(height, width) uint8 with `columns` x `rows` frames spread over the sweep.

    outline  draw the border of the true tumor, cut by each frame's measured plane, in white; not where
             the pose was lost
    """
    numbers = np.linspace(0, len(case.sweep) - 1, columns * rows).round().astype(int)
    tiles = []
    for number in numbers:
        frame = case.sweep.frames[number]
        tile = frame.pixels.copy()
        if outline and frame.valid:
            tile[_border(tumor_in_frame(case, number))] = 255
        tiles.append(tile)
    return np.concatenate([np.concatenate(tiles[r * columns : (r + 1) * columns], axis=1) for r in range(rows)])


def tumor_in_frame(case: SimulatedCase, number: int) -> np.ndarray:
    """(v, u) boolean: the pixels of frame `number` that its measured pose puts inside the true tumor."""
    frame = case.sweep.frames[number]
    width, height = frame.image_size
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([u, v, np.zeros_like(u)], axis=-1)
    index = transform_points(case.tumor.ras_to_ijk @ frame.image_to_reference, pixels)
    index = np.floor(index + 0.5).astype(int)
    inside = ((index >= 0) & (index < np.array(case.tumor.dimensions))).all(axis=-1)
    found = np.zeros(inside.shape, dtype=bool)
    i, j, k = index[inside].T
    found[inside] = case.tumor.voxels[k, j, i] > 0
    return found


def _border(mask: np.ndarray) -> np.ndarray:
    """True on the pixels of `mask` that touch a pixel outside it."""
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    result: np.ndarray = mask & ~inner
    return result
