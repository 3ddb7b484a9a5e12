"""Surfaces as `.stl`, `.vtp` or `.ply`, in RAS or LPS as 3D Slicer expects them; `.obj` and `.vtk` are read, too.

Slicer reads models as LPS unless the file says otherwise: surfaces are written in LPS with the field or comment
`SPACE=LPS` that it looks for (vtkMRMLModelStorageNode), and turned back into RAS on reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FileFormatError
from ..geometry import LPS_TO_RAS
from ..words import tr
from .coordinates import to_ras
from .paths import name_for_library
from .ply import read_ply
from .whole_file import written_whole

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkIOGeometry import vtkSTLWriter
    from vtkmodules.vtkIOPLY import vtkPLYWriter
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

_SPACE_LPS = "SPACE=LPS"
_SPACE = re.compile(r"\bSPACE=([\w-]+)")
SURFACE_ENDINGS = (".stl", ".vtp", ".ply")
READ_SURFACE_ENDINGS = (*SURFACE_ENDINGS, ".obj", ".vtk")


def write_surface(surface: vtkPolyData, path: str | Path) -> Path:
    """Write a surface in RAS mm to `path`, by its suffix (.stl, .vtp, .ply). Raises FileFormatError."""
    path = Path(path)
    turned = _between_lps_and_ras(surface)
    writer = _writer_of(path, turned)
    name_for_library(path)
    writer.SetInputData(turned)
    with written_whole(path) as place, _silent_vtk():
        writer.SetFileName(name_for_library(place))
        if not writer.Write() or not _is_whole(place, turned):
            raise FileFormatError(tr("{path} cannot be written; check the folder and the free space.", path=path))
    return path


def _writer_of(path: Path, turned: vtkPolyData) -> vtkXMLPolyDataWriter | vtkSTLWriter | vtkPLYWriter:
    """VTK's writer for the suffix of `path`, which says that the coordinates are LPS."""
    # By their modules: all of VTK takes most of a second to load.
    from vtkmodules.vtkCommonCore import vtkStringArray
    from vtkmodules.vtkIOGeometry import vtkSTLWriter
    from vtkmodules.vtkIOPLY import vtkPLYWriter
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    suffix = path.suffix.lower()
    if suffix == ".vtp":
        space = vtkStringArray()
        space.SetName("SPACE")
        space.InsertNextValue("LPS")
        turned.GetFieldData().AddArray(space)
        vtp = vtkXMLPolyDataWriter()
        vtp.SetCompressionLevel(1)  # a third of the time of the default, for 2 % more bytes
        return vtp
    if suffix == ".stl":
        stl = vtkSTLWriter()
        stl.SetFileTypeToBinary()
        stl.SetHeader(f"{_SPACE_LPS} CRLM Navigation")
        return stl
    if suffix == ".ply":
        ply = vtkPLYWriter()
        ply.AddComment(_SPACE_LPS)
        return ply
    raise FileFormatError(
        tr(
            "{path} has no known ending for a surface; use one of {surface_endings}.",
            path=path,
            surface_endings=", ".join(SURFACE_ENDINGS),
        )
    )


def read_surface(path: str | Path, as_stored: bool = False) -> vtkPolyData:
    """The surface in `path`, in RAS mm; with `as_stored` in the coordinates that the file holds, whichever they are.

    Raises FileFormatError, also for other coordinates than RAS and LPS.
    """
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(tr("The surface {path} does not exist; check the path.", path=path))
    if path.suffix.lower() not in READ_SURFACE_ENDINGS:
        endings = ", ".join(READ_SURFACE_ENDINGS)
        raise FileFormatError(
            tr("{path} has no known ending for a surface; use one of {endings}.", path=path, endings=endings)
        )
    surface, spaces = _content_of(path)
    if surface.GetNumberOfPoints() == 0:
        raise FileFormatError(tr("{path} holds no surface; the file is empty or damaged.", path=path))
    used = surface.GetPolys().GetConnectivityArray()
    if used.GetNumberOfTuples() and not 0 <= used.GetRange()[0] <= used.GetRange()[1] < surface.GetNumberOfPoints():
        raise FileFormatError(tr("{path} is damaged: its triangles name points that are not there.", path=path))
    if as_stored:
        return surface
    is_ras = bool(spaces) and np.array_equal(to_ras(spaces[0], path), np.eye(4))
    return surface if is_ras else _between_lps_and_ras(surface)


