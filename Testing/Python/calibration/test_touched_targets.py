"""Targets of known place that are touched with the stylus: what was simulated is what is found."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.calibrations import Calibrations, TipCalibration, today
from CRLMSegmentationLib.calibration.accuracy.targets import Targets
from CRLMSegmentationLib.calibration.accuracy.touched import find_touches
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import CalibrationError, ConfigurationError
from CRLMSegmentationLib.files.calibrations.calibrations_file import write_calibrations_file
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.session.accuracy.target_file import read_targets
from CRLMSegmentationLib.simulation.calibration.pivoting import TrackerErrors
from CRLMSegmentationLib.simulation.calibration.touched_targets import stylus_recording, touched_targets
from CRLMSegmentationLib.sweep import write_sweep
from scipy.spatial.transform import Rotation

TIP = np.array([1.0, -2.0, -150.0])
PLACES = np.array([[x, y, 5.0 * (x > 10) * (y > 10)] for x in (0.0, 40.0, 80.0) for y in (0.0, 30.0)])
NAMES = [f"T{number}" for number in range(len(PLACES))]
TARGETS = Targets(NAMES, PLACES, False)
STILL = TrackerErrors(noise_mm=0.0)


def recorded(places=PLACES, errors=STILL, touch_mm=0.0, seed=0):
    return touched_targets(places, TIP, errors, touch_mm, np.random.default_rng(seed))


def test_exact_touches_have_no_error_and_each_target_is_found():
    found = find_touches(TARGETS, *recorded(), TIP)
    assert [touch.target for touch in found.touches] == list(range(6)) and found.elsewhere == 0
    np.testing.assert_allclose(found.offsets_mm, 0, atol=1e-9)
    np.testing.assert_allclose([error for _, _, error in found.distances()], 0, atol=1e-9)
    assert len(found.distances()) == 6 * 5


def test_an_error_that_is_known_is_the_one_that_is_found():
    """A phantom that is said to be 2 mm beside its place: each tip is 2 mm off, each distance as geometry has it."""
    shift = np.array([1.2, -1.6, 0.0])
    found = find_touches(Targets(NAMES, PLACES - shift, False), *recorded(), TIP)
    np.testing.assert_allclose(found.offsets_mm, np.tile(shift, (6, 1)), atol=1e-9)
    for number, other, error in found.distances():
        away, place = PLACES[found.touches[number].target], PLACES[other] - shift
        true = np.linalg.norm(away - PLACES[other])
        assert error == pytest.approx(np.linalg.norm(away - place) - true, abs=1e-9)


def test_a_target_may_be_touched_twice_and_the_tip_rest_elsewhere():
    places = np.concatenate([PLACES, PLACES[2:3], [[20.0, 200, 0]]])
    found = find_touches(TARGETS, *recorded(places), TIP)
    assert sorted(touch.target for touch in found.touches) == [0, 1, 2, 2, 3, 4, 5] and found.elsewhere == 1


def test_the_touch_is_found_in_a_trackers_noise():
    found = find_touches(TARGETS, *recorded(errors=TrackerErrors(noise_mm=0.3), touch_mm=0.5), TIP)
    lengths = np.linalg.norm(found.offsets_mm, axis=1)
    # 0.5 mm along each of three axes.
    assert len(lengths) == 6 and 0.3 < np.sqrt((lengths**2).mean()) < 1.5


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda poses, times: (poses[:-60], times[:-60]), "1 of 6 targets were not touched: T5"),
        (lambda poses, times: (poses + [[0, 0, 0, 300], *[[0] * 4] * 3], times), "No pause of the tip"),
        (lambda poses, times: (poses, times * np.nan), "times are missing"),
        (lambda poses, times: (poses, times[::-1]), "go back"),
        (lambda poses, times: (poses[:22], times[:22]), "rests nowhere"),
        (lambda poses, times: (poses[:3], times[:3]), "few"),
    ],
)
def test_a_recording_that_tells_nothing_says_why(change, sentence):
    with pytest.raises(CalibrationError, match=sentence):
        find_touches(TARGETS, *change(*recorded()), TIP)


def markups(path, points, names=NAMES):
    controls = [{"label": name, "position": point} for name, point in zip(names, points.tolist())]
    entry = {"type": "Fiducial", "coordinateSystem": "RAS", "coordinateUnits": "mm", "controlPoints": controls}
    path.write_text(json.dumps({"markups": [entry]}))
    return path


def phantom(path, points, placed=np.eye(4), registered=True):
    there = np.linalg.inv(placed)
    landmarks = "".join(
        f'<Landmark Name="{name}" Position="{" ".join(map(str, point))}"/>'
        for name, point in zip(NAMES, transform_points(there, points))
    )
    text = " ".join(map(str, placed.ravel()))
    path.write_text(
        f'<PlusConfiguration><CoordinateDefinitions><Transform From="Phantom" '
        f'To="{"Reference" if registered else "Table"}" Matrix="{text}"/></CoordinateDefinitions>'
        f"<PhantomDefinition><Geometry><Landmarks>{landmarks}</Landmarks></Geometry></PhantomDefinition>"
        "</PlusConfiguration>"
    )
    return path


def test_targets_are_read_in_reference_whatever_the_file(tmp_path):
    placed = np.eye(4)
    placed[:3, :3] = Rotation.from_rotvec([0.3, 0.2, -1]).as_matrix()
    placed[:3, 3] = [5, -70, 20]
    of_plus = read_targets(phantom(tmp_path / "plus.xml", PLACES, placed))
    of_slicer = read_targets(markups(tmp_path / "targets.mrk.json", PLACES))
    for targets in (of_plus, of_slicer):
        assert targets.names == NAMES
        np.testing.assert_allclose(targets.points_mm, PLACES, atol=1e-9)
    assert of_slicer.is_seen and not of_plus.is_seen


def test_targets_that_cannot_be_told_apart_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"2\.0 mm apart"):
        read_targets(markups(tmp_path / "a.mrk.json", np.array([[0.0, 0, 0], [2, 0, 0], [50, 0, 0]])))
    with pytest.raises(ConfigurationError, match="names a target twice"):
        read_targets(markups(tmp_path / "b.mrk.json", PLACES, ["a"] * 6))
    with pytest.raises(ConfigurationError, match="2 targets"):
        read_targets(markups(tmp_path / "c.mrk.json", PLACES[:2]))
    with pytest.raises(ConfigurationError, match="register the phantom first"):
        read_targets(phantom(tmp_path / "d.xml", PLACES, registered=False))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(recording, calibrations): a tracker of 0.3 mm, and a tip that is known."""
    folder = tmp_path_factory.mktemp("targets")
    errors = TrackerErrors(noise_mm=0.05, field_mm=0.3, field_length_mm=60)
    path = write_sweep(stylus_recording(*recorded(errors=errors)), folder / "touched.igs.mha")
    tip = np.eye(4)
    tip[:3, 3] = TIP
    known = Calibrations(0.3, 0.0, {"Stylus": TipCalibration(tip, 0.01 * np.eye(3), today())})
    return path, write_calibrations_file(folder / "known.json", known.to_plain())


