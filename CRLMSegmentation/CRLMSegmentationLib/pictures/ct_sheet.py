"""Pictures of a CT for front ends: as PNG, and three slices with the structures in space as one picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ..preoperative.ct_slices import AXIAL, CORONAL, SAGITTAL, CtSlices
from ..preoperative.remnant import CutPlane
from .ct_in_space import CtInSpace

_GAP_PX = 4
_TURN_DEG, _TILT_DEG = 20.0, 10.0


def sheet(
    slices: CtSlices, space: CtInSpace | None, at: Mapping[str, int], shown: Collection[str], cell_px: int,
    cut: CutPlane | None = None,
) -> np.ndarray:  # fmt: skip
    """uint8 (2 cells, 2 cells, 3): axial and space above, coronal and sagittal below; black where there is no space.

    at     slice of each plane;  shown: names of what is laid over them;  cut: a planned cut
    """
    inner = cell_px - _GAP_PX
    pictures = [slices.picture(plane, at[plane], shown, dict(at), inner, cut) for plane in (AXIAL, CORONAL, SAGITTAL)]
    seen = None if space is None else space.picture(_TURN_DEG, _TILT_DEG, shown, (inner, inner), cut)
    cells = [pictures[0], seen, pictures[1], pictures[2]]
    whole = np.zeros((2 * cell_px, 2 * cell_px, 3), dtype=np.uint8)
    for number, picture in enumerate(cells):
        if picture is None:
            continue
        top = (number // 2) * cell_px + (cell_px - picture.shape[0]) // 2
        left = (number % 2) * cell_px + (cell_px - picture.shape[1]) // 2
        whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole


def png_of(picture: np.ndarray) -> bytes:
    """A picture, uint8 grey (rows, columns) or colored (rows, columns, 3), as a PNG file, by VTK."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkIOImage import vtkPNGWriter

    rows, columns = picture.shape[:2]
    image = vtkImageData()
    image.SetDimensions(columns, rows, 1)
    channels = picture.size // (rows * columns)
    image.GetPointData().SetScalars(numpy_to_vtk(picture[::-1].reshape(-1, channels), deep=True))
    writer = vtkPNGWriter()
    writer.SetCompressionLevel(1)
    writer.WriteToMemoryOn()
    writer.SetInputData(image)
    writer.Write()
    return bytes(vtk_to_numpy(writer.GetResult()))
