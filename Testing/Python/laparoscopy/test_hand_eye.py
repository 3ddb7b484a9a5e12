"""Where a camera sits on its sensor, from views of a board whose poses are known."""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.laparoscopy.camera.boards import Board
from CRLMSegmentationLib.laparoscopy.camera.calibration import CameraCalibration
from CRLMSegmentationLib.laparoscopy.camera.hand_eye import calibrate_hand_eye
from CRLMSegmentationLib.simulation.laparoscope.boards import draw_board_poses
from CRLMSegmentationLib.values.camera import Camera
from scipy.spatial.transform import Rotation

CAMERA = Camera(np.array([[505.0, 0, 316], [0, 507, 244], [0, 0, 1]]), (640, 480), [-0.18, 0.05, 0.0006, -0.0004])
BOARD = Board(9, 6, 10.0)


def pose(turn_deg, shift_mm):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(turn_deg, degrees=True).as_matrix()
    matrix[:3, 3] = shift_mm
    return matrix


ON_SENSOR = pose((12.0, -160, 20), (15.0, -8, -310))
BOARD_TO_REFERENCE = pose((70.0, 20, -40), (120.0, -60, 900))


def seen(boards, rng=None):
    """A calibration that saw the board so, and where the sensor then was; with a tracker's noise where rng is given."""
    sensors = {}
    for number, board in enumerate(boards):
        sensor = BOARD_TO_REFERENCE @ np.linalg.inv(ON_SENSOR @ board)
        noise = np.eye(4) if rng is None else pose(rng.normal(0, 0.1, 3), rng.normal(0, 0.2, 3))
        sensors[number] = sensor @ noise
    calibration = CameraCalibration(
        CAMERA, BOARD, tuple(range(len(boards))), (), 0.1, (0.1,) * len(boards), np.ones(2), np.ones(2), tuple(boards),
        np.ones(2),
    )  # fmt: skip
    return calibration, sensors


@pytest.fixture(scope="module")
def boards():
    return draw_board_poses(CAMERA, BOARD, 14, np.random.default_rng(3))


def test_without_noise_it_is_the_true_place(boards):
    found = calibrate_hand_eye(*seen(boards))
    assert np.abs(found.camera_to_sensor - ON_SENSOR).max() < 1e-5
    assert found.error_px < 1e-5 and found.error_mm < 1e-5 and found.shift_std_mm < 1e-5
    assert found.used == tuple(range(14)) and found.left_out == () and found.doubts == ()


def test_with_noise_the_error_is_the_one_that_is_stated(boards):
    off = []
    for seed in range(6):
        found = calibrate_hand_eye(*seen(boards, np.random.default_rng(seed)))
        away = np.linalg.inv(ON_SENSOR) @ found.camera_to_sensor
        turn_deg = Rotation.from_matrix(away[:3, :3]).magnitude() * 180 / np.pi
        shift_mm = np.linalg.norm(found.camera_to_sensor[:3, 3] - ON_SENSOR[:3, 3])
        off.append((shift_mm / found.shift_std_mm, turn_deg / found.turn_std_deg))
        assert turn_deg < 0.15 and shift_mm < 1 and 0.3 < found.error_mm < 3
    # Of a vector whose worst axis has a deviation of 1, the others less.
    assert (np.sqrt(np.mean(np.square(off), axis=0)) < 2.5).all()
    assert (np.sqrt(np.mean(np.square(off), axis=0)) > 0.4).all()


def test_a_view_with_a_wrong_pose_and_one_without_are_left_out(boards):
    calibration, sensors = seen(boards, np.random.default_rng(1))
    sensors[4] = sensors[4] @ pose((0, 6.0, 0), (9.0, 0, 0))
    del sensors[9]
    found = calibrate_hand_eye(calibration, sensors)
    assert found.left_out == (4, 9)
    assert np.linalg.norm(found.camera_to_sensor[:3, 3] - ON_SENSOR[:3, 3]) < 1.5


def test_what_says_too_little_is_refused_or_doubted(boards):
    calibration, sensors = seen(boards)
    with pytest.raises(LaparoscopeError, match="3 pictures show the board and have a pose"):
        calibrate_hand_eye(calibration, {number: sensors[number] for number in range(3)})
    few = calibrate_hand_eye(calibration, {number: sensors[number] for number in range(5)})
    assert any("from 5 views only" in doubt for doubt in few.doubts)
    about_one_axis = [pose((0, 0, angle), (-40.0, -25, 150)) for angle in np.linspace(-40, 40, 9)]
    with pytest.raises(LaparoscopeError, match="about one axis alone"):
        calibrate_hand_eye(*seen(about_one_axis))
    wrong_size = replace(calibration, board_to_camera=tuple(_scaled(one, 1.1) for one in boards))
    assert any("size of the board's squares" in doubt for doubt in calibrate_hand_eye(wrong_size, sensors).doubts)


def _scaled(board, scale):
    changed = board.copy()
    changed[:3, 3] *= scale
    return changed
