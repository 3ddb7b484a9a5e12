"""Where a surface cuts the plane of an image: the tumor's outline on the live ultrasound."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import invert_affine, plane_axes

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_JOINED_WITHIN_MM = 1e-5


def contours_in_image(surface: vtkPolyData, image_to_ras: ArrayLike) -> list[np.ndarray]:
    """Outlines of `surface` (vtkPolyData, RAS mm) in the plane of an image.

    image_to_ras  (4, 4) from pixel (u, v, 0, 1) to RAS mm
    Returns one (n, 2) float64 array of pixels (u, v) for each outline, closed ones with their first point again at the
    end; none when the plane misses the surface. They reach beyond the image's edges. Raises GeometryError for a matrix
    that is no affine.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkPlane
    from vtkmodules.vtkFiltersCore import vtkCleanPolyData, vtkCutter, vtkStripper

    ras_to_image = invert_affine(image_to_ras)
    plane = vtkPlane()
    plane.SetOrigin(*np.asarray(image_to_ras)[:3, 3])
    plane.SetNormal(*plane_axes(image_to_ras)[:, 2])
    cutter = vtkCutter()
    cutter.SetCutFunction(plane)
    cutter.SetInputData(surface)
    # Faces that have corners of their own, as those of some files, are cut into segments that do not quite meet.
    joined = vtkCleanPolyData()
    joined.SetInputConnection(cutter.GetOutputPort())
    joined.ToleranceIsAbsoluteOn()
    joined.SetAbsoluteTolerance(_JOINED_WITHIN_MM)
    joined.ConvertLinesToPointsOff()
    stripper = vtkStripper()
    stripper.SetInputConnection(joined.GetOutputPort())
    stripper.JoinContiguousSegmentsOn()
    stripper.Update()
    lines = stripper.GetOutput()
    if lines.GetNumberOfLines() == 0:
        return []
    points = vtk_to_numpy(lines.GetPoints().GetData()).astype(np.float64)
    pixels = points @ ras_to_image[:2, :3].T + ras_to_image[:2, 3]
    offsets = vtk_to_numpy(lines.GetLines().GetOffsetsArray())
    order = vtk_to_numpy(lines.GetLines().GetConnectivityArray())
    return [pixels[order[start:end]] for start, end in itertools.pairwise(offsets)]
