"""How the liver lies in the operation compared with the CT before it: a smooth field that is known everywhere.

A sum of smooth pushes, each a vector that fades to 0 at some distance: breathing and position move the whole liver, the
gas of the pneumoperitoneum presses its front back, the surgeon's hand lifts a part of it. Together they are gentle
enough (the field's slope stays below 0.7) for the map to be invertible by fixed-point iteration (Banach). Published
shifts: 5 to 25 mm at the surface (Zijlmans et al., Surg Endosc 2012; Heizmann et al., World J Surg 2010).

Only sums, products and quotients, so that every processor rounds alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...compilation.jit import compiled
from ...errors import GeometryError

LEAST_MM, MOST_MM = 5.0, 25.0
# A push of 1 mm over 1 mm has nowhere a steeper slope than this: 6 t (1 - t t)^2 at t = 1 / sqrt(5).
_STEEPEST = 1.7174
_STEEPEST_SUM = 0.7
_STEPS, _SOLVED_MM = 60, 1e-6


@dataclass(frozen=True, eq=False)
class Deformation:
    """Where each point of the CT lies in the operation, both in the patient's frame, RAS mm.

    pushes  (n, 7) float64: center (3), reach, and the displacement (3) at the center; mm

    Raises GeometryError when the pushes together are too steep to be surely invertible.
    """

    pushes: np.ndarray

    def __post_init__(self) -> None:
        pushes = np.array(self.pushes, dtype=np.float64).reshape(-1, 7)
        if not np.isfinite(pushes).all() or (pushes[:, 3] <= 0).any():
            raise GeometryError("The pushes of a deformation are finite numbers with a reach greater than 0.")
        slope = float((np.sqrt((pushes[:, 4:] ** 2).sum(axis=1)) / pushes[:, 3]).sum() * _STEEPEST)
        if slope > _STEEPEST_SUM:
            raise GeometryError(f"A deformation with a slope of up to {slope:.2f} may fold: at most {_STEEPEST_SUM}.")
        pushes.setflags(write=False)
        object.__setattr__(self, "pushes", pushes)

    def displacements_mm(self, points_ras: ArrayLike) -> np.ndarray:
        """(..., 3) how far the `points_ras` (..., 3) of the CT are moved."""
        moved: np.ndarray = self.to_operation(points_ras) - np.asarray(points_ras, dtype=np.float64)
        return moved

    def to_operation(self, points_ras: ArrayLike) -> np.ndarray:
        """(..., 3) where `points_ras` (..., 3) of the CT lie in the operation."""
        points = np.ascontiguousarray(points_ras, dtype=np.float64)
        moved = np.empty((points.size // 3, 3))
        _move(moved, points.reshape(-1, 3), self.pushes)
        return moved.reshape(points.shape)

    def to_ct(self, points_ras: ArrayLike) -> np.ndarray:
        """(..., 3) which points of the CT lie at `points_ras` (..., 3) of the operation: the inverse, to 0.00001 mm."""
        points = np.ascontiguousarray(points_ras, dtype=np.float64)
        found = np.empty((points.size // 3, 3))
        _move_back(found, points.reshape(-1, 3), self.pushes)
        return found.reshape(points.shape)

    def field(self, lower_ras: ArrayLike, upper_ras: ArrayLike, step_mm: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
        """(k, j, i, 3) float32 displacements, mm along R, A, S, and the (4, 4) ijk_to_ras of a grid that covers the
        box of the CT from `lower_ras` to `upper_ras`; between its points, 4 mm apart, linear interpolation is good to
        0.1 mm.
        """
        lower, upper = np.asarray(lower_ras, dtype=np.float64), np.asarray(upper_ras, dtype=np.float64)
        count = np.ceil((upper - lower) / step_mm).astype(int) + 1
        axes = [lower[axis] + np.arange(count[axis]) * step_mm for axis in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        matrix = np.diag([step_mm, step_mm, step_mm, 1.0])
        matrix[:3, 3] = lower
        return self.displacements_mm(np.stack([x, y, z], axis=-1)).astype(np.float32), matrix


def draw_deformation(rng: np.random.Generator, surface_ras: np.ndarray, ridge_ras: np.ndarray) -> Deformation:
    """A deformation that moves the liver's surface (n, 3), RAS mm, by 5 to 25 mm: on average by at least 5, nowhere
    by more than 25. The hand takes hold at the ridge (m, 3).
    """
    lower, upper = surface_ras.min(axis=0), surface_ras.max(axis=0)
    middle = (lower + upper) / 2

    def somewhere(lowest: float | list[float], highest: float | list[float]) -> np.ndarray:
        drawn: np.ndarray = rng.uniform(np.array(lowest), np.array(highest), 3)
        return drawn

    direction = 1.0 if rng.uniform() < 0.5 else -1.0
    breathing = direction * somewhere([-1.0, 0.5, 5.0], [1.0, 3.0, 11.0])
    position = somewhere([-7.0, -3.0, -3.0], [1.0, 3.0, 3.0])
    in_front = np.array([middle[0], upper[1], middle[2]]) + somewhere(-25.0, 25.0)
    gas = somewhere([-2.0, -9.0, -3.0], [2.0, -4.0, 3.0])
    held = ridge_ras[int(rng.integers(len(ridge_ras) // 5, 4 * len(ridge_ras) // 5))]
    hand = somewhere([-4.0, 1.0, 3.0], [4.0, 6.0, 8.0])
    pushes = np.array([
        [*middle, rng.uniform(330, 420), *breathing],
        [*middle + somewhere(-30.0, 30.0), rng.uniform(250, 330), *position],
        [*in_front, rng.uniform(140, 190), *gas],
        [*held, rng.uniform(75, 110), *hand],
    ])  # fmt: skip
    largest = rng.uniform(14.0, 23.0)
    for _ in range(4):
        length = np.sqrt((Deformation(pushes).displacements_mm(surface_ras) ** 2).sum(axis=1))
        scale = max(largest / length.max(), 1.1 * LEAST_MM / length.mean())
        scale = min(scale, 0.98 * MOST_MM / length.max(), _largest_scale(pushes))
        pushes[:, 4:] *= round(float(scale), 6)
    return Deformation(np.round(pushes, 6))


def _largest_scale(pushes: np.ndarray) -> float:
    slopes = np.sqrt((pushes[:, 4:] ** 2).sum(axis=1)) / pushes[:, 3]
    return float(0.98 * _STEEPEST_SUM / (_STEEPEST * slopes.sum()))


@compiled
def _displacement(x: float, y: float, z: float, pushes: np.ndarray) -> tuple[float, float, float]:
    """At a point of the CT: the sum of push (1 - (distance / reach)^2)^3 within each push's reach."""
    u = v = w = 0.0
    for n in range(pushes.shape[0]):
        dx, dy, dz = x - pushes[n, 0], y - pushes[n, 1], z - pushes[n, 2]
        left = 1.0 - (dx * dx + dy * dy + dz * dz) / (pushes[n, 3] * pushes[n, 3])
        if left > 0.0:
            weight = left * left * left
            u += weight * pushes[n, 4]
            v += weight * pushes[n, 5]
            w += weight * pushes[n, 6]
    return u, v, w


@compiled
def _move(moved: np.ndarray, points: np.ndarray, pushes: np.ndarray) -> None:
    for n in range(points.shape[0]):
        u, v, w = _displacement(points[n, 0], points[n, 1], points[n, 2], pushes)
        moved[n, 0], moved[n, 1], moved[n, 2] = points[n, 0] + u, points[n, 1] + v, points[n, 2] + w


@compiled
def _move_back(found: np.ndarray, points: np.ndarray, pushes: np.ndarray) -> None:
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        for _ in range(_STEPS):
            u, v, w = _displacement(x, y, z, pushes)
            new_x, new_y, new_z = points[n, 0] - u, points[n, 1] - v, points[n, 2] - w
            off = abs(new_x - x) + abs(new_y - y) + abs(new_z - z)
            x, y, z = new_x, new_y, new_z
            if off < _SOLVED_MM:
                break
        found[n, 0], found[n, 1], found[n, 2] = x, y, z
