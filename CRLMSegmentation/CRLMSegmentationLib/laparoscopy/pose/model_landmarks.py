"""A liver's model with its landmarks in 3D: curves on it, and the silhouette that follows from the view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import ndimage

from ...geometry import invert_affine, transform_points
from ...values.camera import Camera
from ...values.triangles import with_fewer_triangles
from ..surface.mesh import Mesh, mesh_of
from ..surface.view import view_of
from .shape_modes import ShapeModes, shape_modes

_STEP_MM = 1.0
_MOST_TRIANGLES = 20_000
# The silhouette is looked for in a picture of at most this width.
_MASK_WIDTH = 480
_FROM_BORDER_PX = 1.6


@dataclass(frozen=True, eq=False)
class Curves:
    """Points along the curves of one landmark, one curve after the other.

    points     (n, 3) in the model's frame, mm
    neighbors  (n, 2) numbers of the points before and after each; its own where the curve ends
    """

    points: np.ndarray
    neighbors: np.ndarray


@dataclass(frozen=True, eq=False)
class Silhouette:
    """Where the liver ends in a view: points (n, 3) of the model, pixels (n, 2), and normals (n, 2) of unit length,
    across the line in the picture; apart_px: about how far apart the points are at most, along it.
    """

    points: np.ndarray
    pixels: np.ndarray
    normals: np.ndarray
    apart_px: float


@dataclass(frozen=True, eq=False)
class ModelLandmarks:
    """liver, and its curves: 'ridge' and 'ligament', each with its lines (n, 3); all in the model's frame, mm."""

    liver: Mesh
    lines: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)

    @cached_property
    def coarse_liver(self) -> Mesh:
        """The liver with fewer triangles; making it takes longer than a registration, so that it is made once."""
        return coarse_mesh(self.liver)

    @cached_property
    def modes(self) -> ShapeModes:
        """How this liver may have changed its shape."""
        return shape_modes(self.coarse_liver)

    def curves(self, landmark: str) -> Curves | None:
        """The curves of 'ridge' or 'ligament' with points 1 mm apart; None when they are not marked."""
        lines = [_resampled(np.asarray(line, dtype=np.float64)) for line in self.lines.get(landmark, ())]
        if not lines:
            return None
        starts = np.cumsum([0, *(len(line) for line in lines)])
        number = np.arange(starts[-1])
        before, after = np.maximum(number - 1, 0), np.minimum(number + 1, starts[-1] - 1)
        before[starts[:-1]], after[starts[1:] - 1] = starts[:-1], starts[1:] - 1
        return Curves(np.vstack(lines), np.column_stack([before, after]))


def silhouette_of(mesh: Mesh, camera: Camera, model_to_camera: np.ndarray) -> Silhouette:
    """The outer border of `mesh` in the view, where it faces sideways; not where the picture ends.

    The points lie between the mesh's points, where the surface turns from the camera: Hertzmann, 'Introduction to 3D
    silhouette detection and outlines', SIGGRAPH 1999.
    """
    small = camera.at_size(_mask_size(camera))
    seen = view_of(mesh, small, model_to_camera).seen
    eye = invert_affine(model_to_camera)[:3, 3]
    facing = np.einsum("ij,ij->i", mesh.normals, eye - mesh.points)
    one, other = mesh.edges[(facing[mesh.edges[:, 0]] > 0) != (facing[mesh.edges[:, 1]] > 0)].T
    share = (facing[one] / (facing[one] - facing[other]))[:, None]
    points = mesh.points[one] + share * (mesh.points[other] - mesh.points[one])
    normals = mesh.normals[one] + share * (mesh.normals[other] - mesh.normals[one])
    in_camera = transform_points(model_to_camera, points)
    pixels = np.where(camera.can_see(in_camera)[:, None], camera.project(in_camera), np.nan)
    is_there = camera.is_in_image(pixels) & _is_at_border(seen, camera, small, pixels)
    points, in_camera, pixels = points[is_there], in_camera[is_there], pixels[is_there]
    ahead = camera.project(in_camera + 0.1 * normals[is_there] @ model_to_camera[:3, :3].T) - pixels
    across = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-12)
    lengths = np.linalg.norm(mesh.points[one] - mesh.points[other], axis=1)[is_there]
    apart = lengths * camera.intrinsics[0, 0] / in_camera[:, 2]
    return Silhouette(points, pixels, across, float(np.quantile(apart, 0.95)) if len(apart) else 0.0)


def _mask_size(camera: Camera) -> tuple[int, int]:
    width, height = camera.image_size
    scale = min(1.0, _MASK_WIDTH / width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _is_at_border(seen: np.ndarray, camera: Camera, small: Camera, pixels: np.ndarray) -> np.ndarray:
    """(n,) boolean for pixels (n, 2) of `camera`: near to where `seen` (v, u), of the small camera, ends."""
    if seen.all() or not seen.any():
        return np.zeros(len(pixels), dtype=bool)
    # The picture goes on beyond its border as it is at it.
    to_nothing = ndimage.distance_transform_edt(seen)
    places = (np.nan_to_num(pixels, nan=-1.0) + 0.5) * np.array(small.image_size) / camera.image_size - 0.5
    u, v = np.round(np.clip(places, 0, np.array(small.image_size) - 1)).astype(int).T
    near: np.ndarray = to_nothing[v, u] <= _FROM_BORDER_PX
    return near


def coarse_mesh(mesh: Mesh) -> Mesh:
    """The same surface of at most 20,000 triangles, to a tenth of a millimetre or so for a liver of usual size."""
    if len(mesh.triangles) <= _MOST_TRIANGLES:
        return mesh
    return mesh_of(with_fewer_triangles(mesh.as_surface(), _MOST_TRIANGLES))


def _resampled(line: np.ndarray) -> np.ndarray:
    """The line (n, 3) with points 1 mm apart."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    places = np.linspace(0, along[-1], max(2, int(along[-1] / _STEP_MM) + 1))
    return np.column_stack([np.interp(places, along, line[:, axis]) for axis in range(3)])
