"""Pictures of a board as they come from a video: those are kept that say something new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import LaparoscopeError
from ...sweep.tracked_frame import Pose
from ...sweep.transforms import compose, is_transform_name, split_transform_name
from ...values.camera_on_sensor import CameraOnSensor
from ...words import tr
from .boards import Board, find_chessboard_size, view_of
from .calibration import CameraCalibration, as_grey, calibrate_camera

if TYPE_CHECKING:
    from .hand_eye import HandEye

MOST_VIEWS = 40
# Of a recording so many pictures are looked at.
MOST_OF_VIDEO = 120
# Which chessboard it is, is decided by so many pictures in which one was found: some show a part of it alone.
_DECIDED_BY, _MOST_WAITING = 5, 30
# Corners that lie elsewhere by so much of the picture's width, on average, are another view.
_ANOTHER_VIEW_SHARE = 0.03
# Less than so much from one look to the next is rest.
_REST_SHARE = 0.005
# Frames in which the board and the laparoscope's sensor may be tracked, the preferred one first.
_FRAMES = ("Reference", "Tracker")


@dataclass(frozen=True, eq=False)
class BoardCalibration:
    """camera, and where it sits on the sensor of that name; on_sensor is None where the pictures have no poses, or
    these say too little: then why_not_on_sensor says why.
    """

    camera: CameraCalibration
    sensor: str
    on_sensor: HandEye | None
    why_not_on_sensor: str

    @property
    def place(self) -> CameraOnSensor | None:
        """The camera's place on the sensor, as a camera's file holds it; None where it is not known."""
        return None if self.on_sensor is None else CameraOnSensor(self.sensor, self.on_sensor.camera_to_sensor)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences, for people."""
        why = (self.why_not_on_sensor,) if self.why_not_on_sensor else ()
        return (*self.camera.doubts, *(self.on_sensor.doubts if self.on_sensor is not None else ()), *why)


