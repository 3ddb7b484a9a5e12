"""A phantom's place from touched landmarks, how well it is known, and where that goes."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.calibrations import Calibrations, calibrations_of
from CRLMSegmentationLib.calibration.accuracy.touched import find_touches
from CRLMSegmentationLib.calibration.probe.phantom import read_phantom
from CRLMSegmentationLib.calibration.probe.phantom_registration import image_covariance_of
from CRLMSegmentationLib.calibration.probe.phantom_touches import register_touches
from CRLMSegmentationLib.calibration.probe.probe_calibration import estimate_probe
from CRLMSegmentationLib.calibration.probe.wire_frame import WireFrame
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import CalibrationError, ConfigurationError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.session.accuracy.phantom_accuracy import measured_accuracy
from CRLMSegmentationLib.session.accuracy.target_file import read_targets
from CRLMSegmentationLib.simulation.calibration.nwire_sweep import NWireTruth, probe_poses, wire_points
from CRLMSegmentationLib.simulation.calibration.pivoting import TrackerErrors
from CRLMSegmentationLib.simulation.calibration.touched_targets import touched_targets
from CRLMSegmentationLib.sweep import read_plus_configuration
from scipy.spatial.transform import Rotation

TIP = np.array([1.0, -2.0, -150.0])
LANDMARKS = np.array([[x, y, 12.0 * (x > 20) * (y > 10) + 4 * (y < 10)] for x in (0.0, 45, 95) for y in (0.0, 40)])
NAMES = [f"L{number}" for number in range(len(LANDMARKS))]
PLACED = np.eye(4)
PLACED[:3, :3] = Rotation.from_rotvec([0.2, -1.4, 0.6]).as_matrix()
PLACED[:3, 3] = [10, 36, 88]
IN_REFERENCE = transform_points(PLACED, LANDMARKS)
AWAY = np.array([[150.0, 150, 150]])


def touched(places=IN_REFERENCE, touch_mm=0.0, seed=0):
    return touched_targets(places, TIP, TrackerErrors(noise_mm=0.0), touch_mm, np.random.default_rng(seed))


def test_touched_landmarks_give_the_place_and_pauses_elsewhere_are_passed_over():
    found = register_touches(LANDMARKS, NAMES, *touched(np.concatenate([AWAY, IN_REFERENCE, AWAY + 20])), TIP)
    np.testing.assert_allclose(found.phantom_to_reference, PLACED, atol=1e-9)
    assert found.fre_mm < 1e-9


def test_what_the_tip_is_off_is_in_what_is_stated():
    """Held upright at all landmarks, a tip that is off moves the phantom and leaves no residual."""
    poses, times = touched()
    poses[:, :3, 3] += poses[:, :3, :3] @ TIP - TIP
    poses[:, :3, :3] = np.eye(3)
    covariance = np.diag([0.04, 0.09, 0.25])
    found = register_touches(LANDMARKS, NAMES, poses, times, TIP + [0.2, 0.3, 0.5], covariance)
    assert found.fre_mm < 1e-6
    np.testing.assert_allclose(found.covariance_at(found.middle_mm), covariance, atol=1e-9)
    assert found.expected_error_mm(found.middle_mm) == pytest.approx(np.sqrt(0.38))


@pytest.mark.parametrize(
    "places, sentence",
    [
        (IN_REFERENCE[:5], "rests in 5 places, and the phantom has 6 landmarks"),
        (IN_REFERENCE[[1, 0, 2, 3, 4, 5]], "touch them in the order L0, L1"),
        (IN_REFERENCE * 1.2, "of this phantom"),
    ],
)
def test_touches_that_fit_no_phantom_say_why(places, sentence):
    with pytest.raises(CalibrationError, match=sentence):
        register_touches(LANDMARKS, NAMES, *touched(places), TIP)


def configuration(path, placed=None):
    wires = "".join(
        f'<Pattern Type="NWire"><Wire EndPointFront="20 0 {z}" EndPointBack="20 40 {z}"/>'
        f'<Wire EndPointFront="{a} 0 {z}" EndPointBack="{b} 40 {z}"/>'
        f'<Wire EndPointFront="50 0 {z}" EndPointBack="50 40 {z}"/></Pattern>'
        for z, a, b in ((10, 45, 25), (5, 25, 45), (0, 45, 25))
    )
    landmarks = "".join(
        f'<Landmark Name="{name}" Position="{" ".join(map(str, place))}"/>' for name, place in zip(NAMES, LANDMARKS)
    )
    there = "" if placed is None else " ".join(map(str, placed.ravel()))
    transform = "" if placed is None else f'<Transform From="Phantom" To="Reference" Matrix="{there}"/>'
    path.write_text(
        f"<PlusConfiguration><CoordinateDefinitions>{transform}</CoordinateDefinitions><PhantomDefinition><Geometry>"
        f"{wires}<Landmarks>{landmarks}</Landmarks></Geometry></PhantomDefinition></PlusConfiguration>"
    )
    return path


@pytest.fixture(scope="module")
def registered():
    return register_touches(LANDMARKS, NAMES, *touched(touch_mm=0.4), TIP, 0.04 * np.eye(3))


def test_a_registration_is_kept_in_the_file_of_calibrations(registered):
    kept = calibrations_of(json.loads(json.dumps(Calibrations(phantom=registered).to_plain())), "file").phantom
    np.testing.assert_allclose(kept.covariance, registered.covariance)
    assert kept.is_of(registered.phantom_to_reference) and kept.fre_mm == registered.fre_mm
    broken = Calibrations(phantom=registered).to_plain()
    broken["phantom"]["middle_mm"] = [1, 2]
    with pytest.raises(ConfigurationError, match="makes no sense"):
        calibrations_of(broken, "file")


def test_the_phantoms_error_is_in_the_corners_of_the_image(registered, tmp_path):
    phantom = read_phantom(configuration(tmp_path / "plus.xml"), registered)
    assert phantom.registration is registered
    image_to_probe = np.diag([0.18, 0.18, 0.18, 1.0])
    image_to_probe[:3, 3] = [-30.0, 40, 12]
    truth = NWireTruth(
        phantom.ends_mm.reshape(-1, 2, 3), phantom.phantom_to_reference, image_to_probe, (330, 250),
        np.array([35.0, 20, 5]), np.array([-1.0, 0, 0]), np.array([0.0, 0, -1]),
    )  # fmt: skip
    poses = probe_poses(truth, 40, 16.0, 18.0, np.random.default_rng(0))
    frames = [WireFrame(wires, pose, k / 12) for k, (wires, pose) in enumerate(zip(wire_points(truth, poses), poses))]
    found = estimate_probe(frames, phantom, (330, 250), 40)
    same_place = configuration(tmp_path / "b.xml", registered.phantom_to_reference)
    alone = estimate_probe(frames, read_phantom(same_place), (330, 250), 40)
    # The points are exact, so that nothing but the phantom's place errs.
    expected = image_covariance_of(registered, found.matrix, poses)
    np.testing.assert_allclose(found.image_to_probe.covariance, alone.image_to_probe.covariance + expected, atol=1e-6)
    assert found.corner_deviation_mm.min() > 0.1 > alone.corner_deviation_mm.max()
    assert alone.phantom_mm is None and 0.2 < found.phantom_mm < 2


def test_a_phantom_that_stands_elsewhere_is_another_registration(registered, tmp_path):
    moved = registered.phantom_to_reference.copy()
    moved[0, 3] += 1
    assert read_phantom(configuration(tmp_path / "plus.xml", moved), registered).registration is None
    with pytest.raises(ConfigurationError, match="crlm calibrate phantom"):
        read_phantom(configuration(tmp_path / "none.xml"))


def test_the_expected_error_at_the_targets_is_stated(registered, tmp_path):
    targets = read_targets(configuration(tmp_path / "plus.xml"), registered)
    touches = find_touches(targets, *touched(), TIP)
    measured = measured_accuracy(touches, Calibrations(), "Stylus", np.eye(4), None)
    number, other, _ = touches.distances()[0]
    way = targets.points_mm[other] - touches.touches[number].tip_mm
    along = way / np.linalg.norm(way)
    expected = along @ registered.covariance_at(targets.points_mm[other]) @ along
    assert measured.deviations_mm[0] == pytest.approx(np.sqrt(expected)) and "phantom" not in measured.unknown
    unknown = read_targets(configuration(tmp_path / "b.xml", PLACED))
    assert "phantom" in measured_accuracy(
        find_touches(unknown, *touched(), TIP), Calibrations(), "Stylus", np.eye(4), None
    ).unknown  # fmt: skip


def test_the_landmarks_of_plus_give_the_place_of_plus(shared_data, tmp_path, capsys):
    folder = shared_data / "calibration"
    plus, known, output = "PlusDeviceSet_fCal_Sim_RecordPhantomLandmarks.xml", tmp_path / "c.json", tmp_path / "p.xml"
    words = [str(folder / "EightLandmarkPointsTrackedForPhantomRegistration.igs.mha"), "--plus-config",
             str(folder / plus), "--calibrations", str(known), "-o", str(output), "--json"]  # fmt: skip
    assert main(["calibrate", "phantom", *words]) == 0
    facts = json.loads(capsys.readouterr().out)
    answer = read_plus_configuration(folder / "PhantomRegistrationLandmarkDetection.results.xml")
    wires = np.array([[x, y, z] for x in (30.0, 60) for y in (0.0, 40) for z in (0.0, 20)])
    places = [transform_points(np.array(one), wires) for one in
              (facts["phantom_to_reference"], answer.transforms["PhantomToReference"])]  # fmt: skip
    off = np.linalg.norm(places[0] - places[1], axis=1)
    assert facts["landmarks"] == 8 and 0 < facts["fre_mm"] < 0.5 and facts["expected_tre_mm"] < 0.5
    # PLUS takes another middle of each pause.
    assert off.max() < 3 * facts["expected_tre_mm"]
    kept = calibrations_of(json.loads(known.read_text()), "file").phantom
    assert kept.is_of(read_plus_configuration(output).transforms["PhantomToReference"]) and kept.date
