"""Standard files keep the geometry, and other programs' conventions are met."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import vtk
from CRLMSegmentationLib import files
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import read_box, read_surface, read_volume, write_box, write_surface, write_volume
from CRLMSegmentationLib.values import Box, Volume

ROTATION = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


def make_volume():
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = ROTATION @ np.diag([0.5, 0.75, 1.25])
    ijk_to_ras[:3, 3] = 10, -20, 30
    return Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), ijk_to_ras)


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii.gz", "a.mha"])
def test_a_volume_keeps_its_voxels_and_place(tmp_path, name):
    volume = make_volume()
    back = read_volume(write_volume(volume, tmp_path / name))
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    np.testing.assert_allclose(back.ijk_to_ras, volume.ijk_to_ras, atol=1e-5)


def test_volumes_are_written_in_the_coordinates_that_itk_and_slicer_expect(tmp_path):
    image = SimpleITK.ReadImage(str(write_volume(make_volume(), tmp_path / "a.nrrd")))
    # Voxel (i, j, k) = (1, 2, 1): RAS = (10 - 2 * 0.75, -20 + 0.5, 30 + 1.25); LPS turns x and y.
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((1, 2, 1)), (-8.5, 19.5, 31.25))
    assert image[1, 2, 1] == make_volume().voxels[1, 2, 1]


@pytest.mark.parametrize("content", [None, b"", b"not a volume"])
def test_what_is_no_volume_gives_a_sentence(tmp_path, content):
    path = tmp_path / "a.nrrd"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"a.nrrd"):
        read_volume(path)


def test_unknown_endings_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match="ending"):
        write_volume(make_volume(), tmp_path / "a.xyz")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFormatError, match="cannot be written"):
        write_volume(make_volume(), tmp_path / "file" / "a.nrrd")


def test_a_rotated_box_comes_back(tmp_path):
    box = Box([1, 2, 3], [10, 20, 30], ROTATION)
    back = read_box(write_box(box, tmp_path / "box.mrk.json"))
    for name in ("center_ras", "size_mm", "axes_ras"):
        np.testing.assert_allclose(getattr(back, name), getattr(box, name), atol=1e-12)


def test_a_box_in_ras_and_one_in_lps_are_the_same_place(tmp_path):
    def written(system, center):
        path = tmp_path / f"{system}.mrk.json"
        roi = {"type": "ROI", "coordinateSystem": system, "center": center, "size": [4, 5, 6]}
        path.write_text(json.dumps({"markups": [roi]}))
        return read_box(path)

    ras, lps = written("RAS", [1, 2, 3]), written("LPS", [-1, -2, 3])
    np.testing.assert_allclose(sorted(map(tuple, ras.corners_ras())), sorted(map(tuple, lps.corners_ras())))


@pytest.mark.parametrize(
    "text, reason",
    [
        ("{", "JSON"),
        ("[]", "no Markups ROI"),
        ('{"markups": [{"type": "Fiducial"}]}', "no Markups ROI"),
        ('{"markups": [{"type": "ROI", "center": [0, 0, 0], "size": [0, 1, 1]}]}', "longer than 0"),
        ('{"markups": [{"type": "ROI", "center": [0, 0], "size": [1, 1, 1]}]}', "center|size"),
        ('{"markups": [{"type": "ROI", "center": [0, 0, NaN], "size": [1, 1, 1]}]}', "finite"),
    ],
)
def test_what_is_no_box_gives_a_sentence(tmp_path, text, reason):
    (tmp_path / "b.mrk.json").write_text(text)
    with pytest.raises(FileFormatError, match=reason):
        read_box(tmp_path / "b.mrk.json")


@pytest.mark.parametrize("name", ["s.stl", "s.vtp", "s.ply"])
def test_a_surface_comes_back_in_ras_and_is_stored_in_lps(tmp_path, name):
    sphere = vtk.vtkSphereSource()
    sphere.SetCenter(10, 20, 30)
    sphere.SetRadius(5)
    sphere.Update()
    back = read_surface(write_surface(sphere.GetOutput(), tmp_path / name))
    np.testing.assert_allclose(back.GetBounds(), sphere.GetOutput().GetBounds(), atol=1e-4)
    plain = {"s.stl": vtk.vtkSTLReader, "s.vtp": vtk.vtkXMLPolyDataReader, "s.ply": vtk.vtkPLYReader}[name]()
    plain.SetFileName(str(tmp_path / name))
    plain.Update()
    np.testing.assert_allclose(plain.GetOutput().GetCenter(), (-10, -20, 30), atol=0.2)


def test_a_surface_is_written_without_loading_all_of_vtk(tmp_path):
    code = (
        "import sys\n"
        "from CRLMSegmentationLib.files import read_surface, write_surface\n"
        "from vtkmodules.vtkFiltersSources import vtkSphereSource\n"
        "sphere = vtkSphereSource(); sphere.Update()\n"
        "for ending in ('stl', 'vtp', 'ply'):\n"
        "    read_surface(write_surface(sphere.GetOutput(), f'{sys.argv[1]}/s.{ending}'))\n"
        "loaded = {'vtk', 'vtkmodules.all', 'vtkmodules.vtkRenderingCore'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    library = Path(files.__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env={"PYTHONPATH": str(library)})


def test_what_is_no_surface_gives_a_sentence(tmp_path):
    with pytest.raises(FileFormatError, match="does not exist"):
        read_surface(tmp_path / "s.stl")
    with pytest.raises(FileFormatError, match="ending"):
        write_surface(vtk.vtkPolyData(), tmp_path / "s.txt")
