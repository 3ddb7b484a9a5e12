"""Where the tip of a pointer was, in the image and beside the probe, at the same moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import CalibrationError
from ...sweep.sequence_files.tool_poses import ToolPoses
from ...words import tr

# A time that somebody has written down belongs to the image whose own is no farther away.
_SAME_TIME_S = 0.005
_LARGEST_ROTATION_ERROR = 1e-2


@dataclass(frozen=True, eq=False)
class PointerPoints:
    """The tip in n images.

    pixels            (n, 2) u, v where it is seen
    pointer_to_probe  (n, 4, 4) mm
    tip_mm            (3,) in the pointer's frame
    """

    pixels: np.ndarray
    pointer_to_probe: np.ndarray
    tip_mm: np.ndarray

    @property
    def in_probe_mm(self) -> np.ndarray:
        """(n, 3) where the tracker has the tip, in Probe."""
        return np.asarray(self.pointer_to_probe[:, :3, :3] @ self.tip_mm + self.pointer_to_probe[:, :3, 3])


def paired_points(
    pixels: np.ndarray, numbers: np.ndarray, recorded: ToolPoses, tip_mm: np.ndarray
) -> tuple[PointerPoints, int]:
    """The marked points with the poses of their own images, and how many were left out for want of a pose.

    pixels    (n, 2) u, v;  numbers (n,) int: the image of each, from 0, as numbers_of() gives them
    recorded  the poses of the pointer in Probe, one for each image
    tip_mm    (3,) in the pointer's frame
    Raises CalibrationError when the points are of another recording, or its poses cannot be right.
    """
    count = len(recorded.times_s)
    if numbers.max() >= count:
        raise CalibrationError(
            tr(
                "A point is of image {numbers}, and the recording has {count}, from 0 on: give the "
                "points of this recording.",
                numbers=numbers.max(),
                count=count,
            )
        )
    tracked = recorded.valid[numbers]
    poses = recorded.matrices[numbers][tracked]
    rotations = poses[:, :3, :3]
    if (np.linalg.det(rotations) < 0).any():
        raise CalibrationError(
            tr(
                "The poses of pointer and probe are mirrored against each other (left-handed): check the "
                "tracker's axes."
            )
        )
    if len(poses) and np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max() > _LARGEST_ROTATION_ERROR:
        raise CalibrationError(tr("The poses of pointer and probe hold a scale or a shear: give rigid poses in mm."))
    return PointerPoints(pixels[tracked], poses, np.asarray(tip_mm)), int((~tracked).sum())


def numbers_of(times_s: np.ndarray, recorded: ToolPoses) -> np.ndarray:
    """(n,) int: the image of each of (n,) timestamps. Raises CalibrationError when one has no image."""
    times = np.where(np.isfinite(recorded.times_s), recorded.times_s, np.inf)
    away = np.abs(times_s[:, np.newaxis] - times)
    strange = away.min(axis=1) > _SAME_TIME_S
    if strange.any():
        raise CalibrationError(
            tr(
                "{sum} of {strange} points have the time of no image, such as {times_s:.3f} s: give the "
                "timestamps as the recording has them.",
                sum=strange.sum(),
                strange=len(strange),
                times_s=times_s[strange][0],
            )
        )
    return np.asarray(away.argmin(axis=1))
