"""The pose of a liver that has changed its shape: pose and a few smooth displacements together, by what is probable.

What the lines say is weighed against how far livers are displaced at all (shape_modes.py): the most probable answer,
by Gauss-Newton steps with robust weights, as in solver.py, and its covariance (Laplace's approximation). By how much
this liver is displaced, compared with livers on average, follows from the lines, too (empirical Bayes: Bishop, 'Pattern
recognition and machine learning', 2006, 3.5), so that one that keeps its shape is known better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...geometry import transform_points
from .matching import Matcher, Matches
from .shape_modes import ShapeModes
from .solver import RADIUS_MM, moved

# In widths of the picture: distances from which a point counts less, one after the other; over which length lines are
# off to the same side.
_SCALES = (1 / 20, 1 / 50, 1 / 100, 1 / 200)
_ALIKE_OVER = 1 / 10
_MOST_ROUNDS = 15
_STILL_MM, _LONGEST_STEP_MM = 0.05, 15.0
_EPS_MM = 1e-2
# By how much a liver may be displaced, compared with those that were published; steps of finding that.
_AMPLITUDES, _AMPLITUDE_STEPS = (0.1, 1.0), 60
# So many modes, displaced as usual, count beside those that are seen: what lines do not show may be deformed, too.
_USUAL = 10


@dataclass(frozen=True, eq=False)
class DeformedFit:
    """model_to_camera (4, 4) rigid, after the displacements of `coefficients` (k,) of `modes`.

    amplitude   by how much this liver is displaced, compared with livers on average
    covariance  (6 + k, 6 + k) of a step of the pose, as solver.moved() takes it, and of the coefficients
    center      (3,) of the liver, about which the pose's steps turn
    matches     at the pose, of the displaced model; offsets_px (n,) of each, signed as in solver.Fit
    improbable  negative logarithm of the probability, but for a constant: less is better
    """

    modes: ShapeModes
    model_to_camera: np.ndarray
    coefficients: np.ndarray
    amplitude: float
    covariance: np.ndarray
    center: np.ndarray
    matches: Matches
    offsets_px: np.ndarray
    improbable: float

    def in_camera(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) where `points` (n, 3) of the model lie before the camera."""
        return transform_points(self.model_to_camera, self.modes.moved(points, self.coefficients))

    def error_mm(self, point: np.ndarray) -> float:
        """The error to be expected (root mean square) at a point (3,) of the model."""
        turned = self.model_to_camera[:3, :3]
        there = self.in_camera(point[None])
        pose = _pose_slopes(there - transform_points(self.model_to_camera, self.center))[0]
        slope = np.column_stack([pose, turned @ self.modes.at(point[None])[0]])
        variance = float(np.trace(slope @ self.covariance @ slope.T))
        return float(np.sqrt(variance + (self.amplitude * self.modes.left_out_mm) ** 2))