class BoardViews:
    """Takes pictures one by one.

    board      None: the chessboard that is found in most of the first pictures
    square_mm  side of its squares; of `board` its own counts
    sensor     of the laparoscope, as PLUS names it; '': the one that comes with the pictures, if it is one alone
    at_rest    keep a picture only when the board lay still since the one before: poses that come with a video may be of
               another moment than its pictures
    """

    def __init__(
        self, board: Board | None = None, square_mm: float = 10.0, sensor: str = "", at_rest: bool = False
    ) -> None:
        self.board, self.sensor, self._square_mm, self._at_rest = board, sensor, square_mm, at_rest
        self._former: np.ndarray | None = None
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._waiting: list[tuple[np.ndarray, Mapping[str, Pose]]] = []
        self._pictures: list[np.ndarray] = []
        self._corners: list[np.ndarray] = []
        self._poses: dict[int, np.ndarray] = {}
        self._looked = 0
        self._shape: tuple[int, ...] | None = None
        self._others: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Pictures that are kept."""
        return len(self._pictures)

    @property
    def with_pose(self) -> int:
        """Of the pictures that are kept, those with a pose of the sensor."""
        return len(self._poses)

    @property
    def is_full(self) -> bool:
        return self.count >= MOST_VIEWS

    def add(self, picture: np.ndarray, transforms: Mapping[str, Pose] | None = None) -> bool:
        """Look for the board in `picture`, (v, u) or (v, u, 3); True when it is there, kept or not.

        transforms  that were measured with it, by name
        Raises LaparoscopeError for a picture of another size than those before it.
        """
        grey = as_grey(picture)
        if grey.shape != (self._shape or grey.shape):
            raise LaparoscopeError(tr("The pictures changed their size meanwhile: a camera is calibrated at one size."))
        self._shape = grey.shape
        self._looked += 1
        if self.board is not None:
            return self._look(grey, transforms or {}, self.board)
        is_there = self._is_any_board(grey)
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append((grey, transforms or {}))
        if self._sizes.total() >= _DECIDED_BY:
            self._decide()
        return is_there

    def calibrate(self) -> BoardCalibration:
        """The camera, and where poses came with the pictures its place on the sensor. Raises LaparoscopeError."""
        if self.board is None and self._sizes:
            self._decide()
        if self.board is None or not self._pictures:
            raise LaparoscopeError(
                tr(
                    "No board was found in {looked} pictures: show all of it, sharp and with a white border, "
                    "or say which board it is.",
                    looked=self._looked,
                )
            )
        camera = calibrate_camera(self._pictures, self.board)
        if not self._poses:
            return BoardCalibration(camera, self.sensor, None, self._why_no_pose())
        try:
            from .hand_eye import calibrate_hand_eye

            return BoardCalibration(camera, self.sensor, calibrate_hand_eye(camera, self._poses), "")
        except LaparoscopeError as error:
            return BoardCalibration(camera, self.sensor, None, str(error))

    def _look(self, grey: np.ndarray, transforms: Mapping[str, Pose], board: Board) -> bool:
        view = view_of(grey, board)
        former, self._former = self._former, None
        if view is None:
            return False
        corners = np.full((board.columns * board.rows, 2), np.nan)
        which = np.rint(view.points_mm[:, :2] / board.square_mm).astype(int)
        corners[which[:, 1] * board.columns + which[:, 0]] = view.pixels
        self._former, least_px = corners, _ANOTHER_VIEW_SHARE * grey.shape[1]
        rests = former is not None and _apart_px(corners, former) < _REST_SHARE * grey.shape[1]
        if (
            (rests or not self._at_rest)
            and not self.is_full
            and all(_apart_px(corners, other) > least_px for other in self._corners)
        ):
            self._keep(grey, corners, transforms)
        return True

    def _keep(self, grey: np.ndarray, corners: np.ndarray, transforms: Mapping[str, Pose]) -> None:
        if transforms and not self.sensor:
            self._others = sensors_of(transforms)
            self.sensor = self._others[0] if len(self._others) == 1 else ""
        pose = pose_of(transforms, self.sensor) if self.sensor else None
        if pose is not None:
            self._poses[self.count] = pose
        self._pictures.append(grey)
        self._corners.append(corners)

    def _is_any_board(self, grey: np.ndarray) -> bool:
        try:
            self._sizes[find_chessboard_size([grey])] += 1
        except LaparoscopeError:
            return False
        return True

    def _decide(self) -> None:
        board = Board(*self._sizes.most_common(1)[0][0], self._square_mm)
        self.board, waiting, self._waiting = board, self._waiting, []
        for grey, transforms in waiting:
            self._look(grey, transforms, board)

    def _why_no_pose(self) -> str:
        if self.sensor:
            return tr(
                "No valid pose of {sensor} came with the pictures: its camera's place on it stays unknown.",
                sensor=self.sensor,
            )
        if len(self._others) > 1:
            return tr(
                "Poses of {others} came with the pictures: say which one is the laparoscope's.",
                others=", ".join(self._others),
            )
        return ""


def sensors_of(transforms: Mapping[str, Pose]) -> tuple[str, ...]:
    """What is tracked in Reference or Tracker, by its own name."""
    pairs = [split_transform_name(name) for name in transforms if is_transform_name(name)]
    return tuple(dict.fromkeys(source for source, target in pairs if target in _FRAMES and source not in _FRAMES))


def pose_of(transforms: Mapping[str, Pose], sensor: str) -> np.ndarray | None:
    """(4, 4) from the sensor to Reference, or to Tracker where nothing leads to Reference; None without a valid one."""
    for frame in _FRAMES:
        pose = compose({name: one for name, one in transforms.items() if is_transform_name(name)}, sensor, frame)
        if pose is not None:
            return pose.matrix if pose.valid and np.isfinite(pose.matrix).all() else None
    return None


def _apart_px(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of the corners (n, 2), NaN where not seen; infinite when they have none in common."""
    apart = np.linalg.norm(one - other, axis=1)
    return float(np.nanmean(apart)) if np.isfinite(apart).any() else float("inf")
