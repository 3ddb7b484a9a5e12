"""The laparoscope in a session: video, landmarks, the model over it with its error; what is old fades, what is bad is
said.
"""

import json
import threading
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, LaparoscopeError, ModelError
from CRLMSegmentationLib.files import write_surface
from CRLMSegmentationLib.files.laparoscope.camera_file import write_camera
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import write_picture
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import FoundLandmarks
from CRLMSegmentationLib.laparoscopy.pose.registration import register_pose
from CRLMSegmentationLib.laparoscopy.pose.solver import moved
from CRLMSegmentationLib.laparoscopy.surface.view import view_of
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.laparoscope import registering
from CRLMSegmentationLib.session.laparoscope.video_sources import VideoFrame
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.sweep.tracked_frame import Pose, TrackedFrame
from CRLMSegmentationLib.values.camera_on_sensor import CameraOnSensor

pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
_PATIENCE_S = 300
TARGET = np.array([[0.0, 20, 0]])
ON_SENSOR = np.array([[0.0, -1, 0, 12], [1, 0, 0, -5], [0, 0, 1, -300], [0, 0, 0, 1]])


class Knows:
    """In the place of a network: finds the true lines."""

    def __init__(self, lines):
        self.lines = lines

    def find(self, picture):
        return FoundLandmarks(self.lines, np.zeros((3, 320, 416), np.float32), 20.0, 4.0)


