"""The direction of a tool's shaft, from turning the tool about it.

While the tool spins, its shaft alone keeps its direction: (R_i - R_j) shaft = 0 for all pairs of poses, which is the
smallest singular vector of all the R less their mean. As SlicerIGT's pivot calibration does ('spin calibration').
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import CalibrationError
from ...words import tr

_LEAST_TURN_DEG = 90.0
# The shaft must stay this much quieter than everything across it.
_CLEARLY = 5.0


@dataclass(frozen=True, eq=False)
class Spin:
    """What turning about the shaft tells.

    shaft         (3,) unit vector in the tool's frame, from the sensor towards the tip where the tip is known
    deviation_deg root mean square angle of the shaft with its mean direction while it was turned
    turned_deg    how far it was turned, 360 at most
    """

    shaft: np.ndarray
    deviation_deg: float
    turned_deg: float


def spin_shaft(poses: np.ndarray, tip_mm: np.ndarray | None = None) -> Spin:
    """The shaft of a tool that is spun about it, from (n, 4, 4) poses.

    Raises CalibrationError when it was not turned far enough, or was turned about no single axis.
    """
    rotations = poses[:, :3, :3]
    spread = (rotations - rotations.mean(axis=0)).reshape(-1, 3)
    _, sizes, directions = np.linalg.svd(spread, full_matrices=False)
    shaft = directions[2]
    if tip_mm is not None and shaft @ tip_mm < 0:
        shaft = -shaft
    turned = _turned_deg(rotations, directions[0])
    if turned < _LEAST_TURN_DEG:
        raise CalibrationError(
            tr(
                "The tool was turned by {turned:.0f} degrees about its shaft; turn it by "
                "{least_turn_deg:.0f} and more.",
                turned=turned,
                least_turn_deg=_LEAST_TURN_DEG,
            )
        )
    if sizes[1] < _CLEARLY * sizes[2]:
        raise CalibrationError(tr("The tool was turned about no single axis; hold the shaft still while turning it."))
    pointing = rotations @ shaft
    mean = pointing.mean(axis=0)
    mean /= np.linalg.norm(mean)
    angles = np.degrees(np.arccos(np.clip(pointing @ mean, -1, 1)))
    return Spin(shaft, float(np.sqrt((angles**2).mean())), turned)


def _turned_deg(rotations: np.ndarray, across: np.ndarray) -> float:
    """The part of a full turn that a direction across the shaft has pointed to: 360 less the widest gap."""
    pointing = rotations @ across
    axes = np.linalg.svd(pointing - pointing.mean(axis=0), full_matrices=False)[2][:2]
    first = pointing @ axes.T
    # The circle's middle lies on the shaft, not at the mean of a part of it.
    turns = np.unique(np.degrees(np.arctan2(*_about_middle(first).T)))
    gaps = np.diff(np.append(turns, turns[0] + 360))
    return float(360 - gaps.max()) if len(turns) > 1 else 0.0


def _about_middle(points: np.ndarray) -> np.ndarray:
    """(n, 2) points on a part of a circle, from its middle (algebraic fit)."""
    design = np.column_stack([2 * points, np.ones(len(points))])
    middle = np.linalg.lstsq(design, (points**2).sum(axis=1), rcond=None)[0][:2]
    return np.asarray(points - middle)
