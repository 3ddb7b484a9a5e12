"""Positions that shake from frame to frame, evened out over time.

A tracker at the edge of its field, or beside metal, errs anew at each frame, while a hand moves on: so the error can be
told from the motion, and neighbours in time know better where a frame was than its own pose. Each pose is replaced by a
straight line through those around it (local linear regression, Fan and Gijbels 1996), weighted by a Gaussian in time.
It is as wide as the shaking asks for, and narrower where the line would cut off what the hand did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry import transform_points

# Third differences of independent errors have sqrt(20) times their standard deviation, second ones sqrt(6) times.
_SECOND, _THIRD = math.sqrt(6), math.sqrt(20)
# A median absolute deviation of normally distributed values, times this, is their standard deviation.
_DEVIATION = 1.4826
_FEWEST_FRAMES = 12
# Standard deviation of the weights, in frames: a third of a second at 20 frames a second.
_WIDEST_FRAMES = 6.0
# Of what is taken off, by the shaking: more is motion.
_MOST_TAKEN = 1.2
_REACH = 3.0  # standard deviations


@dataclass(frozen=True, eq=False)
class Steadied:
    """Poses that were looked at for shaking.

    poses      (4, 4) each, ImageToReference, float64
    jitter_mm  standard deviation, along an axis, by which the corners of the image shook; 0 where it was not so much
    width_s    standard deviation in time of the weights; 0 where the poses are as they were
    """

    poses: list[np.ndarray]
    jitter_mm: float = 0.0
    width_s: float = 0.0


def steadied(
    poses: Sequence[np.ndarray], timestamps: Sequence[float], image_size: tuple[int, int], most_mm: float
) -> Steadied:
    """The poses as they are where they shake by at most `most_mm`, else evened out until they hardly do.

    poses       (4, 4) each, ImageToReference in mm, in the order of the sweep
    timestamps  seconds, one for each; where they do not rise, frames are thought to be equally far apart
    image_size  columns and rows
    """
    poses = [np.asarray(pose, dtype=np.float64) for pose in poses]
    corners = _corners(poses, image_size)
    shaking = jitter_mm(corners)
    if shaking <= most_mm:
        return Steadied(poses)
    times = np.asarray(timestamps, dtype=np.float64)
    steps = np.diff(times)
    if not (np.isfinite(times).all() and (steps > 0).all()):
        times = np.arange(len(poses), dtype=np.float64)
        steps = np.diff(times)
    frame_s = float(np.median(steps))
    # The value of a local line has the variance of one frame over 2 sqrt(pi) times the width in frames.
    width = min(_WIDEST_FRAMES, max(1.0, (shaking / most_mm) ** 2 / (2 * math.sqrt(math.pi))))
    while width >= 1.0:
        evened = _evened(poses, times, width * frame_s, image_size)
        taken = _DEVIATION * float(np.median(np.abs(_corners(evened, image_size) - corners)))
        if taken <= _MOST_TAKEN * shaking:
            return Steadied(evened, shaking, width * frame_s)
        width /= 1.5
    return Steadied(poses)


def shaking_mm(poses: Sequence[np.ndarray], image_size: tuple[int, int]) -> float:
    """jitter_mm() of the corners of the image; poses (4, 4) each, ImageToReference in mm, in the order of the sweep."""
    return jitter_mm(_corners(poses, image_size))


def jitter_mm(places: np.ndarray) -> float:
    """The standard deviation along an axis, mm, of errors that are independent from frame to frame.

    places  (n, ..., 3) mm of points of the image, in the order of the sweep
    0.0 for few frames, and where a hand's own motion is the larger part of what differs.
    """
    if len(places) < _FEWEST_FRAMES:
        return 0.0
    second, third = (_DEVIATION * float(np.median(np.abs(np.diff(places, n=order, axis=0)))) for order in (2, 3))
    # Of errors the third differences are the larger ones, of a motion that is smooth the second.
    is_motion = third < 0.5 * (1 + _THIRD / _SECOND) * second
    return 0.0 if is_motion else third / _THIRD


def _corners(poses: Sequence[np.ndarray], image_size: tuple[int, int]) -> np.ndarray:
    """(n, 4, 3) mm in Reference."""
    width, height = image_size
    corners = np.array([(u, v, 0.0, 1.0) for u in (0, width - 1) for v in (0, height - 1)])
    moved: np.ndarray = corners @ np.reshape(np.asarray(poses, dtype=np.float64), (-1, 4, 4))[:, :3].swapaxes(1, 2)
    return moved


def _evened(
    poses: Sequence[np.ndarray], times: np.ndarray, width_s: float, image_size: tuple[int, int]
) -> list[np.ndarray]:
    from scipy.spatial.transform import Rotation

    middle_px = np.array([(image_size[0] - 1) / 2, (image_size[1] - 1) / 2, 0.0])
    middles = np.array([transform_points(pose, middle_px[None])[0] for pose in poses])
    # Pixels have a size, which is no part of a turn and stays.
    lengths = np.linalg.norm([pose[:3, :3] for pose in poses], axis=1)
    turns = Rotation.from_matrix(np.array([pose[:3, :3] for pose in poses]) / lengths[:, None, :])
    found = []
    for number, now in enumerate(times):
        near = slice(*np.searchsorted(times, (now - _REACH * width_s, now + _REACH * width_s)))
        away = turns[number].inv() * turns[near]
        shares = _shares_at(times[near] - now, width_s)
        pose = np.eye(4)
        pose[:3, :3] = (turns[number] * Rotation.from_rotvec(shares @ away.as_rotvec())).as_matrix() * lengths[number]
        pose[:3, 3] = shares @ middles[near] - pose[:3, :3] @ middle_px
        found.append(pose)
    return found


def _shares_at(times: np.ndarray, width_s: float) -> np.ndarray:
    """(n,) by which values at these times make that at 0 of the line through them, with Gaussian weights about 0."""
    weights = np.exp(-0.5 * (times / width_s) ** 2)
    mean = float(weights @ times) / float(weights.sum())
    spread = float(weights @ (times - mean) ** 2)
    shares: np.ndarray = weights / weights.sum()
    return shares - (mean / spread * weights * (times - mean) if spread > 0 else 0.0)
