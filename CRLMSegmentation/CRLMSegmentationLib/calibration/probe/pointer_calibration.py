"""ImageToProbe from a tracked pointer whose tip is seen in the image.

Every point says ImageToProbe (u, v, 0, 1) = the tip in Probe: a rotation, a shift and the two sizes of a pixel, by
least squares with each axis of the image weighted by its own error, since the tip may lie beside the middle of the beam
by a millimetre and is seen to a fraction of that within the image. What does not fit is left out: it is begun with the
three points that most others agree with (least median of squares; P. J. Rousseeuw, J Am Stat Assoc 79, 1984). A. M.
Muratore, R. L. Galloway, 'Beam calibration without a phantom for creating a 3-D freehand ultrasound system', Ultrasound
Med Biol 27, 2001, has the method.
"""

from __future__ import annotations

import numpy as np

from ...errors import CalibrationError
from ...words import tr
from .image_to_probe import ImageToProbe, perpendicular, small_moves
from .pointer_points import PointerPoints

FEWEST_POINTS, _FEWEST_USED = 10, 7
_LEAST_WIDTH_MM, _LEAST_SHARE_USED = 4.0, 0.6
_TRIALS, _CONCENTRATIONS, _MOST_ROUNDS = 400, 3, 30
# A point is left out from so many standard deviations: 99.5 % of three-dimensional normal errors are nearer.
_REJECTED_FROM = 3.58
# No tip is seen more exactly, so that what is nearer is never left out.
_LEAST_DEVIATION_MM = 0.2
# The median amount of a normal error, in standard deviations.
_MEDIAN_OF_NORMAL = 0.6745
# Of the eight unknowns three move an image through itself and five within it.
_THROUGH, _WITHIN = 3, 5


def solve_pointer(points: PointerPoints, tip_covariance_mm2: np.ndarray | None = None) -> ImageToProbe:
    """ImageToProbe from ten points and more; `errors_mm` and `used` are (n, 1), the covariance holds the tip's.

    tip_covariance_mm2  (3, 3) of the tip in the pointer's frame; None when it is not known
    Raises CalibrationError when the points are too few, lie on one line or contradict each other.
    """
    places = points.in_probe_mm
    if len(places) < FEWEST_POINTS:
        raise CalibrationError(
            tr(
                "There are {places} points with poses; {fewest_points} and more are needed, spread over the image.",
                places=len(places),
                fewest_points=FEWEST_POINTS,
            )
        )
    check_spread(points.pixels, places)
    affine = _median_start(points.pixels, places)
    matrix, used = perpendicular(affine), np.ones(len(places), dtype=bool)
    for _ in range(_MOST_ROUNDS):
        deviations = _robust_deviations(matrix, points.pixels, places)
        kept = _lengths(matrix, points.pixels, places, deviations) <= _REJECTED_FROM
        if kept.sum() < max(_FEWEST_USED, _LEAST_SHARE_USED * len(kept)):
            raise CalibrationError(
                tr(
                    "Only {sum} of {kept} points agree with each other: check that each is the tip in its "
                    "own image, that the tip was calibrated, and that no sensor has slipped.",
                    sum=kept.sum(),
                    kept=len(kept),
                )
            )
        check_spread(points.pixels[kept], places[kept])
        matrix = _fitted(matrix, points.pixels[kept], places[kept], deviations)
        if (kept == used).all():
            break
        used = kept
    errors = np.linalg.norm(_errors(matrix, points.pixels, places), axis=1)
    covariance = _covariance(matrix, points, used, tip_covariance_mm2)
    return ImageToProbe(matrix, errors[:, np.newaxis], used[:, np.newaxis], covariance)


def check_spread(pixels: np.ndarray, places: np.ndarray) -> None:
    """Raise CalibrationError when (n, 2) pixels or (n, 3) places beside the probe lie on one line."""
    wide = np.linalg.svd(places - places.mean(axis=0), compute_uv=False) / np.sqrt(len(places))
    seen = np.linalg.svd(pixels - pixels.mean(axis=0), compute_uv=False)
    # The pixels in mm, by the longer side of both.
    if min(wide[1], seen[1] / max(seen[0], 1e-9) * wide[0]) < _LEAST_WIDTH_MM:
        raise CalibrationError(
            tr(
                "The points lie on one line or in one place of the image: touch places at its left and right, near the "
                "probe and deep."
            )
        )


def image_axes(matrix: np.ndarray) -> np.ndarray:
    """(3, 3) unit vectors of an image's axes in Probe, one a column: u, v and through the image."""
    return np.asarray(matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0))


