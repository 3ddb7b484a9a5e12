"""What a camera sees of a surface: how deep each pixel looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...values.camera import Camera
from .depth import lay_triangles, see_points
from .mesh import Mesh

NEAREST_MM = 1.0


@dataclass(frozen=True, eq=False)
class DepthView:
    """depth_mm (v, u) floating, z in the camera's frame, infinite where the surface is not seen."""

    depth_mm: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(v, u) boolean."""
        return np.asarray(np.isfinite(self.depth_mm))


@dataclass(frozen=True, eq=False)
class SurfaceView(DepthView):
    """And facing (v, u) floating, 0 to 1: how nearly the surface faces the camera there."""

    facing: np.ndarray


def view_of(mesh: Mesh, camera: Camera, model_to_camera: np.ndarray) -> DepthView:
    """`mesh`, whose frame `model_to_camera` (4, 4) maps to the camera's, as the camera sees it, in float64.

    A triangle of which a corner is behind the camera, or beyond what the lens model follows, is not seen. What is seen
    again and again is `clustered` instead.
    """
    shape, count = camera.image_size[::-1], len(mesh.points)
    pose, points = np.array(model_to_camera, dtype=np.float64), np.ascontiguousarray(mesh.points, dtype=np.float64)
    in_camera, pixels = np.empty((count, 3)), np.empty((count, 2))
    farthest, distortion = camera.turning_radius, np.pad(camera.distortion, (0, 8 - camera.distortion.size))
    see_points(in_camera, pixels, points, pose, camera.intrinsics, distortion, farthest, NEAREST_MM)
    depth, which = np.full(shape, np.inf), np.full(shape, -1, dtype=np.int64)
    triangles = np.ascontiguousarray(mesh.triangles, dtype=np.int64)
    lay_triangles(depth, which, pixels, in_camera[:, 2].copy(), triangles)
    return DepthView(depth)
