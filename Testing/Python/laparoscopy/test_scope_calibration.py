"""The camera calibrated in a session, from a folder of pictures and from a recording with poses, and kept."""

import json
import time

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ConfigurationError, FileFormatError, LaparoscopeError
from CRLMSegmentationLib.files.laparoscope.camera_file import (
    read_camera,
    read_camera_on_sensor,
    write_camera,
)
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import write_picture
from CRLMSegmentationLib.laparoscopy.camera.board_views import BoardViews, pose_of, sensors_of
from CRLMSegmentationLib.laparoscopy.camera.boards import Board, board_of
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.case.case_facts import read_facts
from CRLMSegmentationLib.session.laparoscope.shown_frame import ShownFrame
from CRLMSegmentationLib.session.laparoscope.video_sources import VideoFrame
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.simulation.laparoscope.boards import BoardPictures, draw_board_poses
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.sweep.tracked_frame import Pose, TrackedFrame
from CRLMSegmentationLib.values.camera import Camera
from CRLMSegmentationLib.values.camera_on_sensor import CameraOnSensor
from scipy.spatial.transform import Rotation

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
CAMERA = Camera(np.array([[252.0, 0, 158], [0, 253, 122], [0, 0, 1]]), (320, 240), [-0.15, 0.04, 0.0, 0.0])
BOARD = Board(7, 6, 12.0)
_PATIENCE_S = 300


def rigid(turn_deg, shift_mm):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(turn_deg, degrees=True).as_matrix()
    matrix[:3, 3] = shift_mm
    return matrix


ON_SENSOR = rigid((5.0, -20, 8), (12.0, -6, -150))
BOARD_TO_REFERENCE = rigid((40.0, 10, 0), (80.0, -30, 500))


@pytest.fixture(scope="module")
def views():
    """Poses of the board, pictures of it, and poses of the sensor that was tracked then."""
    rng = np.random.default_rng(2)
    boards = draw_board_poses(CAMERA, BOARD, 9, rng)
    drawn = BoardPictures(CAMERA, BOARD)
    sensors = [BOARD_TO_REFERENCE @ np.linalg.inv(ON_SENSOR @ board) for board in boards]
    return boards, [drawn.draw(board, rng) for board in boards], sensors


@pytest.fixture
def session():
    session = Session()

    def refuse(name):
        raise LaparoscopeError("No network here.")

    session.laparoscope.begin = refuse
    yield session
    session.close()


def until(session, is_so):
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, session.laparoscope.calibration.text
        session.process()
        time.sleep(0.002)


def tracked(picture, sensor, valid=True):
    transforms = {"LaparoscopeToTracker": Pose(sensor, valid), "ReferenceToTracker": Pose(np.eye(4))}
    return TrackedFrame(picture, None, 1.0, valid=False, transforms=transforms)


def test_from_a_folder_a_camera_is_found_and_kept_when_a_person_takes_it(session, views, tmp_path):
    for number, picture in enumerate(views[1]):
        write_picture(picture, tmp_path / "board" / f"{number}.png") if number else (tmp_path / "board").mkdir()
    part = session.laparoscope
    assert "No video" in actions.CALIBRATE_SCOPE.why_not(session)
    actions.OPEN_SCOPE_VIDEO.run(session, tmp_path / "board")
    with pytest.raises(LaparoscopeError, match="'nine by six' is no board"):
        actions.CALIBRATE_SCOPE.run(session, "nine by six", 12.0)
    actions.CALIBRATE_SCOPE.run(session, "", 12.0)
    assert "being calibrated" in actions.CALIBRATE_SCOPE.why_not(session)
    until(session, lambda: not part.calibration.is_running)
    assert part.calibration.problem == "" and part.camera is None
    assert part.calibration.text.startswith("Board of 7 x 6 corners in 8 pictures: error 0.")
    session.recording.folder = tmp_path
    result = part.calibration.result
    with pytest.raises(FileFormatError, match="cannot be written"):
        part.calibration.accept(tmp_path / "board" / "1.png")
    assert part.camera is result.camera.camera, "it is used nevertheless"
    part.set_camera(None)
    part.calibration.result = result
    actions.ACCEPT_SCOPE_CALIBRATION.run(session)
    assert np.abs(part.camera.intrinsics - CAMERA.intrinsics).max() < 4 and part.on_sensor is None
    kept = read_camera(part.calibration.file)
    assert np.array_equal(kept.intrinsics, part.camera.intrinsics)
    assert part.calibration.file.name in part.calibration.text
    assert "No camera was found" in actions.ACCEPT_SCOPE_CALIBRATION.why_not(session)


