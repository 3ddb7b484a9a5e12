"""A camera's intrinsics from pictures of a board, with their errors.

Zhang, 'A flexible new technique for camera calibration', 2000, as OpenCV's calibrateCameraExtended has it; the corners
are found again in frontal views, see frontal.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import LaparoscopeError
from ...values.camera import Camera
from ...words import tr
from .boards import Board, BoardView, find_chessboard_size, view_of
from .frontal import refined
from .opencv import opencv

_LEAST_VIEWS, _REFINEMENTS = 3, 2
# A view this many times worse than the median holds a board that was not flat, moved, or was read wrongly.
_WORSE_THAN_MEDIAN = 4.0
_LARGE_ERROR_PX, _LEAST_COVERED, _FEW_VIEWS, _LEAST_TILT_DEG = 1.0, 0.6, 8, 10.0


@dataclass(frozen=True, eq=False)
class CameraCalibration:
    """What was found, and how far it can be trusted.

    camera             intrinsics, distortion k1 k2 p1 p2 k3
    board              that was used
    used, left_out     numbers of the pictures; those without the board, or far worse than the others, are left out
    error_px           root mean square of the distances between seen corners and where the camera puts them
    view_errors_px     the same for each used picture
    focal_std_px, center_std_px  (2,) standard deviations of focal length and principal point
    board_to_camera    (4, 4) pose of the board in each used picture, mm
    covered            (2,) shares of the picture's width and height between the outermost corners
    doubts             sentences, for people
    """

    camera: Camera
    board: Board
    used: tuple[int, ...]
    left_out: tuple[int, ...]
    error_px: float
    view_errors_px: tuple[float, ...]
    focal_std_px: np.ndarray
    center_std_px: np.ndarray
    board_to_camera: tuple[np.ndarray, ...]
    covered: np.ndarray
    doubts: tuple[str, ...] = ()


def calibrate_camera(pictures: Sequence[np.ndarray], board: Board | None = None) -> CameraCalibration:
    """The camera that took `pictures`, (v, u) or (v, u, 3), uint8 or uint16, all of one size.

    board  None: the chessboard that is found in them; its squares' size changes nothing of the intrinsics
    Raises LaparoscopeError when the pictures differ in size or fewer than three show the board.
    """
    grey = [as_grey(picture) for picture in pictures]
    sizes = sorted({picture.shape[::-1] for picture in grey})
    if len(sizes) > 1:
        text = ", ".join(f"{width} x {height}" for width, height in sizes)
        raise LaparoscopeError(
            tr(
                "The pictures are of {sizes} sizes ({text}): a camera is calibrated at one size.",
                sizes=len(sizes),
                text=text,
            )
        )
    board = board or Board(*find_chessboard_size(grey))
    views = {number: view for number, picture in enumerate(grey) if (view := view_of(picture, board)) is not None}
    if len(views) < _LEAST_VIEWS:
        raise LaparoscopeError(
            tr(
                "The board of {columns} x {rows} corners was found in {views} of {grey} pictures; "
                "{least_views} at least are needed: show all of it, sharp, from several sides.",
                columns=board.columns,
                rows=board.rows,
                views=len(views),
                grey=len(grey),
                least_views=_LEAST_VIEWS,
            )
        )
    found = _calibrated(views, board, len(grey), sizes[0])
    for _ in range(_REFINEMENTS):
        views = {
            number: refined(grey[number], view, board, found.camera, pose)
            for (number, view), pose in zip(views.items(), found.board_to_camera)
        }
        found = _calibrated(views, board, len(grey), sizes[0])
    median = float(np.median(found.view_errors_px))
    bad = [
        number for number, error in zip(found.used, found.view_errors_px)
        if error > max(_WORSE_THAN_MEDIAN * median, 0.5)
    ]  # fmt: skip
    if bad and len(views) - len(bad) >= _LEAST_VIEWS:
        kept = {number: view for number, view in views.items() if number not in bad}
        found = _calibrated(kept, board, len(grey), sizes[0])
    return found


def _calibrated(views: dict[int, BoardView], board: Board, count: int, size: tuple[int, ...]) -> CameraCalibration:
    cv2 = opencv()
    points = [view.points_mm for view in views.values()]
    pixels = [view.pixels for view in views.values()]
    error, matrix, lens, turns, shifts, deviations, _, errors = cv2.calibrateCameraExtended(
        points, pixels, size, None, None
    )
    matrix = np.array(matrix, dtype=np.float64)
    matrix[0, 1] = 0.0
    deviations = np.asarray(deviations).reshape(-1)
    everywhere = np.vstack(pixels)
    found = CameraCalibration(
        camera=Camera(matrix, (int(size[0]), int(size[1])), np.asarray(lens).reshape(-1)[:5]),
        board=board,
        used=tuple(views),
        left_out=tuple(number for number in range(count) if number not in views),
        error_px=float(error),
        view_errors_px=tuple(np.asarray(errors).reshape(-1).tolist()),
        focal_std_px=deviations[:2],
        center_std_px=deviations[2:4],
        board_to_camera=tuple(_pose(turn, shift) for turn, shift in zip(turns, shifts)),
        covered=(everywhere.max(axis=0) - everywhere.min(axis=0)) / (np.array(size) - 1),
    )
    tilts = [np.degrees(np.arccos(np.clip(abs(pose[2, 2]), 0, 1))) for pose in found.board_to_camera]
    return replace(found, doubts=tuple(_doubts(found, float(max(tilts)))))


def _pose(turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = opencv().Rodrigues(turn)[0], np.asarray(shift).reshape(3)
    return pose


def _doubts(found: CameraCalibration, tilt_deg: float) -> list[str]:
    doubts = []
    if len(found.used) < _FEW_VIEWS:
        doubts.append(
            tr(
                "Only {used} pictures were used; {few_views} or more make it reliable.",
                used=len(found.used),
                few_views=_FEW_VIEWS,
            )
        )
    if (found.covered < _LEAST_COVERED).any():
        across, down = (f"{share:.0%}" for share in found.covered)
        doubts.append(
            tr(
                "The board was seen in {across} of the picture's width and {down} of its height only: "
                "near the border the lens is not known.",
                across=across,
                down=down,
            )
        )
    if tilt_deg < _LEAST_TILT_DEG:
        doubts.append(
            tr(
                "The board was tilted by {tilt_deg:.0f} degrees at most: focal length and distance "
                "cannot be told apart; tilt it by 20 to 40.",
                tilt_deg=tilt_deg,
            )
        )
    if found.error_px > _LARGE_ERROR_PX:
        doubts.append(
            tr(
                "The error of {error_px:.2f} pixels is large: was the board flat, and the picture sharp?",
                error_px=found.error_px,
            )
        )
    return doubts


def as_grey(picture: np.ndarray) -> np.ndarray:
    """(v, u) uint8 of a picture (v, u) or (v, u, 3), uint8 or uint16."""
    if picture.dtype == np.uint16:
        picture = (picture // max(1, int(picture.max()) // 256 + 1)).astype(np.uint8)
    if picture.ndim == 2:
        return np.ascontiguousarray(picture)
    # ITU-R BT.601
    grey: np.ndarray = np.round(picture[..., :3] @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return grey
