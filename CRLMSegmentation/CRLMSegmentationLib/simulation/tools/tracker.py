"""An electromagnetic tracker in the operating theatre: its frame, the reference sensor on the breathing liver, and its
errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...geometry import invert_affine
from ..lesion_shape import random_rotation
from ..ultrasound.motion import draw_tracker_errors, rigid, small_rotation

_BREATHS_PER_S = 0.22


@dataclass(frozen=True, eq=False)
class Tracker:
    """Where the liver's sensor is in the tracker's frame, and how far the tracker errs.

    reference_to_tracker  (4, 4) at the end of a breath
    breathing_mm          (3,) how far the liver goes from there
    noise_mm, noise_deg   root mean square error of a tool's pose in Reference
    """

    reference_to_tracker: np.ndarray
    breathing_mm: np.ndarray
    noise_mm: float
    noise_deg: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, noise_mm: float, noise_deg: float) -> Tracker:
        pose = rigid(
            random_rotation(rng), np.array([rng.uniform(-80, 80), rng.uniform(-80, 80), rng.uniform(-350, -250)])
        )
        return cls(np.round(pose, 9), np.round(rng.uniform(-1.5, 1.5, 3) + [0.0, 0.0, 4.0], 6), noise_mm, noise_deg)

    def reference_at(self, times_s: np.ndarray) -> np.ndarray:
        """(n, 4, 4) Reference to Tracker at `times_s` (n,), as it is: the patient breathes."""
        poses = np.repeat(self.reference_to_tracker[None], len(times_s), axis=0)
        share = np.round((1 - np.cos(2 * math.pi * _BREATHS_PER_S * times_s)) / 2, 9)
        poses[:, :3, 3] += share[:, None] * self.breathing_mm
        return poses

    def measured(self, rng: np.random.Generator, poses: np.ndarray) -> np.ndarray:
        """(n, 4, 4) what the tracker says of the poses (n, 4, 4) of one sensor in its frame."""
        # Half of the variance is that of the reference sensor.
        moments = np.linspace(0, 1, len(poses))
        errors = draw_tracker_errors(rng, moments, self.noise_mm / math.sqrt(2), self.noise_deg / math.sqrt(2))
        said = poses.copy()
        said[:, :3, :3] = small_rotation(errors.angles_rad) @ said[:, :3, :3]
        said[:, :3, 3] += errors.offsets_mm
        return np.round(said, 6)


def in_reference(reference_to_tracker: np.ndarray, tool_to_tracker: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 3) where a tool's point (3,) or points (n, 3) lie in Reference, by the poses (n, 4, 4) of both."""
    to_reference = np.array([invert_affine(pose) for pose in reference_to_tracker]) @ tool_to_tracker
    placed: np.ndarray = (to_reference[:, :3, :3] * np.atleast_2d(points)[:, None, :]).sum(axis=2)
    placed += to_reference[:, :3, 3]
    return placed
