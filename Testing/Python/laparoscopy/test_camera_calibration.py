"""A camera from pictures of boards, against the simulated camera that took them."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.files.laparoscope.camera_file import read_camera
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import write_picture
from CRLMSegmentationLib.laparoscopy.camera.boards import Board
from CRLMSegmentationLib.laparoscopy.camera.calibration import calibrate_camera
from CRLMSegmentationLib.laparoscopy.camera.undistortion import Undistortion
from CRLMSegmentationLib.simulation.laparoscope.boards import BoardPictures, draw_board_poses
from CRLMSegmentationLib.values.camera import Camera
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
CAMERA = Camera(np.array([[505.0, 0, 316], [0, 507, 244], [0, 0, 1]]), (640, 480), [-0.18, 0.05, 0.0006, -0.0004])
BOARD = Board(9, 6, 10.0)


def pictures_of(board, count, pattern=None, seed=5):
    rng = np.random.default_rng(seed)
    drawn = BoardPictures(CAMERA, board, pattern)
    return [drawn.draw(pose, rng) for pose in draw_board_poses(CAMERA, board, count, rng)]


def error_px(camera):
    """Root mean square of how far the camera sees a ray beside the true one, within what boards cover.

    After the best rotation: whoever uses a camera finds its pose with it, which takes a rotation of all rays along.
    """
    u, v = np.meshgrid(np.arange(40, 600, 20.0), np.arange(40, 440, 20.0))
    pixels = np.stack([u, v], axis=-1).reshape(-1, 2)
    rays = CAMERA.unproject(pixels)

    def off(turn):
        return (camera.project(Rotation.from_rotvec(turn).apply(rays)) - pixels).ravel()

    found = least_squares(off, np.zeros(3)).fun.reshape(-1, 2)
    return np.sqrt((found**2).sum(axis=1).mean())


@pytest.fixture(scope="module")
def pictures():
    return pictures_of(BOARD, 10)


@pytest.fixture(scope="module")
def found(pictures):
    return calibrate_camera([*pictures, np.full((480, 640), 90, dtype=np.uint8)])


def test_the_camera_is_the_true_one(found):
    assert error_px(found.camera) < 0.3
    assert (found.board.columns, found.board.rows) == (9, 6), "nobody said which board it is"
    assert found.used == tuple(range(10)) and found.left_out == (10,)
    assert found.error_px < 0.3 and len(found.view_errors_px) == 10 and found.doubts == ()
    assert abs(found.camera.intrinsics - CAMERA.intrinsics).max() < 3


def test_a_charuco_board_that_is_partly_hidden_gives_the_same_camera():
    board = Board(8, 6, 10.0, "DICT_4X4_50", 0.75)
    markers = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    printed = cv2.aruco.CharucoBoard((9, 7), 10.0, 7.5, markers).generateImage((9 * 60, 7 * 60), marginSize=0)
    pictures = pictures_of(board, 9, printed / 255.0, seed=8)
    for picture in pictures[::2]:
        picture[:, 300:360] = 120
    found = calibrate_camera(pictures, board)
    assert len(found.used) >= 8 and error_px(found.camera) < 0.5


def test_a_picture_that_contradicts_the_others_is_left_out(pictures):
    # The same board, bent: its lower half is drawn out.
    stretched = pictures[0].copy()
    rows = np.clip(np.arange(480) + 14 * np.sin(np.arange(480) / 25), 0, 479).astype(int)
    found = calibrate_camera([*pictures, stretched[rows]], BOARD)
    assert found.left_out == (10,) and error_px(found.camera) < 0.3


def test_pictures_that_say_too_little_are_refused_or_doubted(pictures):
    grey = np.full((480, 640), 90, dtype=np.uint8)
    with pytest.raises(LaparoscopeError, match="No chessboard was found in any of the 2"):
        calibrate_camera([grey, grey])
    with pytest.raises(LaparoscopeError, match="found in 2 of 3 pictures"):
        calibrate_camera([*pictures[:2], grey], BOARD)
    with pytest.raises(LaparoscopeError, match="2 sizes"):
        calibrate_camera([pictures[0], pictures[1][:400]])
    assert any("Only 3 pictures" in doubt for doubt in calibrate_camera(pictures[:3], BOARD).doubts)
    with pytest.raises(LaparoscopeError, match="dictionary"):
        calibrate_camera(pictures, Board(9, 6, 10.0, "DICT_NONE"))


def test_without_distortion_straight_lines_are_straight(pictures):
    undistort = Undistortion(CAMERA)
    u, v = 60.0, np.arange(30, 450, 10.0)
    straight = np.column_stack([np.full_like(v, u), v])
    seen = CAMERA.project(undistort.camera.unproject(straight))
    assert np.ptp(seen[:, 0]) > 5, "the lens bends it"
    picture = np.zeros((480, 640), dtype=np.uint8)
    vv, uu = np.mgrid[:480, :640]
    for x, y in CAMERA.project(
        undistort.camera.unproject(np.column_stack([np.full(900, u), np.linspace(20, 460, 900)]))
    ):
        near = np.hypot(
            uu[int(y) - 3 : int(y) + 5, int(x) - 3 : int(x) + 5] - x,
            vv[int(y) - 3 : int(y) + 5, int(x) - 3 : int(x) + 5] - y,
        )
        window = picture[int(y) - 3 : int(y) + 5, int(x) - 3 : int(x) + 5]
        np.maximum(window, (255 * np.clip(2 - near, 0, 1)).astype(np.uint8), out=window)
    bright = undistort(picture)[40:440].astype(float)
    centers = (bright * np.arange(640)).sum(axis=1) / bright.sum(axis=1)
    assert centers == pytest.approx(u, abs=0.5)
    assert undistort(np.zeros((480, 640, 3), np.uint8)).shape == (480, 640, 3)
    with pytest.raises(LaparoscopeError, match="320 x 240"):
        undistort(np.zeros((240, 320), np.uint8))


def test_the_command_writes_the_camera(pictures, tmp_path, capsys):
    folder = tmp_path / "board"
    folder.mkdir()
    for number, picture in enumerate(pictures[:8]):
        write_picture(np.repeat(picture[..., None], 3, axis=-1), folder / f"{number}.png")
    words = ["scope", "calibrate", str(folder), "-o", str(tmp_path / "camera.json"), "--json"]
    assert main(words) == 0
    facts = json.loads(capsys.readouterr().out)
    camera = read_camera(tmp_path / "camera.json")
    assert facts["used"] == 8 and facts["error_px"] < 0.3 and facts["board"] == [9, 6]
    assert camera.image_size == (640, 480) and error_px(camera) < 0.5
    assert main(words) == 1 and "--force" in capsys.readouterr().err
    assert main([*words[:3], "-o", str(tmp_path / "x.json"), "--board", "nine"]) == 1
    assert "such as 9x6" in capsys.readouterr().err
