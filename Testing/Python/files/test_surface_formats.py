"""Surfaces of other programs: .obj and .vtk, in the coordinates that they say or Slicer takes them for."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import read_surface
from CRLMSegmentationLib.files.transform_file import read_transform, write_transform
from vtkmodules.util.numpy_support import vtk_to_numpy

OBJ = "{}v 1 2 3\nv 4 2 3\nv 1 6 3\nf 1 2 3\n"
VTK = (
    "# vtk DataFile Version 3.0\n{}\nASCII\nDATASET POLYDATA\n"
    "POINTS 3 float\n1 2 3 4 2 3 1 6 3\nPOLYGONS 1 4\n3 0 1 2\n"
)


@pytest.mark.parametrize("name, content", [
    ("s.obj", OBJ.format("")), ("s.obj", OBJ.format("# 3D Slicer output. SPACE=RAS\n")),
    ("s.vtk", VTK.format("vtk output")), ("s.vtk", VTK.format("3D Slicer output. SPACE=RAS")),
])  # fmt: skip
def test_obj_and_vtk_are_read_in_ras(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    first = vtk_to_numpy(read_surface(tmp_path / name).GetPoints().GetData())[0].tolist()
    assert first == ([1, 2, 3] if "SPACE=RAS" in content else [-1, -2, 3])
    assert vtk_to_numpy(read_surface(tmp_path / name, as_stored=True).GetPoints().GetData())[0].tolist() == [1, 2, 3]


def test_a_damaged_one_is_refused(tmp_path):
    for name in ("s.obj", "s.vtk"):
        (tmp_path / name).write_text("nothing")
        with pytest.raises(FileFormatError, match="no surface"):
            read_surface(tmp_path / name)


def test_a_transform_comes_back(tmp_path):
    matrix = np.array([[0.0, -1, 0, 5], [1, 0, 0, -7], [0, 0, 1, 30], [0, 0, 0, 1]])
    assert read_transform(write_transform(matrix, tmp_path / "t.tfm")) == pytest.approx(matrix, abs=1e-9)
    with pytest.raises(FileFormatError, match="does not exist"):
        read_transform(tmp_path / "missing.tfm")
    (tmp_path / "bad.tfm").write_text("nothing")
    with pytest.raises(FileFormatError, match="no transform"):
        read_transform(tmp_path / "bad.tfm")