def _content_of(path: Path) -> tuple[vtkPolyData, list[str]]:
    """The vtkPolyData in `path` as it stands, empty for a damaged file, and the names of its coordinate system."""
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkIOGeometry import vtkOBJReader, vtkSTLReader
    from vtkmodules.vtkIOLegacy import vtkPolyDataReader
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    suffix, surface = path.suffix.lower(), vtkPolyData()
    if suffix == ".ply":
        try:
            ply = read_ply(path)
        except (OSError, ValueError):
            return surface, []
        return _polygons(ply.points, ply.faces), _SPACE.findall(" ".join(ply.comments))
    vtp, stl, obj, vtk = vtkXMLPolyDataReader(), vtkSTLReader(), vtkOBJReader(), vtkPolyDataReader()
    readers: dict[str, vtkXMLPolyDataReader | vtkSTLReader | vtkOBJReader | vtkPolyDataReader] = {
        ".vtp": vtp, ".stl": stl, ".obj": obj, ".vtk": vtk,
    }  # fmt: skip
    reader = readers[suffix]
    reader.SetFileName(name_for_library(path))
    with _silent_vtk():
        reader.Update()
    surface.ShallowCopy(reader.GetOutput())
    if suffix != ".vtp":
        # Slicer writes it into the first lines of these.
        said = {".stl": stl.GetHeader, ".obj": obj.GetComment, ".vtk": vtk.GetHeader}[suffix]()
        return surface, _SPACE.findall(_as_text(said))
    space = surface.GetFieldData().GetAbstractArray("SPACE")
    named = space is not None and space.GetNumberOfValues() > 0 and hasattr(space, "GetValue")
    return surface, [_as_text(space.GetValue(0))] if named else []


def _as_text(value: str | bytes | None) -> str:
    """What VTK gives for text: bytes when these are not UTF-8, None for none."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def _polygons(points: np.ndarray, faces: list[np.ndarray]) -> vtkPolyData:
    """vtkPolyData of (n, 3) points and polygons."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    surface, places, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    places.SetData(numpy_to_vtk(points.astype(np.float32), deep=True))
    surface.SetPoints(places)
    if faces:
        offsets = np.cumsum([0, *(len(face) for face in faces)], dtype=np.int64)
        cells.SetData(
            numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(np.concatenate(faces), deep=True)
        )
    surface.SetPolys(cells)
    return surface


def _is_whole(path: Path, surface: vtkPolyData) -> bool:
    """True when the file holds the surface: VTK's writers but that of STL say nothing when the disk is full."""
    if path.suffix.lower() == ".stl":
        return path.is_file()
    written, _ = _content_of(path)
    return bool(written.GetNumberOfPoints() == surface.GetNumberOfPoints())


@contextmanager
def _silent_vtk() -> Iterator[None]:
    """VTK prints what goes wrong, several lines of it; here it becomes one sentence."""
    from vtkmodules.vtkCommonCore import vtkObject

    before = vtkObject.GetGlobalWarningDisplay()
    vtkObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        vtkObject.SetGlobalWarningDisplay(before)


def _between_lps_and_ras(surface: vtkPolyData) -> vtkPolyData:
    """A copy turned from RAS to LPS or back; a rotation by 180 degrees, so that facing stays outward."""
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkCommonTransforms import vtkTransform
    from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

    transform = vtkTransform()
    transform.SetMatrix(LPS_TO_RAS.ravel().tolist())
    apply = vtkTransformPolyDataFilter()
    apply.SetTransform(transform)
    apply.SetInputData(surface)
    apply.Update()
    turned = vtkPolyData()
    turned.ShallowCopy(apply.GetOutput())
    return turned
