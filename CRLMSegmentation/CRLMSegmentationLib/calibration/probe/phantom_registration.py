"""A phantom's place from its landmarks touched with a calibrated stylus, and how well it is known.

Least squares of two sets of points (K. S. Arun and others, IEEE PAMI 9, 1987). What the fit leaves tells how well a
landmark was touched (FLE), and that how well the place is known (J. M. Fitzpatrick, J. B. West, C. R. Maurer, IEEE
Trans Med Imaging 17, 1998): here as a covariance, so that it is carried on to the image and to a distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import CalibrationError
from ...geometry import transform_points
from ...words import tr

_FEWEST, _LEAST_WIDTH_MM = 3, 5.0
_SAME_TURN, _SAME_MM = 1e-3, 0.05


@dataclass(frozen=True, eq=False)
class PhantomRegistration:
    """Where the phantom is.

    phantom_to_reference  (4, 4) rigid
    fre_mm      root mean square distance of the landmarks from where they were touched
    covariance  (6, 6) of a small turn (radians, about the axes of Reference) and shift (mm) at `middle_mm` (3,)
    date        when the landmarks were touched; ''
    """

    phantom_to_reference: np.ndarray
    fre_mm: float
    covariance: np.ndarray
    middle_mm: np.ndarray
    date: str = ""

    def covariance_at(self, point_mm: np.ndarray) -> np.ndarray:
        """(3, 3) mm^2 in Reference of a place (3,) of the phantom, given in Reference: the expected TRE, squared."""
        moves = _moves(point_mm - self.middle_mm)
        return np.asarray(moves @ self.covariance @ moves.T)

    def expected_error_mm(self, point_mm: np.ndarray) -> float:
        """The expected TRE (root mean square) at a place (3,) of the phantom, given in Reference."""
        return float(np.sqrt(np.trace(self.covariance_at(point_mm))))

    def is_of(self, phantom_to_reference: np.ndarray) -> bool:
        """True when a phantom that is said to be there (4, 4) is where this one was registered, but for rounding."""
        off = np.abs(self.phantom_to_reference - phantom_to_reference)
        return bool(off[:3, :3].max() < _SAME_TURN and off[:3, 3].max() < _SAME_MM)


def register_phantom(landmarks_mm: np.ndarray, touched_mm: np.ndarray) -> PhantomRegistration:
    """The place of a phantom from (n, 3) landmarks in Phantom and where each was touched in Reference.

    Raises CalibrationError for fewer than four landmarks that lie apart, which tell nothing of their own error.
    """
    from scipy.spatial.transform import Rotation

    count = len(landmarks_mm)
    widths = np.linalg.svd(landmarks_mm - landmarks_mm.mean(axis=0), compute_uv=False) if count else np.zeros(3)
    if count <= _FEWEST or widths[1] < _LEAST_WIDTH_MM:
        raise CalibrationError(
            tr(
                "The phantom has {count} touched landmarks; touch four and more that do not lie on one line.",
                count=count,
            )
        )
    middle = touched_mm.mean(axis=0)
    turn, _ = Rotation.align_vectors(touched_mm - middle, landmarks_mm - landmarks_mm.mean(axis=0))
    placed = np.eye(4)
    placed[:3, :3] = turn.as_matrix()
    placed[:3, 3] = middle - placed[:3, :3] @ landmarks_mm.mean(axis=0)
    errors = touched_mm - transform_points(placed, landmarks_mm)
    # Six of the 3 n numbers are taken up by the fit.
    variance = float((errors**2).sum()) / (3 * count - 6)
    design = np.concatenate([_moves(point - middle) for point in touched_mm])
    covariance = variance * np.linalg.inv(design.T @ design)
    return PhantomRegistration(placed, float(np.sqrt((errors**2).sum(axis=1).mean())), covariance, middle)


def image_covariance_of(
    registration: PhantomRegistration, image_to_probe: np.ndarray, probe_to_reference: np.ndarray
) -> np.ndarray:
    """(9, 9) of ImageToProbe by the phantom's place alone, axis by axis of Probe: of u, v and 1 in mm.

    probe_to_reference  (n, 4, 4) of the calibration's images: the phantom's error turns with the mean of them
    """
    to_reference = probe_to_reference @ image_to_probe
    to_probe = np.linalg.inv(probe_to_reference)[:, :3, :3]
    moved = np.zeros((9, 6))
    for column, w in ((0, 0.0), (1, 0.0), (3, 1.0)):
        places = to_reference[:, :3, column] - w * registration.middle_mm
        moves = np.array([_moves(place, w) for place in places])
        moved[min(column, 2) :: 3] = (to_probe @ moves).mean(axis=0)
    return np.asarray(moved @ registration.covariance @ moved.T)


def _moves(arm_mm: np.ndarray, shift: float = 1.0) -> np.ndarray:
    """(3, 6): how a small turn and shift move a place `arm_mm` (3,) from their middle."""
    x, y, z = arm_mm
    return np.column_stack([np.array([[0.0, z, -y], [-z, 0.0, x], [y, -x, 0.0]]), shift * np.eye(3)])
