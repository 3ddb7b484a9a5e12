"""What a camera sees of a surface: how deep each pixel looks, and which triangle it looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry import transform_points
from ...values.camera import Camera
from .depth import lay_triangles
from .mesh import Mesh

_NEAREST_MM = 1.0


@dataclass(frozen=True, eq=False)
class SurfaceView:
    """depth_mm (v, u) float64, z in the camera's frame, infinite where the surface is not seen; facing (v, u) float64,
    0 to 1: how nearly the surface faces the camera there.
    """

    depth_mm: np.ndarray
    facing: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(v, u) boolean."""
        return np.asarray(np.isfinite(self.depth_mm))


def view_of(mesh: Mesh, camera: Camera, model_to_camera: np.ndarray) -> SurfaceView:
    """`mesh`, whose frame `model_to_camera` (4, 4) maps to the camera's, as the camera sees it.

    A triangle of which a corner is behind the camera, or beyond what the lens model follows, is not seen.
    """
    points = transform_points(model_to_camera, mesh.points)
    can_see = camera.can_see(points) & (points[:, 2] > _NEAREST_MM)
    pixels = np.where(can_see[:, None], camera.project(points), np.nan)
    shape = camera.image_size[::-1]
    depth, which = np.full(shape, np.inf), np.full(shape, -1, dtype=np.int64)
    triangles = mesh.triangles[can_see[mesh.triangles].all(axis=1)]
    lay_triangles(depth, which, pixels, points[:, 2].copy(), triangles)
    toward = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    turned = np.abs((mesh.normals @ model_to_camera[:3, :3].T * toward).sum(axis=1))
    of_triangles = np.append(np.clip(turned, 0, 1)[triangles].mean(axis=1) if len(triangles) else [], 0.0)
    return SurfaceView(depth, of_triangles[which])
