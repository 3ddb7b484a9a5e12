"""Borders and folds of what a camera sees, and lines without steps, compiled."""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled


@compiled
def mark_border(border: np.ndarray, seen: np.ndarray, width_px: int) -> None:
    """Set in `border` (v, u) boolean what of `seen` (v, u) lies within width_px, by steps along rows and columns, of
    what is not seen; the picture's border is no border of it.
    """
    height, width = seen.shape
    for v in range(height):
        for u in range(width):
            if seen[v, u]:
                continue
            # What lies farther from all that is seen borders on nothing.
            if not (
                (v > 0 and seen[v - 1, u]) or (v + 1 < height and seen[v + 1, u])
                or (u > 0 and seen[v, u - 1]) or (u + 1 < width and seen[v, u + 1])
            ):  # fmt: skip
                continue
            for down in range(-width_px, width_px + 1):
                aside = width_px - abs(down)
                if 0 <= v + down < height:
                    for there in range(max(0, u - aside), min(width, u + aside + 1)):
                        border[v + down, there] |= seen[v + down, there]


@compiled
def mark_folds(folds: np.ndarray, depth: np.ndarray, step_mm: float) -> None:
    """Set in `folds` (v, u) boolean where a surface at `depth` (v, u) mm, infinite where it is not, has a part of
    itself beside it that lies deeper by more than step_mm.
    """
    height, width = depth.shape
    for v in range(height):
        for u in range(width):
            if not depth[v, u] < math.inf:
                continue
            for row in range(max(0, v - 1), min(height, v + 2)):
                for column in range(max(0, u - 1), min(width, u + 2)):
                    if depth[row, column] < math.inf and depth[row, column] - depth[v, u] > step_mm:
                        folds[v, u] = True


@compiled
def soften(softened: np.ndarray, line: np.ndarray, weights: np.ndarray) -> None:
    """Add to `softened` (v, u) float32 `line` (v, u) boolean, spread by weights (k, k); the picture goes on beyond its
    border as its mirror image.
    """
    height, width = line.shape
    reach = weights.shape[0] // 2
    for v in range(-reach, height + reach):
        row = -1 - v if v < 0 else (2 * height - 1 - v if v >= height else v)
        for u in range(-reach, width + reach):
            column = -1 - u if u < 0 else (2 * width - 1 - u if u >= width else u)
            if not line[row, column]:
                continue
            for down in range(max(0, v - reach), min(height, v + reach + 1)):
                for aside in range(max(0, u - reach), min(width, u + reach + 1)):
                    softened[down, aside] += weights[down - v + reach, aside - u + reach]
