"""The shell at a fixed distance around the tumor: the margin that is to be kept.

The distance to the surface is sampled on a grid and contoured where it equals the margin. A distance transform tells
where that will be; there, the distance to the nearest of the surface's vertices is taken, which lie far closer
together than the shell is away, so that the shell is right to a few hundredths of a millimeter.
"""

from __future__ import annotations

import numpy as np

from ..errors import GeometryError
from ..segmentation.surface import isosurface

LARGEST_MARGIN_MM = 20.0
_MOST_SAMPLES = 250_000
_FINEST_MM = 0.5
# The distance transform is off by less than this many samples: it measures from samples, not from the surface.
_BAND = 2.5


def margin_shell(surface, margin_mm: float):
    """Closed vtkPolyData (RAS mm) of the points outside `surface` (vtkPolyData, closed, RAS mm) at `margin_mm`.

    Raises GeometryError for an empty surface, or a margin that is not above 0 and at most LARGEST_MARGIN_MM.
    """
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import cKDTree
    from vtkmodules.util.numpy_support import vtk_to_numpy

    if not 0 < margin_mm <= LARGEST_MARGIN_MM:
        raise GeometryError(f"The margin is {margin_mm:g} mm; it must be above 0 and at most {LARGEST_MARGIN_MM:g} mm.")
    if surface is None or surface.GetNumberOfPoints() == 0:
        raise GeometryError("The tumor surface is empty: there is nothing to put a margin around.")
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    lower, upper = points.min(axis=0) - margin_mm, points.max(axis=0) + margin_mm
    spacing_mm = max(_FINEST_MM, float(np.prod(upper - lower) / _MOST_SAMPLES) ** (1 / 3))
    # Two samples beyond the shell on every side, so that it closes.
    lower, upper = lower - 2 * spacing_mm, upper + 2 * spacing_mm
    size = np.ceil((upper - lower) / spacing_mm).astype(int) + 1
    inside = _inside(surface, size, lower, spacing_mm)
    distance = distance_transform_edt(~inside) * spacing_mm
    near = np.argwhere(~inside & (np.abs(distance - margin_mm) <= _BAND * spacing_mm))
    distance[tuple(near.T)], _ = cKDTree(points).query(near[:, ::-1] * spacing_mm + lower)
    distance[inside] = -spacing_mm
    return isosurface(distance.astype(np.float32), margin_mm, (spacing_mm,) * 3, lower, normals=True)


def _inside(surface, size: np.ndarray, origin: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Boolean [k, j, i]: grid points within the surface."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import VTK_UNSIGNED_CHAR
    from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

    stencil = vtkPolyDataToImageStencil()
    stencil.SetInputData(surface)
    stencil.SetOutputOrigin(*origin)
    stencil.SetOutputSpacing(spacing_mm, spacing_mm, spacing_mm)
    stencil.SetOutputWholeExtent(0, int(size[0]) - 1, 0, int(size[1]) - 1, 0, int(size[2]) - 1)
    image = vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetInsideValue(1)
    image.SetOutsideValue(0)
    image.SetOutputScalarType(VTK_UNSIGNED_CHAR)
    image.Update()
    return vtk_to_numpy(image.GetOutput().GetPointData().GetScalars()).reshape(size[::-1]) > 0
