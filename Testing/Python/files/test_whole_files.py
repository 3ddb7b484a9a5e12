"""A file is written whole or not at all, and one that is not whole is not read."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import vtk
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import read_surface, read_volume, write_box, write_surface, write_volume
from CRLMSegmentationLib.files.whole_file import written_whole
from CRLMSegmentationLib.values import Box, Volume

VOLUME = Volume(np.random.default_rng(0).integers(1, 255, (40, 40, 40)).astype(np.uint8), np.eye(4))
MOST_BYTES = 20_000


def sphere():
    source = vtk.vtkSphereSource()
    source.SetThetaResolution(60)
    source.SetPhiResolution(60)
    source.Update()
    return source.GetOutput()


NAMES = ("a.nrrd", "a.nii", "a.nii.gz", "a.mha", "a.mhd", "a.stl", "a.vtp", "a.ply")
# Every file of this process ends at so many bytes, as on a full disk. Set in a process of its own.
LIMITED = """
import json, resource, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_whole_files import MOST_BYTES, NAMES, VOLUME, sphere
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import SURFACE_ENDINGS, write_surface, write_volume
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))
said = {}
for name in NAMES:
    path = Path(sys.argv[1]) / name / name
    write, what = (write_surface, sphere()) if path.suffix in SURFACE_ENDINGS else (write_volume, VOLUME)
    try:
        write(what, path)
        said[name] = "written"
    except FileFormatError as error:
        said[name] = f"refused {error}"
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory):
    """(folder with one folder for each of NAMES, where an older file was; what writing over it there said)."""
    if sys.platform == "win32":
        pytest.skip("this system has no limit on the size of a file")
    folder = tmp_path_factory.mktemp("full")
    for name in NAMES:
        (folder / name).mkdir()
        (folder / name / name).write_bytes(b"the older file")
    here = Path(__file__)
    places = [str(here.parent), str(here.parents[3] / "CRLMSegmentation")]
    done = subprocess.run([sys.executable, "-c", LIMITED, str(folder), *places], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_told_and_the_older_file_stays(full_disk, name):
    folder, said = full_disk
    assert said[name].startswith("refused") and "cannot be written" in said[name]
    assert (folder / name / name).read_bytes() == b"the older file"
    assert [path.name for path in (folder / name).iterdir()] == [name]


def test_a_writer_that_writes_nothing_is_reported(tmp_path):
    with pytest.raises(FileFormatError, match="cannot be written"), written_whole(tmp_path / "a.nrrd"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_box_that_cannot_be_written_leaves_the_older_one(tmp_path, monkeypatch):
    before = write_box(Box([1, 2, 3], [4, 5, 6]), tmp_path / "a.mrk.json").read_bytes()

    def half(path, text, **options):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text[: len(text) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(FileFormatError, match="No space left"):
        write_box(Box([0, 0, 0], [1, 1, 1]), tmp_path / "a.mrk.json")
    assert (tmp_path / "a.mrk.json").read_bytes() == before


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_nifti_file_that_is_cut_off_is_not_read_as_black(tmp_path, name):
    path = write_volume(VOLUME, tmp_path / name)
    assert (read_volume(path).voxels == VOLUME.voxels).all()
    content = path.read_bytes()
    for kept in (len(content) - 1000, len(content) // 2):
        path.write_bytes(content[:kept])
        with pytest.raises(FileFormatError):
            read_volume(path)
    if name == "a.nii.gz":  # packed again after it was cut off
        path.write_bytes(gzip.compress(gzip.decompress(content)[:-500]))
        with pytest.raises(FileFormatError, match="cut off"):
            read_volume(path)


def test_a_nifti_file_with_a_scale_is_whole(tmp_path):
    """Stored in 16 bits, read as floats: fewer bytes than the voxels in memory."""
    image = SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nii"))
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[112:116] = np.float32(0.5).tobytes()
    (tmp_path / "a.nii").write_bytes(content)
    assert read_volume(tmp_path / "a.nii").voxels.max() == pytest.approx(29.5)


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.7, 0.99])
def test_a_ply_file_that_is_cut_off_does_not_end_the_process(tmp_path, ascii, kept):
    """Without the check VTK's reader ends this very process, or gives back rubbish."""
    writer = vtk.vtkPLYWriter()
    writer.SetFileName(str(tmp_path / "a.ply"))
    writer.SetInputData(sphere())
    if ascii:
        writer.SetFileTypeToASCII()
    writer.Write()
    content = (tmp_path / "a.ply").read_bytes()
    assert read_surface(tmp_path / "a.ply").GetNumberOfPoints() == sphere().GetNumberOfPoints()
    (tmp_path / "a.ply").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(FileFormatError, match="damaged"):
        read_surface(tmp_path / "a.ply")


def test_a_surface_whose_triangles_name_missing_points_is_refused(tmp_path):
    lines = [
        "ply",
        "format ascii 1.0",
        "element vertex 3",
        "property float x",
        "property float y",
        "property float z",
        "element face 1",
        "property list uchar int vertex_indices",
        "end_header",
        "0 0 0",
        "1 0 0",
        "0 1 0",
    ]
    for last, fine in (("3 0 1 2", True), ("3 0 1 7", False), ("3 0 -1 2", False)):
        (tmp_path / "a.ply").write_text("\n".join([*lines, last, ""]))
        if fine:
            assert read_surface(tmp_path / "a.ply").GetNumberOfPoints() == 3
        else:
            with pytest.raises(FileFormatError, match="damaged"):
                read_surface(tmp_path / "a.ply")


def test_a_surface_of_nothing_wrong_is_written(tmp_path):
    for name in ("a.stl", "a.vtp", "a.ply"):
        assert write_surface(sphere(), tmp_path / name).stat().st_size > MOST_BYTES


@pytest.mark.parametrize(
    "change",
    [
        (b"property list uchar int vertex_indices", b"property list float int vertex_indices"),
        (b"property float x", b"property float a"),
        (b"property list uchar int", b"property list int uchar"),
        (b"element face", b"element fuse"),
        (b"element vertex 3482", b"element vertex -482"),
        (b"format binary", b"format bin_ary"),
        (b"comment SPACE", b"comment \xff\xfe\xe4 SPACE"),
    ],
)
def test_a_damaged_ply_file_is_refused_or_read_but_ends_nothing(tmp_path, change):
    content = write_surface(sphere(), tmp_path / "a.ply").read_bytes()
    assert change[0] in content
    (tmp_path / "a.ply").write_bytes(content.replace(*change))
    try:
        surface = read_surface(tmp_path / "a.ply")
    except FileFormatError:
        return
    assert surface.GetBounds() == pytest.approx(sphere().GetBounds(), abs=1e-3)


def test_a_ply_file_of_vtk_is_read_to_the_triangle(tmp_path):
    surface = sphere()
    for ascii in (False, True):
        writer = vtk.vtkPLYWriter()
        writer.SetFileName(str(tmp_path / "a.ply"))
        writer.SetInputData(surface)
        writer.AddComment("SPACE=RAS")
        if ascii:
            writer.SetFileTypeToASCII()
        writer.Write()
        found = read_surface(tmp_path / "a.ply")
        np.testing.assert_allclose(points_of(found), points_of(surface), atol=1e-5)
        assert [ids_of(found, cell) for cell in range(9)] == [ids_of(surface, cell) for cell in range(9)]
        assert found.GetNumberOfCells() == surface.GetNumberOfCells()


def points_of(surface):
    return np.array([surface.GetPoint(number) for number in range(surface.GetNumberOfPoints())])


def ids_of(surface, cell):
    return [surface.GetCell(cell).GetPointId(corner) for corner in range(surface.GetCell(cell).GetNumberOfPoints())]


def test_a_header_with_names_in_other_encodings_is_read(tmp_path):
    lines = [b"ObjectType = Image", b"NDims = 3", b"BinaryData = True", b"DimSize = 2 3 4", b"ElementType = MET_UCHAR",
             b"H\xf4pital = Gen\xe8ve", b"ElementDataFile = LOCAL"]  # fmt: skip
    (tmp_path / "a.mha").write_bytes(b"\n".join(lines) + b"\n" + bytes(range(24)))
    assert read_volume(tmp_path / "a.mha").dimensions == (2, 3, 4)