def test_the_command_says_the_errors_and_what_was_stated(files, tmp_path, capsys):
    path, known = files
    words = ["accuracy", str(path), "--targets", str(phantom(tmp_path / "plus.xml", PLACES))]
    assert main([*words, "--calibrations", str(known), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["touches"] == 6 and [row["target"] for row in facts["targets"]] == NAMES
    assert 0.1 < facts["median_mm"] < 1.2 and facts["median_mm"] <= facts["p95_mm"]
    distances = facts["distances"]
    assert distances["count"] == 30 and distances["stated_mm"] == pytest.approx(np.hypot(0.3, 0.1), rel=0.01)
    assert distances["within_stated_95"] > 0.8 and set(facts["unknown"]) == {"phantom"}
    assert facts["simulated"] is True and set(facts["directions"]) == {"along the stylus", "across the stylus"}
    page = tmp_path / "page.html"
    assert main([*words, "--calibrations", str(known), "-o", str(page)]) == 0
    assert "of simulated devices" in page.read_text() and page.read_text().count("<svg") == 3
    said = capsys.readouterr().out
    assert "tip to target" in said and "target T5" in said and "what the image and its delay add is not in it" in said


def test_targets_marked_in_a_volume_want_the_images_too(files, tmp_path, capsys):
    path, known = files
    words = ["accuracy", str(path), "--targets", str(markups(tmp_path / "t.mrk.json", PLACES)), "--json"]
    assert main([*words, "--calibrations", str(known)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {"image", "time"} <= set(facts["unknown"])


@pytest.mark.parametrize(
    "words, sentence",
    [
        ([], "--simulated for a simulated chain"),
        (["{path}"], "needs both"),
        (["--simulated", "{path}"], "--simulated for a simulated chain"),
        (["{path}", "--targets", "{targets}"], "calibrate it first"),
        (["{path}", "--targets", "{targets}", "--calibrations", "none.json"], "none.json"),
    ],
)
def test_what_is_missing_has_a_sentence(words, sentence, files, tmp_path, capsys):
    targets = markups(tmp_path / "t.mrk.json", PLACES)
    assert main(["accuracy", *(word.format(path=files[0], targets=targets) for word in words)]) == 1
    assert sentence in capsys.readouterr().err
