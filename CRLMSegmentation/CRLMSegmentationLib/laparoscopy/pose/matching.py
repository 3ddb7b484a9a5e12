"""Which point of the model each point of the picture's landmarks is of, at a pose."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ...geometry import transform_points
from ...values.camera import Camera
from ...values.landmarks import LANDMARKS, Polyline
from ..surface.mesh import Mesh
from .model_landmarks import Curves, ModelLandmarks, silhouette_of

SILHOUETTE = "silhouette"
# In widths of the picture: points along the lines, and how far beside its nearest point of the model, along the
# model's line, a point may lie to be of that line and not beyond its end.
_STEP_SHARE, _ALONG_SHARE = 1 / 160, 1 / 100
_LINES_MOST = 600
# In widths of the picture: how far drawn lines are off, and how much more are those of a network by what its confidence
# lacks to 1. On simulated validation pictures 960 wide it was off by 4 pixels at 0.95, by 7 at 0.87, by 8 at 0.75.
_OFF, _UNSURE_OFF = 1 / 500, 1 / 16


@dataclass(frozen=True, eq=False)
class Matches:
    """Points of the picture and of the model that belong together; n of them.

    pixels     (n, 2) in the picture
    points     (n, 3) of the model
    across     (n, 2) of unit length: in the picture across the model's line
    is_beyond  (n,) the point lies beyond an end of the model's line: how far along the line counts, too
    off_px     (n,) how far the picture's points are off, as their lines' confidence says
    kinds      (n,) the numbers of LANDMARKS
    """

    pixels: np.ndarray
    points: np.ndarray
    across: np.ndarray
    is_beyond: np.ndarray
    off_px: np.ndarray
    kinds: np.ndarray

    @cached_property
    def weights(self) -> np.ndarray:
        """(n,) by how far the points are off; their mean is 1."""
        certain = 1 / self.off_px**2
        return np.asarray(certain / certain.mean())

    def offsets(self, camera: Camera, model_to_camera: np.ndarray) -> np.ndarray:
        """(n, 2) pixels at a pose near the one of the matches: across the model's line, and along it where a point
        lies beyond its end; large where the model's point cannot be seen.
        """
        in_camera = transform_points(model_to_camera, self.points)
        can_see = camera.can_see(in_camera)[:, None]
        off = np.where(can_see, self.pixels - camera.project(in_camera), float(camera.image_size[0]))
        along = self.across[:, ::-1] * (1, -1)
        beside = np.einsum("ij,ij->i", off, self.across)
        beyond = np.where(self.is_beyond, np.einsum("ij,ij->i", off, along), 0.0)
        return np.column_stack([beside, beyond])


class Matcher:
    """The landmarks of a picture, and those of the model that they may be of.

    lines  of one picture; a landmark that the model lacks is left out

    coarse_liver  the model's, with fewer triangles
    """

    def __init__(self, model: ModelLandmarks, camera: Camera, lines: Sequence[Polyline]):
        self.model, self.camera = model, camera
        self.coarse_liver = model.coarse_liver
        width = camera.image_size[0]
        self._curves = {name: curves for name in LANDMARKS if (curves := model.curves(name)) is not None}
        self.lines = [line for line in lines if line.landmark == SILHOUETTE or line.landmark in self._curves]
        step = max(width * _STEP_SHARE, sum(line.length for line in self.lines) / _LINES_MOST)
        self.observed: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name in LANDMARKS:
            sampled = [(line.sampled(step), line.confidence) for line in self.lines if line.landmark == name]
            if sampled:
                off = [np.full(len(points), np.hypot(_OFF, _UNSURE_OFF * (1 - sure))) for points, sure in sampled]
                self.observed[name] = np.vstack([points for points, _ in sampled]), width * np.concatenate(off)
        self.step_px, self._along_px = step, width * _ALONG_SHARE

    def displaced(self, move: Callable[[np.ndarray], np.ndarray]) -> Matcher:
        """The same with a model whose points (n, 3) lie where `move` says."""
        other = copy.copy(self)
        other.coarse_liver = Mesh(move(self.coarse_liver.points), self.coarse_liver.triangles)
        other._curves = {name: Curves(move(one.points), one.neighbors) for name, one in self._curves.items()}
        return other

    def curve_points(self, landmark: str) -> np.ndarray:
        """(n, 3) points 1 mm apart along the model's curves of 'ridge' or 'ligament'."""
        return self._curves[landmark].points

    def match(self, model_to_camera: np.ndarray, with_silhouette: bool = True) -> Matches:
        """What belongs together when the model lies at `model_to_camera` (4, 4): to each point of the picture the
        nearest of the same landmark.
        """
        parts = []
        for name, (pixels, off_px) in self.observed.items():
            if name == SILHOUETTE:
                found = self._on_silhouette(pixels, model_to_camera) if with_silhouette else None
            else:
                found = self._on_curves(pixels, self._curves[name], model_to_camera)
            if found is not None:
                points, across, is_beyond = found
                kinds = np.full(len(pixels), LANDMARKS[name])
                parts.append((pixels, points, across, is_beyond, off_px, kinds))
        if not parts:
            empty = np.zeros((0, 2))
            return Matches(empty, np.zeros((0, 3)), empty, np.zeros(0, bool), np.zeros(0), np.zeros(0, int))
        return Matches(*(np.concatenate(values) for values in zip(*parts)))

    def _on_silhouette(
        self, pixels: np.ndarray, model_to_camera: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        silhouette = silhouette_of(self.coarse_liver, self.camera, model_to_camera)
        if not len(silhouette.points):
            return None
        _, nearest = cKDTree(silhouette.pixels).query(pixels)
        across = silhouette.normals[nearest]
        off = pixels - silhouette.pixels[nearest]
        along = np.abs(off[:, 0] * across[:, 1] - off[:, 1] * across[:, 0])
        return silhouette.points[nearest], across, along > max(self._along_px, silhouette.apart_px)

    def _on_curves(
        self, pixels: np.ndarray, curves: Curves, model_to_camera: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        in_camera = transform_points(model_to_camera, curves.points)
        can_see = np.flatnonzero(self.camera.can_see(in_camera))
        if len(can_see) < 2:
            return None
        places = self.camera.project(in_camera)
        _, nearest = cKDTree(places[can_see]).query(pixels)
        at = can_see[nearest]
        before, after = curves.neighbors[at].T
        tangent = places[after] - places[before]
        # A point whose neighbor lies behind the camera cannot slide.
        length = np.maximum(np.nan_to_num(np.linalg.norm(tangent, axis=1)), 1e-9)
        tangent = np.nan_to_num(tangent / length[:, None])
        along = np.einsum("ij,ij->i", pixels - places[at], tangent)
        # Between two points of the curve it is as if the nearer one could slide.
        per_step = length / np.maximum(np.count_nonzero(curves.neighbors[at] != at[:, None], axis=1), 1)
        share = np.clip(along / per_step, -1, 1)
        toward = np.where(share > 0, after, before)
        points = curves.points[at] + np.abs(share)[:, None] * (curves.points[toward] - curves.points[at])
        return points, tangent[:, ::-1] * (-1, 1), np.abs(along) > np.maximum(self._along_px, 1.5 * per_step)
