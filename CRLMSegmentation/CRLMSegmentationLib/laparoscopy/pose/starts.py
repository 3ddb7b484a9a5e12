"""Poses to start from when nobody gives one: a laparoscope that looks at the liver from below and in front, with the
front of the patient up in the picture, as in an operation; by ridge and ligament.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ...errors import LaparoscopeError
from ...geometry import transform_points
from ...words import tr
from .matching import SILHOUETTE, Matcher
from .solver import fit_pose

# In the patient's frame (RAS): from where the scope looks, by degrees about the left-right and the other axes.
_BELOW_DEG, _ASIDE_DEG, _ROLL_DEG = (5, 30, 55, 80), (-60, -30, 0, 30, 60), (-30, 0, 30)
_DEPTHS_MM = (70.0, 110.0, 160.0, 220.0)
_ANCHORS = 5
_MOST_POINTS, _KEPT, _APART_MM = 60, 12, 15.0
# Distances beyond this, in widths of the picture, count alike.
_FAR_SHARE = 1 / 8
_COARSE = (1 / 10, 1 / 30)


def rough_poses(matcher: Matcher, count: int = 4) -> list[np.ndarray]:
    """The best `count` (4, 4) of many poses, model to camera, that differ from each other.

    Raises LaparoscopeError when the picture and the model have neither ridge nor ligament in common.
    """
    pixels, curves = _common(matcher)
    scored = sorted(
        ((_cost(matcher, pose, pixels, curves), pose) for pose in _candidates(matcher, pixels, curves)),
        key=lambda one: one[0],
    )
    chosen = _different([pose for _, pose in scored], matcher, _KEPT)
    fitted = [fit_pose(matcher, pose, _COARSE, with_silhouette=False) for pose in chosen]
    in_front = [fit for fit in fitted if transform_points(fit.model_to_camera, matcher.model.liver.center)[2] > 0]
    best = sorted(in_front, key=lambda fit: _cost(matcher, fit.model_to_camera, pixels, curves))
    return _different([fit.model_to_camera for fit in best], matcher, count)


def _common(matcher: Matcher) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Some pixels (n, 2) of each landmark that has a curve, and points (m, 3) of that curve."""
    pixels, curves = {}, {}
    for name, (points, _) in matcher.observed.items():
        if name != SILHOUETTE:
            pixels[name] = points[:: max(1, len(points) // _MOST_POINTS)]
            curves[name] = matcher.curve_points(name)[::3]
    if not pixels:
        raise LaparoscopeError(
            tr(
                "Without ridge or ligament in the picture and on the model a rough pose must be given (aligned by "
                "hand, or --start)."
            )
        )
    return pixels, curves


def _candidates(matcher: Matcher, pixels: dict[str, np.ndarray], curves: dict[str, np.ndarray]) -> list[np.ndarray]:
    name = next(iter(pixels))
    middle = np.median(pixels[name], axis=0)
    places = np.linspace(0, len(curves[name]) - 1, _ANCHORS + 2)[1:-1].round().astype(int)
    poses = []
    for turn in _turns():
        for depth in _DEPTHS_MM:
            target = matcher.camera.unproject(middle, depth)
            for anchor in curves[name][places]:
                pose = np.eye(4)
                pose[:3, :3] = turn
                pose[:3, 3] = target - turn @ anchor
                poses.append(pose)
    return poses


def _turns() -> list[np.ndarray]:
    """(3, 3) from RAS to the camera's frame."""
    turns = []
    for below, aside, roll in ((b, a, r) for b in _BELOW_DEG for a in _ASIDE_DEG for r in _ROLL_DEG):
        down, side, turn = np.radians([below, aside, roll])
        # From straight in front (below 0) to straight below (90).
        toward = np.array([np.sin(side) * np.cos(down), np.cos(side) * np.cos(down), -np.sin(down)])
        ahead = -toward
        up = np.array([0.0, np.sin(down), np.cos(down)])
        lower = -(up - ahead * (ahead @ up))
        lower /= np.linalg.norm(lower)
        right = np.cross(lower, ahead)
        axes = np.stack([right, lower, ahead])
        rolled = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        turns.append(rolled @ axes)
    return turns


def _cost(matcher: Matcher, pose: np.ndarray, pixels: dict[str, np.ndarray], curves: dict[str, np.ndarray]) -> float:
    """Mean distance in pixels from the picture's points to the model's curves, none farther than a limit."""
    far, total, count = matcher.camera.image_size[0] * _FAR_SHARE, 0.0, 0
    for name, observed in pixels.items():
        in_camera = transform_points(pose, curves[name])
        in_camera = in_camera[matcher.camera.can_see(in_camera)]
        count += len(observed)
        if not len(in_camera):
            total += far * len(observed)
            continue
        distance, _ = cKDTree(matcher.camera.project(in_camera)).query(observed)
        total += float(np.minimum(distance, far).sum())
    return total / count


def _different(poses: list[np.ndarray], matcher: Matcher, count: int) -> list[np.ndarray]:
    """The first `count` that put the liver elsewhere than those before them."""
    points = matcher.model.liver.points[:: max(1, len(matcher.model.liver.points) // 50)]
    kept: list[np.ndarray] = []
    for pose in poses:
        if len(kept) == count:
            break
        if all(distance_mm(pose, other, points) > _APART_MM for other in kept):
            kept.append(pose)
    return kept


def distance_mm(one: np.ndarray, other: np.ndarray, points: np.ndarray) -> float:
    """Mean distance between where two poses (4, 4) put `points` (n, 3)."""
    return float(np.linalg.norm(transform_points(one, points) - transform_points(other, points), axis=1).mean())
