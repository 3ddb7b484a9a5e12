"""`crlm convert`: the same recording in the other format, and old ones as PLUS takes them."""

import numpy as np
import pytest
from CRLMSegmentationLib import cli
from CRLMSegmentationLib.sweep import read_sweep
from CRLMSegmentationLib.sweep.sequence_files.metaimage import header_text


def at(x, y=0.0, z=0.0):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def text_of(matrix):
    return " ".join(str(value) for value in np.ravel(matrix))


def old_recording(path):
    """As recordings were written once: the same path twice, and a stylus that was lost in the second frame."""
    lines = []
    for number in range(3):
        poses = {
            "ImageToReference": at(10 * number) @ np.diag([0.1, 0.1, 1, 1]),
            "ProbeToTracker": at(10 * number, 5),
            "ReferenceToTracker": at(0, 5),
            "ProbeToReference": at(10 * number),
            "StylusToTracker": at(1, 2, number),
        }
        for name, matrix in poses.items():
            lost = name == "StylusToTracker" and number == 1
            lines += [f"Seq_Frame{number:04d}_{name}Transform = {text_of(matrix)}",
                      f"Seq_Frame{number:04d}_{name}TransformStatus = {'MISSING' if lost else 'OK'}"]  # fmt: skip
        lines += [f"Seq_Frame{number:04d}_Timestamp = {number + 0.5}", f"Seq_Frame{number:04d}_Depth = {number}"]
        lines += [f"Seq_Frame{number:04d}_ImageStatus = {'INVALID' if number == 2 else 'OK'}"]
    head = ["ObjectType = Image", "NDims = 3", "DimSize = 3 2 3", "ElementType = MET_UCHAR", "Operation = 7",
            "Kinds = domain domain list", "UltrasoundImageOrientation = UF"]  # fmt: skip
    text = "\n".join([*head, *lines, "ElementDataFile = LOCAL", ""])
    path.write_bytes(text.encode() + bytes(range(18)))
    return path


def names_in(path):
    text = path.read_bytes().decode("latin-1")
    lines = [line for line in text.splitlines() if line.startswith("Seq_Frame")]
    fields = [line.replace(":=", " =").split(" ")[0].split("_", 2)[2] for line in lines]
    return {field.removesuffix("Transform") for field in fields if field.endswith("Transform")}


@pytest.mark.parametrize("ending", [".igs.mha", ".igs.nrrd"])
def test_an_old_recording_becomes_a_tree_and_reads_the_same(tmp_path, ending):
    old = old_recording(tmp_path / "old.mha")
    new = tmp_path / f"new{ending}"
    assert cli.main(["convert", str(old), "-o", str(new)]) == 0
    assert names_in(new) == {"ImageToProbe", "ProbeToTracker", "ReferenceToTracker", "StylusToTracker"}
    before, after = read_sweep(old), read_sweep(new)
    assert after.fields == before.fields and after.fields["Operation"] == "7"
    for one, other in zip(before.frames, after.frames):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_allclose(one.image_to_reference, other.image_to_reference, atol=1e-9)
        assert (one.valid, one.timestamp, one.fields) == (other.valid, other.timestamp, other.fields)
        assert one.transforms.keys() <= other.transforms.keys()
        assert one.transforms["StylusToTracker"].status == other.transforms["StylusToTracker"].status
    assert [frame.valid for frame in after.frames] == [True, True, False]

    again = tmp_path / f"again{'.igs.nrrd' if ending.endswith('mha') else '.igs.mha'}"
    assert cli.main(["convert", str(new), "-o", str(again), "--uncompressed"]) == 0
    assert names_in(again) == names_in(new)
    assert read_sweep(again).frames[1].transforms.keys() == after.frames[1].transforms.keys()


def test_a_calibration_goes_into_the_recording(tmp_path):
    old = old_recording(tmp_path / "old.mha")
    text = old.read_bytes()
    raw = b"\n".join(line for line in text.split(b"\n") if b"ToReference" not in line)
    (tmp_path / "raw.mha").write_bytes(raw)
    calibration = text_of(np.diag([0.1, 0.1, 1, 1]))
    assert cli.main(["convert", str(tmp_path / "raw.mha"), "-o", str(tmp_path / "a.igs.mha"), "--image-to-probe",
                     *calibration.split()]) == 0  # fmt: skip
    for one, other in zip(read_sweep(old).frames, read_sweep(tmp_path / "a.igs.mha").frames):
        np.testing.assert_allclose(one.image_to_reference, other.image_to_reference, atol=1e-9)


def test_a_recording_of_a_tracker_alone_is_converted(tmp_path):
    fields = [{"StylusToTrackerTransform": text_of(at(number)), "Timestamp": str(number + 1)} for number in range(3)]
    (tmp_path / "a.mha").write_text(header_text((0, 0), fields, np.dtype(np.uint8), None, {}))
    assert cli.main(["convert", str(tmp_path / "a.mha"), "-o", str(tmp_path / "b.igs.mha")]) == 0
    text = (tmp_path / "b.igs.mha").read_bytes().decode("latin-1")
    assert "DimSize = 0 0 3" in text and text.count("StylusToTrackerTransform =") == 3 and "ImageTo" not in text


def test_the_recording_itself_is_not_written_over(tmp_path, capsys):
    old = old_recording(tmp_path / "old.mha")
    content = old.read_bytes()
    assert cli.main(["convert", str(old), "-o", str(old), "--force"]) == 1
    assert old.read_bytes() == content
