"""ImageToProbe with a tracked pointer: known answers, outliers, and sets of points that tell nothing."""

import csv
import json

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.calibrations import Calibrations, TipCalibration, today
from CRLMSegmentationLib.calibration.probe.image_to_probe import image_corners
from CRLMSegmentationLib.calibration.probe.pointer_estimate import estimate_with_pointer
from CRLMSegmentationLib.calibration.probe.pointer_points import PointerPoints
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import CalibrationError, FileFormatError
from CRLMSegmentationLib.files.calibrations.calibrations_file import write_calibrations_file
from CRLMSegmentationLib.files.calibrations.plus_calibration_file import write_plus_calibration
from CRLMSegmentationLib.files.image_points_file import read_image_points
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.simulation.calibration.pivoting import TrackerErrors
from CRLMSegmentationLib.simulation.calibration.pointer_touches import TouchErrors, touches
from CRLMSegmentationLib.sweep import read_plus_configuration, write_sweep
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

SIZE = (320, 240)
TIP = np.array([1.0, -2.0, -150.0])
EXACT = TouchErrors(0.0, 0.0, TrackerErrors(noise_mm=0.0))


def image_to_probe():
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.1, 0.2, -1.5]).as_matrix() @ np.diag([0.25, 0.24, 0.245])
    matrix[:3, 3] = matrix[:3, :3] @ [-160, 110, 20]
    return matrix


TRUTH = image_to_probe()


def simulated(count=25, seed=0, errors=TouchErrors()):
    return touches(TRUTH, TIP, SIZE, count, errors, np.random.default_rng(seed))


def points_of(made, tip=TIP):
    return PointerPoints(made.pixels.copy(), np.linalg.inv(made.probe_to_reference) @ made.stylus_to_reference, tip)


def corners_off_mm(matrix):
    corners = np.column_stack([image_corners(SIZE), np.zeros(4)])
    return transform_points(matrix, corners) - transform_points(TRUTH, corners)


def test_exact_points_give_the_exact_answer():
    found = estimate_with_pointer(points_of(simulated(12, errors=EXACT)), SIZE)
    np.testing.assert_allclose(found.matrix[:3, [0, 1, 3]], TRUTH[:3, [0, 1, 3]], atol=1e-9)
    axes = found.matrix[:3, :3] / np.linalg.norm(found.matrix[:3, :3], axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) > 0 and found.used.all() and found.error_mm < 1e-9


def test_wrong_points_are_left_out():
    """A quarter of them is marked anywhere in the image."""
    points, random = points_of(simulated(24)), np.random.default_rng(7)
    points.pixels[:6] = random.uniform(0, [319, 239], (6, 2))
    found = estimate_with_pointer(points, SIZE)
    assert not found.used[:6].any() and found.used[6:].sum() >= 16
    assert np.linalg.norm(corners_off_mm(found.matrix), axis=1).max() < 2.5
    everything = np.column_stack([points.pixels, np.ones(24)])
    plain = np.linalg.lstsq(everything, points.in_probe_mm, rcond=None)[0].T
    corners = np.column_stack([image_corners(SIZE), np.ones(4)])
    assert np.linalg.norm(corners @ (plain - TRUTH[:3, [0, 1, 3]]).T, axis=1).max() > 10


def test_the_stated_error_of_the_corners_holds_with_that_of_the_tip():
    """With noise in the image, through it and of the tracker, and a tip that is as far off as its covariance says."""
    squares, tip_mm = [], 0.4
    for seed in range(25):
        tip = TIP + np.random.default_rng([seed, 1]).normal(0, tip_mm, 3)
        found = estimate_with_pointer(points_of(simulated(20, seed), tip), SIZE, tip_mm**2 * np.eye(3))
        for corner, off in zip(image_corners(SIZE), corners_off_mm(found.matrix)):
            at_pixel = np.kron(np.eye(3), [*corner, 1.0])
            squares.append(off @ np.linalg.solve(at_pixel @ found.image_to_probe.covariance @ at_pixel.T, off))
    assert np.mean(np.array(squares) < chi2.ppf(0.95, 3)) >= 0.9
    # Nor is it larger than it has to be: the mean of chi2 with three degrees of freedom is 3.
    assert 1.5 < np.mean(squares) < 5


def test_the_error_of_the_tip_makes_the_corners_less_well_known():
    points = points_of(simulated(20))
    without = estimate_with_pointer(points, SIZE).corner_deviation_mm
    assert (estimate_with_pointer(points, SIZE, np.eye(3)).corner_deviation_mm > without).all()


def test_it_says_what_is_missing():
    points = points_of(simulated(120, errors=EXACT))
    near = np.flatnonzero((points.pixels[:, 0] < 150) & (points.pixels[:, 1] < 130))[:12]
    few = PointerPoints(points.pixels[near], points.pointer_to_probe[near], TIP)
    missing = estimate_with_pointer(few, SIZE).missing
    assert f"{len(near)} of 20 points" in missing and any("of the image's width" in text for text in missing)
    assert estimate_with_pointer(points, SIZE).missing == []


def changed(pixels=lambda pixels: pixels, poses=lambda poses: poses, count=25):
    points = points_of(simulated(count))
    return PointerPoints(pixels(points.pixels), poses(points.pointer_to_probe), TIP)


