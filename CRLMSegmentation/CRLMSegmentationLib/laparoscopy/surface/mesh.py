"""A surface of triangles as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import LaparoscopeError
from ...values.triangles import signed_volume_mm3, surface_of, triangles_of, triangulated
from ...words import tr

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_MOST_TRIANGLES = 600_000


@dataclass(frozen=True, eq=False)
class Mesh:
    """points (n, 3) float64 mm, and triangles (m, 3) int64, numbers of points, facing outwards."""

    points: np.ndarray
    triangles: np.ndarray

    @cached_property
    def normals(self) -> np.ndarray:
        """(n, 3) of unit length: outwards at each point, the mean of its triangles by their area."""
        corners = self.points[self.triangles]
        of_triangles = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.column_stack([
            sum(np.bincount(self.triangles[:, corner], of_triangles[:, axis], len(self.points)) for corner in range(3))
            for axis in range(3)
        ])  # fmt: skip
        unit: np.ndarray = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        return unit

    @cached_property
    def edges(self) -> np.ndarray:
        """(e, 2): the pairs of points that an edge joins, each once."""
        one, other = self.triangles, self.triangles[:, [1, 2, 0]]
        # As single numbers they are sorted ten times faster than as pairs.
        count = len(self.points)
        keys = np.unique(np.minimum(one, other) * count + np.maximum(one, other))
        return np.column_stack([keys // count, keys % count])

    def as_surface(self) -> vtkPolyData:
        """The same as VTK has it."""
        return surface_of(self.points, self.triangles)

    @cached_property
    def center(self) -> np.ndarray:
        """(3,) mean of the points."""
        mean: np.ndarray = self.points.mean(axis=0)
        return mean


def mesh_of(surface: vtkPolyData) -> Mesh:
    """The triangles of `surface`, turned outwards when it is closed. Raises LaparoscopeError when it has none."""
    points, triangles = triangles_of(triangulated(surface))
    if not len(triangles):
        raise LaparoscopeError(tr("A surface of the model has no triangles: save it as a closed surface."))
    if not np.isfinite(points).all():
        raise LaparoscopeError(tr("A surface of the model has points that are not finite numbers."))
    is_outward = signed_volume_mm3(points, triangles) >= 0
    return Mesh(points, triangles if is_outward else np.ascontiguousarray(triangles[:, ::-1]))


def refined_mesh(mesh: Mesh, longest_mm: float) -> Mesh:
    """`mesh` with each triangle in four, the same surface, until few edges are longer than `longest_mm`: a lens bends
    long edges. Not beyond 600,000 triangles.
    """
    while 4 * len(mesh.triangles) <= _MOST_TRIANGLES:
        edges = mesh.edges
        lengths = np.linalg.norm(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]], axis=1)
        if np.quantile(lengths, 0.9) <= longest_mm:
            break
        mesh = _in_four(mesh)
    return mesh


def _in_four(mesh: Mesh) -> Mesh:
    edges, count = mesh.edges, len(mesh.points)
    # A number for each edge, by which it is found from either of its triangles.
    keys = edges[:, 0] * count + edges[:, 1]
    a, b, c = mesh.triangles.T
    middles = [
        count + np.searchsorted(keys, np.minimum(one, other) * count + np.maximum(one, other))
        for one, other in ((a, b), (b, c), (c, a))
    ]
    ab, bc, ca = middles
    triangles = [np.column_stack(corners) for corners in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
    return Mesh(np.vstack([mesh.points, mesh.points[edges].mean(axis=1)]), np.vstack(triangles).astype(np.int64))
