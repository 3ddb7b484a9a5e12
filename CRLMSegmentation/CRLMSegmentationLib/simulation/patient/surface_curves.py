"""The liver's surface and the curves on it that a surgeon and a laparoscope's picture know: the ridge and the falciform
ligament.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ...values.triangles import surface_points
from .couinaud import Planes
from .liver_shape import LiverShape

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_STEP_MM = 1.5


def liver_surface(origin_ras: np.ndarray, outside_mm: np.ndarray) -> vtkPolyData:
    """vtkPolyData, closed, RAS mm: where `outside_mm` (k, j, i), on a grid of 1 mm from origin_ras (3,), is 0."""
    from vtkmodules.vtkFiltersCore import vtkPolyDataConnectivityFilter

    largest = vtkPolyDataConnectivityFilter()
    largest.SetInputData(surface_at_zero(outside_mm, origin_ras, 1.0))
    largest.SetExtractionModeToLargestRegion()
    largest.Update()
    surface: vtkPolyData = largest.GetOutput()
    return surface


def surface_at_zero(field: np.ndarray, origin_ras: np.ndarray, step_mm: float) -> vtkPolyData:
    """vtkPolyData, RAS mm, facing the larger values: where `field` (k, j, i) float32 is 0; closed when it is positive
    at the grid's border.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(*field.shape[::-1])
    image.SetOrigin(*np.asarray(origin_ras, dtype=np.float64))
    image.SetSpacing(step_mm, step_mm, step_mm)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(field).ravel(), deep=True))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.0)
    edges.ComputeGradientsOff()
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    surface: vtkPolyData = edges.GetOutput()
    return surface


def ridge(shape: LiverShape, surface: vtkPolyData) -> np.ndarray:
    """(n, 3) RAS mm: the sharp lower border in front, between dome and visceral surface, from right to left."""
    dome, visceral = shape.dome_and_visceral_mm(surface_points(surface))
    loop = _longest_line(_contour(surface, dome - visceral))
    # Of the border all around the liver, the part in front of its outermost right and left points.
    right, left = int(np.argmax(loop[:, 0])), int(np.argmin(loop[:, 0]))
    rolled = np.roll(loop, -right, axis=0)
    turn = (left - right) % len(loop)
    one, other = rolled[: turn + 1], np.vstack([rolled[turn:], rolled[:1]])[::-1]
    return _resampled(one if one[:, 1].mean() > other[:, 1].mean() else other)


def falciform_ligament(shape: LiverShape, planes: Planes, surface: vtkPolyData) -> np.ndarray:
    """(n, 3) RAS mm: where it is fixed to the front and top of the liver, from the fissure to the vena cava."""
    points = surface_points(surface)
    beside = planes.left[0] * points[:, 1] - planes.left[1] * points[:, 0]
    dome, visceral = shape.dome_and_visceral_mm(points)
    in_front = points @ np.array([planes.left[0], planes.left[1], 0.0]) > 12.0
    line = _longest_line(_contour(surface, beside, (dome > visceral) & in_front))
    return _resampled(line if line[0, 2] < line[-1, 2] else line[::-1])


def _contour(surface: vtkPolyData, values: np.ndarray, wanted: np.ndarray | None = None) -> list[np.ndarray]:
    """Lines (n, 3) on the surface along which `values`, one for each of its points, are 0; `wanted` keeps points."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkContourFilter, vtkStripper

    marked = vtkPolyData()
    marked.ShallowCopy(surface)
    scalars = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
    scalars.SetName("value")
    marked.GetPointData().SetScalars(scalars)
    if wanted is not None:
        keep = numpy_to_vtk(np.ascontiguousarray(wanted, dtype=np.float64), deep=True)
        keep.SetName("wanted")
        marked.GetPointData().AddArray(keep)
    contour = vtkContourFilter()
    contour.SetInputData(marked)
    contour.SetValue(0, 0.0)
    stripper = vtkStripper()
    stripper.SetInputConnection(contour.GetOutputPort())
    stripper.JoinContiguousSegmentsOn()
    stripper.SetMaximumLength(1_000_000)
    stripper.Update()
    output = stripper.GetOutput()
    if output.GetNumberOfPoints() == 0:
        return []
    points = surface_points(output)
    kept = np.ones(len(points), dtype=bool)
    if wanted is not None:
        kept = vtk_to_numpy(output.GetPointData().GetArray("wanted")) > 0.5
    lines, cells = [], vtk_to_numpy(output.GetLines().GetConnectivityArray())
    offsets = vtk_to_numpy(output.GetLines().GetOffsetsArray())
    for first, last in itertools.pairwise(offsets):
        ids = cells[first:last]
        # A line is parted where a point of it is not wanted.
        breaks = np.flatnonzero(np.diff(kept[ids].astype(np.int8))) + 1
        lines += [points[part] for part in np.split(ids, breaks) if len(part) > 1 and kept[part[0]]]
    return lines


def _longest_line(lines: list[np.ndarray]) -> np.ndarray:
    return max(lines, key=lambda line: np.sqrt((np.diff(line, axis=0) ** 2).sum(axis=1)).sum())


def _resampled(line: np.ndarray) -> np.ndarray:
    """The line with points about every 1.5 mm."""
    along = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(line, axis=0) ** 2).sum(axis=1)))])
    places = np.linspace(0, along[-1], max(2, int(along[-1] / _STEP_MM) + 1))
    return np.column_stack([np.interp(places, along, line[:, axis]) for axis in range(3)])