@pytest.fixture(scope="module")
def files(liver_view, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scope")
    write_surface(liver_view.surface, folder / "model" / "liver.vtp")
    curves = {"ridge": liver_view.curves["ridge"][0].tolist(), "ligament": [liver_view.curves["ligament"][0].tolist()]}
    (folder / "model" / "curves.json").write_text(json.dumps({"coordinate_system": "RAS", "unit": "mm", **curves}))
    write_camera(liver_view.camera, folder / "camera.json")
    width, height = liver_view.camera.image_size
    (folder / "pictures").mkdir()
    for number in range(2):
        write_picture(np.full((height, width, 3), 90 + number, np.uint8), folder / "pictures" / f"{number}.png")
    return folder


@pytest.fixture
def session(liver_view):
    session = Session()
    session.ended = []
    session.laparoscope.begin = lambda name: (Knows(liver_view.lines), lambda: session.ended.append(name))
    yield session
    session.close()


def until(session, is_so):
    end = time.monotonic() + _PATIENCE_S
    while not is_so(session.laparoscope):
        assert time.monotonic() < end, (session.laparoscope.problem, session.laparoscope.landmarks_text)
        session.process()
        time.sleep(0.002)


def test_the_model_is_laid_over_the_video_with_its_error_and_fades(session, files, liver_view):
    part = session.laparoscope
    assert "No video" in actions.REGISTER_SCOPE.why_not(session)
    actions.OPEN_SCOPE_VIDEO.run(session, files / "pictures")
    until(session, lambda part: part.newest is not None and part.newest.lines)
    assert part.newest.confidence()["ridge"] == pytest.approx(1) and "network 20 ms" in part.landmarks_text
    assert "No model of the liver" in actions.REGISTER_SCOPE.why_not(session)
    actions.OPEN_SCOPE_MODEL.run(session, files / "model")
    actions.OPEN_SCOPE_CAMERA.run(session, files / "camera.json")
    # As a person would begin; from nothing it takes longer.
    rough = moved(liver_view.pose, np.array([5.0, -4, 6, 4, -4, 3]), part.model.landmarks().liver.center)
    found_before = part.newest
    part.start = rough
    actions.REGISTER_SCOPE.run(session)
    until(session, lambda part: not part.is_busy)
    assert not part.problem and part.registered is not None
    registration = part.registered.registration
    off = registration.in_camera(TARGET) - transform_points(liver_view.pose, TARGET)
    assert np.linalg.norm(off) < 1 and part.registered.error_mm > 1
    at = part.registered.of_s
    assert at == found_before.frame.came_s or at > found_before.frame.came_s
    assert "Registered 3 s ago (rigid)" in part.registration_text(at + 3)
    strengths = [part.registered.strength(at + seconds) for seconds in (0, 1, 8, 15, 30)]
    assert strengths[0] == strengths[1] > strengths[2] > strengths[3] > strengths[4] == 0
    # Over the very picture that it is of it does not grow old.
    of_it = part.registered.frame
    assert part.registered.strength(at + 30, of_it) == strengths[0] and of_it.came_s == at
    assert "too old to be drawn" in part.registered.text(at + 30)
    assert ("too old" in part.registration_text(at + 30)) is (part.newest.frame is not of_it)
    session.forget_case()
    assert part.newest is None and part.model is None and part.registered is None
    assert session.ended == [None]


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_being_registered_is_not_laid_over_the_video_of_another_case(
    session, files, liver_view, monkeypatch, fails
):
    part, may_end = session.laparoscope, threading.Event()

    def wait_until_it_may(*given, **options):
        may_end.wait(_PATIENCE_S)
        if fails:
            raise LaparoscopeError("The lines of the former patient determine no pose.")
        return register_pose(*given, **options)

    monkeypatch.setattr(registering, "register_pose", wait_until_it_may)
    actions.OPEN_SCOPE_VIDEO.run(session, files / "pictures")
    until(session, lambda part: part.newest is not None and part.newest.lines)
    actions.OPEN_SCOPE_MODEL.run(session, files / "model")
    actions.OPEN_SCOPE_CAMERA.run(session, files / "camera.json")
    part.start = liver_view.pose
    actions.REGISTER_SCOPE.run(session)
    part.forget()
    assert part.start is None
    part.open_video(files / "pictures")
    may_end.set()
    until(session, lambda part: not part.is_busy)
    assert part.registered is None and part.problem == "" and part.registration_text() == ""


def test_a_person_lays_the_model_over_a_picture_that_is_held_and_it_is_looked_for_from_there(
    session, files, liver_view
):
    part = session.laparoscope
    assert "No video" in actions.ALIGN_SCOPE.why_not(session)
    part.open_video(files / "pictures")
    until(session, lambda part: part.newest is not None and part.newest.lines)
    assert "No model" in actions.ALIGN_SCOPE.why_not(session)
    part.open_model(files / "model")
    part.open_camera(files / "camera.json")
    with pytest.raises(ConfigurationError, match="begin that first"):
        actions.MOVE_SCOPE_MODEL.run(session, "left")
    part.start = liver_view.pose
    actions.ALIGN_SCOPE.run(session)
    held, before = part.newest.frame, part.newest.picture
    actions.MOVE_SCOPE_MODEL.run(session, "left")
    actions.MOVE_SCOPE_MODEL.run(session, "turn right", True)
    until(session, lambda part: (part.newest.picture != before).any())
    time.sleep(0.6)
    session.process()
    # The second picture came, and does not replace it.
    assert part.newest.frame is held and not part.is_old and "held while" in part.landmarks_text
    away = part.alignment.pose @ np.linalg.inv(liver_view.pose)
    assert np.degrees(np.arccos((np.trace(away[:3, :3]) - 1) / 2)) == pytest.approx(2.0)
    actions.REGISTER_SCOPE.run(session)
    until(session, lambda part: not part.is_busy)
    assert part.registered is not None and not part.alignment.is_on
    off = part.registered.registration.in_camera(TARGET) - transform_points(liver_view.pose, TARGET)
    assert np.linalg.norm(off) < 1
    actions.ALIGN_SCOPE.run(session)
    assert part.registered is None
    actions.MOVE_SCOPE_MODEL.run(session, "farther")
    laid = part.alignment.pose
    actions.END_SCOPE_ALIGNMENT.run(session)
    assert part.start is laid and not part.alignment.is_on
    assert "begin that first" in actions.END_SCOPE_ALIGNMENT.why_not(session)


class Tracked:
    """A video of a tracked scope: each frame comes when a test says so, with the pose of the sensor."""

    title, has_ended, waiting_for = "tracked", False, ""

    def __init__(self):
        self.waiting = []

    def next(self):
        time.sleep(0.005)
        return self.waiting.pop(0) if self.waiting else None

    def close(self):
        self.has_ended = True

    def send(self, name, camera_to_reference, size, valid=True):
        pose = Pose(camera_to_reference @ np.linalg.inv(ON_SENSOR), valid)
        pixels = np.full((size[1], size[0], 3), 90, np.uint8)
        frame = TrackedFrame(pixels, None, 0.0, valid=False, transforms={"ScopeToReference": pose})
        self.waiting.append(VideoFrame(name, pixels, time.monotonic() - 60, frame))


def test_the_registration_follows_a_tracked_scope_and_without_its_pose_it_is_too_old(session, files, liver_view):
    part, feed, size = session.laparoscope, Tracked(), liver_view.camera.image_size
    part.set_camera(liver_view.camera, CameraOnSensor("Scope", ON_SENSOR))
    part.open_model(files / "model")
    part.show("landmarks", False)
    part.start = liver_view.pose
    part._play(feed)
    camera_to_reference = np.linalg.inv(liver_view.pose)
    feed.send("first", camera_to_reference, size)
    until(session, lambda part: part.newest is not None and part.newest.lines)
    actions.REGISTER_SCOPE.run(session)
    until(session, lambda part: not part.is_busy)
    assert "follows" not in part.registration_text()
    step = np.eye(4)
    step[:3, 3] = (14.0, -9, 6)
    feed.send("second", camera_to_reference @ step, size)
    until(session, lambda part: part.newest.frame.name == "second")
    # A minute old, and drawn where the model lies in the second picture.
    assert "follows the tracked laparoscope" in part.registration_text() and "too old" not in part.registration_text()
    expected = view_of(part.model.parts[0].mesh, liver_view.camera, np.linalg.inv(step) @ liver_view.pose).seen
    drawn = (part.newest.picture != 90).any(axis=-1)
    assert (drawn & ~expected).sum() < 0.02 * expected.sum() and (expected & ~drawn).sum() < 0.02 * expected.sum()
    first = view_of(part.model.parts[0].mesh, liver_view.camera, liver_view.pose).seen
    assert (first & ~expected).sum() > 0.05 * expected.sum()
    assert np.abs(part._former_pose - np.linalg.inv(step) @ liver_view.pose)[:3, 3].max() < 2
    feed.send("third", camera_to_reference @ step, size, valid=False)
    until(session, lambda part: part.newest.frame.name == "third")
    assert "too old to be drawn" in part.registration_text() and (part.newest.picture == 90).all()


def test_where_the_ct_was_registered_a_tracked_scope_says_where_the_model_is_looked_for_first(
    session, files, liver_view, monkeypatch
):
    part, feed, size = session.laparoscope, Tracked(), liver_view.camera.image_size
    part.open_camera(files / "camera.json")
    part.open_model(files / "model")
    part._play(feed)
    camera_to_reference, ct_to_reference = np.linalg.inv(liver_view.pose), np.eye(4)
    ct_to_reference[:3, 3] = (30.0, -20, 5)
    feed.send("first", ct_to_reference @ camera_to_reference, size)
    until(session, lambda part: part.newest is not None and part.newest.lines)
    assert part._former_pose is None
    asked = []
    monkeypatch.setattr(part, "place_of_ct", lambda folder: asked.append(folder) or ct_to_reference)
    assert part._former_pose is None, "nobody knows where the camera sits on the sensor"
    part.set_camera(liver_view.camera, CameraOnSensor("Scope", ON_SENSOR))
    assert np.allclose(part._former_pose, liver_view.pose) and set(asked) == {files / "model"}
    part.start = np.eye(4)
    assert part._former_pose is part.start


def test_switches_change_what_is_drawn(session, files):
    part = session.laparoscope
    for name in ("landmarks", "liver", "vessels", "tumors"):
        part.show(name, False)
    part.open_video(files / "pictures" / "0.png")
    until(session, lambda part: part.newest is not None and part.newest.lines)
    assert not part.is_playing and (part.newest.picture == 90).all()
    part.show("landmarks", True)
    until(session, lambda part: (part.newest.picture == (255, 70, 60)).all(axis=-1).any())
    with pytest.raises(ConfigurationError, match="nothing called 'bones'"):
        part.show("bones", True)


def test_without_a_network_the_video_goes_on(session, files):
    def refuse(name):
        raise ModelError("No model for landmarks is installed.")

    session.laparoscope.begin = refuse
    session.laparoscope.open_video(files / "pictures")
    until(session, lambda part: not part.is_playing and part.problem)
    part = session.laparoscope
    assert part.newest.frame.name == "1" and part.newest.lines == ()
    assert part.problem == "No model for landmarks is installed."
    part.open_model(files / "model")
    part.open_camera(files / "camera.json")
    assert "No landmark is seen" in actions.REGISTER_SCOPE.why_not(session)


def test_why_landmarks_cannot_register_it_is_said_and_the_video_goes_on(session, files, liver_view, tmp_path):
    """Of one kind alone, and it is not marked on the model."""
    session.laparoscope.begin = lambda name: (Knows(liver_view.of("ridge")), lambda: None)
    write_surface(liver_view.surface, tmp_path / "plain" / "liver.vtp")
    part = session.laparoscope
    part.open_model(tmp_path / "plain")
    part.open_camera(files / "camera.json")
    part.open_video(files / "pictures")
    until(session, lambda part: part.newest is not None and part.newest.lines)
    part.register()
    until(session, lambda part: not part.is_busy)
    assert part.problem == (
        "Picture and model have no landmark in common: the picture shows no ligament and no silhouette; "
        "ridge is not marked on the model."
    )
    assert part.registered is None
    until(session, lambda part: part.newest.frame.name == "1")


def test_bad_input_is_one_sentence_and_changes_nothing(session, files, tmp_path):
    part = session.laparoscope
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(LaparoscopeError, match="neither a picture nor a video"):
        part.open_video(files / "camera.json")
    part.open_video(tmp_path / "text.mp4")
    until(session, lambda part: part.problem)
    assert not part.is_playing and "No frame of text.mp4 can be read" in part.problem
    part.open_video(files / "pictures")
    until(session, lambda part: part.newest is not None and part.newest.lines)
    part.open_model(files / "model")
    camera = json.loads((files / "camera.json").read_text())
    camera["image_width"], camera["image_height"] = 640, 480
    (tmp_path / "other.json").write_text(json.dumps(camera))
    part.open_camera(tmp_path / "other.json")
    with pytest.raises(ConfigurationError, match="640 x 480 pixels, and this is one of 480 x 270"):
        part.register()
    assert not part.is_busy and part.newest is not None
    with pytest.raises(ConfigurationError, match="Say the name"):
        part.connect("localhost", 18944, " ")
