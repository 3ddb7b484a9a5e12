"""The Calibrate step: guidance while it runs, a result with its uncertainty or why there is none, what it changes."""

import re
import time

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.calibrations import Calibrations, ImageCalibration, today
from CRLMSegmentationLib.calibration.probe.image_to_probe import image_corners
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files.calibrations.calibrations_file import write_calibrations_file
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.session.calibration.saved_calibrations import read_saved
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import FORMER_IMAGE
from CRLMSegmentationLib.simulation.calibration.pivoting import TrackerErrors, pivoting_hand
from CRLMSegmentationLib.simulation.calibration.touched_targets import stylus_recording, touched_targets
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_plus_configuration
from CRLMSegmentationLib.tracking import Replayer
from CRLMSegmentationLib.values import Volume
from recorded_calibration import IMAGE_SIZE, PHANTOM_XML, PLUS_IMAGE_TO_PROBE, pivoted_stylus, scanned_phantom
from stand_ins import Source

TIP = np.array([1.0, 2.0, -150.0])
_PATIENCE_S = 600


@pytest.fixture
def session():
    session = Session()
    yield session
    session.close()


@pytest.fixture(scope="module")
def recorded(shared_data):
    folder = shared_data / "calibration"
    return pivoted_stylus(folder), scanned_phantom(folder), folder / PHANTOM_XML


def until(session, is_so):
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, (session.calibration.guidance, session.calibration.problem, session.state)
        session.process()
        time.sleep(0.005)


def calibrated(session, sweep, start):
    """Connect to a server that sends the sweep once, calibrate on all of it; the guidance before the end."""
    with Replayer(sweep, 0, speed=None, loop=False) as server:
        session.stream.connect("127.0.0.1", server.port)
        start()
        came = []
        session.stream.frames_arrived.connect(came.extend)
        until(session, lambda: len(came) == len(sweep))
        until(session, lambda: session.calibration.guidance.figures)
        session.calibration.stop()
        until(session, lambda: not session.calibration.is_running)
        return session.calibration.guidance


def pivoted(tilt_deg=50.0, seconds=8.0, shift_mm=0.0, mirrored=False):
    poses, times = pivoting_hand(TIP, np.array([20.0, -40, 130]), tilt_deg, seconds, np.random.default_rng(0))
    poses[:, :3, 3] += np.linspace(0, shift_mm, len(poses))[:, np.newaxis]
    if mirrored:
        poses = poses @ np.diag([1.0, 1, -1, 1])
    black = np.zeros((8, 8), np.uint8)
    return [
        TrackedFrame(black, None, 5 + time_s, valid=False, transforms={"StylusToReference": Pose(pose)})
        for pose, time_s in zip(poses, times)
    ]


def run_on(session, frames, identity="plus:18944", origin="live"):
    """Calibrate the stylus on frames of a source that hands them over at once."""
    source = Source(identity, origin)
    session.stream.connect_source(source)
    session.calibration.start_stylus("Stylus")
    source.waiting = list(frames)
    session.process()
    session.calibration.stop()
    until(session, lambda: not session.calibration.is_running)
    return session.calibration


