"""The closed, smooth surface of a mask, in RAS mm, with the mask's own volume."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SegmentationError
from ..geometry import occupied_extent, transform_points
from ..values import Volume
from ..words import tr

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

SMOOTHING_ITERATIONS = 30
# Taubin's pass band: low enough to remove the voxels' stairs, high enough to keep the tumor's lobes.
PASS_BAND = 0.05
# A mask of more voxels than this is contoured on every second grid point, with the mean over the voxels around it: as
# true to its shape, and four times fewer triangles to smooth, to show and to measure distances to.
FINE_VOXELS = 60_000
# Just under half of 8, so that no point of the surface falls onto a grid point, where triangles would have no area.
HALF = 3.9
VOLUME_ROUNDS = 5
VOLUME_TOLERANCE = 1e-3
# Share of the volume that smoothing must leave, or it is not done.
LEAST_LEFT = 0.5
# From so many points on it is worth to find their hull before all of them are measured against each other.
_MANY_ENDS = 1500


def surface_from_mask(mask: Volume, smoothing_iterations: int = SMOOTHING_ITERATIONS) -> vtkPolyData:
    """vtkPolyData of triangles around the nonzero voxels: closed, outward normals as point data, RAS mm.

    Flying edges on the padded mask, then windowed sinc smoothing (Taubin et al., 1996); what smoothing takes or adds
    is given back along the normals, so that the volume stays that of the mask. Raises SegmentationError when the mask
    is empty.
    """
    extent = occupied_extent(mask.voxels)
    if extent is None:
        raise SegmentationError(tr("The mask is empty: there is no surface to make."))
    block = mask.voxels[extent] > 0
    step = 2 if np.count_nonzero(block) > FINE_VOXELS else 1
    rough = isosurface(_padded(block, step), HALF, mask.spacing_mm * step)
    points, corners = _arrays_of(rough)
    measure = _measure(points, corners)
    if measure.volume_mm3 < 0:
        corners = corners[::-1].copy()
        measure = _measure(points, corners)
    if smoothing_iterations:
        smoothed = _arrays_of(_smooth(rough, smoothing_iterations))[0]
        smooth = _measure(smoothed, corners)
        # What is only a few voxels large would be smoothed away.
        if smooth.volume_mm3 > LEAST_LEFT * measure.volume_mm3:
            points, measure = smoothed, smooth
    points, normals = _with_volume(points, corners, measure, float(block.sum()) * float(np.prod(mask.spacing_mm)))
    # From the middle of the first padded block of step voxels, `step` voxels before the extent, to the volume's index.
    first_ijk = np.array([places.start for places in extent])[::-1] - (step + 1) / 2
    points = transform_points(mask.ijk_to_ras, points / mask.spacing_mm + first_ijk)
    # The grid's axes are perpendicular: normals turn as points do. A left-handed grid turns triangles inside out.
    normals = normals @ (mask.ijk_to_ras[:3, :3] / mask.spacing_mm).T
    if np.linalg.det(mask.ijk_to_ras[:3, :3]) < 0:
        corners = corners[::-1]
    return _polydata(points, normals, corners)


def surface_volume_mm3(surface: vtkPolyData) -> float:
    """Volume inside a closed triangle surface in mm3."""
    points, corners = _arrays_of(surface)
    return abs(_measure(points - points.mean(axis=0), corners).volume_mm3)


def largest_diameter_mm(surface: vtkPolyData) -> float:
    """The largest distance between two points of the surface in mm."""
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    # Only points that are far from the middle can be ends: with the farthest of all they would have to reach what two
    # points are known to reach, found by going from one to the farthest from it, and on from there.
    from_middle = np.linalg.norm(points - (points.min(axis=0) + points.max(axis=0)) / 2, axis=1)
    end, reached = int(from_middle.argmax()), 0.0
    for _ in range(3):
        away = np.linalg.norm(points - points[end], axis=1)
        end, reached = int(away.argmax()), max(reached, float(away.max()))
    points = points[from_middle + from_middle.max() >= reached * (1 - 1e-9)]
    if len(points) > _MANY_ENDS:
        with suppress(QhullError):  # flat
            points = points[ConvexHull(points).vertices]
    return float(pdist(points).max(initial=reached))


def _padded(block: np.ndarray, step: int) -> np.ndarray:
    """uint8: 8 inside and 0 outside, with a layer of 0 around; for step 2 the sum over each 2 x 2 x 2 voxels."""
    if step == 1:
        return np.pad(block, 1).view(np.uint8) * 8
    even = np.pad(block, [(step, step + size % step) for size in block.shape]).view(np.uint8)
    halves = even[0::2] + even[1::2]
    halves = halves[:, 0::2] + halves[:, 1::2]
    return halves[:, :, 0::2] + halves[:, :, 1::2]


def isosurface(
    values: np.ndarray,
    level: float,
    spacing_mm: Sequence[float] | np.ndarray,
    origin: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0),
    normals: bool = False,
) -> vtkPolyData:
    """vtkPolyData where `values` ([k, j, i]) pass `level`; the grid has that spacing and origin (3,), in mm."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(*values.shape[::-1])
    image.SetOrigin(*origin)
    image.SetSpacing(*spacing_mm)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(values).ravel(), deep=True))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, level)
    contour.SetComputeNormals(normals)
    contour.ComputeScalarsOff()
    contour.Update()
    surface: vtkPolyData = contour.GetOutput()
    return surface


