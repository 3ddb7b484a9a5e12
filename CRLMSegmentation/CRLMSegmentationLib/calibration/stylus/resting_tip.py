"""Where in a recording the tip rested: the tool is carried to the place, turned about it, and carried away again."""

from __future__ import annotations

import numpy as np

from .pivot import algebraic_pivot, shaft_tilt_deg

_WINDOW_S, _STEP_S = 3.0, 0.4
_FEWEST_IN_WINDOW = 12
# A window in which the tip rests fits so well, and turns so far that it tells where the tip is.
_FITS_MM, _TURNS_DEG = 2.0, 5.0
_SAME_TIP_MM = 6.0
# So far a tip that is known roughly seems to wander while it rests.
_RESTS_WITHIN_MM, _RESTS_FOR_S = 3.0, 2.0


def resting_parts(poses: np.ndarray, times_s: np.ndarray) -> list[slice]:
    """The parts of (n, 4, 4) poses in which the tip rests in one place, in the order of time; [] when it never does."""
    tip = _rough_tip(poses, times_s)
    if tip is None:
        return []
    places = poses[:, :3, :3] @ tip + poses[:, :3, 3]
    return rests(places, times_s, _RESTS_WITHIN_MM, _RESTS_FOR_S, _FEWEST_IN_WINDOW)


def rests(places: np.ndarray, times_s: np.ndarray, within_mm: float, seconds: float, fewest: int) -> list[slice]:
    """The parts of (n, 3) places, mm, that stay `within_mm` of their middle for so long and in so many places."""
    parts, begin = [], 0
    while begin < len(places):
        end = _end_of_rest(places, begin, within_mm)
        if end - begin >= fewest and times_s[end - 1] - times_s[begin] >= seconds:
            parts.append(slice(begin, end))
            begin = end
        else:
            begin += 1
    return parts


def _end_of_rest(places: np.ndarray, begin: int, within_mm: float) -> int:
    """The first place after `begin` that lies away from the middle of those before it."""
    for end in range(begin, len(places)):
        if np.linalg.norm(places[end] - np.median(places[begin : end + 1], axis=0)) > within_mm:
            return end
    return len(places)


def _rough_tip(poses: np.ndarray, times_s: np.ndarray) -> np.ndarray | None:
    """The tip on which most windows of the recording agree; None when no window tells one."""
    found = []
    start = times_s[0]
    while start <= max(times_s[-1] - _WINDOW_S, times_s[0]):
        window = poses[(times_s >= start) & (times_s <= start + _WINDOW_S)]
        start += _STEP_S
        if len(window) < _FEWEST_IN_WINDOW:
            continue
        pivot = algebraic_pivot(window)
        if pivot.residual_mm <= _FITS_MM and shaft_tilt_deg(window, pivot.tip_mm) >= _TURNS_DEG:
            found.append(pivot.tip_mm)
    if not found:
        return None
    tips = np.array(found)
    near = np.linalg.norm(tips[:, np.newaxis] - tips[np.newaxis], axis=2) <= _SAME_TIP_MM
    return np.asarray(np.median(tips[near[int(near.sum(axis=1).argmax())]], axis=0))
