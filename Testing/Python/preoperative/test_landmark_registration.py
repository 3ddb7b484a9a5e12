"""Registration by landmarks: known transforms, the published error at a target, and what cannot be registered."""

import json

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import ConfigurationError, FileFormatError
from CRLMSegmentationLib.files.transform_file import write_transform
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.preoperative.landmark_registration import (
    Landmarks,
    read_landmarks,
    register,
    rigid,
)
from scipy.spatial.transform import Rotation

CT = np.array([[0.0, 0, 0], [80, 5, 0], [10, 60, 20], [30, -20, 70], [60, 40, 50]])
TRUE = np.eye(4)
TRUE[:3, :3] = Rotation.from_euler("xyz", [100, -30, 15], degrees=True).as_matrix()
TRUE[:3, 3] = 12, -70, 33


def landmarks(ct, reference):
    return Landmarks(tuple(f"p{n}" for n in range(len(ct))), np.asarray(ct, float), np.asarray(reference, float))


def test_exact_landmarks_give_the_exact_transform():
    found = register(landmarks(CT, transform_points(TRUE, CT)))
    assert np.allclose(found.ct_to_reference, TRUE, atol=1e-9)
    assert found.fre_mm < 1e-9 and found.error_mm(np.array([20.0, 20, 20])) < 1e-8
    assert max(found.left_out_mm()) < 1e-8
    assert register(landmarks(CT[:3], transform_points(TRUE, CT[:3]))).left_out_mm() == []


def test_the_error_at_a_target_is_the_one_that_many_trials_have():
    """Fitzpatrick's formulas against a thousand registrations with known errors of placing."""
    random, fle = np.random.default_rng(11), 3.0
    target = np.array([70.0, -30.0, 90.0])
    squares, stated, fle_squares = [], [], []
    for _ in range(1000):
        placed = transform_points(TRUE, CT) + random.normal(0, fle / np.sqrt(3), CT.shape)
        found = register(landmarks(CT, placed))
        missed = transform_points(found.ct_to_reference, target) - transform_points(TRUE, target)
        squares.append((missed**2).sum())
        stated.append(found.error_mm(target) ** 2)
        fle_squares.append(found.fle_mm**2)
    assert np.mean(fle_squares) == pytest.approx(fle**2, rel=0.05)
    assert np.mean(stated) == pytest.approx(np.mean(squares), rel=0.1)


def test_mirrored_landmarks_are_not_fitted_by_a_mirror():
    assert np.linalg.det(rigid(CT, CT * (-1, 1, 1))[:3, :3]) == pytest.approx(1)


@pytest.mark.parametrize(
    "ct, sentence",
    [(CT[:2], "at least 3 landmarks, and there are 2"), ([[0, 0, 0], [40, 1, 0], [80, 0, 0]], "nearly on a line")],
)
def test_too_few_landmarks_and_a_line_of_them_are_refused(ct, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        register(landmarks(ct, ct))


def test_landmarks_are_read_from_csv_and_json(tmp_path):
    csv = tmp_path / "l.csv"
    csv.write_text(
        "name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s\nfork,1,2,3,4,5,6\ntip, 7,8,9, 1,2.5,3\n", "utf-8"
    )
    found = read_landmarks(csv)
    assert found.names == ("fork", "tip") and found.reference[1].tolist() == [1, 2.5, 3]
    text = {"ct": {"fork": [1, 2, 3], "x": [0, 0, 0]}, "reference": {"fork": [4, 5, 6]}}
    (tmp_path / "l.json").write_text(json.dumps(text), "utf-8")
    found = read_landmarks(tmp_path / "l.json")
    assert found.names == ("fork",) and found.ct.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("name, text", [
    ("l.csv", "name,ct_r\na,1\n"),
    ("l.csv", "name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s\na,1,2,3,4,5,x\n"),
    ("l.json", "{}"), ("l.json", "["), ("l.json", '{"ct": {"a": [1, 2]}, "reference": {"a": [1, 2, 3]}}'),
    ("l.csv", "name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s\na,1,2,3,4,5,6\na,1,2,3,4,5,6\n"),
    ("l.csv", "name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s\na,1,2,3,4,5,nan\n"),
])  # fmt: skip
def test_a_file_that_holds_no_landmarks_is_told(tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(FileFormatError, match="l\\."):
        read_landmarks(tmp_path / name)


def test_the_transform_file_maps_reference_to_the_ct_in_lps_as_slicer_takes_it(tmp_path):
    read = SimpleITK.ReadTransform(str(write_transform(TRUE, tmp_path / "t.tfm")))
    place = np.array([5.0, -6.0, 7.0])
    in_reference = transform_points(TRUE, place)
    flip = np.array([-1, -1, 1])
    assert np.allclose(np.array(read.TransformPoint((in_reference * flip).tolist())) * flip, place, atol=1e-6)


def test_landmarks_of_a_simulated_patient_are_those_that_were_touched(tmp_path):
    rows = [
        {"name": f"p{n}", "ct_ras_mm": [n, 2.0, 3.0], "true_reference_mm": [9, 9, 9], "touched_reference_mm": [n, 5, 6]}
        for n in range(3)
    ]
    path = tmp_path / "landmarks.json"
    path.write_text(json.dumps({"simulated": True, "landmarks": rows}), encoding="utf-8")
    found = read_landmarks(path)
    assert found.names == ("p0", "p1", "p2")
    np.testing.assert_allclose(found.ct[1], [1, 2, 3])
    np.testing.assert_allclose(found.reference[2], [2, 5, 6])
