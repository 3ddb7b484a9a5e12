"""Surfaces of triangles as arrays, and back to VTK's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


def triangulated(surface: vtkPolyData) -> vtkPolyData:
    """The same surface, of triangles alone: polygons and strips are split, lines and single points are left out."""
    from vtkmodules.vtkFiltersCore import vtkTriangleFilter

    if surface.GetNumberOfStrips() == 0 and surface.GetPolys().IsHomogeneous() == 3:
        return surface
    triangles = vtkTriangleFilter()
    triangles.SetInputData(surface)
    triangles.PassLinesOff()
    triangles.PassVertsOff()
    triangles.Update()
    split: vtkPolyData = triangles.GetOutput()
    return split


def triangles_of(surface: vtkPolyData) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) float64 and triangles (m, 3) of point indices, of a vtkPolyData of triangles."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    if surface.GetNumberOfPolys() == 0:
        return np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64)
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    return points, vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)


def surface_of(points: np.ndarray, triangles: np.ndarray) -> vtkPolyData:
    """A vtkPolyData of points (n, 3) and triangles (m, 3) of point indices."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    surface, places, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    places.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    offsets = np.arange(0, 3 * len(triangles) + 1, 3, dtype=np.int64)
    numbers = np.ascontiguousarray(triangles, dtype=np.int64).ravel()
    cells.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(numbers, deep=True))
    surface.SetPoints(places)
    surface.SetPolys(cells)
    return surface


def signed_volume_mm3(points: np.ndarray, triangles: np.ndarray) -> float:
    """Volume enclosed by faces that turn outward; negative when they turn inward (divergence theorem)."""
    a, b, c = ((points - points.mean(axis=0))[triangles[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def surface_points(surface: vtkPolyData) -> np.ndarray:
    """(n, 3) float64: the points of a surface, in mm."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points: np.ndarray = vtk_to_numpy(surface.GetPoints().GetData())
    return points.astype(np.float64)


def with_points(surface: vtkPolyData, points: np.ndarray) -> vtkPolyData:
    """A copy of a surface whose points lie at `points` (n, 3), mm."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkPolyData as Surface

    moved, places = Surface(), vtkPoints()
    places.SetData(numpy_to_vtk(points.astype(np.float32), deep=True))
    moved.DeepCopy(surface)
    moved.SetPoints(places)
    return moved


def with_fewer_triangles(surface: vtkPolyData, most: int) -> vtkPolyData:
    """A surface of triangles with at most about `most` of them, and with normals at its points; unchanged where it has
    no more. By quadric error (Garland and Heckbert 1997): fewer where it is even, and creases stay where they are.
    """
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals, vtkQuadricDecimation

    if surface.GetNumberOfCells() <= most:
        return surface
    fewer = vtkQuadricDecimation()
    fewer.SetInputData(surface)
    fewer.SetTargetReduction(1 - most / surface.GetNumberOfCells())
    fewer.VolumePreservationOn()
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(fewer.GetOutputPort())
    normals.SplittingOff()
    normals.Update()
    made: vtkPolyData = normals.GetOutput()
    return made