def _median_start(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(3, 3) from (u, v, 1) to mm: of many maps through three points the one with the least median error.

    Then fitted to the two thirds that agree best (P. J. Rousseeuw, K. Van Driessen, Technometrics 41, 1999).
    """
    random = np.random.default_rng(0)
    design = np.column_stack([pixels, np.ones(len(pixels))])
    threes = np.array([random.choice(len(pixels), 3, replace=False) for _ in range(_TRIALS)])
    areas = np.abs(np.linalg.det(design[threes]))
    # Three points nearly on a line tell nothing of what lies beside it.
    threes = threes[areas >= np.median(areas)]
    solutions = np.linalg.solve(design[threes] + 1e-9 * np.eye(3), places[threes])
    lengths = np.linalg.norm(design @ solutions - places, axis=2)
    solution = solutions[int(np.median(lengths, axis=1).argmin())]
    for _ in range(_CONCENTRATIONS):
        nearest = np.linalg.norm(design @ solution - places, axis=1).argsort()[: max(len(places) * 2 // 3, 4)]
        solution = np.linalg.lstsq(design[nearest], places[nearest], rcond=None)[0]
    return np.asarray(solution)


def _errors(matrix: np.ndarray, pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, 3) where `matrix` puts the pixels, less where the tip was, mm along the axes of the image."""
    put = np.column_stack([pixels, np.ones(len(pixels))]) @ matrix[:3, [0, 1, 3]].T
    return np.asarray((put - places) @ image_axes(matrix))


def _lengths(matrix: np.ndarray, pixels: np.ndarray, places: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(_errors(matrix, pixels, places) / deviations, axis=1))


def _robust_deviations(matrix: np.ndarray, pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(3,) standard deviation of the errors along u, v (the same for both) and through the image, in mm."""
    amounts = np.abs(_errors(matrix, pixels, places))
    # The unknowns take a part of the errors up.
    count = len(pixels)
    within = np.median(amounts[:, :2]) * np.sqrt(2 * count / (2 * count - _WITHIN))
    through = np.median(amounts[:, 2]) * np.sqrt(count / (count - _THROUGH))
    deviations = np.array([within, within, through]) / _MEDIAN_OF_NORMAL
    return np.asarray(np.maximum(deviations, _LEAST_DEVIATION_MM))


def _design(matrix: np.ndarray, pixels: np.ndarray, middle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3, 8) how the eight move the pixels along the axes of the image, and small_moves()."""
    moves = small_moves(matrix, middle)
    flat = np.column_stack([pixels, np.ones(len(pixels))])
    in_probe = np.einsum("nc,acp->nap", flat, moves.reshape(3, 3, 8))
    return np.einsum("ai,nap->nip", image_axes(matrix), in_probe), moves


def _fitted(matrix: np.ndarray, pixels: np.ndarray, places: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """(4, 4): Gauss-Newton from `matrix`, with the errors along the axes of the image weighted."""
    for _ in range(_MOST_ROUNDS):
        design, moves = _design(matrix, pixels, places.mean(axis=0))
        target = -_errors(matrix, pixels, places) / deviations
        weighted = (design / deviations[:, np.newaxis]).reshape(-1, 8)
        step = np.linalg.lstsq(weighted, target.reshape(-1), rcond=None)[0]
        matrix = perpendicular(matrix[:3, [0, 1, 3]].T + (moves @ step).reshape(3, 3).T)
        if np.abs(weighted @ step).max() < 1e-9:
            break
    return matrix


def _covariance(
    matrix: np.ndarray, points: PointerPoints, used: np.ndarray, tip_covariance_mm2: np.ndarray | None
) -> np.ndarray:
    """(9, 9): of the errors that are left, and of the tip's own, which turns with the pointer.

    A variance that is estimated with n degrees of freedom makes the errors of Student's distribution, whose own
    variance is n / (n - 2) times as large (JCGM 101:2008, 6.4.9.4).
    """
    pixels, places = points.pixels[used], points.in_probe_mm[used]
    errors, count = _errors(matrix, pixels, places), int(used.sum())
    within = (errors[:, :2] ** 2).sum() / (2 * count - _WITHIN - 2)
    through = (errors[:, 2] ** 2).sum() / (count - _THROUGH - 2)
    deviations = np.sqrt(np.maximum([within, within, through], 1e-12))
    design, moves = _design(matrix, pixels, places.mean(axis=0))
    weighted = (design / deviations[:, np.newaxis]).reshape(-1, 8)
    inverse = np.linalg.inv(weighted.T @ weighted)
    covariance = inverse
    if tip_covariance_mm2 is not None:
        turned = image_axes(matrix).T @ points.pointer_to_probe[used][:, :3, :3]
        gain = inverse @ weighted.T @ (turned / deviations[:, np.newaxis]).reshape(-1, 3)
        covariance = covariance + gain @ tip_covariance_mm2 @ gain.T
    whole = moves @ covariance @ moves.T
    return np.asarray((whole + whole.T) / 2)
