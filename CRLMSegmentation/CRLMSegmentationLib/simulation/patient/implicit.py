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
def outside_along(row: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray, outside: np.ndarray) -> None:
    """Write into `outside` (n,) how far the places x, y, z (n,) lie outside of an ellipsoid, in mm; negative inside.
    Exact on the surface.
    """
    px, py, pz, ra, rb, rc = row[0], row[1], row[2], row[3], row[4], row[5]
    ax, ay, az, bx, by, bz, cx, cy, cz = row[6], row[7], row[8], row[9], row[10], row[11], row[12], row[13], row[14]
    for n in range(len(outside)):
        dx, dy, dz = x[n] - px, y[n] - py, z[n] - pz
        a = (dx * ax + dy * ay + dz * az) / ra
        b = (dx * bx + dy * by + dz * bz) / rb
        c = (dx * cx + dy * cy + dz * cz) / rc
        first = math.sqrt(a * a + b * b + c * c)
        a, b, c = a / ra, b / rb, c / rc
        second = math.sqrt(a * a + b * b + c * c)
        outside[n] = first * (first - 1.0) / max(second, 1e-9)


def outside_ellipsoid_of(row: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) float64: how far `points` (n, 3) lie outside of an ellipsoid, in mm; negative inside."""
    outside = np.empty(len(points))
    x, y, z = np.ascontiguousarray(np.asarray(points, dtype=np.float64).T)
    outside_along(row, x, y, z, outside)
    return outside


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