class Comes:
    """In the place of a video worker: its newest frame is what a test says."""

    feed = object()
    newest = None

    def show(self, frame):
        self.newest = ShownFrame(VideoFrame("frame", frame.pixels, 0.0, frame), (), frame.pixels)


def test_from_a_live_video_pictures_are_kept_at_rest_and_the_sensor_is_calibrated_too(session, views):
    part, video = session.laparoscope, Comes()
    calibration = part.calibration
    calibration._video = lambda: video
    calibration.start("7x6", 12.0)
    for picture, sensor in zip(*views[1:]):
        for _ in range(2):
            video.show(tracked(picture, sensor))
            frame = video.newest
            until(session, lambda frame=frame: calibration._offered is frame and calibration._looking is None)
    assert "9 pictures of the board are kept, 9 of them with a pose; the board is seen" in calibration.text
    video.show(tracked(np.full((240, 320), 90, np.uint8), views[2][0]))
    until(session, lambda: "not seen now" in calibration.text)
    actions.END_SCOPE_CALIBRATION.run(session)
    until(session, lambda: calibration.result is not None)
    assert "On the sensor Laparoscope, from 9 poses" in calibration.text
    actions.ACCEPT_SCOPE_CALIBRATION.command(session)
    assert part.on_sensor.sensor == "Laparoscope"
    assert np.linalg.norm(part.on_sensor.camera_to_sensor[:3, 3] - ON_SENSOR[:3, 3]) < 3


def test_the_command_reads_a_recording_and_writes_the_place_on_the_sensor(views, tmp_path, capsys):
    recorder = Recorder(tmp_path / "scope.igs.mha", keep_color=True)
    for number, (picture, sensor) in enumerate(zip(*views[1:])):
        frame = tracked(np.repeat(picture[..., None], 3, axis=-1), sensor)
        recorder.add(frame.with_changes(timestamp=float(number)))
    recording = recorder.stop()[0]
    words = [
        "scope",
        "calibrate",
        str(recording),
        "--board",
        "7x6",
        "--square",
        "12",
        "-o",
        str(tmp_path / "camera.json"),
    ]
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["sensor"] == "Laparoscope" and facts["used"] == 9 and facts["sensor_error_px"] < 2
    found = read_camera_on_sensor(tmp_path / "camera.json").camera_to_sensor
    assert np.linalg.norm(found[:3, 3] - ON_SENSOR[:3, 3]) < 3
    assert main([*words, "--force", "--sensor", "Stylus"]) == 0
    said = capsys.readouterr()
    assert "No valid pose of Stylus" in said.err + said.out
    assert read_camera_on_sensor(tmp_path / "camera.json") is None


def test_what_gives_no_camera_is_one_sentence_and_the_former_stays(session, tmp_path):
    write_picture(np.full((240, 320), 90, np.uint8), tmp_path / "0.png")
    part = session.laparoscope
    part.set_camera(CAMERA)
    part.open_video(tmp_path / "0.png")
    actions.CALIBRATE_SCOPE.run(session, "7x6", 12.0)
    until(session, lambda: not part.calibration.is_running)
    assert part.calibration.problem.startswith("No board was found in 1 pictures") and part.camera is CAMERA
    with pytest.raises(ConfigurationError, match="not being calibrated"):
        actions.END_SCOPE_CALIBRATION.run(session)
    actions.CALIBRATE_SCOPE.run(session, "7x6", 12.0)
    actions.DISCARD_SCOPE_CALIBRATION.run(session)
    assert not part.calibration.is_running and part.calibration.text == part.calibration.problem == ""


