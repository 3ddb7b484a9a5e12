"""ImageToProbe from an N-wire phantom: known answers, PLUS's own results, and what must not look fine."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.probe.bright_dots import DotShape, bright_dots
from CRLMSegmentationLib.calibration.probe.checks import turned_about_deg
from CRLMSegmentationLib.calibration.probe.image_to_probe import (
    image_corners,
    reported_error_mm,
    solve_image_to_probe,
    wire_errors_mm,
)
from CRLMSegmentationLib.calibration.probe.phantom import read_phantom
from CRLMSegmentationLib.calibration.probe.plus_points import read_plus_points
from CRLMSegmentationLib.calibration.probe.probe_calibration import ProbeCalibration, estimate_probe
from CRLMSegmentationLib.calibration.probe.wire_frame import WireFrame
from CRLMSegmentationLib.calibration.probe.wire_pattern import find_pattern
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import CalibrationError, ConfigurationError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.simulation.calibration.nwire_sweep import NWireTruth, nwire_sweep, probe_poses, wire_points
from CRLMSegmentationLib.sweep import read_plus_configuration, write_sweep
from scipy.spatial.transform import Rotation

SIZE = (330, 250)
PIXEL_MM = 0.18
# As the wires of PLUS's phantom fCal 1.2.
WIRES = [
    [(20, 10), (40, 10), (45, 10), (20, 10), (25, 10), (45, 10)],
    [(20, 5), (25, 5), (50, 5), (20, 5), (45, 5), (50, 5)],
    [(20, 0), (45, 0), (50, 0), (20, 0), (25, 0), (50, 0)],
]
CALIBRATION, VALIDATION = "fCal_Test_Calibration_3NWires.igs.mha", "fCal_Test_Validation_3NWires.igs.mha"
PLUS_CONFIG, RESULTS = "PlusDeviceSet_fCal_Sim_SpatialCalibration_1.2.xml", "FreehandCalibration3NWires.results.xml"


def configuration(path, wires=WIRES, registration=True, spacing=PIXEL_MM):
    patterns, number = [], 0
    for pattern in wires:
        lines = []
        for first, last in zip(pattern[:3], pattern[3:]):
            number += 1
            lines.append(
                f'<Wire Name="{number}" EndPointFront="{first[0]} 0 {first[1]}" EndPointBack="{last[0]} 40 {last[1]}"/>'
            )
        patterns.append('<Pattern Type="NWire">' + "".join(lines) + "</Pattern>")
    placed = " ".join(str(value) for value in registered().ravel())
    path.write_text(
        "<PlusConfiguration>"
         f'<CoordinateDefinitions><Transform From="Phantom" To="{"Reference" if registration else "Table"}" '
        f'Matrix="{placed}"/></CoordinateDefinitions>'
         f'<Segmentation ApproximateSpacingMmPerPixel="{spacing}"/>'
         f"<PhantomDefinition><Geometry>{''.join(patterns)}</Geometry></PhantomDefinition></PlusConfiguration>"
    )  # fmt: skip
    return path


def registered():
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.2, -1.4, 0.6]).as_matrix()
    matrix[:3, 3] = [10, 36, 88]
    return matrix


def image_to_probe():
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.1, 0.2, -1.5]).as_matrix() * PIXEL_MM
    matrix[:3, 3] = matrix[:3, :3] @ [-(SIZE[0] - 1) / 2, 110, 20]
    return matrix


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    return read_phantom(configuration(tmp_path_factory.mktemp("phantom") / "plus.xml"))


def simulated(phantom, count=60, way_mm=16.0, turn_deg=18.0, seed=0):
    """(truth, poses, points)"""
    truth = NWireTruth(
        phantom.ends_mm.reshape(-1, 2, 3), phantom.phantom_to_reference, image_to_probe(), SIZE,
        np.array([35.0, 20, 5]), np.array([-1.0, 0, 0]), np.array([0.0, 0, -1]),
    )  # fmt: skip
    poses = probe_poses(truth, count, way_mm, turn_deg, np.random.default_rng(seed))
    return truth, poses, wire_points(truth, poses)


def wire_frames(poses, points):
    return [WireFrame(wires, pose, 100 + number / 12) for number, (pose, wires) in enumerate(zip(poses, points))]


@pytest.fixture(scope="module")
def recorded(phantom):
    truth, poses, points = simulated(phantom, 45)
    return truth, nwire_sweep(truth, poses, points, np.random.default_rng(1))


def corners_off_mm(matrix, other, size=SIZE):
    corners = np.column_stack([image_corners(size), np.zeros(4)])
    return np.linalg.norm(transform_points(matrix, corners) - transform_points(other, corners), axis=1).max()


def calibrated(frames, phantom):
    calibration = ProbeCalibration(phantom)
    for frame in frames:
        calibration.add(frame)
    return calibration


def test_exact_points_give_the_exact_answer(phantom):
    truth, poses, points = simulated(phantom)
    found = solve_image_to_probe(wire_frames(poses, points), phantom)
    np.testing.assert_allclose(found.matrix, truth.image_to_probe, atol=1e-9)
    assert found.errors_mm.max() < 1e-9


def test_wrong_points_are_rejected(phantom):
    truth, poses, points = simulated(phantom)
    points = points + np.random.default_rng(0).normal(0, 0.3, points.shape)
    points[5, 1] += 40
    points[17, 4] -= 30
    found = solve_image_to_probe(wire_frames(poses, points), phantom)
    assert not found.used[5, 0] and not found.used[17, 1] and found.used.sum() > 170
    assert corners_off_mm(found.matrix, truth.image_to_probe) < 0.3


def test_the_axes_are_perpendicular_and_the_third_goes_on_from_them(phantom):
    _, poses, points = simulated(phantom)
    points = points + np.random.default_rng(2).normal(0, 1.0, points.shape)
    axes = solve_image_to_probe(wire_frames(poses, points), phantom).matrix[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    np.testing.assert_allclose((axes / lengths).T @ (axes / lengths), np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) > 0 and lengths[2] == pytest.approx(lengths[:2].mean())


def test_the_stated_error_of_the_corners_holds(phantom):
    """Noise of half a pixel and a tracker that errs smoothly: the truth is within two standard deviations."""
    within, stated = [], []
    for seed in range(8):
        truth, poses, points = simulated(phantom, seed=seed)
        random = np.random.default_rng(seed)
        said = poses.copy()
        error = 0.3 * np.sin(poses[:, :3, 3] @ random.normal(0, 0.1, (3, 3)) + random.uniform(0, 6, 3))
        # What is the same in all poses no recording shows: that is the error of the phantom's registration.
        said[:, :3, 3] += error - error.mean(axis=0)
        frames = wire_frames(said, points + random.normal(0, 0.3, points.shape))
        found = estimate_probe(frames, phantom, SIZE, len(frames))
        corners = np.column_stack([image_corners(SIZE), np.zeros(4)])
        off = transform_points(found.matrix, corners) - transform_points(truth.image_to_probe, corners)
        # Three axes: their length is within sqrt(chi2(95 %, 3)) = 2.8 of the worst direction's standard deviation.
        within += list(np.linalg.norm(off, axis=1) < 2.8 * found.corner_deviation_mm)
        stated += list(found.corner_deviation_mm)
    assert np.mean(within) >= 0.9
    assert np.median(stated) < 1.5


def test_the_images_tell_what_the_points_tell(recorded, phantom):
    truth, sweep = recorded
    found = calibrated(sweep.frames, phantom).estimate()
    assert found.frames_used >= 0.9 * len(sweep) and found.wires == 9
    assert corners_off_mm(found.matrix, truth.image_to_probe) < 0.15
    assert found.error_mm < 0.3 and found.turned_deg > 15


def test_the_size_of_a_pixel_need_not_be_known(recorded, tmp_path):
    truth, sweep = recorded
    unknown = read_phantom(configuration(tmp_path / "plus.xml", spacing=""))
    assert unknown.pixel_mm is None
    found = calibrated(sweep.frames[::2], unknown).estimate()
    assert corners_off_mm(found.matrix, truth.image_to_probe) < 0.3


def test_live_it_says_what_is_missing(recorded, phantom):
    calibration = ProbeCalibration(phantom)
    assert "0 of 0 images" in calibration.missing[0]
    for frame in recorded[1].frames[:30]:
        assert calibration.add(frame)
    assert any("of 100 images" in text for text in calibration.missing)
    lost = recorded[1].frames[30].with_changes(transforms={})
    assert not calibration.add(lost) and calibration.lost == 1


def test_it_says_in_which_direction_the_probe_was_hardly_turned(phantom):
    """About the beam alone, as a hand does that keeps the image upright."""
    truth, poses, _ = simulated(phantom, turn_deg=0.0)
    down = truth.image_to_probe[:3, 1] / PIXEL_MM
    for number, angle in enumerate(np.linspace(-12, 12, len(poses))):
        poses[number, :3, :3] = poses[number, :3, :3] @ Rotation.from_rotvec(angle * down, degrees=True).as_matrix()
    frames = wire_frames(poses, wire_points(truth, poses))
    np.testing.assert_allclose(turned_about_deg(frames, truth.image_to_probe), [0, 24, 0], atol=1e-6)
    missing = estimate_probe(frames, phantom, SIZE, len(frames)).missing
    assert (
        "tilted forward and back 0 of 10 degrees" in missing and "rocked from side to side 0 of 10 degrees" in missing
    )
    assert not any("beam" in text or "probe turned" in text for text in missing)


def test_a_dot_is_found_where_it_is_and_a_line_is_none():
    image = np.zeros((200, 300), np.uint8)
    rows, columns = np.mgrid[0:200, 0:300]
    dot = 200 * np.exp(-((columns - 100.4) ** 2 + (rows - 60.7) ** 2) / 8)
    line = 200 * np.exp(-((rows - 150 - columns / 20) ** 2) / 4) * (columns > 40)
    ((u, v, _),) = bright_dots((image + dot + line).clip(0, 255).astype(np.uint8), 0.1)
    assert (u, v) == (pytest.approx(100.4, abs=0.1), pytest.approx(60.7, abs=0.1))


def test_the_wires_are_told_apart_among_other_dots(phantom):
    _, _, points = simulated(phantom)
    random = np.random.default_rng(3)
    wrong = 0
    for wires in points[:20]:
        others = random.uniform([0, 0], SIZE, (6, 2))
        dots = np.concatenate([wires, others])
        dots = np.column_stack([dots, np.r_[random.uniform(60, 100, 9), random.uniform(30, 60, 6)]])
        found = find_pattern(dots[random.permutation(15)], phantom, PIXEL_MM)
        assert found is not None and not found.is_mirrored and not found.is_upside_down
        wrong += bool(np.abs(found.points - wires).max() > 1e-9)
    assert wrong <= 1


def flipped(frames, rows, columns):
    step = (slice(None, None, -1 if rows else 1), slice(None, None, -1 if columns else 1))
    return [frame.with_changes(pixels=np.ascontiguousarray(frame.pixels[step])) for frame in frames]


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda frames: flipped(frames, True, False), "upside down"),
        (lambda frames: flipped(frames, False, True), "mirrored"),
        (lambda frames: flipped(frames, True, True), "upside down"),
        (lambda frames: [frame.with_changes(timestamp=np.nan) for frame in frames], "no timestamps"),
        (lambda frames: [frame.with_changes(timestamp=3.0) for frame in frames], "stand still"),
        (lambda frames: [frame.with_changes(pixels=frame.pixels // 200) for frame in frames], "in 0 of"),
        (lambda frames: [frame.with_changes(pixels=frame.pixels[:, :230]) for frame in frames], "inside the image"),
        (lambda frames: frames[:12], "20 and more"),
        (lambda frames: [frame.with_changes(transforms=frames[0].transforms) for frame in frames], "hardly moves"),
        (lambda frames: [frame.with_changes(transforms={}) for frame in frames], "lost in every image"),
    ],
)
def test_images_that_tell_nothing_say_why(change, sentence, recorded, phantom):
    with pytest.raises(CalibrationError, match=sentence):
        calibrated(change(list(recorded[1].frames[::2])), phantom).estimate()


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda poses, points: (poses @ np.diag([1.0, 1, -1, 1]), points), "mirrored"),
        (lambda poses, points: (np.diag([1.0, 1, -1, 1]) @ poses @ np.diag([1.0, 1, -1, 1]), points), "does not fit"),
        (lambda poses, points: (poses, points * 1.5), "does not fit"),
        (lambda poses, points: (poses, points + [0, 4000]), "does not fit|upside down"),
        (lambda poses, points: (np.concatenate([poses[:30], poses[30:] @ slipped()]), points), "slipped"),
    ],
)
def test_poses_and_points_that_fit_nothing_say_why(change, sentence, phantom):
    _, poses, points = simulated(phantom)
    with pytest.raises(CalibrationError, match=sentence):
        estimate_probe(wire_frames(*change(poses, points)), phantom, SIZE, len(poses))


def slipped():
    matrix = np.eye(4)
    matrix[:3, 3] = [0, 5, 3]
    return matrix


def test_a_phantom_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no PhantomToReference"):
        read_phantom(configuration(tmp_path / "a.xml", registration=False))
    with pytest.raises(ConfigurationError, match="1 patterns"):
        read_phantom(configuration(tmp_path / "b.xml", WIRES[:1]))
    crooked = [[*WIRES[0][:5], (60, 10)], *WIRES[1:]]
    with pytest.raises(ConfigurationError, match="is no N"):
        read_phantom(configuration(tmp_path / "c.xml", crooked))


def test_another_phantom_does_not_fit(recorded, tmp_path):
    wide = [[(x + (8 if x > 35 else 0), 2 * z) for x, z in pattern] for pattern in WIRES]
    other = read_phantom(configuration(tmp_path / "other.xml", wide))
    with pytest.raises(CalibrationError, match=r"of this phantom|does not fit"):
        calibrated(recorded[1].frames[::2], other).estimate()


@pytest.fixture(scope="module")
def plus(shared_data):
    folder = shared_data / "calibration"
    root = read_phantom(folder / PLUS_CONFIG)
    matrix = np.array(PLUS_ANSWER).reshape(4, 4)
    return folder, root, matrix


# Of FreehandCalibration3NWires.results.xml.
PLUS_ANSWER = [
    0.00183186, 0.0729281, -0.0100928, 11.1551, -0.0777188, 0.00280788, 0.00822424, 45.9713,
    0.008793, 0.00953226, 0.0747944, -7.35909, 0, 0, 0, 1,
]  # fmt: skip


def crlm_probe(folder, capsys, *more):
    words = [str(folder / CALIBRATION), "--plus-config", str(folder / PLUS_CONFIG), "--json", *map(str, more)]
    assert main(["calibrate", "probe", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_points_of_plus_give_the_answer_of_plus(plus, tmp_path, capsys):
    folder, _, answer = plus
    output = tmp_path / "image.xml"
    more = ["--points", folder / RESULTS, "--validation", folder / VALIDATION, "-o", output]
    facts = crlm_probe(folder, capsys, *more)
    matrix = np.array(facts["image_to_probe"])
    assert corners_off_mm(matrix, answer, (820, 616)) < 0.05
    assert facts["frames_used"] == 188 and facts["wires_seen"] == 9
    # What PLUS reports of its own: 1.15532 and 1.24684 mm.
    assert facts["error_mm"] == pytest.approx(1.15532, abs=0.002)
    assert facts["validation_mm"] < 1.24684
    # The probe was turned by six degrees only: the corners are known far less well than the errors suggest.
    assert facts["turned_deg"] < 7 and min(facts["corner_deviation_mm"]) > 1 and facts["missing"]
    np.testing.assert_allclose(read_plus_configuration(output).transforms["ImageToProbe"], matrix, atol=1e-6)


def test_the_error_is_the_one_that_plus_reports(plus):
    folder, phantom, answer = plus
    from CRLMSegmentationLib.commands.calibrate.probe import _frames_of_plus

    for name, reported in ((CALIBRATION, 1.15532), (VALIDATION, 1.24684)):
        frames, _, _ = _frames_of_plus(folder / name, phantom, folder / RESULTS)
        assert reported_error_mm(wire_errors_mm(answer, frames, phantom)) == pytest.approx(reported, abs=2e-4)


def test_the_wires_are_where_plus_has_them_in_its_images(plus):
    """In every ninth image, all nine of them, to what PLUS writes of a number."""
    folder, phantom, answer = plus
    from CRLMSegmentationLib.commands.calibrate.probe import _different_frames

    points = read_plus_points(folder / RESULTS, phantom.names)
    calibration = ProbeCalibration(phantom)
    for number, (_, frame) in enumerate(_different_frames(folder / CALIBRATION)):
        if number % 9 == 0:
            assert calibration.add(frame)
            nearest = min(points, key=lambda point: abs(point[0] - frame.timestamp))
            np.testing.assert_allclose(calibration.frames[-1].points, nearest[1], atol=1e-3)
    found = calibration.estimate()
    assert found.frames_used == 21
    assert corners_off_mm(found.matrix, answer, (820, 616)) < 0.3


def test_what_a_dot_is_stands_in_the_configuration(plus, tmp_path):
    folder, phantom, _ = plus
    text = (folder / PLUS_CONFIG).read_text()
    assert phantom.dot_shape == DotShape(2.0, 0.27, 0.1)
    changed = tmp_path / "changed.xml"
    changed.write_text(text.replace('ThresholdImagePercent="10"', 'ThresholdImagePercent="60"'))
    assert read_phantom(changed).dot_shape == DotShape(2.0, 0.27, 0.6)


def test_of_a_dot_with_a_tail_the_mean_of_all_that_is_bright_counts():
    """By hand: 200 in a square of 11 pixels, 100 in as much again below it."""
    image = np.zeros((120, 160), np.uint8)
    image[40:51, 60:71], image[51:62, 60:71] = 200, 100
    ((u, v, brightness),) = bright_dots(image, 0.1, DotShape(circle_mm=0.0))
    assert (u, v, brightness) == (pytest.approx(65), pytest.approx((2 * 45 + 56) / 3), 200)


def test_points_of_another_recording_are_refused(recorded, plus, tmp_path, capsys):
    folder, _, _ = plus
    sweep = str(write_sweep(recorded[1], tmp_path / "other.igs.mha"))
    words = ["--plus-config", str(folder / PLUS_CONFIG), "--points", str(folder / RESULTS)]
    assert main(["calibrate", "probe", sweep, *words]) == 1
    assert "no time is the same" in capsys.readouterr().err
