"""Surfaces as `.stl`, `.vtp` or `.ply`, in RAS or LPS as 3D Slicer expects them.

Slicer reads models as LPS unless the file says otherwise: surfaces are written in LPS with the field or comment
`SPACE=LPS` that it looks for (vtkMRMLModelStorageNode), and turned back into RAS on reading.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import FileFormatError
from .coordinates import to_ras
from .paths import name_for_library
from .ply import is_damaged
from .whole_file import written_whole

_SPACE_LPS = "SPACE=LPS"
_SPACE = re.compile(r"\bSPACE=([\w-]+)")
SURFACE_ENDINGS = (".stl", ".vtp", ".ply")


def write_surface(surface, path) -> Path:
    """Write a vtkPolyData in RAS mm to `path`, by its suffix (.stl, .vtp, .ply)."""
    # By their modules: all of VTK takes most of a second to load.
    from vtkmodules.vtkCommonCore import vtkStringArray
    from vtkmodules.vtkIOGeometry import vtkSTLWriter
    from vtkmodules.vtkIOPLY import vtkPLYWriter
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    path = Path(path)
    turned = _with_x_and_y_turned(surface)
    if path.suffix.lower() == ".vtp":
        writer = vtkXMLPolyDataWriter()
        space = vtkStringArray()
        space.SetName("SPACE")
        space.InsertNextValue("LPS")
        turned.GetFieldData().AddArray(space)
    elif path.suffix.lower() == ".stl":
        writer = vtkSTLWriter()
        writer.SetFileTypeToBinary()
        writer.SetHeader(f"{_SPACE_LPS} CRLM Navigation")
    elif path.suffix.lower() == ".ply":
        writer = vtkPLYWriter()
        writer.AddComment(_SPACE_LPS)
    else:
        raise FileFormatError(f"{path} has no known ending for a surface; use one of {', '.join(SURFACE_ENDINGS)}.")
    name_for_library(path)
    writer.SetInputData(turned)
    with written_whole(path) as place, _silent_vtk():
        writer.SetFileName(name_for_library(place))
        if not writer.Write() or not _is_whole(place, turned):
            raise FileFormatError(f"{path} cannot be written; check the folder and the free space.")
    return path


def read_surface(path):
    """The vtkPolyData in `path`, in RAS mm. Raises FileFormatError, also for other coordinates than RAS and LPS."""
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"The surface {path} does not exist; check the path.")
    suffix = path.suffix.lower()
    if suffix not in SURFACE_ENDINGS:
        raise FileFormatError(f"{path} has no known ending for a surface; use one of {', '.join(SURFACE_ENDINGS)}.")
    if suffix == ".ply" and is_damaged(path):
        raise FileFormatError(f"{path} holds no surface; the file is empty or damaged.")
    reader = _read_by(path)
    surface = vtkPolyData()
    surface.ShallowCopy(reader.GetOutput())
    if surface.GetNumberOfPoints() == 0:
        raise FileFormatError(f"{path} holds no surface; the file is empty or damaged.")
    used = surface.GetPolys().GetConnectivityArray()
    if used.GetNumberOfTuples() and not 0 <= used.GetRange()[0] <= used.GetRange()[1] < surface.GetNumberOfPoints():
        raise FileFormatError(f"{path} is damaged: its triangles name points that are not there.")
    said, spaces = "", []
    if suffix == ".vtp":
        space = surface.GetFieldData().GetAbstractArray("SPACE")
        spaces = [space.GetValue(0)] if space is not None and space.GetNumberOfValues() else []
    elif suffix == ".stl":
        said = reader.GetHeader() or ""
    else:
        comments = reader.GetComments()
        said = " ".join(comments.GetValue(index) for index in range(comments.GetNumberOfValues()))
    spaces = spaces or _SPACE.findall(said)
    is_ras = bool(spaces) and (to_ras(spaces[0], path) == np.eye(3)).all()
    return surface if is_ras else _with_x_and_y_turned(surface)


def _read_by(path: Path):
    """VTK's reader for the ending of `path`, after reading it; what it complains about is not printed."""
    from vtkmodules.vtkIOGeometry import vtkSTLReader
    from vtkmodules.vtkIOPLY import vtkPLYReader
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    reader = {".vtp": vtkXMLPolyDataReader, ".stl": vtkSTLReader, ".ply": vtkPLYReader}[path.suffix.lower()]()
    reader.SetFileName(name_for_library(path))
    with _silent_vtk():
        reader.Update()
    return reader


def _is_whole(path: Path, surface) -> bool:
    """True when the file holds the surface: VTK's writers but that of STL say nothing when the disk is full."""
    if path.suffix.lower() == ".stl":
        return path.is_file()
    if path.suffix.lower() == ".ply":
        return not is_damaged(path)
    return _read_by(path).GetOutput().GetNumberOfPoints() == surface.GetNumberOfPoints()


@contextmanager
def _silent_vtk():
    """VTK prints what goes wrong, several lines of it; here it becomes one sentence."""
    from vtkmodules.vtkCommonCore import vtkObject

    before = vtkObject.GetGlobalWarningDisplay()
    vtkObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        vtkObject.SetGlobalWarningDisplay(before)


def _with_x_and_y_turned(surface):
    """A copy with x and y negated (RAS to LPS or back); a rotation by 180 degrees, so facing stays outward."""
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkCommonTransforms import vtkTransform
    from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

    transform = vtkTransform()
    transform.Scale(-1, -1, 1)
    apply = vtkTransformPolyDataFilter()
    apply.SetTransform(transform)
    apply.SetInputData(surface)
    apply.Update()
    turned = vtkPolyData()
    turned.ShallowCopy(apply.GetOutput())
    return turned
