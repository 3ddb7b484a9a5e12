"""Pictures of a CT for front ends: as PNG, and three slices with the structures in space as one picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ..preoperative.ct_slices import AXIAL, CORONAL, SAGITTAL, CtSlices
from ..preoperative.cut_line import cut_line
from ..preoperative.remnant import CutPlane
from .ct_in_space import CtInSpace
from .cut_handles import draw_handles

_GAP_PX = 4
# In rows of two; the second one is space.
_CELLS = {0: AXIAL, 2: CORONAL, 3: SAGITTAL}
_TURN_DEG, _TILT_DEG = 20.0, 10.0


def sheet(
    slices: CtSlices, space: CtInSpace | None, at: Mapping[str, int], shown: Collection[str], cell_px: int,
    cut: CutPlane | None = None,
) -> np.ndarray:  # fmt: skip
    """uint8 (2 cells, 2 cells, 3): axial and space above, coronal and sagittal below; black where there is no space.

    at     slice of each plane;  shown: names of what is laid over them;  cut: a planned cut
    """
    inner = cell_px - _GAP_PX
    pictures = [slices.picture(plane, at[plane], shown, dict(at), inner, cut) for plane in _CELLS.values()]
    for plane, drawn in zip(_CELLS.values(), pictures):
        line = None if cut is None else cut_line(slices, plane, at[plane], cut)
        if line is not None:
            draw_handles(drawn, line)
    seen = None if space is None else space.picture(_TURN_DEG, _TILT_DEG, shown, (inner, inner), cut)
    cells = [pictures[0], seen, pictures[1], pictures[2]]
    whole = np.zeros((2 * cell_px, 2 * cell_px, 3), dtype=np.uint8)
    for number, picture in enumerate(cells):
        if picture is None:
            continue
        top, left = _corner(number, picture.shape[:2], cell_px)
        whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole


def place_in_sheet(slices: CtSlices, cell_px: int, x: float, y: float) -> tuple[str, float, float] | None:
    """The plane of the slice that is at pixel (x, y) of sheet(), and the place in its picture, parts (0 to 1) of its
    width and height, which may lie outside of it; None in the picture of space.
    """
    number = 2 * int(y >= cell_px) + int(x >= cell_px)
    if number not in _CELLS:
        return None
    width_mm, height_mm = slices.size_mm(_CELLS[number])
    pixel_mm = max(width_mm, height_mm) / (cell_px - _GAP_PX)
    size = max(1, round(height_mm / pixel_mm)), max(1, round(width_mm / pixel_mm))
    top, left = _corner(number, size, cell_px)
    return _CELLS[number], (x - left) / size[1], (y - top) / size[0]


def _corner(number: int, size: tuple[int, ...], cell_px: int) -> tuple[int, int]:
    """Top and left of a picture, rows and columns, in the middle of its cell."""
    return (number // 2) * cell_px + (cell_px - size[0]) // 2, (number % 2) * cell_px + (cell_px - size[1]) // 2


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
