"""An irregular closed surface around a center: the shape of lesions in ultrasound and in a whole patient.

The surface is a star-shaped perturbed ellipsoid, r(n) = R e(n) (1 + sum_k a_k P_l(n . d_k)), with Legendre polynomials
P_2..P_4 about random directions d_k, scaled so that the enclosed volume is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np


@lru_cache(maxsize=8)
def sphere_directions(count: int) -> np.ndarray:
    """(count, 3) unit vectors spread evenly over the sphere (Fibonacci lattice): equal solid angle each."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    azimuth = math.pi * (1 + 5**0.5) * index
    ring = np.sqrt(1 - z * z)
    directions = np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), z], axis=1)
    directions.flags.writeable = False
    return directions


@dataclass(frozen=True, eq=False)
class LesionShape:
    """A star-shaped surface about the origin, in mm along the liver's axes.

    axes             (3, 3) rows are the ellipsoid's directions
    semi_axes_mm     (3,)
    bump_directions  (m, 3) unit vectors;  bump_orders (m,) 2 to 4;  bump_heights (m,)
    """

    axes: np.ndarray
    semi_axes_mm: np.ndarray
    bump_directions: np.ndarray
    bump_orders: np.ndarray
    bump_heights: np.ndarray

    def radius_mm(self, directions: np.ndarray) -> np.ndarray:
        """(...) distance of the surface from the center along unit `directions` (..., 3)."""
        along = directions @ self.axes.T / self.semi_axes_mm
        ellipsoid = 1 / np.sqrt((along**2).sum(axis=-1))
        c = directions @ self.bump_directions.T
        square = c * c
        legendre = np.empty_like(c)
        two, three, four = (self.bump_orders == order for order in (2, 3, 4))
        legendre[..., two] = 1.5 * square[..., two] - 0.5
        legendre[..., three] = (2.5 * square[..., three] - 1.5) * c[..., three]
        legendre[..., four] = (4.375 * square[..., four] - 3.75) * square[..., four] + 0.375
        result: np.ndarray = ellipsoid * (1 + legendre @ self.bump_heights)
        return result

    def radial_distance_mm(self, points: np.ndarray) -> np.ndarray:
        """(...) how far `points` (..., 3), relative to the center, lie outside the surface; negative inside."""
        length = np.sqrt((points**2).sum(axis=-1))
        directions = points / np.maximum(length, 1e-9)[..., None]
        result: np.ndarray = length - self.radius_mm(directions)
        return result

    def volume_ml(self) -> float:
        return self._volume_ml

    @cached_property
    def _volume_ml(self) -> float:
        return float((self.radius_mm(sphere_directions(20000)) ** 3).mean() * 4 / 3 * math.pi / 1000)

    def longest_diameter_mm(self) -> float:
        directions = sphere_directions(2000)
        return float((self.radius_mm(directions) + self.radius_mm(-directions)).max())

    def largest_radius_mm(self) -> float:
        return float(self.radius_mm(sphere_directions(2000)).max())

    def smallest_radius_mm(self) -> float:
        return float(self.radius_mm(sphere_directions(2000)).min())


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) uniformly distributed rotation, from a random unit quaternion."""
    q = rng.standard_normal(4)
    w, x, y, z = q / math.sqrt((q**2).sum())
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