def test_a_stylus_is_calibrated_on_recorded_poses_and_counts_once_it_is_accepted(session, recorded, tmp_path):
    part = session.calibration
    guidance = calibrated(session, recorded[0], lambda: part.start_stylus("Stylus"))
    assert dict(guidance.figures)["Tilt"] == "29 of 45 degrees" and 0.2 < guidance.share < 0.7
    result = part.result
    # The tip of all eight pivots is at 109.5 6.8 2.9 mm, see the tests of the calibration itself.
    np.testing.assert_allclose(result.estimate.tip_mm, [109.5, 6.6, 2.8], atol=0.4)
    # So small a turn leaves the tip open: by the geometry of the touched phantom it lies 1.5 mm elsewhere.
    worst_mm = result.estimate.deviation_mm
    assert 0.5 < worst_mm < 3 and f"known to {worst_mm:.1f} mm" in result.text
    assert result.missing == ("tilt 29 of 45 degrees", f"tip known to {worst_mm:.2f} of 0.7 mm")
    # Nothing counts before a person has said so.
    np.testing.assert_array_equal(session.tools.tip_to_tool("Stylus"), np.eye(4))
    assert not session.accuracy.calibrations.tips
    part.accept()
    np.testing.assert_array_equal(session.tools.tip_to_tool("Stylus"), result.estimate.tip_to_tool)
    model = session.accuracy.calibrations.model("Stylus", session.tools.tip_to_tool("Stylus"))
    np.testing.assert_array_equal(model.tip_covariance_mm2, result.estimate.covariance_mm2)
    assert part.result is None and part.accepted == [result.text]
    saved = read_saved(part.save(tmp_path / "calibrations.json"))
    np.testing.assert_allclose(saved.tips["Stylus"].covariance_mm2, result.estimate.covariance_mm2)
    of_plus = read_plus_configuration(tmp_path / "calibrations.plus.xml").transforms
    np.testing.assert_allclose(of_plus["StylusTipToStylus"], result.estimate.tip_to_tool, atol=1e-6)


def test_a_probe_is_calibrated_on_recorded_images_and_places_them_once_it_is_accepted(session, recorded, tmp_path):
    part = session.calibration
    _, sweep, xml = recorded
    with Replayer(sweep, 0, speed=8.0, loop=True) as server:
        session.stream.connect("127.0.0.1", server.port)
        came = []
        session.stream.frames_arrived.connect(came.extend)
        part.start_probe(xml)
        until(session, lambda: any("of 20 degrees" in text for text in part.guidance.missing))
        figures = dict(part.guidance.figures)
        assert figures["This image"] == "all 9 wires are seen" and len(part.guidance.wires) == 9
        until(session, lambda: dict(part.guidance.figures)["Images"] == f"{len(sweep)} of {len(sweep)} with all wires")
        # The recording begins again: what came before is not counted once more.
        turns = len(came)
        until(session, lambda: len(came) > turns + 10)
        assert dict(part.guidance.figures)["Images"] == f"{len(sweep)} of {len(sweep)} with all wires"
        part.stop()
        until(session, lambda: part.result is not None)
        found = part.result.estimate
        corners = np.column_stack([image_corners(IMAGE_SIZE), np.zeros(4)])
        off = transform_points(found.matrix, corners) - transform_points(PLUS_IMAGE_TO_PROBE, corners)
        # What its uncertainty says is far more than what it is off PLUS's: the probe was hardly turned.
        worst_mm = float(found.corner_deviation_mm.max())
        assert np.linalg.norm(off, axis=1).max() < worst_mm and worst_mm > 1 and part.result.missing
        assert f"known to {worst_mm:.1f} mm" in part.result.text
        # Nothing counts before a person has said so.
        assert session.stream.image.plane is None and session.accuracy.calibrations.image is None
        session.volume.set(Volume(np.zeros((4, 4, 4), np.uint8), np.eye(4)))
        part.accept()
        assert FORMER_IMAGE in session.state.notices
        until(session, lambda: session.stream.image.plane is not None)
        frame = session.stream.image.frame
        placed = frame.transforms["ProbeToReference"].matrix @ found.matrix
        np.testing.assert_allclose(frame.image_to_reference, placed, atol=1e-4)
        path = part.save(tmp_path / "calibrations.json")
        # The same source again: it still counts.
        session.stream.disconnect()
        session.stream.connect("127.0.0.1", server.port)
        until(session, lambda: session.stream.image.frame.timestamp != frame.timestamp)
        assert session.stream.image.plane is not None
    with Replayer(sweep, 0, speed=8.0, loop=True) as server:
        session.stream.connect("127.0.0.1", server.port)
        until(session, lambda: session.stream.status.frames > 2 and session.stream.image.frame is not None)
        # Another source: what was accepted for the one before does not count, until a person says so.
        assert session.stream.image.plane is None and part.accepted == []
        assert "820 x 616" in part.load(path)
        until(session, lambda: session.stream.image.plane is not None)