def _smooth(surface: vtkPolyData, iterations: int) -> vtkPolyData:
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(surface)
    smoother.SetNumberOfIterations(iterations)
    smoother.SetPassBand(PASS_BAND)
    smoother.BoundarySmoothingOff()
    smoother.FeatureEdgeSmoothingOff()
    smoother.NonManifoldSmoothingOff()
    smoother.NormalizeCoordinatesOn()
    smoother.Update()
    smoothed: vtkPolyData = smoother.GetOutput()
    return smoothed


def _arrays_of(surface: vtkPolyData) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) float64, and the point numbers of the triangles as (3, m): first, second and third corners."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return points, np.ascontiguousarray(triangles.T)


@dataclass(frozen=True, eq=False)
class _Measure:
    """volume_mm3 is positive when the triangles turn outward; area_vectors (3, m) are twice as long as the area."""

    volume_mm3: float
    area_mm2: float
    area_vectors: tuple[np.ndarray, np.ndarray, np.ndarray]


def _measure(points: np.ndarray, corners: np.ndarray) -> _Measure:
    """Of closed triangles; the volume by the divergence theorem."""
    # Axis by axis: several times as fast as np.cross.
    axes = [np.ascontiguousarray(points[:, axis]) for axis in range(3)]
    a, b, c = ([along[numbers] for along in axes] for numbers in corners)
    (ux, uy, uz), (vx, vy, vz) = ([end - start for start, end in zip(a, to)] for to in (b, c))
    vectors = (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
    # Not a dot product: BLAS would spread that over threads that wait for each other on a busy machine.
    volume = sum(float((start * along).sum()) for start, along in zip(a, vectors)) / 6
    area = float(np.sqrt(sum(along * along for along in vectors)).sum()) / 2
    return _Measure(volume, area, vectors)


def _normals(measure: _Measure, corners: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) unit normals of the points: the mean over their triangles, weighted by area."""
    numbers = corners.ravel()
    normals = np.stack(
        [np.bincount(numbers, np.tile(along, 3), minlength=count) for along in measure.area_vectors], axis=1
    )
    length = np.sqrt((normals * normals).sum(axis=1, keepdims=True))
    return normals / np.where(length > 0, length, 1)


def _with_volume(
    points: np.ndarray, corners: np.ndarray, measure: _Measure, wanted_mm3: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points moved along their normals, to first order and then again, until the volume is as wanted; and normals."""
    for _ in range(VOLUME_ROUNDS):
        normals = _normals(measure, corners, len(points))
        missing_mm3 = wanted_mm3 - measure.volume_mm3
        if abs(missing_mm3) <= VOLUME_TOLERANCE * wanted_mm3:
            break
        points = points + normals * (missing_mm3 / measure.area_mm2)
        measure = _measure(points, corners)
    return points, normals


def _polydata(points: np.ndarray, normals: np.ndarray, corners: np.ndarray) -> vtkPolyData:
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    surface = vtkPolyData()
    places = vtkPoints()
    places.SetData(numpy_to_vtk(points.astype(np.float32), deep=True))
    surface.SetPoints(places)
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtkIdTypeArray(np.ascontiguousarray(corners.T, dtype=np.int64).ravel(), deep=True))
    surface.SetPolys(cells)
    directions = numpy_to_vtk(normals.astype(np.float32), deep=True)
    directions.SetName("Normals")
    surface.GetPointData().SetNormals(directions)
    return surface
