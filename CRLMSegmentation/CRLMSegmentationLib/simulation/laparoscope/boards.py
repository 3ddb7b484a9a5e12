"""Pictures of a calibration board by a camera whose numbers are known."""

from __future__ import annotations

import numpy as np

from ...geometry import invert_affine, transform_points
from ...laparoscopy.camera.boards import Board
from ...values.camera import Camera

_WHITE, _BLACK, _AROUND = 205.0, 35.0, 120.0


class BoardPictures:
    """Draws `board` as `camera` sees it, with noise and a little blur.

    pattern  (m, n) 0 to 1: the board's print from its upper left to its lower right corner (a ChArUco board); None for
             a chessboard; without its border of white, one square wide
    samples  along each side of a pixel
    """

    def __init__(self, camera: Camera, board: Board, pattern: np.ndarray | None = None, samples: int = 2):
        self._board, self._pattern, self._samples, self._size = board, pattern, samples, camera.image_size
        inside = (np.arange(samples) + 0.5) / samples - 0.5
        u, v = ((np.arange(length)[:, None] + inside).ravel() for length in camera.image_size)
        self._rays = camera.unproject(np.stack(np.meshgrid(u, v), axis=-1))

    def draw(self, board_to_camera: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(v, u) uint8: the board at the (4, 4) rigid pose. Its origin is its first corner, x along its columns, mm."""
        to_board = invert_affine(board_to_camera)
        eye, rays = to_board[:3, 3], self._rays @ to_board[:3, :3].T
        with np.errstate(all="ignore"):
            along = -eye[2] / rays[..., 2]
            squares = (eye[:2] + along[..., None] * rays[..., :2]) / self._board.square_mm + 1.0
        print_ = self._printed(np.where((along > 0)[..., None], squares, -np.inf))
        light = print_.reshape(self._size[1], self._samples, self._size[0], self._samples).mean(axis=(1, 3))
        from scipy import ndimage

        noisy = ndimage.gaussian_filter(light, 0.6) + rng.normal(0, 2.0, light.shape)
        drawn: np.ndarray = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
        return drawn

    def _printed(self, squares: np.ndarray) -> np.ndarray:
        """How bright the board is at places (..., 2) in squares from its corner; NaN for none."""
        extent = np.array([self._board.columns + 1, self._board.rows + 1])
        on_board = np.asarray(((squares >= 0) & (squares < extent)).all(axis=-1))
        on_border = ((squares >= -1) & (squares < extent + 1)).all(axis=-1)
        places = np.where(on_board[..., None], squares, 0.0)
        if self._pattern is None:
            is_white: np.ndarray = np.asarray(np.floor(places).sum(axis=-1) % 2 == 1)
        else:
            column, row = (np.floor(places / extent * self._pattern.shape[::-1])).astype(int).transpose(2, 0, 1)
            is_white = self._pattern[row, column] > 0.5
        return np.where(on_board & ~is_white, _BLACK, np.where(on_border, _WHITE, _AROUND))


def draw_board_poses(
    camera: Camera, board: Board, count: int, rng: np.random.Generator, fill: float = 0.55
) -> list[np.ndarray]:
    """`count` (4, 4) poses of the board before the camera, tilted by up to 40 degrees, all of its corners in view.

    fill  about how much of the picture's width it takes
    """
    corners = board.points_mm().astype(np.float64)
    focal, poses = camera.intrinsics[0, 0], list[np.ndarray]()
    while len(poses) < count:
        tilt, turn = np.radians(rng.uniform(-40, 40, 2)), np.radians(rng.uniform(-20, 20))
        rotation = _about(2, turn) @ _about(0, tilt[0]) @ _about(1, tilt[1])
        distance = (board.columns + 3) * board.square_mm * focal / (fill * camera.image_size[0]) * rng.uniform(0.8, 1.3)
        pixel = np.array(camera.image_size) * rng.uniform(0.15, 0.85, 2)
        pose = np.eye(4)
        pose[:3, :3] = rotation
        pose[:3, 3] = camera.unproject(pixel, distance) - rotation @ corners.mean(axis=0)
        around = np.vstack([corners.min(axis=0), corners.max(axis=0)])
        border = np.array([(x, y, 0.0) for x in around[:, 0] + (-15, 15) for y in around[:, 1] + (-15, 15)])
        if camera.is_in_image(camera.project(transform_points(pose, border))).all():
            poses.append(pose)
    return poses


def _about(axis: int, angle: float) -> np.ndarray:
    one, other = [a for a in range(3) if a != axis]
    rotation = np.eye(3)
    rotation[one, one] = rotation[other, other] = np.cos(angle)
    rotation[one, other], rotation[other, one] = -np.sin(angle), np.sin(angle)
    return rotation
