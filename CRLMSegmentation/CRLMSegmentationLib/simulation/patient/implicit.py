"""Shapes as functions of a point that are negative inside, nearly a distance in mm, and blend smoothly.

Only additions, multiplications, divisions and square roots, which every processor rounds alike: the same seed gives the
same bytes on any machine and number of threads. Ellipsoids and blends follow Quilez (iquilezles.org, "ellipsoid SDF",
"smooth minimum", polynomial).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ...compilation.jit import compiled

# A row of an ellipsoid: center (3), semi-axes (3), its axes as rows of a rotation (9); mm.
ELLIPSOID_NUMBERS = 15


def ellipsoid(center: ArrayLike, radii: ArrayLike, axes: ArrayLike | None = None) -> np.ndarray:
    """(15,) float64, the row of an ellipsoid around `center` (3,), with semi-axes `radii` (3,) along the rows of `axes`
    (3, 3), in mm.
    """
    axes = np.eye(3) if axes is None else np.asarray(axes, dtype=np.float64)
    return np.concatenate([np.asarray(center, dtype=np.float64), np.asarray(radii, dtype=np.float64), axes.ravel()])


def turned(axis: int, tangent_of_half: float) -> np.ndarray:
    """(3, 3) rotation about a coordinate axis by the angle whose half has that tangent: no sine, so no rounding that
    differs between machines.
    """
    t = tangent_of_half
    cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    matrix = np.eye(3)
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    matrix[i, i] = matrix[j, j] = cosine
    matrix[i, j], matrix[j, i] = -sine, sine
    return matrix


def reach_along(row: np.ndarray, direction: np.ndarray) -> float:
    """How far an ellipsoid reaches from its center along a unit direction (3,), in mm."""
    axes = row[6:].reshape(3, 3)
    along = [float(row[3 + a]) * float((axes[a] * direction).sum()) for a in range(3)]
    return math.sqrt(along[0] * along[0] + along[1] * along[1] + along[2] * along[2])


@compiled
def outside_ellipsoid(row: np.ndarray, x: float, y: float, z: float) -> float:
    """How far (x, y, z) lies outside of an ellipsoid, in mm; negative inside. Exact on the surface."""
    dx, dy, dz = x - row[0], y - row[1], z - row[2]
    first = second = 0.0
    for a in range(3):
        along = dx * row[6 + 3 * a] + dy * row[7 + 3 * a] + dz * row[8 + 3 * a]
        scaled = along / row[3 + a]
        first += scaled * scaled
        scaled /= row[3 + a]
        second += scaled * scaled
    first, second = math.sqrt(first), math.sqrt(second)
    return first * (first - 1.0) / max(second, 1e-9)


def outside_ellipsoid_of(row: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) float64: how far `points` (n, 3) lie outside of an ellipsoid, in mm; negative inside."""
    outside = np.empty(len(points))
    _fill_outside(outside, row, np.ascontiguousarray(points, dtype=np.float64))
    return outside


@compiled
def _fill_outside(outside: np.ndarray, row: np.ndarray, points: np.ndarray) -> None:
    for n in range(points.shape[0]):
        outside[n] = outside_ellipsoid(row, points[n, 0], points[n, 1], points[n, 2])


@compiled
def joined(one: float, other: float, width: float) -> float:
    """Inside of either: the smaller one, smooth over `width` mm where both are near."""
    h = max(width - abs(one - other), 0.0)
    return min(one, other) - h * h / (4.0 * width)


@compiled
def common(one: float, other: float, width: float) -> float:
    """Inside of both: the larger one, smooth over `width` mm where both are near."""
    h = max(width - abs(one - other), 0.0)
    return max(one, other) + h * h / (4.0 * width)
