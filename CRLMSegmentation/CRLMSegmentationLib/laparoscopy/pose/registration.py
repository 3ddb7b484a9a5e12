"""The pose of a model before the camera, and on request its deformation, with how well they are known; or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import LaparoscopeError
from ...geometry import transform_points
from ...values.camera import Camera
from ...values.landmarks import LANDMARKS, Polyline
from ...values.progress import Progress
from ...words import tr, tr_count
from .deformed import DeformedFit, fit_deformed
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
# A rough pose, by hand or by tracking, is some centimetres off: one that is this far from it contradicts it.
_FAR_FROM_START_MM = 80.0
_UNLIKELY = 0.01
_OUTLIER_SHARE = 1 / 80


@dataclass(frozen=True, eq=False)
class PoseRegistration:
    """Where a model lies before the camera, and how well that is known.

    model_to_camera          (4, 4) rigid, mm; after the displacements of `deformed` where is_deformed
    is_deformed              the model is displaced, too; else it keeps its shape
    deformed                 pose and displacements together, by which the error of either is known
    others                   such that are nearly as likely, with their share of the probability
    reprojection_px          root mean square distance of the picture's lines from the model's, outliers left out
    landmark_px              the same by landmark
    outliers                 share of the points that are farther off than 1/80 of the picture's width
    doubts                   sentences, for people
    """

    model_to_camera: np.ndarray
    is_deformed: bool
    deformed: DeformedFit
    reprojection_px: float
    landmark_px: dict[str, float]
    outliers: float
    others: tuple[tuple[float, DeformedFit], ...] = ()
    doubts: tuple[str, ...] = ()

    def displaced(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) in the model's frame: where `points` (n, 3) of the model come to lie before the pose."""
        fit = self.deformed
        return fit.modes.moved(points, fit.coefficients) if self.is_deformed else points

    def in_camera(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) where `points` (n, 3) of the model lie before the camera."""
        return transform_points(self.model_to_camera, self.displaced(points))

    def error_mm(self, point: np.ndarray) -> float:
        """The error to be expected (root mean square) at a point (3,) of the model; a pose that keeps the shape is off
        also by what the shape has changed.
        """
        off = self.in_camera(point[None]) - self.deformed.in_camera(point[None])
        return float(np.hypot(np.linalg.norm(off), _off_mm(self.deformed, self.others, point)))


def register_pose(
    model: ModelLandmarks,
    camera: Camera,
    lines: Sequence[Polyline],
    start: np.ndarray | None = None,
    progress: Progress | None = None,
    deform: bool = False,
) -> PoseRegistration:
    """Where `model` lies before `camera` when its landmarks are seen at `lines`.

    start     (4, 4) rough pose, model to camera, some centimetres off at most; None: found from several, see starts.py
    progress  called with (share, text)
    deform    the model is displaced as well, smoothly, see deformed.py
    Raises LaparoscopeError when the landmarks cannot determine the pose, and when it has nothing to do with `start`.
    """
    matcher = Matcher(model, camera, lines)
    if not matcher.observed:
        raise LaparoscopeError(
            tr("Picture and model have no landmark in common: {missing}.", missing=_missing(model, lines))
        )
    starts = [start] if start is not None else rough_poses(matcher)
    fits: list[Fit] = []
    deformed: list[DeformedFit] = []
    for number, one in enumerate(starts):
        if progress:
            progress(0.2 + 0.8 * number / len(starts), "pose")
        fits.append(fit_pose(matcher, one))
        # Where the rough pose is far off, the shape is bent toward it; from the rigid one it is not.
        deformed += [fit_deformed(matcher, model.modes, pose) for pose in (one, fits[-1].model_to_camera)]
    fits.sort(key=lambda fit: fit.cost_px)
    points = model.liver.points[:: max(1, len(model.liver.points) // 200)]
    # A liver that has changed its shape may fit best, as a rigid one, where it is not.
    likely = min(deformed, key=lambda fit: fit.improbable)
    best = fit_pose(matcher, likely.model_to_camera, SCALES[1:])
    others = _nearly_as_likely(deformed, likely)
    open_mm = float(np.mean([_off_mm(likely, others, point) for point in points]))
    _check_pose(best, fits, matcher, points, lines, open_mm, is_given=start is not None)
    if start is not None:
        _check_start(best, start, points)
    return _summary(matcher, best, likely, others, deform, open_mm)


def _nearly_as_likely(fits: Sequence[DeformedFit], likely: DeformedFit) -> tuple[tuple[float, DeformedFit], ...]:
    """The fits with the share of the probability that each has beside the likely one, which is left out."""
    shares = np.exp([likely.improbable - fit.improbable for fit in fits])
    return tuple(
        (float(share), fit) for share, fit in zip(shares / shares.sum(), fits)
        if fit is not likely and share > _UNLIKELY
    )  # fmt: skip


def _off_mm(likely: DeformedFit, others: Sequence[tuple[float, DeformedFit]], point: np.ndarray) -> float:
    """The error to be expected (root mean square) at a point (3,), with the other poses that are nearly as likely."""
    there = likely.in_camera(point[None])
    between = sum(share * float(((fit.in_camera(point[None]) - there) ** 2).sum()) for share, fit in others)
    return float(np.sqrt(likely.error_mm(point) ** 2 + between))


def _check_pose(
    best: Fit, fits: Sequence[Fit], matcher: Matcher, points: np.ndarray, lines: Sequence[Polyline], open_mm: float,
    is_given: bool,
) -> None:  # fmt: skip
    """Raises LaparoscopeError when the pose stays open, rigid or by `open_mm` with what the liver may have changed, or
    there is another as good one and none was given.
    """
    covariance, model = _covariance(matcher, best), matcher.model
    rigid_mm = np.mean([_error_mm(covariance, best.model_to_camera, model.liver.center, point) for point in points])
    open_mm = max(open_mm, float(rigid_mm))
    if not open_mm < _OPEN_MM:
        how = (
            tr("the liver could still lie {open_mm:.0f} mm elsewhere", open_mm=open_mm)
            if open_mm < 1000
            else tr("it stays open")
        )
        raise LaparoscopeError(
            tr("These landmarks cannot determine the pose, {how}: {missing}.", how=how, missing=_missing(model, lines))
        )
    others = [
        fit for fit in fits
        if fit.cost_px < _AS_GOOD * best.cost_px
        and distance_mm(fit.model_to_camera, best.model_to_camera, points) > _ELSEWHERE_MM
    ]  # fmt: skip
    if others and not is_given:
        else_what = _missing(model, lines, tr("with more landmarks: "))
        raise LaparoscopeError(
            tr(
                "These landmarks fit the model in more than one pose: begin with a rough one (aligned by hand, or "
                "--start), or {else_what}.",
                else_what=else_what,
            )
        )


def _check_start(best: Fit, start: np.ndarray, points: np.ndarray) -> None:
    """Raises LaparoscopeError when what fits the lines has nothing to do with the rough pose: wrong lines can be fitted
    closely, too, and then no other figure tells of it.
    """
    away_mm = distance_mm(best.model_to_camera, start, points)
    if away_mm > _FAR_FROM_START_MM:
        raise LaparoscopeError(
            tr(
                "The pose that fits these landmarks lies {away_mm:.0f} mm from the rough one, so one of the two is "
                "wrong: align the model again, or take another picture.",
                away_mm=away_mm,
            )
        )


def _missing(model: ModelLandmarks, lines: Sequence[Polyline], before: str = "") -> str:
    """Which landmarks lack, with `before` in front of them; where none does, that another picture is needed."""
    in_picture = {line.landmark for line in lines}
    sentences = []
    not_seen = [name for name in LANDMARKS if name not in in_picture]
    not_marked = [
        name for name in LANDMARKS if name in in_picture and name != "silhouette" and not model.lines.get(name)
    ]
    if not_seen:
        names = tr(" and no ").join(map(tr, not_seen))
        sentences.append(tr("the picture shows no {landmarks}", landmarks=names))
    if not_marked:
        names = tr(" and ").join(map(tr, not_marked))
        sentences.append(
            tr_count(
                "{names} is not marked on the model",
                "{names} are not marked on the model",
                len(not_marked),
                names=names,
            )
        )
    if not sentences:
        return tr("take a picture that shows more of the liver, or shows it from another side")
    return before + "; ".join(sentences)


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


def _summary(
    matcher: Matcher, rigid: Fit, likely: DeformedFit, others: tuple[tuple[float, DeformedFit], ...], deform: bool,
    open_mm: float,
) -> PoseRegistration:  # fmt: skip
    fit = likely if deform else rigid
    width = matcher.camera.image_size[0]
    away = np.abs(fit.offsets_px)
    is_near = away <= width * _OUTLIER_SHARE
    names = {number: name for name, number in LANDMARKS.items()}
    by_landmark = {
        names[kind]: float(np.sqrt((away[is_near & (fit.matches.kinds == kind)] ** 2).mean()))
        for kind in np.unique(fit.matches.kinds[is_near]).tolist()
    }
    found = PoseRegistration(
        model_to_camera=fit.model_to_camera,
        is_deformed=deform,
        deformed=likely,
        others=others,
        reprojection_px=float(np.sqrt((away[is_near] ** 2).mean())) if is_near.any() else float("inf"),
        landmark_px=by_landmark,
        outliers=float(1 - is_near.mean()),
    )
    return replace(found, doubts=_doubts(found, open_mm, width))


def _doubts(found: PoseRegistration, open_mm: float, width: int) -> tuple[str, ...]:
    doubts = []
    if found.outliers > _MANY_OUTLIERS:
        doubts.append(
            tr(
                "{outliers:.0%} of the landmarks' points do not fit the model: another shape, or wrong ones.",
                outliers=found.outliers,
            )
        )
    if found.reprojection_px > _BAD_PX_SHARE * width:
        what_to_do = (
            tr("wrong lines, or the wrong pose") if found.is_deformed else tr("register it with its deformation")
        )
        doubts.append(
            tr(
                "The landmarks fit to {reprojection_px:.1f} pixels only: the liver has not the model's "
                "shape: {what_to_do}.",
                reprojection_px=found.reprojection_px,
                what_to_do=what_to_do,
            )
        )
    if open_mm > _DOUBTFUL_MM:
        doubts.append(
            tr(
                "The landmarks leave the pose open by {open_mm:.0f} mm: more of them would make it reliable.",
                open_mm=open_mm,
            )
        )
    return tuple(doubts)
