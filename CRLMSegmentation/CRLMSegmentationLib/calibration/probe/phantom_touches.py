"""The landmarks of a phantom out of a recording of a calibrated stylus whose tip was held at one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import CalibrationError
from ...words import tr
from ..stylus.resting_tip import rests
from .phantom_registration import PhantomRegistration, register_phantom

# The tip may be turned about a landmark meanwhile, so that what is wrong with its calibration makes it wander.
_WITHIN_MM, _FOR_S, _FEWEST_POSES = 3.0, 1.0, 8
# So many pauses may lie elsewhere, and so well landmarks fit that were touched in their order.
_MOST_ELSEWHERE, _LARGEST_FRE_MM = 5, 5.0


def register_touches(
    landmarks_mm: np.ndarray, names: Sequence[str], poses: np.ndarray, times_s: np.ndarray, tip_mm: np.ndarray,
    tip_covariance_mm2: np.ndarray | None = None,
) -> PhantomRegistration:  # fmt: skip
    """Where the phantom is.

    landmarks_mm        (n, 3) in Phantom, in the order in which they were touched; `names` of them
    poses, times_s      (m, 4, 4) stylus to Reference, those that were measured; (m,) seconds, ascending
    tip_mm              (3,) in the stylus' frame, and (3, 3) how well it is known
    Pauses elsewhere are passed over, as long as the others fit. Raises CalibrationError when the landmarks are too few,
    were not all touched, or fit in no such order.
    """
    if len(times_s) < _FEWEST_POSES or not np.isfinite(times_s).all() or not (np.diff(times_s) > 0).all():
        raise CalibrationError(
            tr(
                "The poses of the stylus are few, or their times are missing, stand still or go back: "
                "record again with "
                "the sender's clock right."
            )
        )
    tips = poses[:, :3, :3] @ tip_mm + poses[:, :3, 3]
    parts = rests(tips, times_s, _WITHIN_MM, _FOR_S, _FEWEST_POSES)
    count = len(landmarks_mm)
    if not count <= len(parts) <= count + _MOST_ELSEWHERE:
        raise CalibrationError(
            tr(
                "The tip rests in {parts} places, and the phantom has {count} landmarks: hold it at each "
                "of them for two seconds, in the order {names}, and nowhere else.",
                parts=len(parts),
                count=count,
                names=", ".join(names),
            )
        )
    places = np.array([np.median(tips[part], axis=0) for part in parts])
    found, chosen = _best_fit(landmarks_mm, places)
    if found.fre_mm > _LARGEST_FRE_MM:
        raise CalibrationError(
            tr(
                "The touched places do not fit the landmarks ({fre_mm:.1f} mm off): touch them in the "
                "order {names}, and check that the file is of this phantom and the tip's calibration of "
                "this stylus.",
                fre_mm=found.fre_mm,
                names=", ".join(names),
            )
        )
    if tip_covariance_mm2 is None:
        return found
    turns = [poses[parts[one], :3, :3].mean(axis=0) for one in chosen]
    return _with_tip(found, np.mean(turns, axis=0), tip_covariance_mm2)


def _best_fit(landmarks_mm: np.ndarray, places: np.ndarray) -> tuple[PhantomRegistration, tuple[int, ...]]:
    """Of all ways to leave pauses out, that which fits best; and which pauses are used."""
    ways = itertools.combinations(range(len(places)), len(landmarks_mm))
    fits = [(register_phantom(landmarks_mm, places[list(way)]), way) for way in ways]
    return min(fits, key=lambda fit: fit[0].fre_mm)


def _with_tip(found: PhantomRegistration, mean_turn: np.ndarray, tip_covariance_mm2: np.ndarray) -> PhantomRegistration:
    """What the tip is off, and all touches have in common, moves the phantom as a whole and leaves no residual."""
    covariance = found.covariance.copy()
    covariance[3:, 3:] += mean_turn @ tip_covariance_mm2 @ mean_turn.T
    return replace(found, covariance=covariance)
