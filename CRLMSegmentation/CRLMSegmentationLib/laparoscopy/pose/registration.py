"""The pose of a model before the camera, with how well it is known; or the reason why it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import LaparoscopeError
from ...geometry import transform_points
from ...values.camera import Camera
from ...values.landmarks import LANDMARKS, Polyline
from ...values.progress import Progress
from .matching import Matcher
from .model_landmarks import ModelLandmarks
from .solver import SCALES, Fit, fit_pose, jacobian
from .starts import distance_mm, rough_poses

# What a line is at least off, and over which length it is off to the same side, as drawn lines are: half the picture.
_LEAST_OFF, _ALIKE_OVER = 1 / 960, 1 / 2
# A pose that leaves the liver this far open is none.
_OPEN_MM, _DOUBTFUL_MM = 30.0, 10.0
# A liver of the model's shape fits better than this: 2.4 pixels of 960, and few points that do not fit.
_BAD_PX_SHARE, _MANY_OUTLIERS = 1 / 400, 0.1
# Another pose that fits nearly as well, and puts the liver farther away than this.
_AS_GOOD, _ELSEWHERE_MM = 1.25, 15.0
_OUTLIER_SHARE = 1 / 80


@dataclass(frozen=True, eq=False)
class PoseRegistration:
    """Where a model lies before the camera, and how well that is known.

    model_to_camera          (4, 4) rigid, mm
    reprojection_px          root mean square distance of the picture's lines from the model's, outliers left out
    landmark_px              the same by landmark
    outliers                 share of the points that are farther off than 1/80 of the picture's width
    covariance               (6, 6) of the pose, as moved() of solver.py takes a step
    doubts                   sentences, for people
    center                   (3,) of the liver, about which the pose's steps turn
    """

    model_to_camera: np.ndarray
    reprojection_px: float
    landmark_px: dict[str, float]
    outliers: float
    covariance: np.ndarray
    center: np.ndarray
    doubts: tuple[str, ...] = ()

    def error_mm(self, point: np.ndarray) -> float:
        """The error to be expected (root mean square) at a point (3,) of the model, if the liver keeps its shape."""
        return _error_mm(self.covariance, self.model_to_camera, self.center, point)


def register_pose(
    model: ModelLandmarks,
    camera: Camera,
    lines: Sequence[Polyline],
    start: np.ndarray | None = None,
    progress: Progress | None = None,
) -> PoseRegistration:
    """Where `model` lies before `camera` when its landmarks are seen at `lines`.

    start     (4, 4) rough pose, model to camera; None: found from several, see starts.py
    progress  called with (share, text)
    Raises LaparoscopeError when the landmarks cannot determine the pose.
    """
    matcher = Matcher(model, camera, lines)
    if not matcher.observed:
        raise LaparoscopeError(f"Picture and model have no landmark in common: {_missing(model, lines)}.")
    starts = [start] if start is not None else rough_poses(matcher)
    fits: list[Fit] = []
    for number, one in enumerate(starts):
        if progress:
            progress(0.2 + 0.8 * number / len(starts), "pose")
        fits.append(fit_pose(matcher, one))
    fits.sort(key=lambda fit: fit.cost_px)
    best = fits[0]
    covariance = _covariance(matcher, best)
    points = model.liver.points[:: max(1, len(model.liver.points) // 200)]
    open_mm = float(
        np.mean([_error_mm(covariance, best.model_to_camera, model.liver.center, point) for point in points])
    )
    if not open_mm < _OPEN_MM:
        how = f"the liver could still lie {open_mm:.0f} mm elsewhere" if open_mm < 1000 else "it stays open"
        raise LaparoscopeError(f"These landmarks cannot determine the pose, {how}: {_missing(model, lines)}.")
    found = _summary(matcher, best, covariance)
    others = [
        fit for fit in fits[1:]
        if fit.cost_px < _AS_GOOD * best.cost_px
        and distance_mm(fit.model_to_camera, best.model_to_camera, points) > _ELSEWHERE_MM
    ]  # fmt: skip
    if others:
        raise LaparoscopeError(
            "These landmarks fit the model in more than one pose: give a rough one with --start, or more landmarks: "
            f"{_missing(model, lines)}."
        )
    return PoseRegistration(**{**found.__dict__, "doubts": _doubts(found, open_mm, camera.image_size[0])})


def _missing(model: ModelLandmarks, lines: Sequence[Polyline]) -> str:
    in_picture = {line.landmark for line in lines}
    sentences = []
    not_seen = [name for name in LANDMARKS if name not in in_picture]
    not_marked = [
        name for name in LANDMARKS if name in in_picture and name != "silhouette" and not model.lines.get(name)
    ]
    if not_seen:
        sentences.append(f"the picture shows no {' and no '.join(not_seen)}")
    if not_marked:
        sentences.append(
            f"{' and '.join(not_marked)} {'is' if len(not_marked) == 1 else 'are'} not marked on the model"
        )
    return "; ".join(sentences) or "all three are there, but too short; show more of the liver"


def _covariance(matcher: Matcher, fit: Fit) -> np.ndarray:
    """(6, 6), infinite where the landmarks leave a direction open."""
    width = matcher.camera.image_size[0]
    scale = SCALES[-1] * width
    sigma = max(fit.cost_px, _LEAST_OFF * width)
    counted = fit.matches.weights / (1 + (fit.offsets_px / scale) ** 2)
    slopes = jacobian(matcher, fit) * np.sqrt(np.repeat(counted, 2))[:, None]
    # Points beside each other on a line are wrong together.
    alike = max(1.0, _ALIKE_OVER * width / matcher.step_px)
    information = slopes.T @ slopes / (sigma**2 * alike)
    values, axes = np.linalg.eigh(information)
    covariance: np.ndarray = (axes / np.maximum(values, 1e-12)) @ axes.T
    return covariance


def _error_mm(covariance: np.ndarray, pose: np.ndarray, center: np.ndarray, point: np.ndarray) -> float:
    from .solver import moved

    at = transform_points(pose, point)
    slope = np.column_stack(
        [(transform_points(moved(pose, 1e-3 * axis, center), point) - at) / 1e-3 for axis in np.eye(6)]
    )
    return float(np.sqrt(np.trace(slope @ covariance @ slope.T)))


def _summary(matcher: Matcher, fit: Fit, covariance: np.ndarray) -> PoseRegistration:
    away = np.abs(fit.offsets_px)
    is_near = away <= matcher.camera.image_size[0] * _OUTLIER_SHARE
    names = {number: name for name, number in LANDMARKS.items()}
    by_landmark = {
        names[kind]: float(np.sqrt((away[is_near & (fit.matches.kinds == kind)] ** 2).mean()))
        for kind in np.unique(fit.matches.kinds[is_near]).tolist()
    }
    return PoseRegistration(
        model_to_camera=fit.model_to_camera,
        reprojection_px=float(np.sqrt((away[is_near] ** 2).mean())) if is_near.any() else float("inf"),
        landmark_px=by_landmark,
        outliers=float(1 - is_near.mean()),
        covariance=covariance,
        center=matcher.model.liver.center,
    )


def _doubts(found: PoseRegistration, open_mm: float, width: int) -> tuple[str, ...]:
    doubts = []
    if found.outliers > _MANY_OUTLIERS:
        doubts.append(
            f"{found.outliers:.0%} of the landmarks' points do not fit the model: another shape, or wrong ones."
        )
    if found.reprojection_px > _BAD_PX_SHARE * width:
        doubts.append(
            f"The landmarks fit to {found.reprojection_px:.1f} pixels only: the liver has not the model's shape, or "
            "the pose is wrong; the error may be several times the stated one."
        )
    if open_mm > _DOUBTFUL_MM:
        doubts.append(f"The landmarks leave the pose open by {open_mm:.0f} mm: more of them would make it reliable.")
    return tuple(doubts)
