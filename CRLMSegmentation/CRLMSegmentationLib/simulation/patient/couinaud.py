"""The eight segments of Couinaud: parted by the planes in which the hepatic veins run and by the height of the portal
fork.

Reference: Couinaud, Le foie: etudes anatomiques et chirurgicales, Masson 1957.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .liver_shape import LiverShape


@dataclass(frozen=True, eq=False)
class Planes:
    """Upright planes through the vena cava, as directions (2,) in x, y seen from it, and heights in mm.

    right   of the right hepatic vein: behind it 6 and 7, in front of it 5 and 8
    middle  Cantlie's line, of the middle hepatic vein and the gallbladder: parts right from left liver
    left    of the fissure: 4 on its right, 2 and 3 on its left
    fork_z  height of the portal fork: 7 and 8 above, 5 and 6 below;  left_z  the same between 2 and 3
    caudate center (3,) and semi-axes (3,) of segment 1
    """

    right: np.ndarray
    middle: np.ndarray
    left: np.ndarray
    fork_z: float
    left_z: float
    caudate: tuple[np.ndarray, np.ndarray]

    def segments(self, points: ArrayLike) -> np.ndarray:
        """(n,) uint8, 1 to 8, for `points` (n, 3) RAS mm in the liver."""
        points = np.asarray(points, dtype=np.float64)
        x, y, z = points[:, 0], points[:, 1], points[:, 2]

        def on_left_of(direction: np.ndarray) -> np.ndarray:  # seen from above
            is_left: np.ndarray = direction[0] * y - direction[1] * x > 0
            return is_left

        behind_right, left_of_middle = ~on_left_of(self.right), on_left_of(self.middle)
        left_of_fissure = on_left_of(self.left)
        upper, upper_left = z > self.fork_z, z > self.left_z
        found = np.where(
            left_of_middle,
            np.where(left_of_fissure, np.where(upper_left, 2, 3), 4),
            np.where(behind_right, np.where(upper, 7, 6), np.where(upper, 8, 5)),
        )
        center, semi_axes = self.caudate
        within = (((points - center) / semi_axes) ** 2).sum(axis=1) < 1
        return np.where(within, 1, found).astype(np.uint8)


def planes_of(shape: LiverShape) -> Planes:
    """The planes of a liver."""
    gallbladder, fissure = shape.center_of("gallbladder"), shape.center_of("fissure")
    middle = _unit(gallbladder[:2])
    # The right hepatic vein runs about midway between Cantlie's plane and the coronal one.
    right = _unit(0.9 * middle + np.array([1.25, -0.05]))
    fork_z = float(shape.center_of("caudate")[2]) - 12.0 * shape.scale
    row = shape.ellipsoids[6]
    return Planes(
        right=right,
        middle=middle,
        left=_unit(fissure[:2]),
        fork_z=fork_z,
        left_z=fork_z + 22.0 * shape.scale,
        caudate=(row[:3] * shape.scale, row[3:6] * shape.scale * 0.95),
    )


def _unit(direction: ArrayLike) -> np.ndarray:
    direction = np.asarray(direction, dtype=np.float64)
    result: np.ndarray = direction / np.sqrt((direction * direction).sum())
    return result