@pytest.mark.parametrize(
    "frames, sentence",
    [
        (pivoted(tilt_deg=6.0), "hardly tilted|too little"),
        (pivoted(shift_mm=300.0), "rests in no place|too little"),
        (pivoted(mirrored=True), "mirrored"),
        (pivoted()[:20], "30 and more"),
        ([frame.with_changes(transforms={}) for frame in pivoted()], "There are 0 poses"),
        ([frame.with_changes(transforms={"StylusToReference": Pose(np.eye(4), False)}) for frame in pivoted()],
         "never seen"),
    ],
    ids=["hardly tilted", "slipped", "mirrored", "short", "absent", "lost"],
)  # fmt: skip
def test_what_gives_no_tip_says_why_and_changes_nothing(session, frames, sentence):
    part = run_on(session, frames)
    assert part.result is None
    assert re.search(sentence, part.problem), part.problem
    with pytest.raises(ConfigurationError, match="no result"):
        part.accept()
    assert not session.accuracy.calibrations.tips


def test_the_tip_of_the_stream_counts_no_more_until_another_source_comes(session):
    part = run_on(session, pivoted())
    part.accept()
    other = np.eye(4)
    other[:3, 3] = [9.0, 9.0, 9.0]
    session.tools.update("StylusTipToStylus", Pose(other))
    np.testing.assert_allclose(session.tools.tip_to_tool("Stylus")[:3, 3], TIP, atol=1e-6)
    session.stream.connect_source(Source("elsewhere:18944"))
    session.tools.update("StylusTipToStylus", Pose(other))
    np.testing.assert_array_equal(session.tools.tip_to_tool("Stylus"), other)


def test_another_source_ends_what_was_begun_with_the_one_before(session):
    part = run_on(session, pivoted())
    assert part.result is not None
    session.stream.connect_source(Source("elsewhere:18944"))
    assert part.result is None and "come from elsewhere" in session.state.notices[-1]


def test_a_lost_connection_ends_it_with_what_came(session):
    source = Source("plus:18944")
    session.stream.connect_source(source)
    session.calibration.start_stylus("Stylus")
    source.waiting = pivoted()
    session.process()
    session.stream.disconnect()
    until(session, lambda: not session.calibration.is_running)
    assert session.calibration.result is not None