@pytest.mark.parametrize(
    "points, sentence",
    [
        (lambda: changed(count=9), "9 points with poses; 10"),
        (lambda: changed(lambda pixels: pixels * [0, 1] + [100, 0]), "on one line"),
        (lambda: changed(poses=lambda poses: np.repeat(poses[:1], len(poses), axis=0)), "one place"),
        (
            lambda: changed(lambda pixels: np.roll(pixels, 5, axis=0)),
            "agree with each other|do not fit",
        ),
        (lambda: changed(lambda pixels: [SIZE[0] - 1, SIZE[1] - 1] - pixels), "upside down"),
        (lambda: changed(lambda pixels: pixels * [0.5, 1]), "do not fit"),
        (lambda: changed(lambda pixels: pixels + [0, 200]), "outside the image of 320 x 240"),
    ],
)
def test_points_that_tell_nothing_say_why(points, sentence):
    with pytest.raises(CalibrationError, match=sentence):
        estimate_with_pointer(points(), SIZE)


def test_a_mirrored_image_is_told_by_a_former_calibration():
    """The points of a plane fit both of its sides alike, so that nothing else can tell it."""
    former = TRUTH.copy()
    former[:3, 3] += 4
    points = points_of(simulated())
    estimate_with_pointer(points, SIZE, former=former)
    mirrored = PointerPoints([SIZE[0] - 1, 0] + points.pixels * [-1, 1], points.pointer_to_probe, TIP)
    with pytest.raises(CalibrationError, match="mirrored"):
        estimate_with_pointer(mirrored, SIZE, former=former)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(recording, points, calibrations, made) with two points in images whose tracker lost the stylus."""
    folder, made = tmp_path_factory.mktemp("touches"), simulated(22)
    sweep = made.sweep(SIZE)
    for frame in sweep.frames[:2]:
        pose = frame.transforms["StylusToReference"]
        object.__setattr__(pose, "valid", False)
        object.__setattr__(pose, "status", "OUT_OF_VIEW")
    path = write_sweep(sweep, folder / "touches.igs.mha")
    with open(folder / "points.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", "u", "v", "who"])
        writer.writerows([f"{100 + number / 10:.3f}", u, v, "a"] for number, (u, v) in enumerate(made.pixels))
    tip = np.eye(4)
    tip[:3, 3] = TIP
    known = Calibrations(tips={"Stylus": TipCalibration(tip, 0.04 * np.eye(3), today())})
    write_calibrations_file(folder / "known.json", known.to_plain())
    return path, folder / "points.csv", folder / "known.json", made


def test_the_command_finds_the_image(recorded, tmp_path, capsys):
    path, points, known, _ = recorded
    file, output = tmp_path / "calibrations.json", tmp_path / "image.xml"
    file.write_bytes(known.read_bytes())
    words = ["calibrate", "pointer", str(path), str(points), "--calibrations", str(file)]
    assert main([*words, "-o", str(output), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["points"] == 20 and facts["points_lost"] == 2 and facts["points_used"] >= 15
    assert np.linalg.norm(corners_off_mm(np.array(facts["image_to_probe"])), axis=1).max() < 2.5
    written = read_plus_configuration(output).transforms["ImageToProbe"]
    np.testing.assert_allclose(written, facts["image_to_probe"], atol=1e-6)
    image = json.loads(file.read_text())["image"]
    assert image["image_size"] == list(SIZE) and np.array(image["covariance"]).shape == (9, 9)
    assert main([*words, "-o", str(points)]) == 1 and "points.csv" in capsys.readouterr().err


def test_images_may_be_numbered_and_the_tip_be_that_of_plus(recorded, tmp_path, capsys):
    path, _, _, made = recorded
    tip = np.eye(4)
    tip[:3, 3] = TIP
    config = write_plus_calibration(tmp_path / "stylus.xml", "StylusTip", "Stylus", tip, 0.3, {})
    rows = [{"frame": number, "u": u, "v": v} for number, (u, v) in enumerate(made.pixels.tolist())]
    (tmp_path / "points.json").write_text(json.dumps(rows))
    words = ["calibrate", "pointer", str(path), str(tmp_path / "points.json")]
    assert main([*words, "--plus-config", str(config)]) == 0
    said = capsys.readouterr().out
    assert "20 used" in said or "of 20 used" in said
    assert "is not in it" in said and "marked side" in said
    assert main(words) == 1
    assert "calibrate it first" in capsys.readouterr().err


@pytest.mark.parametrize(
    "rows, sentence",
    [
        ("time_s,u,v\n777,10,10\n", "time of no image"),
        ("frame,u,v\n400,10,10\n", "image 400"),
        ("frame,u,v\n1.5,10,10\n", "whole numbers"),
        ("u,v\n1,2\n", "columns time_s"),
        ("time_s,u,v\n100,nan,1\n", "not finite"),
        ("time_s,u,v\n", "no points"),
    ],
)
def test_a_table_that_does_not_belong_says_why(rows, sentence, recorded, tmp_path, capsys):
    path, _, known, _ = recorded
    (tmp_path / "points.csv").write_text(rows)
    words = ["calibrate", "pointer", str(path), str(tmp_path / "points.csv")]
    (tmp_path / "known.json").write_bytes(known.read_bytes())
    assert main([*words, "--calibrations", str(tmp_path / "known.json")]) == 1
    assert sentence in capsys.readouterr().err


def test_a_table_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_image_points(tmp_path / "none.csv")
