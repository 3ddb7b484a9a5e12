"""The tip of a stylus, from a recording of it or pose by pose, with what is still missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import CalibrationError
from ...sweep import Pose
from ...words import tr
from .pivot import Pivot, robust_pivot, shaft_tilt_deg
from .resting_tip import resting_parts
from .tip_covariance import combined_tip

WANTED_TILT_DEG = 45.0
WANTED_POSES = 100
WANTED_DEVIATION_MM = 0.7
# With less than this nothing is said of a tip.
_FEWEST_POSES, _LEAST_TILT_DEG = 30, 15.0
_MOST_POSES = 20_000
_LARGEST_ROTATION_ERROR = 1e-2


@dataclass(frozen=True, eq=False)
class TipEstimate:
    """Where the tip is.

    tip_mm          (3,) in the tool's frame
    covariance_mm2  (3, 3) of it
    residual_mm     root mean square distance of the tip from where it rested: says little of the tip itself
    tilt_deg        the largest angle of the shaft with its mean direction, in the part that was tilted most
    poses_used      of those in which the tip rested
    poses_rejected  all others
    pivots_mm       (n, 3) where the tip rested, in the frame of the poses
    """

    tip_mm: np.ndarray
    covariance_mm2: np.ndarray
    residual_mm: float
    tilt_deg: float
    poses_used: int
    poses_rejected: int
    pivots_mm: np.ndarray

    @property
    def deviation_mm(self) -> float:
        """The standard deviation of the tip in the direction in which it is known worst."""
        return float(np.sqrt(np.linalg.eigvalsh(self.covariance_mm2)[-1]))

    @property
    def tip_to_tool(self) -> np.ndarray:
        """(4, 4) StylusTipToStylus: its axes are those of the sensor."""
        matrix = np.eye(4)
        matrix[:3, 3] = self.tip_mm
        return matrix

    @property
    def missing(self) -> list[str]:
        """What more would make it better, each a few words for people; [] when it is as good as it should be."""
        tilt, deviation = self.tilt_deg, self.deviation_mm
        wanted = {
            tr("tilt {tilt:.0f} of {wanted_tilt_deg:.0f} degrees", tilt=tilt, wanted_tilt_deg=WANTED_TILT_DEG): tilt
            < WANTED_TILT_DEG,
            tr(
                "{poses_used} of {wanted_poses} poses", poses_used=self.poses_used, wanted_poses=WANTED_POSES
            ): self.poses_used < WANTED_POSES,
            tr(
                "tip known to {deviation:.2f} of {wanted_deviation_mm:g} mm",
                deviation=deviation,
                wanted_deviation_mm=WANTED_DEVIATION_MM,
            ): deviation > WANTED_DEVIATION_MM,
        }
        return [text for text, is_missing in wanted.items() if is_missing]


def estimate_tip(poses: np.ndarray, times_s: np.ndarray) -> TipEstimate:
    """The tip of a stylus that was tilted about it, in one place or in several after one another.

    poses    (n, 4, 4) tool to a fixed frame, mm, those that were measured only
    times_s  (n,) seconds, ascending
    Raises CalibrationError with what is wrong and what to do.
    """
    _check(poses, times_s)
    parts = resting_parts(poses, times_s)
    if not parts:
        raise CalibrationError(
            tr(
                "The tip rests in no place of this recording, or the tool is hardly tilted there: hold the tip in a "
                "dimple and tilt the tool to all sides."
            )
        )
    rests = [_Rest.of(poses[part]) for part in parts]
    good = [rest for rest in rests if rest.tilt_deg >= _LEAST_TILT_DEG and rest.used >= _FEWEST_POSES]
    if not good:
        best = max(rests, key=lambda rest: rest.tilt_deg)
        raise CalibrationError(
            tr(
                "The tool is tilted by {tilt_deg:.0f} degrees in {used} poses while its tip rests: too "
                "little to find the tip; tilt it by {wanted_tilt_deg:.0f} degrees to all sides, for ten "
                "seconds.",
                tilt_deg=best.tilt_deg,
                used=best.used,
                wanted_tilt_deg=WANTED_TILT_DEG,
            )
        )
    tip, covariance = combined_tip([rest.poses for rest in good], [rest.pivot for rest in good])
    used = sum(rest.used for rest in good)
    squares = sum(rest.used * rest.pivot.residual_mm**2 for rest in good)
    return TipEstimate(
        tip, covariance, float(np.sqrt(squares / used)), max(rest.tilt_deg for rest in good), used,
        len(poses) - used, np.array([rest.pivot.pivot_mm for rest in good]),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Rest:
    """A part of the recording in which the tip rests: its poses, and what they tell."""

    poses: np.ndarray
    pivot: Pivot
    tilt_deg: float

    @classmethod
    def of(cls, poses: np.ndarray) -> _Rest:
        pivot = robust_pivot(poses)
        return cls(poses, pivot, shaft_tilt_deg(poses[pivot.used], pivot.tip_mm))

    @property
    def used(self) -> int:
        return int(self.pivot.used.sum())


class StylusCalibration:
    """A stylus that is being calibrated: fed pose by pose, it says at any moment what is still missing."""

    def __init__(self) -> None:
        self._poses: list[np.ndarray] = []
        self._times_s: list[float] = []
        self.lost = 0

    def add(self, pose: Pose, time_s: float) -> None:
        """A pose of the tool; one that was not measured, or comes no later than the one before, counts as lost."""
        is_later = not self._times_s or time_s > self._times_s[-1]
        if not (pose.valid and np.isfinite(pose.matrix).all() and np.isfinite(time_s) and is_later):
            self.lost += 1
        elif len(self._poses) < _MOST_POSES:
            self._poses.append(pose.matrix)
            self._times_s.append(time_s)

    @property
    def poses(self) -> int:
        """How many were measured."""
        return len(self._poses)

    def estimate(self) -> TipEstimate:
        """The tip as of now. Raises CalibrationError as estimate_tip()."""
        return estimate_tip(np.array(self._poses).reshape(-1, 4, 4), np.array(self._times_s))

    @property
    def missing(self) -> list[str]:
        """What is still to be done, each a few words for people; [] when the calibration is as good as it should be."""
        try:
            return self.estimate().missing
        except CalibrationError as error:
            return [str(error)]


def _check(poses: np.ndarray, times_s: np.ndarray) -> None:
    if len(poses) < _FEWEST_POSES:
        raise CalibrationError(
            tr(
                "There are {poses} poses of the tool; the tip needs {fewest_poses} and more: tilt it for ten seconds.",
                poses=len(poses),
                fewest_poses=_FEWEST_POSES,
            )
        )
    if not np.isfinite(times_s).all():
        raise CalibrationError(
            tr(
                "The poses have no timestamps, so that it is not known which belong together: record "
                "again with timestamps."
            )
        )
    if not (np.diff(times_s) > 0).all():
        raise CalibrationError(
            tr("The times of the poses stand still or go back; record again with the sender's clock right.")
        )
    rotations = poses[:, :3, :3]
    if (np.linalg.det(rotations) < 0).any():
        raise CalibrationError(tr("The poses of the tool are mirrored (left-handed): check the tracker's axes."))
    if np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max() > _LARGEST_ROTATION_ERROR:
        raise CalibrationError(tr("The poses of the tool hold a scale or a shear: give poses of a rigid tool in mm."))