def test_pictures_of_the_same_view_and_moving_ones_are_not_kept(views):
    once = BoardViews(BOARD)
    assert [once.add(views[1][0]), once.add(views[1][0]), once.add(views[1][1])] == [True] * 3 and once.count == 2
    moving = BoardViews(BOARD, at_rest=True)
    assert moving.add(views[1][0]) and moving.add(views[1][1]) and moving.count == 0
    assert moving.add(views[1][1]) and moving.count == 1
    with pytest.raises(LaparoscopeError, match="changed their size"):
        moving.add(cv2.resize(views[1][0], (160, 120)))


def test_the_sensor_is_the_one_that_comes_or_it_is_asked_for(views):
    poses = {"LaparoscopeToTracker": Pose(np.eye(4)), "ReferenceToTracker": Pose(np.eye(4))}
    assert sensors_of(poses) == ("Laparoscope",)
    assert np.array_equal(pose_of(poses, "Laparoscope"), np.eye(4))
    assert pose_of({**poses, "ReferenceToTracker": Pose(np.eye(4), valid=False)}, "Laparoscope") is None
    both = BoardViews(BOARD)
    for picture in views[1][:4]:
        both.add(picture, {**poses, "StylusToTracker": Pose(np.eye(4))})
    assert "Laparoscope, Stylus came with the pictures: say which" in both.calibrate().why_not_on_sensor
    lost = BoardViews(BOARD, sensor="Laparoscope")
    for picture in views[1][:4]:
        lost.add(picture, {"LaparoscopeToTracker": Pose(np.eye(4), valid=False)})
    assert lost.calibrate().why_not_on_sensor.startswith("No valid pose of Laparoscope")


def test_a_board_as_a_person_writes_it():
    assert board_of("", 10.0) is None and board_of(" 9x6 ", 8.0) == Board(9, 6, 8.0)
    assert board_of("8X6 DICT_4X4_50", 10.0) == Board(8, 6, 10.0, "DICT_4X4_50")
    for text in ("9", "9x6 DICT_4X4_50 more", "9x2"):
        with pytest.raises(LaparoscopeError, match=r"no board|too small"):
            board_of(text, 10.0)


def test_the_place_on_the_sensor_stands_in_the_cameras_file(tmp_path):
    write_camera(CAMERA, tmp_path / "camera.json", CameraOnSensor("Scope", ON_SENSOR))
    again = read_camera_on_sensor(tmp_path / "camera.json")
    assert again.sensor == "Scope" and np.array_equal(again.camera_to_sensor, ON_SENSOR)
    assert np.array_equal(read_camera(tmp_path / "camera.json").distortion, CAMERA.distortion)
    assert read_camera_on_sensor(write_camera(CAMERA, tmp_path / "alone.json")) is None
    text = (tmp_path / "camera.json").read_text().replace('"sensor"', '"sensors"')
    (tmp_path / "camera.json").write_text(text)
    with pytest.raises(FileFormatError, match="no usable sensor"):
        read_camera_on_sensor(tmp_path / "camera.json")


def test_the_camera_is_saved_with_the_case(session, tmp_path):
    session.laparoscope.set_camera(CAMERA, CameraOnSensor("Scope", ON_SENSOR))
    folder = session.case.save(tmp_path / "case")
    session.forget_case()
    assert session.laparoscope.camera is None and session.laparoscope.on_sensor is None
    session.case.load(folder)
    part = session.laparoscope
    assert np.array_equal(part.camera.distortion, CAMERA.distortion) and part.camera.image_size == (320, 240)
    assert part.on_sensor.sensor == "Scope" and np.array_equal(part.on_sensor.camera_to_sensor, ON_SENSOR)
    changed = {"scope_camera": {"camera_matrix": [[0]], "image_width": 3, "image_height": 2}}
    assert read_facts(changed).scope_camera is None and read_facts({"scope_camera": 7}).scope_camera is None
