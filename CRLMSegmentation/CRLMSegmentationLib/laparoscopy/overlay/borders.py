"""Borders and folds of what a camera sees, and lines without steps, compiled."""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled


@compiled
def mark_border(line: np.ndarray, beside: np.ndarray, depth: np.ndarray, line_px: int, beside_px: int) -> None:
    """Set in `line` (v, u) boolean what of a surface at `depth` (v, u) mm, infinite where it is not, lies within
    line_px, by steps along rows and columns, of where it is not, and in `beside` what of it lies within beside_px, a
    larger number; the picture's border is no border of it.
    """
    height, width = depth.shape
    for v in range(height):
        for u in range(width):
            if depth[v, u] < math.inf:
                continue
            # What lies farther from all that is seen borders on nothing.
            if not (
                (v > 0 and depth[v - 1, u] < math.inf) or (v + 1 < height and depth[v + 1, u] < math.inf)
                or (u > 0 and depth[v, u - 1] < math.inf) or (u + 1 < width and depth[v, u + 1] < math.inf)
            ):  # fmt: skip
                continue
            for row in range(max(0, v - beside_px), min(height, v + beside_px + 1)):
                aside = beside_px - abs(row - v)
                for there in range(max(0, u - aside), min(width, u + aside + 1)):
                    is_seen = depth[row, there] < math.inf
                    beside[row, there] |= is_seen
                    line[row, there] |= is_seen and abs(row - v) + abs(there - u) <= line_px


@compiled
def mark_folds(folds: np.ndarray, depth: np.ndarray, step_mm: float) -> None:
    """Set in `folds` (v, u) boolean where a surface at `depth` (v, u) mm, infinite where it is not, has a part of
    itself beside it, also aslant, that lies deeper by more than step_mm.
    """
    height, width = depth.shape
    none = depth.dtype.type(-math.inf)
    # The deepest of three rows, with nothing beside the picture.
    deepest = np.full(width + 2, none, depth.dtype)
    for v in range(height):
        above, here, below = depth[max(0, v - 1)], depth[v], depth[min(height - 1, v + 1)]
        for u in range(width):
            a, b, c = above[u], here[u], below[u]
            a, b, c = a if a < math.inf else none, b if b < math.inf else none, c if c < math.inf else none
            a = max(b, a)
            deepest[u + 1] = max(c, a)
        for u in range(width):
            a, b, c = deepest[u], deepest[u + 1], deepest[u + 2]
            a = max(b, a)
            a = max(c, a)
            folds[v, u] = a - here[u] > step_mm


@compiled
def soften(softened: np.ndarray, line: np.ndarray, weights: np.ndarray) -> None:
    """Add to `softened` (v, u) float32 the pixels of `line` (n,), numbers v * width + u, spread by weights (k, k), the
    same to all sides; the picture goes on beyond its border as its mirror image.
    """
    height, width = softened.shape
    reach = weights.shape[0] // 2
    for number in line:
        v, u = number // width, number % width
        for down in range(-reach, reach + 1):
            row = v + down
            row = -1 - row if row < 0 else (2 * height - 1 - row if row >= height else row)
            for aside in range(-reach, reach + 1):
                column = u + aside
                column = -1 - column if column < 0 else (2 * width - 1 - column if column >= width else column)
                softened[row, column] += weights[down + reach, aside + reach]


@compiled
def strengthen(line: np.ndarray, times: float) -> None:
    """Multiply `line` (n,) float32, and let it be 1 at most."""
    for i in range(line.shape[0]):
        value = np.float32(times) * line[i]
        line[i] = min(np.float32(1), value)
