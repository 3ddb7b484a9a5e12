"""Where a tracked laparoscope's camera sits on its sensor ('hand-eye'), from views of a board that lay still.

The start is Park and Martin's solution of AX = XB ('Robot sensor calibration', IEEE Trans. Robotics and Automation,
1994); it is then fitted together with the board's place (Tabb and Ahmad Yousef, 'Solving the robot-world hand-eye(s)
calibration problem with iterative methods', 2017) to what both say of the sensor's place and turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ...errors import LaparoscopeError
from ...geometry import invert_affine, transform_points
from ...values.camera import Camera
from ...words import tr
from .boards import Board
from .calibration import CameraCalibration

_LEAST_VIEWS, _FEW_VIEWS = 4, 8
# Turns about one axis alone leave the camera's place along it open.
_LEAST_TURN_DEG, _WANTED_TURN_DEG = 5.0, 15.0
_WORSE_THAN_MEDIAN, _LEAST_BAD_PX = 4.0, 3.0
_LARGE_MM = 2.0
# Trackers err in place by some 0.25 mm and in turn by some 0.15 degrees: so a turn, in radians, counts as a length.
_TURN_MM = 100.0
_TURNS, _SHIFTS = slice(0, 3), slice(3, 6)


@dataclass(frozen=True, eq=False)
class HandEye:
    """The camera's place on the sensor, and how well it is known.

    camera_to_sensor   (4, 4) rigid, mm
    used, left_out     numbers of the pictures; those without a pose of the sensor, or far worse than the others, are
                       left out
    error_px           root mean square: how far corners are seen from where sensor and board put them
    error_mm           the same in mm, of the board's middle
    shift_std_mm, turn_std_deg  standard deviations of place and turn, along and about the axis that is known worst
    doubts             sentences, for people
    """

    camera_to_sensor: np.ndarray
    used: tuple[int, ...]
    left_out: tuple[int, ...]
    error_px: float
    error_mm: float
    shift_std_mm: float
    turn_std_deg: float
    doubts: tuple[str, ...] = ()


def calibrate_hand_eye(calibration: CameraCalibration, sensor_to_reference: Mapping[int, np.ndarray]) -> HandEye:
    """The camera's place on its sensor.

    calibration          of the camera, from pictures of a board that did not move; its squares' size is the scale
    sensor_to_reference  (4, 4) by number of the picture: where the sensor was, in a frame in which the board lies still
    Raises LaparoscopeError when fewer than four pictures have both, or the turns between them say too little.
    """
    boards = dict(zip(calibration.used, calibration.board_to_camera))
    numbers = [number for number in calibration.used if number in sensor_to_reference]
    if len(numbers) < _LEAST_VIEWS:
        raise LaparoscopeError(
            tr(
                "{numbers} pictures show the board and have a pose of the sensor; {least_views} at least are needed.",
                numbers=len(numbers),
                least_views=_LEAST_VIEWS,
            )
        )
    turn_deg = _second_turn_deg([sensor_to_reference[number] for number in numbers])
    if turn_deg < _LEAST_TURN_DEG:
        raise LaparoscopeError(
            tr(
                "The laparoscope was turned about one axis alone, or not at all: turn it about its "
                "length and tilt it to "
                "the sides while the board lies still."
            )
        )
    fit = _Fit(calibration.camera, calibration.board, [(sensor_to_reference[n], boards[n]) for n in numbers])
    errors = fit.view_errors_px
    bad = errors > max(_WORSE_THAN_MEDIAN * float(np.median(errors)), _LEAST_BAD_PX)
    if bad.any() and len(numbers) - bad.sum() >= _LEAST_VIEWS:
        numbers = [number for number, is_bad in zip(numbers, bad) if not is_bad]
        fit = _Fit(calibration.camera, calibration.board, [(sensor_to_reference[n], boards[n]) for n in numbers])
    shift_mm, turn_std_deg = fit.deviations()
    return HandEye(
        camera_to_sensor=fit.camera_to_sensor,
        used=tuple(numbers),
        left_out=tuple(number for number in calibration.used if number not in numbers),
        error_px=float(np.sqrt((fit.view_errors_px**2).mean())),
        error_mm=fit.error_mm,
        shift_std_mm=shift_mm,
        turn_std_deg=turn_std_deg,
        doubts=tuple(_doubts(len(numbers), turn_deg, fit.error_mm, shift_mm)),
    )


class _Fit:
    """camera_to_sensor and board_to_reference that fit `pairs` of sensor_to_reference and board_to_camera best.

    Each view is off by a shift and a turn of the sensor, whose noise is that of a tracker.
    """

    def __init__(self, camera: Camera, board: Board, pairs: Sequence[tuple[np.ndarray, np.ndarray]]):
        self._pairs = pairs
        first = _start(pairs)
        place = pairs[0][0] @ first @ pairs[0][1]
        self._solved = least_squares(self._off, np.concatenate([_as_numbers(first), _as_numbers(place)]), x_scale="jac")
        self.camera_to_sensor, board_to_reference = _as_pose(self._solved.x[:6]), _as_pose(self._solved.x[6:])
        points = board.points_mm().astype(np.float64)
        middle = points.mean(axis=0)
        off, away = [], []
        for sensor, found in pairs:
            expected = invert_affine(sensor @ self.camera_to_sensor) @ board_to_reference
            seen, wanted = (camera.project(transform_points(one, points)) for one in (found, expected))
            # Corners that would come to lie behind the camera are as far off as the picture is wide.
            off.append(np.nan_to_num(np.linalg.norm(seen - wanted, axis=1), nan=float(camera.image_size[0])))
            away.append(transform_points(expected, middle) - transform_points(found, middle))
        self.view_errors_px: np.ndarray = np.sqrt((np.array(off) ** 2).mean(axis=1))
        self.error_mm = float(np.sqrt((np.array(away) ** 2).sum(axis=1).mean()))

    def deviations(self) -> tuple[float, float]:
        """Of place (mm) and turn (degrees), along the worst axis."""
        slopes, residuals = np.asarray(self._solved.jac), np.asarray(self._solved.fun)
        variance = float(residuals @ residuals) / (residuals.size - len(self._solved.x))
        covariance = np.linalg.pinv(slopes.T @ slopes) * variance
        turn, shift = (float(np.sqrt(np.linalg.eigvalsh(covariance[part, part])[-1])) for part in (_TURNS, _SHIFTS))
        return shift, float(np.degrees(turn))

    def _off(self, numbers: np.ndarray) -> np.ndarray:
        camera_to_sensor, board_to_reference = _as_pose(numbers[:6]), _as_pose(numbers[6:])
        off = []
        for sensor, found in self._pairs:
            expected = board_to_reference @ invert_affine(camera_to_sensor @ found)
            difference = _as_numbers(invert_affine(sensor) @ expected)
            off.append(np.concatenate([difference[:3] * _TURN_MM, difference[3:]]))
        return np.concatenate(off)


def _start(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """camera_to_sensor (4, 4): between any two views inverse(S_j) S_i X = X B_j inverse(B_i); first the turn that takes
    axes of turns to each other, then the shift.
    """
    turned = [
        (invert_affine(other[0]) @ one[0], other[1] @ invert_affine(one[1])) for one, other in combinations(pairs, 2)
    ]
    of_sensor, of_camera = (
        np.array([Rotation.from_matrix(_rotation(pair[which])).as_rotvec() for pair in turned]) for which in (0, 1)
    )
    pose = np.eye(4)
    pose[:3, :3] = Rotation.align_vectors(of_sensor, of_camera)[0].as_matrix()
    slopes = np.vstack([_rotation(sensor) - np.eye(3) for sensor, _ in turned])
    wanted = np.concatenate([pose[:3, :3] @ camera[:3, 3] - sensor[:3, 3] for sensor, camera in turned])
    pose[:3, 3] = np.linalg.lstsq(slopes, wanted, rcond=None)[0]
    return pose


def _second_turn_deg(poses: Sequence[np.ndarray]) -> float:
    """How far the poses are turned against their mean about the second of their turns' axes (root mean square)."""
    turns = Rotation.from_matrix([_rotation(pose) for pose in poses])
    away = (turns.mean().inv() * turns).as_rotvec(degrees=True)
    return float(np.sqrt(np.linalg.eigvalsh(away.T @ away / len(away))[1]))


