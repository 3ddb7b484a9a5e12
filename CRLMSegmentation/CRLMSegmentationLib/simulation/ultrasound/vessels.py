"""Hepatic and portal vessel trees as tapered tubes.

Bifurcations follow Murray's law, r0^3 = r1^3 + r2^3 (Murray, Proc. Natl. Acad. Sci. 12, 1926); branches bend a
little at every step.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

STEP_MM = 3.0
THINNEST_MM = 0.55
MOST_SEGMENTS = 500


def _turned(rng: np.random.Generator, direction: np.ndarray, angle_rad: float) -> np.ndarray:
    """`direction` turned by `angle_rad` about a random perpendicular axis."""
    sideways = rng.standard_normal(3)
    sideways -= direction * (sideways * direction).sum()
    sideways /= math.sqrt((sideways**2).sum())
    turned = direction * math.cos(angle_rad) + sideways * math.sin(angle_rad)
    return turned / math.sqrt((turned**2).sum())


def draw_tree(
    rng: np.random.Generator,
    start: ArrayLike,
    direction: ArrayLike,
    radius_mm: float,
    lower: np.ndarray,
    upper: np.ndarray,
) -> np.ndarray:
    """(n, 8) segments of one tree: start xyz, end xyz, start radius, end radius, in mm.

    start, direction  (3,) root and unit direction of the trunk
    lower, upper      (3,) branches end where they leave this box
    """
    segments: list[np.ndarray] = []
    waiting = [(np.asarray(start, dtype=np.float64), np.asarray(direction, dtype=np.float64), radius_mm)]
    while waiting and len(segments) < MOST_SEGMENTS:
        position, heading, radius = waiting.pop(0)
        left = False
        for _ in range(max(2, int(round(rng.uniform(3.5, 7.0) * radius / STEP_MM)) + 2)):
            heading = _turned(rng, heading, abs(rng.normal(0, 0.13)))
            end, end_radius = position + heading * STEP_MM, radius * 0.985
            segments.append(np.concatenate([position, end, [radius, end_radius]]))
            position, radius = end, end_radius
            left = bool((position < lower - 8).any() or (position > upper + 8).any())
            if left:
                break
        if left:
            continue
        share = rng.uniform(0.25, 0.6)
        small, large = radius * share ** (1 / 3), radius * (1 - share) ** (1 / 3)
        for child, angle in ((large, rng.uniform(0.15, 0.45)), (small, rng.uniform(0.45, 1.0))):
            if child > THINNEST_MM:
                waiting.append((position, _turned(rng, heading, angle), child))
    return np.array(segments).reshape(-1, 8)


def draw_trees(rng: np.random.Generator, count: int, lower: ArrayLike, upper: ArrayLike) -> np.ndarray:
    """(n, 8) segments of `count` trees whose trunks enter the box lower..upper from its sides or from below."""
    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    trees = []
    for _ in range(count):
        share = rng.uniform(0.15, 0.85, 3)
        start = lower + share * (upper - lower)
        side = int(rng.integers(0, 5))
        start[2] = max(start[2], lower[2] + 0.3 * (upper[2] - lower[2]))
        axis, at_end = ((0, 0), (0, 1), (1, 0), (1, 1), (2, 1))[side]
        start[axis] = upper[axis] + 4 if at_end else lower[axis] - 4
        aim = lower + rng.uniform(0.25, 0.75, 3) * (upper - lower)
        heading = aim - start
        heading /= math.sqrt((heading**2).sum())
        trees.append(draw_tree(rng, start, heading, rng.uniform(2.2, 4.5), lower, upper))
    return np.concatenate(trees) if trees else np.zeros((0, 8))
