"""`crlm scope register`: from lines of a picture and curves of a model to a pose that overlay takes."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import read_surface, write_surface
from CRLMSegmentationLib.files.laparoscope.camera_file import write_camera
from CRLMSegmentationLib.files.laparoscope.curves_file import read_curves
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import write_picture
from CRLMSegmentationLib.files.laparoscope.polylines_file import write_polylines
from CRLMSegmentationLib.files.transform_file import read_transform, write_transform
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.pose.solver import moved
from CRLMSegmentationLib.values.triangles import surface_points

TARGET = np.array([0.0, 20, 0])


@pytest.fixture
def case(liver_view, tmp_path):
    write_surface(liver_view.surface, tmp_path / "model" / "surfaces" / "liver.vtp")
    curves = {"ridge": liver_view.curves["ridge"][0].tolist(), "falciform_ligament": [
        liver_view.curves["ligament"][0].tolist()]}  # fmt: skip
    (tmp_path / "model" / "curves.json").write_text(json.dumps({"coordinate_system": "RAS", "unit": "mm", **curves}))
    write_polylines({"a": liver_view.lines}, liver_view.camera.image_size, tmp_path / "lines.json")
    write_camera(liver_view.camera, tmp_path / "camera.json")
    start = moved(liver_view.pose, np.array([6.0, -5, 8, 5, -5, 5]), liver_view.model.liver.center)
    write_transform(start, tmp_path / "start.tfm")
    return tmp_path


def crlm(capsys, *words):
    status = main(["scope", *(str(word) for word in words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def words(case, *more):
    return ("register", case / "lines.json", case / "model", "--camera", case / "camera.json", "--start",
            case / "start.tfm", "-o", case / "pose.tfm", *more)  # fmt: skip


def test_the_pose_is_written_with_its_error_and_overlay_takes_it(liver_view, case, capsys):
    status, out, err = crlm(capsys, *words(case, "--json"))
    facts = json.loads(out)
    assert status == 0 and facts["reprojection_px"] < 0.5 and 0 < facts["error_mm"] < 10, err
    assert set(facts["landmark_px"]) == {"ridge", "ligament", "silhouette"} and not facts["is_deformed"]
    pose = read_transform(case / "pose.tfm")
    assert pose == pytest.approx(np.array(facts["model_to_camera"]), abs=1e-6)
    off = transform_points(pose, TARGET) - transform_points(liver_view.pose, TARGET)
    assert np.linalg.norm(off) < 0.7
    width, height = liver_view.camera.image_size
    write_picture(np.zeros((height, width, 3), np.uint8), case / "picture.png")
    status, _, err = crlm(capsys, "overlay", case / "picture.png", case / "model", "--camera", case / "camera.json",
                          "--pose", case / "pose.tfm", "-o", case / "drawn.png")  # fmt: skip
    assert status == 0, err


def test_the_deformed_model_is_written_beside_the_pose(liver_view, case, capsys):
    status, out, err = crlm(capsys, *words(case, "--deformed", case / "bent", "--json"))
    facts = json.loads(out)
    assert status == 0 and facts["is_deformed"] and facts["reprojection_px"] < 0.7, err
    pose, liver = read_transform(case / "pose.tfm"), surface_points(read_surface(case / "bent" / "liver.vtp"))
    # Nothing was deformed: the liver comes to lie where it is.
    off = transform_points(pose, liver) - transform_points(liver_view.pose, liver_view.model.liver.points)
    assert np.linalg.norm(off, axis=1).mean() < 2
    status, _, err = crlm(capsys, *words(case, "--deformed", case / "bent", "--force"))
    assert status == 0, err
    status, _, err = crlm(capsys, *words(case, "--deformed", case / "lines.json", "--force"))
    assert status == 1 and "is a file; give the name of a folder" in err


@pytest.mark.parametrize("change, sentence", [
    ("ligament only", "cannot determine the pose"), ("no curves", "not marked on the model"),
    ("two frames", "say which one with --frame"), ("no liver", "no surface of the liver"),
    ("no lines", "holds no lines of landmarks"), ("text", "is a .tfm"),
])  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(liver_view, case, capsys, change, sentence):
    size, arguments = liver_view.camera.image_size, list(words(case))
    if change == "ligament only":
        write_polylines({"a": liver_view.of("ligament")}, size, case / "lines.json")
    elif change == "no curves":
        (case / "model" / "curves.json").unlink()
        write_polylines({"a": liver_view.of("ridge", "ligament")}, size, case / "lines.json")
    elif change == "two frames":
        write_polylines({"a": liver_view.lines, "b": []}, size, case / "lines.json")
    elif change == "no liver":
        (case / "model" / "surfaces" / "liver.vtp").rename(case / "model" / "surfaces" / "tumors.vtp")
    elif change == "no lines":
        (case / "lines.json").write_text('{"frames": 1}')
    else:
        np.savetxt(case / "start.txt", np.eye(4))
        arguments[arguments.index(case / "start.tfm")] = case / "start.txt"
    status, _, err = crlm(capsys, *arguments)
    assert status == 1 and sentence in err, err
    assert not (case / "pose.tfm").exists()


def test_the_challenges_curves_are_numbers_of_points(shared_data, tmp_path):
    points = np.random.default_rng(1).normal(0, 50, (4002, 3))
    curves = read_curves(shared_data / "laparoscopy" / "p2ilf_patient2_1_3D-contours.json", points)
    assert [len(line) for line in curves["ridge"]] == [4, 9] and len(curves["ligament"]) == 1
    assert np.array_equal(curves["ridge"][0], points[[1227, 1544, 1626, 1635]])
    with pytest.raises(FileFormatError, match="no usable curves"):
        read_curves(shared_data / "laparoscopy" / "p2ilf_patient2_1_3D-contours.json", points[:100])


def test_curves_in_lps_are_turned(tmp_path):
    path = tmp_path / "curves.json"
    path.write_text('{"coordinate_system": "LPS", "unit": "cm", "ligament": [[[1, 2, 3], [4, 5, 6]]]}')
    assert read_curves(path, np.zeros((0, 3)))["ligament"][0].tolist() == [[-10, -20, 30], [-40, -50, 60]]
    for content, message in (("{}", "no curve of ridge"), ('{"ridge": [[1, 2], [3, 4]]}', "no usable curves")):
        path.write_text(content)
        with pytest.raises(FileFormatError, match=message):
            read_curves(path, np.zeros((0, 3)))
