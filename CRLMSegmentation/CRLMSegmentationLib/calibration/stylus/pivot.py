"""The algebraic pivot: a tip that stays in one place while its tool is tilted about it.

Every pose says R tip + p = pivot, which is linear in tip and pivot. Z. Yaniv, 'Which pivot calibration?', SPIE Medical
Imaging 2015, has it beside others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A pose is left out when it lies this many robust deviations off; never one nearer than a tracker is accurate.
_REJECTED_FROM, _NEVER_REJECTED_MM = 3.0, 1.0
_MOST_ROUNDS = 50
# The median length of a three-dimensional normal error, in standard deviations along an axis.
_MEDIAN_OF_NORMAL = 1.538


@dataclass(frozen=True, eq=False)
class Pivot:
    """One tip and the place about which it was turned.

    tip_mm     (3,) in the tool's frame
    pivot_mm   (3,) in the frame of the poses
    errors_mm  (n, 3) of every pose: where it puts the tip, less the pivot
    used       (n,) bool: the poses that are not rejected
    """

    tip_mm: np.ndarray
    pivot_mm: np.ndarray
    errors_mm: np.ndarray
    used: np.ndarray

    @property
    def residual_mm(self) -> float:
        """Root mean square distance of the tip from the pivot over the poses that are used."""
        return float(np.sqrt((self.errors_mm[self.used] ** 2).sum(axis=1).mean()))


def pivot_design(poses: np.ndarray) -> np.ndarray:
    """(3 n, 6) of (n, 4, 4) poses: what tip and pivot are multiplied with."""
    rotations = poses[:, :3, :3]
    return np.concatenate([rotations, np.broadcast_to(-np.eye(3), rotations.shape)], axis=2).reshape(-1, 6)


def algebraic_pivot(poses: np.ndarray) -> Pivot:
    """The least squares pivot of all (n, 4, 4) poses, tool to any fixed frame, mm."""
    design = pivot_design(poses)
    solution = np.linalg.lstsq(design, -poses[:, :3, 3].reshape(-1), rcond=None)[0]
    return _pivot(solution, poses, np.ones(len(poses), dtype=bool))


def robust_pivot(poses: np.ndarray) -> Pivot:
    """The least squares pivot without the poses that do not fit: the tip on its way to the place, or a slip."""
    used = np.ones(len(poses), dtype=bool)
    pivot = algebraic_pivot(poses)
    for _ in range(_MOST_ROUNDS):
        lengths = np.linalg.norm(pivot.errors_mm, axis=1)
        allowed = max(_REJECTED_FROM * float(np.median(lengths)) / _MEDIAN_OF_NORMAL, _NEVER_REJECTED_MM)
        kept = lengths <= allowed
        if (kept == used).all():
            break
        used = kept
        solved = algebraic_pivot(poses[used])
        pivot = _pivot(np.concatenate([solved.tip_mm, solved.pivot_mm]), poses, used)
    return pivot


def shaft_tilt_deg(poses: np.ndarray, tip_mm: np.ndarray) -> float:
    """The largest angle of the shaft, from the sensor to the tip, with its mean direction."""
    length = np.linalg.norm(tip_mm)
    if length < 1e-6:
        return 0.0
    shafts = poses[:, :3, :3] @ (tip_mm / length)
    mean = shafts.mean(axis=0)
    cosines = shafts @ mean / (np.linalg.norm(shafts, axis=1) * np.linalg.norm(mean))
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1)).max()))


def _pivot(solution: np.ndarray, poses: np.ndarray, used: np.ndarray) -> Pivot:
    errors = (pivot_design(poses) @ solution + poses[:, :3, 3].reshape(-1)).reshape(-1, 3)
    return Pivot(solution[:3], solution[3:], errors, used)
