"""Files as other programs and other people make them: in the right place, of the right kind, under any name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import vtk
from CRLMSegmentationLib import files
from CRLMSegmentationLib.errors import CRLMError, FileFormatError, NotASequenceError
from CRLMSegmentationLib.files import read_box, read_mask, read_surface, read_volume, write_surface, write_volume
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_sweep, write_sweep
from CRLMSegmentationLib.values import Volume


def roi(path, *more, **changes):
    """A box at R 66, A -98, S 20 of 30 x 31 x 32 mm in a Markups file, in LPS and mm unless `changes` say otherwise."""
    one = {"type": "ROI", "coordinateSystem": "LPS", "coordinateUnits": "mm", "center": [-66, 98, 20],
           "orientation": [-1, 0, 0, 0, -1, 0, 0, 0, 1], "size": [30, 31, 32], **changes}  # fmt: skip
    path.write_text(json.dumps({"markups": [*more, {key: value for key, value in one.items() if value is not None}]}))
    return path


RAS = {"center": [66, -98, 20], "orientation": [1, 0, 0, 0, 1, 0, 0, 0, 1]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"coordinateSystem": "lps"},
        {"coordinateSystem": None, "coordinateUnits": None},
        {"coordinateSystem": "1"},
        {"coordinateSystem": 1},
        {"coordinateSystem": "RAS", **RAS},
        {"coordinateSystem": "0", **RAS},
        {"coordinateSystem": 0, **RAS},
        {"coordinateUnits": ["mm", "UCUM", "millimeter"]},
        {"coordinateUnits": "cm", "center": [-6.6, 9.8, 2], "size": [3, 3.1, 3.2]},
        {"coordinateUnits": ["m", "UCUM", "meter"], "center": [-0.066, 0.098, 0.02], "size": [0.03, 0.031, 0.032]},
    ],
)
def test_a_box_lies_where_its_file_says(tmp_path, changes):
    box = read_box(roi(tmp_path / "a.mrk.json", **changes))
    np.testing.assert_allclose(box.center_ras, [66, -98, 20], atol=1e-9)
    np.testing.assert_allclose(box.size_mm, [30, 31, 32], atol=1e-9)
    np.testing.assert_allclose(box.axes_ras, np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    "changes, word",
    [({"coordinateSystem": "IJK"}, "IJK"), ({"coordinateSystem": "scanner"}, "scanner"),
     ({"coordinateSystem": "2"}, "'2'"),
     ({"coordinateUnits": "inch"}, "inch"), ({"coordinateUnits": []}, "not known")],
)  # fmt: skip
def test_a_box_in_unknown_coordinates_is_refused(tmp_path, changes, word):
    with pytest.raises(FileFormatError, match=word):
        read_box(roi(tmp_path / "a.mrk.json", **changes))


def test_which_of_two_boxes_is_meant_is_not_guessed(tmp_path):
    with pytest.raises(FileFormatError, match="2 Markups ROIs"):
        read_box(roi(tmp_path / "a.mrk.json", {"type": "ROI"}))
    assert read_box(roi(tmp_path / "b.mrk.json", {"type": "Fiducial"})).center_ras[0] == pytest.approx(66)


@pytest.mark.parametrize("space, x", [("LPS", -1), ("RAS", 1), ("right-anterior-superior", 1)])
def test_a_surface_lies_where_its_file_says(tmp_path, space, x):
    source = vtk.vtkSphereSource()
    source.SetCenter(30, 0, 0)
    source.Update()
    surface = source.GetOutput()
    writer = vtk.vtkPLYWriter()
    writer.SetFileName(str(tmp_path / "a.ply"))
    writer.AddComment(f"from elsewhere; SPACE={space}")
    writer.SetInputData(surface)
    writer.Write()
    assert read_surface(tmp_path / "a.ply").GetCenter()[0] == pytest.approx(30 * x, abs=0.1)
    field = vtk.vtkStringArray()
    field.SetName("SPACE")
    field.InsertNextValue(space)
    surface.GetFieldData().AddArray(field)
    writer = vtk.vtkXMLPolyDataWriter()
    writer.SetFileName(str(tmp_path / "a.vtp"))
    writer.SetInputData(surface)
    writer.Write()
    assert read_surface(tmp_path / "a.vtp").GetCenter()[0] == pytest.approx(30 * x, abs=0.1)
    field.SetValue(0, "IJK")
    writer.Write()
    with pytest.raises(FileFormatError, match="IJK"):
        read_surface(tmp_path / "a.vtp")


def nrrd(path, *extra, sizes=(2, 3, 4), kinds="domain domain domain"):
    directions = "(1,0,0) (0,1,0) (0,0,1)"
    lines = ["NRRD0004", "type: uchar", "dimension: 3", "space: LPS", f"sizes: {' '.join(map(str, sizes))}",
             f"space directions: {directions}", f"kinds: {kinds}", "encoding: raw", "space origin: (1,2,3)",
             *extra]  # fmt: skip
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + bytes(range(int(np.prod(sizes)))))
    return path


def test_a_volume_in_other_units_is_brought_to_mm(tmp_path):
    volume = read_volume(nrrd(tmp_path / "cm.nrrd", 'space units: "cm" "cm" "cm"'))
    np.testing.assert_allclose(volume.spacing_mm, 10)
    np.testing.assert_allclose(volume.origin_ras, [-10, -20, 30])
    np.testing.assert_allclose(read_volume(nrrd(tmp_path / "mm.nrrd", 'space units: "mm" "mm" "mm"')).spacing_mm, 1)
    for units in ('"cm" "mm" "mm"', '"inch" "inch" "inch"'):
        with pytest.raises(FileFormatError, match="mm"):
            read_volume(nrrd(tmp_path / "a.nrrd", f"space units: {units}"))


@pytest.mark.parametrize("name, count", [("a.igs.mha", 5), ("a.igs.nrrd", 5), ("a.mha", 1)])
def test_a_recording_is_not_taken_for_a_volume(tmp_path, name, count):
    frames = [TrackedFrame(np.ones((4, 6), np.uint8), np.eye(4), float(number)) for number in range(count)]
    path = write_sweep(Sweep(frames), tmp_path / name)
    for read in (read_volume, read_mask):
        with pytest.raises(FileFormatError, match=r"is a recording of .*frames, not a volume; reconstruct it first"):
            read(path)


def test_one_image_with_a_pose_is_a_recording_too(tmp_path):
    """As PLUS writes a sequence of one frame: two axes."""
    lines = ["ObjectType = Image", "NDims = 2", "BinaryData = True", "DimSize = 6 4", "ElementType = MET_UCHAR",
             "Kinds = domain domain", "Seq_Frame0000_ProbeToTrackerTransform = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1",
             "ElementDataFile = LOCAL"]  # fmt: skip
    (tmp_path / "a.mha").write_bytes("\n".join(lines).encode() + b"\n" + bytes(range(24)))
    with pytest.raises(FileFormatError, match="is a recording"):
        read_volume(tmp_path / "a.mha")


def test_a_volume_of_igsio_with_fields_of_one_frame_is_a_volume(tmp_path):
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "DimSize = 2 3      4", "ElementType = MET_UCHAR",
             "Kinds = domain domain     domain", "Seq_Frame0000_ImageStatus = OK",
             "ElementDataFile = LOCAL"]  # fmt: skip
    (tmp_path / "a.mha").write_bytes("\n".join(lines).encode() + b"\n" + bytes(range(24)))
    assert read_volume(tmp_path / "a.mha").dimensions == (2, 3, 4)


def test_an_old_volume_of_plus_that_calls_its_third_axis_a_list_is_a_volume(tmp_path):
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "DimSize = 2 3      4", "ElementType = MET_UCHAR",
             "ElementSpacing = 0.5 0.5 0.5", "Kinds = domain domain list", "ElementDataFile = LOCAL"]  # fmt: skip
    (tmp_path / "a.mha").write_bytes("\n".join(lines).encode() + b"\n" + bytes(range(24)))
    assert read_volume(tmp_path / "a.mha").dimensions == (2, 3, 4)
    with pytest.raises(NotASequenceError):
        read_sweep(tmp_path / "a.mha")


def mask(path, values):
    voxels = np.zeros((3, 4, 5), np.asarray(values).dtype)
    voxels.ravel()[: len(values)] = values
    return write_volume(Volume(voxels, np.eye(4)), path)


def test_a_mask_with_one_label_is_that_label(tmp_path):
    for values in ([1, 1], [255, 255], [0.5, 0.5]):
        found = read_mask(mask(tmp_path / "a.nrrd", np.array(values)))
        assert found.voxels.dtype == np.uint8 and found.voxels.sum() == 2 and found.voxels.max() == 1
    assert not read_mask(mask(tmp_path / "b.nrrd", [0])).voxels.any()


def test_of_several_labels_a_person_chooses(tmp_path):
    path = mask(tmp_path / "a.nrrd", [1, 1, 1, 2, 2, 7])
    with pytest.raises(FileFormatError, match=r"3 labels \(1, 2, 7\).*--truth-label"):
        read_mask(path, option="--truth-label")
    assert [int(read_mask(path, label).voxels.sum()) for label in (1, "2", "7", "all")] == [3, 2, 1, 6]
    with pytest.raises(FileFormatError, match="no label '3'; it holds 1, 2, 7"):
        read_mask(path, 3)


def test_segments_are_chosen_by_name(tmp_path):
    layers = np.zeros((3, 4, 5, 2), np.uint8)
    layers[0, 0, :3, 0], layers[0, 1, :2, 0], layers[0, 0, :4, 1] = 1, 2, 1
    image = SimpleITK.GetImageFromArray(layers, isVector=True)
    for segment, name, value, layer in ((0, "tumor", 1, 0), (1, "vessel", 2, 0), (2, "liver", 1, 1)):
        image.SetMetaData(f"Segment{segment}_Name", name)
        image.SetMetaData(f"Segment{segment}_LabelValue", str(value))
        image.SetMetaData(f"Segment{segment}_Layer", str(layer))
    SimpleITK.WriteImage(image, str(tmp_path / "a.seg.nrrd"))
    path = tmp_path / "a.seg.nrrd"
    assert [int(read_mask(path, name).voxels.sum()) for name in ("tumor", "vessel", "liver", "2")] == [3, 2, 4, 2]
    with pytest.raises(FileFormatError, match="tumor, vessel, liver"):
        read_mask(path)
    with pytest.raises(FileFormatError, match="more than one label '1'"):
        read_mask(path, 1)


def test_an_image_is_not_a_mask(tmp_path):
    for values in (np.linspace(0, 1, 30), [np.nan, 1.0]):
        with pytest.raises(FileFormatError, match="is an image and not a mask"):
            read_mask(mask(tmp_path / "a.nrrd", np.asarray(values)))
    # A whole body with a hundred labels looks like an image too, until a person says which is meant.
    many = write_volume(Volume(np.arange(125, dtype=np.uint8).reshape(5, 5, 5), np.eye(4)), tmp_path / "b.nrrd")
    with pytest.raises(FileFormatError, match="is an image and not a mask"):
        read_mask(many)
    assert read_mask(many, 117).voxels.sum() == 1


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="this system has no names that are not UTF-8")
def test_a_name_that_is_not_utf_8_gives_a_sentence(tmp_path):
    volume = Volume(np.ones((2, 2, 2), np.uint8), np.eye(4))
    source = vtk.vtkSphereSource()
    source.Update()
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/L\xe4sion"))
    for ending, content in ((".nrrd", write_volume(volume, tmp_path / "a.nrrd").read_bytes()), (".stl", b"solid")):
        path.with_suffix(ending).write_bytes(content)
    for call in (
        lambda: read_volume(path.with_suffix(".nrrd")),
        lambda: write_volume(volume, path.with_suffix(".nrrd")),
        lambda: read_surface(path.with_suffix(".stl")),
        lambda: write_surface(source.GetOutput(), path.with_suffix(".stl")),
    ):
        with pytest.raises(CRLMError, match="not written in UTF-8"):
            call()


@pytest.mark.skipif(os.name == "nt", reason="names are not bytes there")
def test_a_name_in_utf_8_is_read_where_python_takes_names_for_ascii(tmp_path):
    write_volume(Volume(np.ones((2, 2, 2), np.uint8), np.eye(4)), tmp_path / "Läsion.nrrd")
    code = ("import sys\nfrom CRLMSegmentationLib.files import read_volume\n"
            "print(read_volume(sys.argv[1]).voxels.sum())")  # fmt: skip
    library = str(Path(files.__file__).parents[2])
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": library}
    done = subprocess.run([sys.executable, "-c", code, os.fsencode(tmp_path / "Läsion.nrrd")], env=environment,
                          capture_output=True, encoding="utf-8")  # fmt: skip
    assert done.stdout.strip() == "8", done.stderr
