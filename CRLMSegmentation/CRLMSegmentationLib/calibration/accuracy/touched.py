"""A phantom's targets touched with the tip of a stylus: how far the tip is said to be from where it is.

As S. Olthof and others do it on patients (arXiv 2510.27596, 2025: distances from clip to tumor): the tip rests at a
place that is known, and what the navigation says of it is the error. Of n touches each gives the distance to its own
target, which is 0 in truth, and the distances to all others, which the targets' places give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import CalibrationError
from ...words import tr
from ..stylus.resting_tip import rests
from .targets import Targets

# The tip rests when it stays within this for so long; a hand on a phantom trembles less, with a tracker's noise.
_WITHIN_MM, _FOR_S, _FEWEST_POSES = 1.5, 0.8, 5
# A pause belongs to the nearest target, when that is much nearer than the next may be, and no farther than this.
_LARGEST_ERROR_MM, _SHARE_OF_APART = 20.0, 0.45


@dataclass(frozen=True, eq=False)
class Touch:
    """One pause of the tip at a target.

    target             number of it
    tip_mm             (3,) in Reference: the median over the pause
    tool_to_reference  (4, 4) in the middle of it
    """

    target: int
    tip_mm: np.ndarray
    tool_to_reference: np.ndarray


@dataclass(frozen=True, eq=False)
class Touches:
    """The touches of targets.

    elsewhere   how many pauses were at none of them
    nearest_mm  (targets,) from each target to the nearest pause
    reach_mm    a pause that is farther from a target is none at it
    """

    targets: Targets
    touches: list[Touch]
    elsewhere: int
    nearest_mm: np.ndarray
    reach_mm: float

    @property
    def offsets_mm(self) -> np.ndarray:
        """(n, 3) from each touch's target to where the tip is said to be, in Reference."""
        return np.array([one.tip_mm - self.targets.points_mm[one.target] for one in self.touches])

    @property
    def missed(self) -> list[int]:
        """Numbers of the targets that were not touched."""
        return sorted(set(range(len(self.targets.names))) - {one.target for one in self.touches})

    def distances(self) -> list[tuple[int, int, float]]:
        """(number of the touch, number of another target, error in mm) of each distance that is known in truth."""
        places, found = self.targets.points_mm, []
        for number, touch in enumerate(self.touches):
            for other, place in enumerate(places):
                if other != touch.target:
                    said = np.linalg.norm(touch.tip_mm - place)
                    true = np.linalg.norm(places[touch.target] - place)
                    found.append((number, other, float(said - true)))
        return found


def find_touches(targets: Targets, poses: np.ndarray, times_s: np.ndarray, tip_mm: np.ndarray) -> Touches:
    """The touches in a recording of the stylus.

    poses    (n, 4, 4) stylus to Reference, those that were measured only;  times_s (n,) seconds, ascending
    tip_mm   (3,) in the stylus' frame
    Raises CalibrationError when the tip rests nowhere, or a target was not touched.
    """
    if len(times_s) < _FEWEST_POSES or not np.isfinite(times_s).all() or not (np.diff(times_s) > 0).all():
        raise CalibrationError(
            tr(
                "The poses of the stylus are few, or their times are missing, stand still or go back: "
                "record again with "
                "the sender's clock right."
            )
        )
    found = touches_so_far(targets, poses, times_s, tip_mm)
    if not found.touches and not found.elsewhere:
        raise CalibrationError(tr("The tip rests nowhere in this recording: hold it at each target for two seconds."))
    _check_all_reached(found)
    return found


def touches_so_far(targets: Targets, poses: np.ndarray, times_s: np.ndarray, tip_mm: np.ndarray) -> Touches:
    """The same, also while some targets are still to be touched."""
    tips = poses[:, :3, :3] @ tip_mm + poses[:, :3, 3]
    parts = rests(tips, times_s, _WITHIN_MM, _FOR_S, _FEWEST_POSES)
    reach_mm = min(_LARGEST_ERROR_MM, _SHARE_OF_APART * targets.least_apart_mm)
    touches, elsewhere, nearest_mm = [], 0, np.full(len(targets.names), np.inf)
    for part in parts:
        place = np.median(tips[part], axis=0)
        away = np.linalg.norm(targets.points_mm - place, axis=1)
        nearest_mm = np.minimum(nearest_mm, away)
        target = int(away.argmin())
        if away[target] <= reach_mm:
            touches.append(Touch(target, place, poses[(part.start + part.stop) // 2]))
        else:
            elsewhere += 1
    return Touches(targets, touches, elsewhere, nearest_mm, reach_mm)


def _check_all_reached(found: Touches) -> None:
    missed, nearest_mm, names = found.missed, found.nearest_mm, found.targets.names
    if not missed:
        return
    if not found.touches:
        raise CalibrationError(
            tr(
                "No pause of the tip lies at a target (the nearest {nearest_mm:.0f} mm away, "
                "{reach_mm:.0f} at most): the targets are of another phantom or place, or the tip's "
                "calibration is of another stylus.",
                nearest_mm=nearest_mm.min(),
                reach_mm=found.reach_mm,
            )
        )
    named = ", ".join(
        tr("{names} (nearest pause {nearest_mm:.0f} mm away)", names=names[one], nearest_mm=nearest_mm[one])
        for one in missed
    )
    raise CalibrationError(
        tr(
            "{missed} of {names} targets were not touched: {named}; hold the tip at each of them for "
            "two seconds, and take those that cannot be reached out of the file.",
            missed=len(missed),
            names=len(names),
            named=named,
        )
    )