def fit_deformed(matcher: Matcher, modes: ShapeModes, start: np.ndarray) -> DeformedFit:
    """The most probable pose and displacements near the rigid pose `start` (4, 4), model to camera."""
    width, center = matcher.camera.image_size[0], matcher.model.liver.center
    place = _Place(np.array(start, dtype=np.float64), np.zeros(modes.count), 1.0)
    for scale in _SCALES:
        for _ in range(_MOST_ROUNDS):
            step = _step(_equations(matcher, modes, place, scale * width), place)
            place = replace(place, pose=moved(place.pose, step[:6], center), coefficients=place.coefficients + step[6:])
            if np.abs(step).max() < _STILL_MM * scale / _SCALES[-1]:
                break
        if scale <= _SCALES[-2]:
            place = replace(place, amplitude=_amplitude(_equations(matcher, modes, place, scale * width), place))
    last = _equations(matcher, modes, place, _SCALES[-1] * width)
    information = _with_prior(last.information, place.amplitude)
    return DeformedFit(
        modes, place.pose, place.coefficients, place.amplitude, np.linalg.inv(information), center, last.matches,
        last.offsets_px, last.improbable + float(np.linalg.slogdet(information)[1]) / 2,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Place:
    """As in DeformedFit."""

    pose: np.ndarray
    coefficients: np.ndarray
    amplitude: float


def _with_prior(information: np.ndarray, amplitude: float) -> np.ndarray:
    size = len(information)
    prior = np.full(size, 1 / amplitude**2)
    # Nothing is known of the pose; what the lines leave open stays finite.
    prior[:6] = 1e-9
    return information + np.diag(prior)


def _step(equations: _Equations, place: _Place) -> np.ndarray:
    slope = equations.slope.copy()
    slope[6:] += place.coefficients / place.amplitude**2
    step: np.ndarray = np.linalg.solve(_with_prior(equations.information, place.amplitude), -slope)
    return np.asarray(step * min(1.0, _LONGEST_STEP_MM / np.abs(step[:6]).max()))


def _amplitude(equations: _Equations, place: _Place) -> float:
    """The most probable one, by expectation and maximisation."""
    information, amplitude = equations.information, place.amplitude
    # What the lines say alone, near the place.
    toward = information[:, 6:] @ place.coefficients - equations.slope
    for _ in range(_AMPLITUDE_STEPS):
        covariance = np.linalg.inv(_with_prior(information, amplitude))
        coefficients = (covariance @ toward)[6:]
        total = float((coefficients**2).sum() + np.diag(covariance)[6:].sum())
        amplitude = float(np.clip(np.sqrt((total + _USUAL) / (len(coefficients) + _USUAL)), *_AMPLITUDES))
    return amplitude


@dataclass(frozen=True, eq=False)
class _Equations:
    """information (p, p) and slope (p,) of what the lines say, by pose and coefficients; improbable with the prior."""

    information: np.ndarray
    slope: np.ndarray
    matches: Matches
    offsets_px: np.ndarray
    improbable: float


def _equations(matcher: Matcher, modes: ShapeModes, place: _Place, scale_px: float) -> _Equations:
    pose, coefficients = place.pose, place.coefficients
    bent = matcher.displaced(lambda points: modes.moved(points, coefficients))
    matches = bent.match(pose)
    offsets = matches.offsets(matcher.camera, pose)
    by_point = _by_point(matcher, matches, pose)
    there = transform_points(pose, matches.points)
    of_pose = _pose_slopes(there - transform_points(pose, matcher.model.liver.center))
    of_shape = pose[:3, :3] @ modes.at(modes.moved_back(matches.points, coefficients))
    slopes = by_point @ np.concatenate([of_pose, of_shape], axis=2)
    width = matcher.camera.image_size[0]
    away = np.hypot(offsets[:, 0], offsets[:, 1])
    # Points beside each other on a line are wrong together.
    alike = max(1.0, _ALIKE_OVER * width / matcher.step_px)
    # What the modes leave out of a displacement, across a line.
    px_per_mm = matcher.camera.intrinsics[0, 0] / np.maximum(there[:, 2], 1.0)
    variance = matches.off_px**2 + (place.amplitude * modes.left_out_mm * px_per_mm) ** 2 / 3
    certain = 1 / (variance * alike)
    improbable = float((certain * scale_px**2 * np.log1p((away / scale_px) ** 2)).sum()) / 2
    improbable += float(np.log(variance / width**2).sum()) / (2 * alike)
    improbable += float((coefficients**2).sum()) / (2 * place.amplitude**2) + modes.count * np.log(place.amplitude)
    weights = certain / (1 + (away / scale_px) ** 2)
    flat, weighed = slopes.reshape(-1, slopes.shape[2]), np.repeat(weights, 2)
    information = (flat * weighed[:, None]).T @ flat
    slope = flat.T @ (weighed * offsets.ravel())
    return _Equations(information, slope, matches, away * np.where(offsets[:, 0] < 0, -1.0, 1.0), improbable)


def _by_point(matcher: Matcher, matches: Matches, pose: np.ndarray) -> np.ndarray:
    """(n, 2, 3) how the offsets change with the place of the model's points before the camera."""
    columns = []
    for axis in pose[:3, :3]:
        ahead, back = (
            replace(matches, points=matches.points + sign * _EPS_MM * axis).offsets(matcher.camera, pose)
            for sign in (1, -1)
        )
        columns.append((ahead - back) / (2 * _EPS_MM))
    return np.stack(columns, axis=-1)


def _pose_slopes(from_center: np.ndarray) -> np.ndarray:
    """(n, 3, 6) how points that lie at `from_center` (n, 3), along the camera's axes, move with a step of the pose."""
    turns = np.stack([np.cross(axis, from_center) / RADIUS_MM for axis in np.eye(3)], axis=-1)
    return np.concatenate([np.broadcast_to(np.eye(3), (len(from_center), 3, 3)), turns], axis=2)
