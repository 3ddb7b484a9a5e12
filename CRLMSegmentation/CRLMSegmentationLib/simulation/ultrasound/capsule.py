"""Where the probe stands on a patient's liver, and how it moves over the capsule.

The probe's own frame of a sweep is that of motion.py: x along the array, y along the sweep, z into the liver, its
origin on the capsule.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from .motion import ProbeMotion, rigid

_STEP_MM, _REACH_MM, _HALF_ARRAY_MM, _SEARCH_MM = 2.0, 90.0, 10.0, 32.0
# The rigid face does not follow what is finer than this, and is not tilted further.
_SMOOTH_MM, _STEEPEST = 8.0, 0.6


class Outside(Protocol):
    """How far points (n, 3) of the probe's frame lie outside of the liver, (n,) mm; negative inside."""

    def __call__(self, points: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Capsule:
    """The capsule under the probe, as the rigid face meets it: z = height + slope x at each place y of the sweep.

    along_mm, height_mm, slope  (n,) float64
    missing                     share of the places at which there is no liver under the face
    """

    along_mm: np.ndarray
    height_mm: np.ndarray
    slope: np.ndarray
    missing: float

    def depth_of(self, x_mm: ArrayLike, y_mm: ArrayLike) -> np.ndarray:
        """z of the capsule at (x, y), mm."""
        x, y = np.asarray(x_mm, dtype=np.float64), np.asarray(y_mm, dtype=np.float64)
        height = np.interp(y, self.along_mm, self.height_mm)
        depth: np.ndarray = height + np.interp(y, self.along_mm, self.slope) * x
        return depth


def capsule_under_probe(outside: Outside, half_travel_mm: float) -> Capsule:
    """The capsule within reach of a sweep. `half_travel_mm`: how far from the origin it matters whether it is there."""
    along = np.arange(-_REACH_MM, _REACH_MM + 1, _STEP_MM)
    across = np.array([-_HALF_ARRAY_MM, 0.0, _HALF_ARRAY_MM])
    depths = np.arange(-_SEARCH_MM, _SEARCH_MM + 1)
    y, x, z = np.meshgrid(along, across, depths, indexing="ij")
    values = outside(np.stack([x, y, z], axis=-1).reshape(-1, 3)).reshape(x.shape)
    height, found = np.zeros(x.shape[:2]), np.zeros(x.shape[:2], dtype=bool)
    middle = len(along) // 2
    for column in range(3):
        for places in (range(middle, len(along)), range(middle, -1, -1)):
            last = 0.0
            for row in places:
                line = values[row, column]
                enters = np.flatnonzero((line[:-1] > 0) & (line[1:] <= 0))
                if len(enters):
                    exact = depths[enters] + line[enters] / (line[enters] - line[enters + 1])
                    nearest = exact[np.abs(exact - last).argmin()]
                    if abs(nearest - last) < 2 * _STEEPEST * _STEP_MM + (8.0 if row == middle else 0.0):
                        last, found[row, column] = float(nearest), True
                height[row, column] = last
    smooth = ndimage.gaussian_filter1d(height, _SMOOTH_MM / _STEP_MM, axis=0, mode="nearest")
    matters = np.abs(along) <= half_travel_mm
    return Capsule(
        along,
        smooth @ np.array([0.25, 0.5, 0.25]),
        np.clip((smooth[:, 2] - smooth[:, 0]) / (2 * _HALF_ARRAY_MM), -_STEEPEST, _STEEPEST),
        float(1 - found[matters].mean()),
    )


@dataclass(frozen=True, eq=False)
class CapsuleMotion(ProbeMotion):
    """A motion that was drawn for a flat surface, laid on a capsule: the face follows its height and its slopes."""

    capsule: Capsule

    @classmethod
    def laid_on(cls, flat: ProbeMotion, capsule: Capsule) -> CapsuleMotion:
        return cls(**{one.name: getattr(flat, one.name) for one in fields(ProbeMotion)}, capsule=capsule)

    def face_to_liver(self, moment: np.ndarray) -> np.ndarray:
        """(..., 4, 4) from the probe's imaging frame to the sweep's frame."""
        flat = super().face_to_liver(moment)
        x, y, push = (flat[..., axis, 3] for axis in range(3))
        uphill = (self.capsule.depth_of(x, y + 1.0) - self.capsule.depth_of(x, y - 1.0)) / 2
        uphill = np.clip(uphill, -_STEEPEST, _STEEPEST)
        sideways = np.interp(y, self.capsule.along_mm, self.capsule.slope)
        into = np.stack([-sideways, -uphill, np.ones_like(uphill)], axis=-1)
        into /= np.linalg.norm(into, axis=-1, keepdims=True)
        ahead = np.stack([np.zeros_like(uphill), np.ones_like(uphill), uphill], axis=-1)
        ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
        turn = np.stack([np.cross(ahead, into), ahead, into], axis=-1)
        on_capsule = np.stack([x, y, self.capsule.depth_of(x, y)], axis=-1)
        return np.round(rigid(turn @ flat[..., :3, :3], on_capsule + push[..., None] * into), 9)
