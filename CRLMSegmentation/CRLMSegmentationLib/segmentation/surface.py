"""The closed, smooth surface of a mask, in RAS mm, with the mask's own volume."""

from __future__ import annotations

import numpy as np

from ..errors import SegmentationError
from ..geometry import Volume, transform_points

SMOOTHING_ITERATIONS = 30
# Taubin's pass band: low enough to remove the voxels' stairs, high enough to keep the tumor's lobes.
PASS_BAND = 0.05
VOLUME_ROUNDS = 4


def surface_from_mask(mask: Volume, smoothing_iterations: int = SMOOTHING_ITERATIONS):
    """vtkPolyData of triangles around the nonzero voxels: closed, outward normals as point data, RAS mm.

    Flying edges on the padded mask, then windowed sinc smoothing (Taubin et al., 1996); what smoothing takes or adds
    is given back along the normals, so that the volume stays that of the mask. Raises SegmentationError when the mask
    is empty.
    """
    occupied = np.argwhere(mask.voxels)
    if len(occupied) == 0:
        raise SegmentationError("The mask is empty: there is no surface to make.")
    first, end = occupied.min(axis=0), occupied.max(axis=0) + 1
    block = mask.voxels[tuple(slice(lower, upper) for lower, upper in zip(first, end))] > 0
    rough = _contour(np.pad(block, 1).astype(np.uint8), mask.spacing_mm)
    smooth = _smooth(rough, smoothing_iterations) if smoothing_iterations else rough
    surface = _with_outward_normals(smooth)
    wanted_mm3 = float(block.sum()) * mask.voxel_volume_mm3
    for _ in range(VOLUME_ROUNDS):
        _grow_to_volume(surface, wanted_mm3)
        surface = _with_outward_normals(surface)
    return _with_outward_normals(_placed(surface, mask, first - 1))


def surface_volume_mm3(surface) -> float:
    """Volume inside a closed triangle surface in mm3."""
    return _measured(surface).GetVolume()


def largest_diameter_mm(surface) -> float:
    """The largest distance between two points of the surface in mm."""
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    try:
        points = points[ConvexHull(points).vertices]
    except QhullError:  # flat or tiny: few points, all of them count
        pass
    return float(pdist(points).max())


def _contour(padded: np.ndarray, spacing_mm: np.ndarray):
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(*padded.shape[::-1])
    image.SetSpacing(*spacing_mm)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(padded).ravel(), deep=True))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    return contour.GetOutput()


def _smooth(surface, iterations: int):
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(surface)
    smoother.SetNumberOfIterations(iterations)
    smoother.SetPassBand(PASS_BAND)
    smoother.BoundarySmoothingOff()
    smoother.FeatureEdgeSmoothingOff()
    smoother.NonManifoldSmoothingOn()
    smoother.NormalizeCoordinatesOn()
    smoother.Update()
    return smoother.GetOutput()


def _with_outward_normals(surface):
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals

    normals = vtkPolyDataNormals()
    normals.SetInputData(surface)
    normals.ConsistencyOn()
    normals.AutoOrientNormalsOn()
    normals.SplittingOff()
    normals.Update()
    return normals.GetOutput()


def _measured(surface):
    from vtkmodules.vtkFiltersCore import vtkMassProperties

    measure = vtkMassProperties()
    measure.SetInputData(surface)
    measure.Update()
    return measure


def _grow_to_volume(surface, wanted_mm3: float) -> None:
    """Move every point along its normal by the distance that, to first order, makes the volume `wanted_mm3`."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    measure = _measured(surface)
    distance = (wanted_mm3 - measure.GetVolume()) / measure.GetSurfaceArea()
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    normals = vtk_to_numpy(surface.GetPointData().GetNormals())
    surface.GetPoints().SetData(numpy_to_vtk(points + distance * normals, deep=True))
    surface.Modified()


def _placed(surface, mask: Volume, first_kji: np.ndarray):
    """From mm along the grid's axes, counted from the block's first voxel, to RAS mm."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    index = points / mask.spacing_mm + first_kji[::-1]
    placed = type(surface)()
    placed.ShallowCopy(surface)
    new_points = type(surface.GetPoints())()
    new_points.SetData(numpy_to_vtk(transform_points(mask.ijk_to_ras, index), deep=True))
    placed.SetPoints(new_points)
    placed.GetPointData().SetNormals(None)
    return placed
