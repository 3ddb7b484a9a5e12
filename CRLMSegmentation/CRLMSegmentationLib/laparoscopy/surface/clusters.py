"""A surface as it is drawn frame after frame: its triangles in clusters of neighbours, ready to be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...values.camera import Camera
from .cluster_kernels import (
    SIZE,
    VALUES,
    fill_blocks,
    gather_clusters,
    is_closed,
    lay_clusters,
    take_apart,
)
from .mesh import Mesh
from .view import NEAREST_MM, SurfaceView

_BITS = 10
# From inside a closed surface is the whole sphere, from outside none of it; so much of it is taken for none.
_NOTHING = 0.25


@dataclass(frozen=True, eq=False)
class ClusteredMesh:
    """What cluster_kernels goes through: blocks, firsts and corners of the clusters, relative to `center` (3,) mm;
    middles (clusters, 3) and radii (clusters,) of spheres around them, and faces (clusters, 3) their triangles' normals
    by half their length, mm²; is_closed: without a border.
    """

    center: np.ndarray
    blocks: np.ndarray
    firsts: np.ndarray
    corners: np.ndarray
    middles: np.ndarray
    radii: np.ndarray
    faces: np.ndarray
    is_closed: bool

    def view(self, camera: Camera, model_to_camera: np.ndarray) -> SurfaceView:
        """What view_of() the mesh is, several times as fast: depth_mm to some micrometres, float32 as facing is, and a
        pixel whose centre lies within a ten-thousandth of the outline on either side of it.

        Of a closed surface that the camera is outside of, what faces away is left out: it lies behind what does not.
        """
        pose = np.array(model_to_camera, dtype=np.float64)
        pose[:3, 3] += pose[:3, :3] @ self.center
        focal, middle = camera.intrinsics[[0, 1], [0, 1]], camera.intrinsics[:2, 2]
        distortion = np.pad(camera.distortion, (0, 8 - camera.distortion.size))
        lens = np.concatenate([focal, middle, distortion, [camera.turning_radius**2]]).astype(np.float32)
        width, height = camera.image_size
        seen = np.zeros(height * width)
        lay_clusters(
            seen, height, width, self.blocks, self.firsts, self.corners, pose.astype(np.float32), lens, NEAREST_MM,
            self.is_closed and self._is_outside(-pose[:3, :3].T @ pose[:3, 3]),
        )  # fmt: skip
        depth, facing = np.empty(seen.shape, np.float32), np.empty(seen.shape, np.float32)
        take_apart(depth, facing, seen)
        return SurfaceView(depth.reshape(height, width), facing.reshape(height, width))

    def _is_outside(self, eye: np.ndarray) -> bool:
        """Surely outside of the closed surface, in none of its clusters' spheres: seen from there it turns its inside
        to as much of the sphere as its outside. The solid angle of each cluster is that of a small face at its middle.
        """
        away = self.middles - eye
        distances = np.linalg.norm(away, axis=1)
        if not (distances > self.radii).all():
            return False
        solid_angle = np.einsum("ij,ij->i", self.faces, away) / distances**3
        return bool(abs(solid_angle.sum()) < _NOTHING * 4 * np.pi)


def clustered(mesh: Mesh) -> ClusteredMesh:
    """`mesh` ready to be seen from anywhere; a fraction of a second for half a million triangles."""
    triangles = np.ascontiguousarray(mesh.triangles[_order(mesh)])
    corners, used = np.empty(triangles.shape, np.uint8), np.empty(triangles.size, np.int64)
    firsts = np.empty(-(-len(triangles) // SIZE) + 1, np.int64)
    used = used[: gather_clusters(corners, used, firsts, triangles, len(mesh.points))]
    values = np.column_stack([mesh.points - mesh.center, mesh.normals]).astype(np.float32)
    blocks = np.empty(VALUES * len(used), np.float32)
    fill_blocks(blocks, values, used, firsts)
    places, counts = values[used, :3], np.diff(firsts)
    middles = np.add.reduceat(places, firsts[:-1], dtype=np.float64) / counts[:, None]
    off = np.linalg.norm(places - np.repeat(middles, counts, axis=0), axis=1)
    a, b, c = np.moveaxis(values[triangles, :3].astype(np.float64), 1, 0)
    faces = np.add.reduceat(np.cross(b - a, c - a) / 2, np.arange(0, len(triangles), SIZE))
    random = np.random.default_rng(0).integers(0, 2**64, (2, len(mesh.points)), dtype=np.uint64)
    return ClusteredMesh(
        mesh.center, blocks, firsts, corners, middles, np.maximum.reduceat(off, firsts[:-1]), faces,
        bool(is_closed(triangles, *random)),
    )  # fmt: skip


def _order(mesh: Mesh) -> np.ndarray:
    """(m,) the triangles so that neighbours follow each other: by the bits of their places in turn (Morton 1966)."""
    places = mesh.points[mesh.triangles].sum(axis=1) / 3
    lowest, extent = places.min(axis=0), max(float(np.ptp(places, axis=0).max()), 1e-9)
    steps = ((places - lowest) * ((2**_BITS - 1) / extent)).astype(np.uint32)
    key = np.zeros(len(steps), dtype=np.uint32)
    for bit in range(_BITS):
        for axis in range(3):
            key |= ((steps[:, axis] >> bit) & 1) << (3 * bit + axis)
    order: np.ndarray = np.argsort(key, kind="stable")
    return order