def _rotation(pose: np.ndarray) -> np.ndarray:
    """(3, 3): the rotation next to what a tracker says, which is orthonormal to six digits only."""
    left, _, right = np.linalg.svd(pose[:3, :3])
    turn: np.ndarray = left @ right
    return turn


def _as_numbers(pose: np.ndarray) -> np.ndarray:
    return np.concatenate([Rotation.from_matrix(_rotation(pose)).as_rotvec(), pose[:3, 3]])


def _as_pose(numbers: np.ndarray) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_rotvec(numbers[:3]).as_matrix(), numbers[3:]
    return pose


def _doubts(count: int, turn_deg: float, error_mm: float, shift_mm: float) -> list[str]:
    doubts = []
    if count < _FEW_VIEWS:
        doubts.append(
            tr(
                "The camera's place on its sensor comes from {count} views only; take {few_views} or more.",
                count=count,
                few_views=_FEW_VIEWS,
            )
        )
    if turn_deg < _WANTED_TURN_DEG:
        doubts.append(
            tr(
                "The laparoscope was turned little about a second axis: turn it about its length, and "
                "tilt it to the sides."
            )
        )
    if max(error_mm, shift_mm) > _LARGE_MM:
        doubts.append(
            tr(
                "The camera's place on its sensor is known to {error_mm:.1f} mm only: did board and "
                "sensor stay where they were, and is the size of the board's squares right?",
                error_mm=max(error_mm, shift_mm),
            )
        )
    return doubts
