"""The session's own file of calibrations: what is in it, and what of it counts."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.calibrations import (
    Calibrations,
    ImageCalibration,
    TipCalibration,
    calibrations_of,
    today,
)
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ConfigurationError, FileFormatError
from CRLMSegmentationLib.files.calibrations.calibrations_file import read_calibrations_file, write_calibrations_file
from CRLMSegmentationLib.simulation.calibration.pivoting import pivoting_hand
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, write_sweep

TIP = np.eye(4)
TIP[:3, 3] = [1.0, 2.0, -150.0]
IMAGE = np.diag([0.2, 0.2, 0.2, 1.0])
SIZE = (320, 240)
KNOWN = Calibrations(
    0.4, 0.15, {"Stylus": TipCalibration(TIP, 0.25 * np.eye(3), today())},
    ImageCalibration(IMAGE, 1e-4 * np.eye(9), SIZE, today()), 0.003, today(),
)  # fmt: skip


def test_a_file_holds_all_of_it(tmp_path):
    path = write_calibrations_file(tmp_path / "calibrations.json", KNOWN.to_plain())
    read = calibrations_of(read_calibrations_file(path), "it")
    model, expected = read.model("Stylus", TIP, SIZE, (0.2, 0.2)), KNOWN.model("Stylus", TIP, SIZE, (0.2, 0.2))
    np.testing.assert_allclose(model.tip_covariance_mm2, expected.tip_covariance_mm2)
    np.testing.assert_allclose(model.image_covariance, expected.image_covariance)
    assert (model.tracking_mm, model.tracking_deg, model.delay_s) == (0.4, 0.15, 0.003) and not model.unknown


def test_a_calibration_of_another_tracker_counts_and_is_told(tmp_path):
    made = replace(KNOWN, tracker_serial="A1").with_tip("Stylus", TipCalibration(TIP, np.eye(3), today(), 0.4))
    made = made.with_image(ImageCalibration(IMAGE, 1e-4 * np.eye(9), SIZE, today(), 1.2))
    path = write_calibrations_file(tmp_path / "calibrations.json", made.to_plain())
    read = calibrations_of(read_calibrations_file(path), "it")
    assert (read.tips["Stylus"].residual_mm, read.image.residual_mm, read.tracker_serial) == (0.4, 1.2, "A1")
    assert not read.model("Stylus", TIP, SIZE).unknown
    words = ["--position-mm", "0.5", "--rotation-deg", "0.2", "--serial", "B2", "--calibrations", str(path)]
    assert main(["calibrate", "tracker", *words]) == 0
    other = calibrations_of(read_calibrations_file(path), "it").model("Stylus", TIP, SIZE)
    assert other.known["stylus"] and "another tracker (A1)" in other.why_unknown()["stylus"]
    assert "another tracker (A1)" in other.why_unknown()["image"]


@pytest.mark.parametrize(
    "tool, tip, size, pixel, source, told",
    [
        ("Pointer", TIP, SIZE, (0.2, 0.2), "stylus", "Pointer was not calibrated here"),
        ("Stylus", np.eye(4), SIZE, (0.2, 0.2), "stylus", "lies elsewhere"),
        ("Stylus", TIP, (640, 480), (0.2, 0.2), "image", "another size or depth"),
        ("Stylus", TIP, SIZE, (0.3, 0.3), "image", "another size or depth"),
    ],
)
def test_what_was_calibrated_for_something_else_does_not_count(tool, tip, size, pixel, source, told):
    model = KNOWN.model(tool, tip, size, pixel)
    assert not model.known[source] and told in model.why_unknown()[source]


def test_an_old_calibration_counts_and_is_told():
    later = datetime.now().astimezone() + timedelta(days=200)
    model = KNOWN.model("Stylus", TIP, SIZE, (0.2, 0.2), later)
    assert model.known["stylus"] and "200 days old" in model.why_unknown()["stylus"]
    assert "200 days ago" in model.why_unknown()["time"]


@pytest.mark.parametrize(
    "text",
    [
        {}, [], {"format": "CRLM calibrations", "tools": {"Stylus": {}}},
        {"format": "CRLM calibrations", "tracking": {"position_mm": -1, "rotation_deg": 0}},
        {"format": "CRLM calibrations", "time": {"uncertainty_s": float("nan")}},
        {"format": "CRLM calibrations", "tools": {"S": {"tip_to_tool": TIP.tolist(),
                                                        "covariance_mm2": (-np.eye(3)).tolist()}}},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(text):
    with pytest.raises(ConfigurationError, match="file"):
        calibrations_of(text, "the file x.json")


def test_a_damaged_file_has_a_sentence(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(FileFormatError, match="not JSON"):
        read_calibrations_file(tmp_path / "x.json")


@pytest.fixture(scope="module")
def pivot(tmp_path_factory):
    poses, times = pivoting_hand(TIP[:3, 3], np.array([20.0, -40, 130]), 50.0, 12.0, np.random.default_rng(0))
    empty = np.zeros((0, 0), dtype=np.uint8)
    frames = [
        TrackedFrame(empty, None, 1 + time, valid=False, transforms={"StylusToReference": Pose(pose)})
        for pose, time in zip(poses, times)
    ]
    return str(write_sweep(Sweep(frames, "pivot"), tmp_path_factory.mktemp("pivot") / "pivot.igs.mha"))


def test_every_calibration_adds_its_entry(tmp_path, pivot, capsys):
    path = tmp_path / "calibrations.json"
    tracker = ["calibrate", "tracker", "--position-mm", "0.5", "--rotation-deg", "0.2", "--calibrations", str(path)]
    assert main(tracker) == 0
    assert main(["calibrate", "stylus", pivot, "--calibrations", str(path)]) == 0, capsys.readouterr().err
    text = json.loads(path.read_text())
    assert text["tracking"] == {"position_mm": 0.5, "rotation_deg": 0.2} and text["tools"]["Stylus"]["date"]
    np.testing.assert_allclose(text["tools"]["Stylus"]["tip_to_tool"], TIP, atol=1e-6)


def test_another_file_is_not_written_over(tmp_path, pivot, capsys):
    path = tmp_path / "other.json"
    path.write_text('{"mine": 1}')
    assert main(["calibrate", "stylus", pivot, "--calibrations", str(path)]) == 1
    assert "is no file of calibrations" in capsys.readouterr().err and path.read_text() == '{"mine": 1}'


@pytest.mark.parametrize("command", ["timing", "calibrate", "accuracy", "demo"])
def test_commands_that_know_the_file_start_by_themselves(command):
    """Each in a process of its own: none needs another one to have been imported before."""
    code = f"import CRLMSegmentationLib.commands.{command}"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
