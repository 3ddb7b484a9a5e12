"""A board's corners found again as if the camera looked straight at it, without its lens's distortion.

A detector takes lines beside a corner for straight and squares for regular: tilt and lens draw it off by a tenth of a
pixel, always to the same side, and with it the focal length. Datta, Kim and Kanade, 'Accurate camera calibration using
iterative refinement of control points', ICCV Workshops 2009.
"""

from __future__ import annotations

import numpy as np

from ...geometry import transform_points
from ...values.camera import Camera
from .boards import Board, BoardView
from .opencv import opencv

_PIXELS_PER_SQUARE = 40
# How far around a corner is looked: not into the next one's surroundings, nor into a marker.
_WINDOW_SHARE = 0.35
# A corner that moves farther than this, in squares, was lost on the way.
_FARTHEST_SHARE = 0.1


def refined(
    picture: np.ndarray, view: BoardView, board: Board, camera: Camera, board_to_camera: np.ndarray
) -> BoardView:
    """`view` of `board` in `picture` (v, u) uint8 with its corners found again, given a camera and pose close to the
    true ones. A corner that is not found there stays as it is.
    """
    cv2 = opencv()
    step = board.square_mm / _PIXELS_PER_SQUARE
    extent = (board.columns + 1) * _PIXELS_PER_SQUARE, (board.rows + 1) * _PIXELS_PER_SQUARE
    x, y = np.meshgrid(np.arange(extent[0]) * step - board.square_mm, np.arange(extent[1]) * step - board.square_mm)
    places = transform_points(board_to_camera, np.stack([x, y, np.zeros_like(x)], axis=-1))
    maps = np.nan_to_num(camera.project(places), nan=-1.0).astype(np.float32)
    frontal = cv2.remap(picture, maps, None, cv2.INTER_LINEAR)
    expected = ((view.points_mm[:, :2] + board.square_mm) / step).astype(np.float32)
    share = _WINDOW_SHARE if board.dictionary is None else 0.4 * (1 - board.marker_share)
    half = max(2, int(share * _PIXELS_PER_SQUARE))
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-3)
    found = cv2.cornerSubPix(frontal, expected.reshape(-1, 1, 2).copy(), (half, half), (-1, -1), stop).reshape(-1, 2)
    is_near = np.linalg.norm(found - expected, axis=1) < _FARTHEST_SHARE * _PIXELS_PER_SQUARE
    on_board = np.pad(found.astype(np.float64) * step - board.square_mm, ((0, 0), (0, 1)))
    pixels = camera.project(transform_points(board_to_camera, on_board))
    is_near &= np.isfinite(pixels).all(axis=1)
    return BoardView(view.points_mm, np.where(is_near[:, None], pixels, view.pixels).astype(np.float32))
