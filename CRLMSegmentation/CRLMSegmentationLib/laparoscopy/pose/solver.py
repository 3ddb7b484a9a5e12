"""The rigid pose of a model that brings its landmarks onto those of a picture.

Points of the picture are matched to the nearest of the same landmark on the model as it is seen at the pose, and the
pose is improved by robust least squares of the distances across the lines; in turn, with a scale of what is an outlier
that becomes smaller. Fitzgibbon, 'Robust registration of 2D and 3D point sets', Image and Vision Computing 21 (2003);
for the silhouette, Lavallee and Szeliski, IEEE PAMI 17 (1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from .matching import Matcher, Matches

# In widths of the picture: distances from which a point counts less, one after the other.
SCALES = (1 / 20, 1 / 60, 1 / 200, 1 / 400)
_MOST_ROUNDS = 12
# The pose stands still when no point of the model moves by more than this.
_STILL_MM = 0.01
# Turning by an angle is worth moving by it times this.
RADIUS_MM = 80.0


@dataclass(frozen=True, eq=False)
class Fit:
    """model_to_camera (4, 4) rigid; matches at it; offsets_px (n,) of each, signed; cost_px: the root mean square of
    what a robust measure makes of them.
    """

    model_to_camera: np.ndarray
    matches: Matches
    offsets_px: np.ndarray
    cost_px: float


def fit_pose(
    matcher: Matcher, start: np.ndarray, scales: Sequence[float] = SCALES, with_silhouette: bool = True
) -> Fit:
    """The best pose near `start` (4, 4), from the model to the camera."""
    width = matcher.camera.image_size[0]
    pose, center = np.array(start, dtype=np.float64), matcher.model.liver.center
    for scale in scales:
        for _ in range(_MOST_ROUNDS):
            matches = matcher.match(pose, with_silhouette)
            if not len(matches.pixels):
                break
            step = _step(matcher, matches, pose, center, scale * width)
            pose = moved(pose, step, center)
            if np.abs(step).max() < _STILL_MM * (scale / SCALES[-1]):
                break
    return judged(matcher, pose, scales[-1] * width, with_silhouette)


def judged(matcher: Matcher, pose: np.ndarray, scale_px: float, with_silhouette: bool = True) -> Fit:
    """How well the model at `pose` fits."""
    matches = matcher.match(pose, with_silhouette)
    if not len(matches.pixels):
        return Fit(pose, matches, np.zeros(0), np.inf)
    both = matches.offsets(matcher.camera, pose)
    offsets = np.hypot(both[:, 0], both[:, 1]) * np.where(both[:, 0] < 0, -1.0, 1.0)
    robust = scale_px**2 * np.log1p((offsets / scale_px) ** 2)
    return Fit(pose, matches, offsets, float(np.sqrt(np.average(robust, weights=matches.weights))))


def moved(pose: np.ndarray, step: np.ndarray, center: np.ndarray) -> np.ndarray:
    """`pose` (4, 4) turned about where it puts `center` (3,) and shifted: step (6,), mm along the camera's axes, and
    turns about them times 80 mm.
    """
    turn = Rotation.from_rotvec(step[3:] / RADIUS_MM).as_matrix()
    middle = pose[:3, :3] @ center + pose[:3, 3]
    changed = np.eye(4)
    changed[:3, :3] = turn @ pose[:3, :3]
    changed[:3, 3] = turn @ (pose[:3, 3] - middle) + middle + step[:3]
    return changed


def _step(matcher: Matcher, matches: Matches, pose: np.ndarray, center: np.ndarray, scale_px: float) -> np.ndarray:
    root = np.sqrt(matches.weights)[:, None]

    def offsets(step: np.ndarray) -> np.ndarray:
        return np.asarray((root * matches.offsets(matcher.camera, moved(pose, step, center))).ravel())

    found = least_squares(offsets, np.zeros(6), loss="cauchy", f_scale=scale_px, max_nfev=6, method="trf")
    step: np.ndarray = found.x
    return step


def jacobian(matcher: Matcher, fit: Fit) -> np.ndarray:
    """(2 n, 6) pixels by step, as moved() takes it, of the offsets of a fit."""
    center, eps = matcher.model.liver.center, 1e-3
    columns = []
    for axis in np.eye(6):
        ahead, back = (
            fit.matches.offsets(matcher.camera, moved(fit.model_to_camera, sign * eps * axis, center)).ravel()
            for sign in (1, -1)
        )
        columns.append((ahead - back) / (2 * eps))
    return np.column_stack(columns)
