"""The shell at a fixed distance around the tumor: the margin that is to be kept.

The distance to the surface is sampled on a grid and contoured where it equals the margin. A distance transform shows
where that will be; there, the distance to the surface's triangles is taken, so that the shell is right to a few
hundredths of a millimeter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import GeometryError
from ..segmentation.surface import isosurface
from ..values.triangles import triangles_of, triangulated, with_fewer_triangles
from ..words import tr
from .surface_distances import SurfaceDistances

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

LARGEST_MARGIN_MM = 20.0
_MOST_SAMPLES = 250_000
_FINEST_MM = 0.5
# The distance transform measures from the next sample inside, which is nearer than the surface by up to the diagonal of
# a cell. What makes the shell is at most one spacing away from it.
_BAND_BELOW, _BAND_ABOVE = 1.0, 1.0 + 3**0.5
# Samples of the surface lie so many spacings apart at most: then the triangle of the nearest one is precise enough.
_APART = 2.5
_FARTHER = 0.6  # of that, by which the nearest sample may be farther than the surface, at a corner of it
# Of the triangles of the contour, which are small where the shell is even, too: those that stay lie as near to where it
# should be, and a view that is drawn in software takes half of the time.
_KEPT = 0.15


def margin_shell(surface: vtkPolyData | None, margin_mm: float) -> vtkPolyData:
    """Closed vtkPolyData (RAS mm) of the points outside `surface` (vtkPolyData, closed, RAS mm) at `margin_mm`.

    Raises GeometryError for an empty surface, or a margin that is not above 0 and at most LARGEST_MARGIN_MM.
    """
    from scipy.ndimage import distance_transform_edt

    if not 0 < margin_mm <= LARGEST_MARGIN_MM:
        raise GeometryError(
            tr(
                "The margin is {margin_mm:g} mm; it must be above 0 and at most {largest_margin_mm:g} mm.",
                margin_mm=margin_mm,
                largest_margin_mm=LARGEST_MARGIN_MM,
            )
        )
    if surface is None or surface.GetNumberOfPoints() == 0:
        raise GeometryError(tr("The tumor surface is empty: there is nothing to put a margin around."))
    points, triangles = triangles_of(triangulated(surface))
    lower, upper = points.min(axis=0) - margin_mm, points.max(axis=0) + margin_mm
    spacing_mm = max(_FINEST_MM, float(np.prod(upper - lower) / _MOST_SAMPLES) ** (1 / 3))
    # Two samples beyond the shell on every side, so that it closes.
    lower, upper = lower - 2 * spacing_mm, upper + 2 * spacing_mm
    size = np.ceil((upper - lower) / spacing_mm).astype(int) + 1
    inside = _inside(surface, size, lower, spacing_mm)
    distance = distance_transform_edt(~inside) * spacing_mm
    off = (distance - margin_mm) / spacing_mm
    near = ~inside & (off >= -_BAND_BELOW) & (off <= _BAND_ABOVE)
    distance[inside] = -spacing_mm
    if margin_mm <= spacing_mm:  # the shell also passes between neighbours inside and outside
        near |= inside & (distance_transform_edt(inside) < 1.5)
    near = np.argwhere(near)
    places = near[:, ::-1] * spacing_mm + lower
    to_surface = SurfaceDistances(points, triangles, _APART * spacing_mm)
    away, samples = to_surface.nearest_samples(places)
    # Only what is at most one spacing from the shell makes it; all else is on the right side of it already.
    beside = (away >= margin_mm - spacing_mm) & (away <= margin_mm + (1 + _FARTHER * _APART) * spacing_mm)
    away[beside] = to_surface.to_triangle_of(samples[beside], places[beside])
    near = tuple(near.T)
    distance[near] = np.where(inside[near], -away, away)
    shell = isosurface(distance.astype(np.float32), margin_mm, (spacing_mm,) * 3, lower)
    return with_fewer_triangles(shell, int(_KEPT * shell.GetNumberOfCells()))


def _inside(surface: vtkPolyData, size: np.ndarray, origin: np.ndarray, spacing_mm: float) -> np.ndarray:
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
    inside: np.ndarray = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars()).reshape(size[::-1])
    return inside > 0
