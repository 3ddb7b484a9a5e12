"""ImageToProbe from the wires of an N-wire phantom in many images.

The middle wires tell where a pixel is in the phantom, hence in Probe: least squares of (u, v, 1) to mm, with rejection,
as PLUS does (vtkPlusProbeCalibrationAlgo; G. Carbajal and others, IJCARS 2013), then the nearest matrix whose axes are
perpendicular.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry import transform_points
from ..correlated_errors import MOST_MEASUREMENTS, chord_degrees, solution_covariance, thinned
from .phantom import NWirePhantom
from .wire_frame import WireFrame

_REJECTED_FROM = 3.0
_MOST_ROUNDS = 20
# PLUS leaves the largest twentieth of the errors out of what it reports.
_CONFIDENCE = 0.95
# Turning the probe by a degree changes the errors as moving it by two millimetres does: the tissue lies 120 mm from it.
_MM_PER_DEGREE = 2.0
_LENGTHS_MM = (2.0, 4.0, 8.0, 16.0, 32.0)


@dataclass(frozen=True, eq=False)
class ImageToProbe:
    """What was found.

    matrix       (4, 4) pixel (u, v, 0, 1) to mm in Probe; the third axis is as long as the mean of the others
    errors_mm    (n, patterns) how far each middle wire of each frame is from where the phantom has it
    used         (n, patterns) bool: not rejected
    covariance   (9, 9) of the least squares' matrix, axis by axis of Probe: those of u, v and 1 in mm
    """

    matrix: np.ndarray
    errors_mm: np.ndarray
    used: np.ndarray
    covariance: np.ndarray

    @property
    def error_mm(self) -> float:
        """The mean error of the middle wires as PLUS reports it: without its largest twentieth."""
        return reported_error_mm(self.errors_mm)

    def corner_deviation_mm(self, image_size: tuple[int, int]) -> np.ndarray:
        """(4,) standard deviation of each corner of the image, in the direction in which it is known worst."""
        deviations = []
        for corner in image_corners(image_size):
            spread = np.kron(np.eye(3), [corner[0], corner[1], 1.0])
            deviations.append(np.sqrt(np.linalg.eigvalsh(spread @ self.covariance @ spread.T)[-1]))
        return np.array(deviations)


def reported_error_mm(errors_mm: np.ndarray) -> float:
    """The mean of the smallest 95 % of the errors."""
    ascending = np.sort(errors_mm, axis=None)
    return float(ascending[: max(1, round(_CONFIDENCE * ascending.size))].mean())


def image_corners(image_size: tuple[int, int]) -> np.ndarray:
    """(4, 2) the pixels (u, v) at the corners of an image of this width and height."""
    width, height = image_size
    return np.array([[0.0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])


def middle_wires(frames: list[WireFrame], phantom: NWirePhantom) -> tuple[np.ndarray, np.ndarray]:
    """(n, patterns, 2) pixels of the middle wires, and (n, patterns, 3) mm where they are in Probe."""
    points = np.array([frame.points for frame in frames])
    in_phantom = phantom.middle_points_mm(points)
    in_probe = [
        transform_points(np.linalg.inv(frame.probe_to_reference) @ phantom.phantom_to_reference, middles)
        for frame, middles in zip(frames, in_phantom)
    ]
    return points[:, 1::3], np.array(in_probe)


def wire_errors_mm(matrix: np.ndarray, frames: list[WireFrame], phantom: NWirePhantom) -> np.ndarray:
    """(n, patterns) mm from where `matrix` (ImageToProbe) puts the middle wires to where they are."""
    pixels, places = middle_wires(frames, phantom)
    flat = np.concatenate([pixels, np.zeros((*pixels.shape[:2], 1))], axis=2)
    return np.asarray(np.linalg.norm(transform_points(matrix, flat) - places, axis=2))


def solve_image_to_probe(frames: list[WireFrame], phantom: NWirePhantom) -> ImageToProbe:
    """ImageToProbe from frames with all wires; three frames at least."""
    pixels, places = middle_wires(frames, phantom)
    shape = pixels.shape[:2]
    design = np.concatenate([pixels, np.ones((*shape, 1))], axis=2).reshape(-1, 3)
    target = places.reshape(-1, 3)
    used = np.ones(len(design), dtype=bool)
    for _ in range(_MOST_ROUNDS):
        solution = np.linalg.lstsq(design[used], target[used], rcond=None)[0]
        lengths = np.linalg.norm(design @ solution - target, axis=1)
        kept = lengths <= lengths[used].mean() + _REJECTED_FROM * lengths[used].std() + 1e-9
        if (kept == used).all():
            break
        used = kept
    matrix = perpendicular(solution)
    errors = wire_errors_mm(matrix, frames, phantom)
    covariance = _covariance(frames, design, target - design @ solution, used, float(np.linalg.norm(matrix[:3, 2])))
    return ImageToProbe(matrix, errors, used.reshape(shape), covariance)


def perpendicular(solution: np.ndarray) -> np.ndarray:
    """(4, 4) with the nearest perpendicular axes to those of a (3, 3) least squares solution (P. O. Loewdin, 1950)."""
    axes, origin = solution[:2].T, solution[2]
    sizes = np.linalg.norm(axes, axis=0)
    left, _, right = np.linalg.svd(axes / sizes, full_matrices=False)
    turned = left @ right
    matrix = np.eye(4)
    matrix[:3, :2] = turned * sizes
    matrix[:3, 2] = np.cross(turned[:, 0], turned[:, 1]) * sizes.mean()
    matrix[:3, 3] = origin
    return matrix


def small_moves(matrix: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """(9, 8): how a small turn (radians) about `middle` (3,), a shift (mm) and two shares of size change ImageToProbe.

    Rows axis by axis of Probe, those of u, v and 1, as in ImageToProbe.covariance.
    """
    columns = matrix[:3, [0, 1, 3]] - np.outer(middle, [0.0, 0.0, 1.0])
    moves = np.zeros((3, 3, 8))
    moves[:, :, :3] = np.cross(np.eye(3)[np.newaxis], columns.T[:, np.newaxis]).transpose(2, 0, 1)
    moves[:, 2, 3:6] = np.eye(3)
    moves[:, 0, 6], moves[:, 1, 7] = matrix[:3, 0], matrix[:3, 1]
    return moves.reshape(9, 8)


def tracker_covariance(position_mm: float, angle_deg: float, image_to_probe: np.ndarray) -> np.ndarray:
    """(9, 9) of an ImageToProbe (4, 4) by what the pose of the probe's sensor errs alike in all images.

    position_mm, angle_deg  standard deviation of a sensor's pose along and about each axis, as the tracker's maker says
    While a probe is calibrated it hardly leaves its place, so that the smooth part of the tracker's error is nearly the
    same in every image: it goes into the calibration whole, and leaves nothing that the images could tell.
    """
    moves = small_moves(image_to_probe, np.zeros(3))[:, :6]
    variances = np.repeat([np.radians(angle_deg) ** 2, position_mm**2], 3)
    return np.asarray((moves * variances) @ moves.T)


def _covariance(
    frames: list[WireFrame], design: np.ndarray, errors: np.ndarray, used: np.ndarray, pixel_mm: float
) -> np.ndarray:
    """(9, 9); the error is a smooth function of where and how the probe is held, and of the place in the image."""
    patterns = len(used) // len(frames)
    # Whole images: what two wires of one image have in common tells most.
    images = thinned(len(frames), MOST_MEASUREMENTS // patterns)
    which = np.flatnonzero(used & np.isin(np.arange(len(used)) // patterns, images))
    poses = np.array([frame.probe_to_reference for frame in frames])[which // patterns]
    turned = chord_degrees(poses[:, :3, :3]) * _MM_PER_DEGREE
    features = np.concatenate([poses[:, :3, 3], design[which, :2] * pixel_mm], axis=1)
    squares = ((features[:, np.newaxis] - features[np.newaxis]) ** 2).sum(axis=2)
    rows = np.einsum("ab,nc->nabc", np.eye(3), design[which]).reshape(len(which), 3, 9)
    return solution_covariance(rows, errors[which], np.sqrt(squares + turned**2), _LENGTHS_MM)
