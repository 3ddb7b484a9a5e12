"""How the patient lies on another table: breathing moves the liver a little, then everything is turned and shifted.

Used between the dates of a follow-up and between CT and MR. Liver positions of repeated breath-holds differ by some
millimetres (Dawson et al., Int J Radiat Oncol Biol Phys 51, 2001: 2.5 to 4.4 mm; more between inspiration and
expiration).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from ...geometry import transform_points
from .deformation import Deformation
from .implicit import turned


@dataclass(frozen=True, eq=False)
class Posture:
    """From where things lie in one acquisition to where they lie in another, both RAS mm.

    breathing  the smooth part, which comes first
    rigid      (4, 4), which follows
    """

    breathing: Deformation
    rigid: np.ndarray

    def there(self, points_ras: ArrayLike) -> np.ndarray:
        """(..., 3) where `points_ras` (..., 3) lie in the other acquisition."""
        return _turned_and_shifted(self.breathing.to_operation(points_ras), self.rotation, self.rigid[:3, 3])

    def back(self, points_ras: ArrayLike) -> np.ndarray:
        """(..., 3) which points lie at `points_ras` (..., 3) of the other acquisition: the inverse, to 0.00001 mm."""
        shift = self.rigid[:3, 3]
        return self.breathing.to_ct(_turned_and_shifted(np.asarray(points_ras) - shift, self.rotation.T, np.zeros(3)))

    def turned(self, directions: np.ndarray) -> np.ndarray:
        """(..., 3) `directions` (..., 3) turned by the rigid part, rounded to a billionth."""
        return np.round(_turned_and_shifted(directions, self.rotation, np.zeros(3)), 9)

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) of the rigid part."""
        return self.rigid[:3, :3]

    def field(self, lower_ras: ArrayLike, upper_ras: ArrayLike, step_mm: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
        """(k, j, i, 3) float32 displacements, mm along R, A, S, and the (4, 4) ijk_to_ras of a grid over the box of the
        first acquisition from `lower_ras` to `upper_ras`.
        """
        displacements, matrix = self.breathing.field(lower_ras, upper_ras, step_mm)
        k, j, i = np.indices(displacements.shape[:3])
        points = transform_points(matrix, np.stack([i, j, k], axis=-1))
        return (self.there(points) - points).astype(np.float32), matrix


class Carrier(Protocol):
    """What says where points (..., 3), RAS mm, lie there, and which points lie there."""

    def there(self, points_ras: ArrayLike) -> np.ndarray: ...
    def back(self, points_ras: ArrayLike) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class OneAfterAnother:
    """Two postures: the first, then the second."""

    first: Carrier
    second: Carrier

    def there(self, points_ras: ArrayLike) -> np.ndarray:
        return self.second.there(self.first.there(points_ras))

    def back(self, points_ras: ArrayLike) -> np.ndarray:
        return self.first.back(self.second.back(points_ras))


def draw_posture(
    rng: np.random.Generator,
    lower_ras: np.ndarray,
    upper_ras: np.ndarray,
    *,
    shift_mm: float,
    turn_deg: float,
    breathing_mm: float,
) -> Posture:
    """A posture for a liver between the corners `lower_ras` and `upper_ras` (3,) RAS mm.

    shift_mm, turn_deg  length and angle of the rigid part, at most
    breathing_mm        displacement of the smooth part in the middle of the liver, along the body, at most; 0: none
    """
    middle = (np.asarray(lower_ras, dtype=np.float64) + upper_ras) / 2
    half = np.array([math.tan(math.radians(turn_deg / 2)) / math.sqrt(3)] * 3) * rng.uniform(-1, 1, 3)
    rotation = turned(2, round(half[2], 6)) @ turned(1, round(half[1], 6)) @ turned(0, round(half[0], 6))
    shift = shift_mm / math.sqrt(3) * rng.uniform(-1, 1, 3)
    rigid = np.eye(4)
    rigid[:3, :3] = rotation
    rigid[:3, 3] = middle + shift - (rotation * middle).sum(axis=1)
    down, aside = breathing_mm * rng.uniform(0.35, 0.85) * rng.choice([-1.0, 1.0]), 0.15 * breathing_mm
    places = middle + rng.uniform(-35, 35, (2, 3))
    pushes = np.array([
        [*places[0], rng.uniform(230, 320), *rng.uniform(-aside, aside, 2), down],
        [*places[1], rng.uniform(120, 160), *rng.uniform(-aside, aside, 2), 0.15 * breathing_mm * rng.uniform(-1, 1)],
    ])  # fmt: skip
    return Posture(Deformation(np.round(pushes, 6)), np.round(rigid, 12))


def _turned_and_shifted(points: ArrayLike, rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(..., 3), worked out in one order on every machine, unlike a product of matrices."""
    x, y, z = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
    return np.stack(
        [rotation[n, 0] * x + rotation[n, 1] * y + rotation[n, 2] * z + shift[n] for n in range(3)], axis=-1
    )
