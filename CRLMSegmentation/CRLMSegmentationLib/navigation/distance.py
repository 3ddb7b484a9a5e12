"""Signed distance from a point to the tumor's surface.

The sign comes from the angle-weighted pseudo-normal at the closest point (Baerentzen and Aanaes, 2005), as VTK's
vtkImplicitPolyDataDistance computes it: it is right next to edges and corners too, where a single face's normal is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError
from ..values.triangles import signed_volume_mm3, triangles_of
from ..words import tr

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


@dataclass(frozen=True, eq=False)
class ClosestPoint:
    """The place on the surface that is nearest to a point.

    signed_distance_mm  negative when the point is inside
    point_ras           (3,) RAS mm on the surface
    """

    signed_distance_mm: float
    point_ras: np.ndarray


class TumorDistance:
    """Distances to one closed surface.

    surface  vtkPolyData in RAS mm. It is copied: later changes to it are not seen. Which way its faces turn does not
             matter; a hollow (a second, inner surface that turns the other way) counts as outside

    Raises GeometryError when the surface is empty, not finite, or open.
    """

    def __init__(self, surface: vtkPolyData) -> None:
        from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

        self._surface = _closed_outward(surface)
        self._distance = vtkImplicitPolyDataDistance()
        self._distance.SetInput(self._surface)
        bounds = np.array(self._surface.GetBounds())
        self._low, self._high = bounds[::2], bounds[1::2]

    def least_distance_mm(self, point_ras: np.ndarray) -> float:
        """mm from `point_ras` (3,) to the bounding box of the surface, 0 within it: the distance is never less, and
        this takes next to no time.
        """
        return float(np.linalg.norm(point_ras - np.clip(point_ras, self._low, self._high)))

    def signed_distance_mm(self, point_ras: ArrayLike) -> float:
        """mm from `point_ras` (3,) to the surface; negative inside. Raises GeometryError when it is not finite."""
        return self.closest_point(point_ras).signed_distance_mm

    def closest_point_ras(self, point_ras: ArrayLike) -> np.ndarray:
        """(3,) RAS mm, the place on the surface nearest to `point_ras`. Raises GeometryError as above."""
        return self.closest_point(point_ras).point_ras

    def closest_point(self, point_ras: ArrayLike) -> ClosestPoint:
        """The nearest place on the surface to `point_ras` (3,). Raises GeometryError when that is not finite."""
        point = np.asarray(point_ras, dtype=np.float64).reshape(-1)
        if point.shape != (3,) or not np.isfinite(point).all():
            raise GeometryError(tr("The distance to the tumor was asked for a point that is not three finite numbers."))
        nearest = [0.0, 0.0, 0.0]
        signed_mm = self._distance.EvaluateFunctionAndGetClosestPoint(point.tolist(), nearest)
        return ClosestPoint(float(signed_mm), np.array(nearest))


def _closed_outward(surface: vtkPolyData | None) -> vtkPolyData:
    """A cleaned copy in triangles whose faces all turn outward. Raises GeometryError."""
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    if surface is None or surface.GetNumberOfPoints() == 0 or surface.GetNumberOfCells() == 0:
        raise GeometryError(tr("The tumor surface is empty: there is nothing to measure to; segment the tumor first."))
    bare = vtkPolyData()
    bare.CopyStructure(surface)
    bare = _cleaned(bare)
    points, triangles = triangles_of(bare)
    if len(triangles) == 0:
        raise GeometryError(
            tr("The tumor surface has no faces: there is nothing to measure to; segment the tumor first.")
        )
    if not np.isfinite(points).all():
        raise GeometryError(tr("The tumor surface holds a point that is not a finite number; make the surface again."))
    if not _is_closed(triangles):
        raise GeometryError(
            tr(
                "The tumor surface is open (it has an edge with a face on one side only), so inside and "
                "outside are not "
                "known; make the surface again from the mask."
            )
        )
    if not _turns_one_way(triangles):
        bare = _oriented(bare)
        points, triangles = triangles_of(bare)
        if not _turns_one_way(triangles):
            raise GeometryError(
                tr(
                    "The faces of the tumor surface turn this way and that, so inside and outside are "
                    "not known; make the "
                    "surface again from the mask."
                )
            )
    if signed_volume_mm3(points, triangles) < 0:
        bare = _reversed(bare)
    return bare


def _cleaned(surface: vtkPolyData) -> vtkPolyData:
    """Triangles only, equal points merged (an STL file repeats them for every face), no face of zero size."""
    from vtkmodules.vtkFiltersCore import vtkCleanPolyData, vtkTriangleFilter

    triangles = vtkTriangleFilter()
    triangles.SetInputData(surface)
    triangles.PassLinesOff()
    triangles.PassVertsOff()
    clean = vtkCleanPolyData()
    clean.SetInputConnection(triangles.GetOutputPort())
    clean.ToleranceIsAbsoluteOn()
    clean.SetAbsoluteTolerance(0.0)
    # Degenerate triangles become lines; a second triangle filter drops them.
    clean.ConvertPolysToLinesOn()
    clean.ConvertLinesToPointsOff()
    again = vtkTriangleFilter()
    again.SetInputConnection(clean.GetOutputPort())
    again.PassLinesOff()
    again.PassVertsOff()
    again.Update()
    cleaned: vtkPolyData = again.GetOutput()
    return cleaned


def _edges(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every edge of every triangle: one number that both faces beside it share, and its direction (1 or -1)."""
    walked = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    number = walked.min(axis=1) * (triangles.max() + 1) + walked.max(axis=1)
    return number, np.where(walked[:, 0] < walked[:, 1], 1, -1)


def _is_closed(triangles: np.ndarray) -> bool:
    """True when every edge has faces on both sides: an even number of them."""
    number, _ = _edges(triangles)
    _, uses = np.unique(number, return_counts=True)
    return bool((uses % 2 == 0).all())


def _turns_one_way(triangles: np.ndarray) -> bool:
    """True when every edge is walked as often forwards as backwards."""
    number, direction = _edges(triangles)
    _, which = np.unique(number, return_inverse=True)
    return bool((np.bincount(which.ravel(), weights=direction) == 0).all())


def _oriented(surface: vtkPolyData) -> vtkPolyData:
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals

    normals = vtkPolyDataNormals()
    normals.SetInputData(surface)
    normals.ConsistencyOn()
    normals.AutoOrientNormalsOn()
    normals.SplittingOff()
    # Without point or cell normals to compute, the filter leaves the faces as they are.
    normals.ComputeCellNormalsOn()
    normals.ComputePointNormalsOff()
    normals.Update()
    oriented: vtkPolyData = normals.GetOutput()
    return oriented


def _reversed(surface: vtkPolyData) -> vtkPolyData:
    from vtkmodules.vtkFiltersCore import vtkReverseSense

    reverse = vtkReverseSense()
    reverse.SetInputData(surface)
    reverse.ReverseCellsOn()
    reverse.ReverseNormalsOff()
    reverse.Update()
    turned: vtkPolyData = reverse.GetOutput()
    return turned