def test_a_calibration_of_simulated_devices_is_not_kept(session, tmp_path):
    part = run_on(session, pivoted(), origin="simulated")
    part.accept()
    with pytest.raises(ConfigurationError, match="simulated"):
        part.save(tmp_path / "calibrations.json")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_done_is_refused_with_a_sentence(session, tmp_path):
    part = session.calibration
    for command, sentence in (
        (lambda: part.start_stylus("Stylus"), "Connect first"),
        (part.stop, "No calibration is going on"),
        (part.accept, "no result"),
        (part.save, "Choose the file"),
        (lambda: part.save(tmp_path / "a.json"), "nothing to keep"),
        (lambda: part.load(tmp_path / "a.json"), "Connect first"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            command()
    session.stream.connect_source(Source("plus:18944"))
    with pytest.raises(ConfigurationError, match=r"no a\.json yet"):
        part.load(tmp_path / "a.json")


def test_a_discarded_calibration_leaves_nothing(session):
    part = run_on(session, pivoted())
    part.discard()
    assert part.result is None and not part.is_running
    with pytest.raises(ConfigurationError):
        part.accept()


def tracked_images(size=(16, 12), shift_mm=0.0):
    """Images that a server places by itself, with the poses of the probe beside them."""
    image_to_probe = np.diag([0.2, 0.2, 0.2, 1.0])
    frames = []
    for number in range(30):
        pose = np.eye(4)
        pose[:3, 3] = [shift_mm + number, 0.0, 5.0]
        pixels = np.full(size[::-1], number, np.uint8)
        tracked = {"ProbeToReference": Pose(pose)}
        frames.append(TrackedFrame(pixels, pose @ image_to_probe, 1 + number / 10, transforms=tracked))
    return Sweep(frames, "tracked")


@pytest.mark.parametrize("mode", ["image_image", "image_reference"])
def test_an_image_calibrated_here_counts_also_where_the_sender_places_it_itself(session, mode):
    other = np.eye(4)
    other[:3, 3] = [7.0, 8.0, 9.0]
    with Replayer(tracked_images(), 0, loop=True, mode=mode) as server:
        session.stream.connect("127.0.0.1", server.port)
        until(session, lambda: session.stream.image.plane is not None)
        assert session.stream.image.frame.image_to_reference[0, 0] == pytest.approx(0.2)
        session.stream.calibrate_image(other)
        until(session, lambda: session.stream.image.frame.image_to_reference[0, 0] == pytest.approx(1.0))
        frame = session.stream.image.frame
        np.testing.assert_allclose(frame.image_to_reference, frame.transforms["ProbeToReference"].matrix @ other)
        session.stream.calibrate_image(None)
        until(session, lambda: session.stream.image.frame.image_to_reference[0, 0] == pytest.approx(0.2))


def test_images_of_another_size_end_the_calibration_of_the_image(session, tmp_path):
    source = CalibratedSource("plus:18944")
    session.stream.connect_source(source)
    known = Calibrations(image=ImageCalibration(np.eye(4), 1e-4 * np.eye(9), (16, 12), "2026-01-02"))
    path = write_calibrations_file(tmp_path / "calibrations.json", known.to_plain())
    session.calibration.load(path)
    np.testing.assert_array_equal(source.image_to_probe, np.eye(4))
    source.waiting = tracked_images().frames[:1]
    session.process()
    assert source.image_to_probe is not None
    source.waiting = tracked_images((20, 12)).frames[:1]
    session.process()
    assert source.image_to_probe is None and "another size" in session.state.notices[-1]
    with pytest.raises(ConfigurationError, match="16 x 12 pixels, and these images have 20 x 12"):
        session.calibration.load(path)


def test_a_kept_image_of_another_depth_is_refused_where_the_sender_places_its_images(session, tmp_path):
    source = CalibratedSource("plus:18944")
    session.stream.connect_source(source)
    known = Calibrations(image=ImageCalibration(np.diag([0.3, 0.3, 0.3, 1]), 1e-4 * np.eye(9), (16, 12), today()))
    path = write_calibrations_file(tmp_path / "calibrations.json", known.to_plain())
    source.waiting = tracked_images().frames[:1]
    session.process()
    with pytest.raises(ConfigurationError, match=r"another depth: the pixels of these images are 0\.200 x 0\.200 mm"):
        session.calibration.load(path)
    assert source.image_to_probe is None
    session.accuracy.set_calibrations(known)
    (image,) = [one for one in session.calibration.known_errors if one.source == "Image"]
    assert not image.is_known and "another size or depth" in image.text


class CalibratedSource(Source):
    image_to_probe = None

    def calibrate_image(self, image_to_probe):
        self.image_to_probe = image_to_probe


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    """(file of PLUS with six landmarks that are where they are said to be, their places)"""
    places = np.array([[x, y, 5.0 * (x > 10) * (y > 10)] for x in (0.0, 40.0, 80.0) for y in (0.0, 30.0)])
    path = tmp_path_factory.mktemp("targets") / "phantom.xml"
    landmarks = "".join(
        f'<Landmark Name="T{number}" Position="{" ".join(map(str, place))}"/>' for number, place in enumerate(places)
    )
    identity = " ".join(map(str, np.eye(4).ravel()))
    path.write_text(
        f'<PlusConfiguration><CoordinateDefinitions><Transform From="Phantom" To="Reference" Matrix="{identity}"/>'
        f"</CoordinateDefinitions><PhantomDefinition><Geometry><Landmarks>{landmarks}</Landmarks></Geometry>"
        "</PhantomDefinition></PlusConfiguration>"
    )
    return path, places


def touched(places, off=(0.0, 0, 0)):
    poses, times = touched_targets(places + off, TIP, TrackerErrors(noise_mm=0.05), 0.0, np.random.default_rng(0))
    return stylus_recording(poses, times).frames


def measure(session, frames, path, origin="live"):
    """Touch the targets with a stylus whose tip is known; the guidance before the end."""
    source = Source("plus:18944", origin)
    session.stream.connect_source(source)
    tip = np.eye(4)
    tip[:3, 3] = TIP
    session.tools.set_tip("Stylus", tip)
    session.calibration.start_accuracy("Stylus", path)
    source.waiting = list(frames)
    until(session, lambda: session.calibration.guidance.figures)
    session.calibration.stop()
    until(session, lambda: not session.calibration.is_running)
    return session.calibration.guidance


def test_a_phantom_is_measured_with_guidance_and_the_result_is_a_page(session, targets, tmp_path):
    path, places = targets
    part = session.calibration
    part.file = tmp_path / "calibrations.json"
    # The phantom is said to be a millimetre beside its place.
    guidance = measure(session, touched(places[:5], off=(0.6, -0.8, 0)), path)
    figures = dict(guidance.figures)
    assert figures["Targets"] == "5 of 6 touched" and figures["Touched last"] == "T4, 1.0 mm off"
    assert guidance.missing == ("hold the tip at T5",) and guidance.share == pytest.approx(5 / 6)
    result = part.result
    assert result.text.startswith("Tip to target: 1.0 mm in the middle") and "T5 was not touched" in result.missing
    np.testing.assert_allclose(result.measured.errors_mm, 1.0, atol=0.1)
    with pytest.raises(ConfigurationError, match="no result to take"):
        part.accept()
    page = part.write_accuracy()
    assert page.parent == tmp_path and page.name.startswith("accuracy-")
    text = page.read_text()
    assert "median 1.0" in text and "Not touched: T5" in text and text.count("<svg") == 3 and "simulated" not in text
    assert "No image has shown the targets" in text and "<td>T4</td><td>1</td>" in text
    # Along the stylus and across it the same errors are told apart.
    along, across = (result.measured.by_direction()[name] for name in ("along the stylus", "across the stylus"))
    np.testing.assert_allclose(np.hypot(along, across), result.measured.errors_mm)


@pytest.mark.parametrize(
    "frames, sentence",
    [
        (lambda places: touched(places[:2]), "held at 2 of 6 targets"),
        (lambda places: touched(places, off=(0, 0, 300)), "of another phantom or place"),
        (lambda places: [f.with_changes(transforms={"StylusToReference": Pose(np.eye(4), False)})
                         for f in touched(places[:1])], "never seen by the tracker"),
    ],
)  # fmt: skip
def test_a_phantom_that_is_hardly_touched_says_why_there_is_no_result(session, targets, frames, sentence):
    path, places = targets
    measure(session, frames(places), path)
    assert session.calibration.result is None and sentence in session.calibration.problem


def test_touches_go_on_when_the_clock_of_a_replay_begins_again(session, targets):
    path, places = targets
    frames = touched(places)
    half = len(frames) // 2
    guidance = measure(session, [*frames[half:], *frames[:half]], path)
    assert dict(guidance.figures)["Targets"] == "6 of 6 touched" and guidance.missing == ()


def test_a_phantom_is_measured_only_with_a_tip_that_is_known(session, targets):
    session.stream.connect_source(Source("plus:18944", "live"))
    with pytest.raises(ConfigurationError, match="tip of Stylus is not known"):
        session.calibration.start_accuracy("Stylus", targets[0])
    with pytest.raises(ConfigurationError, match="Nothing was measured"):
        session.calibration.write_accuracy()
