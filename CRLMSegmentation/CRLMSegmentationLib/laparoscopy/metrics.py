"""How well found landmarks agree with the true ones, with the measures of the P2ILF challenge and clDice.

Sources: Ali et al., 'An objective comparison of methods for augmented reality in laparoscopic liver resection by
preoperative-to-intraoperative image fusion from the MICCAI2022 challenge', Medical Image Analysis 99, 2025, and the
challenge's code (github.com/sharib-vision/P2ILF, metric_functions.py); François et al., 'Detecting occluding contours
in laparoscopic images', 2020, for the symmetric distance; Shit et al., 'clDice - a novel topology-preserving loss
function for tubular structure segmentation', CVPR 2021.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import LaparoscopeError
from ..values.landmarks import LANDMARKS
from ..words import tr

# Pixels at the size of the challenge's pictures.
D_MAX_PIXELS = (10, 20)
P2ILF_SIZE = (1920, 1080)


def compare_landmarks(mask: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, float]]:
    """Figures of `mask` (v, u) against `truth` (v, u), both of 0 and LANDMARKS, by landmark.

    Keys: those of compare_lines(). Raises LaparoscopeError when the two differ in size.
    """
    return {name: compare_lines(mask == number, truth == number) for name, number in LANDMARKS.items()}


def compare_lines(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Figures of a found line against the true one, both boolean (v, u).

    dice, precision, recall, cldice: shares of pixels, 0 to 1;  pixels, truth_pixels: how many there are
    symmetric_distance_dmax10, _dmax20: symmetric_distance() in pixels;  ..._divided: the same, divided by d_max
    Both empty: shares 1, distances 0. Nothing found: dice, recall and cldice 0, precision NaN. No truth: dice,
    precision and cldice 0; recall and distances NaN. Raises LaparoscopeError when the two differ in size.
    """
    if found.shape != truth.shape or found.ndim != 2:
        sizes = [" x ".join(map(str, one.shape[::-1])) for one in (found, truth)]
        raise LaparoscopeError(
            tr(
                "The masks differ in size ({sizes} and {sizes_2} pixels): the truth belongs to another "
                "picture, or one of them was scaled.",
                sizes=sizes[0],
                sizes_2=sizes[1],
            )
        )
    both, in_found, in_truth = int((found & truth).sum()), int(found.sum()), int(truth.sum())
    neither = not in_found and not in_truth
    figures = {
        "dice": 1.0 if neither else 2 * both / (in_found + in_truth),
        "precision": 1.0 if neither else both / in_found if in_found else math.nan if in_truth else 0.0,
        "recall": 1.0 if neither else both / in_truth if in_truth else math.nan,
        "cldice": cldice(found, truth),
    }
    for d_max in D_MAX_PIXELS:
        distance = symmetric_distance(found, truth, d_max)
        figures[f"symmetric_distance_dmax{d_max}"] = distance
        figures[f"symmetric_distance_dmax{d_max}_divided"] = distance / d_max
    return {**figures, "pixels": float(in_found), "truth_pixels": float(in_truth)}


def symmetric_distance(found: np.ndarray, truth: np.ndarray, d_max: float) -> float:
    """The challenge's symmetric distance of two boolean masks (v, u), in pixels, as its code computes it.

    (D_found + D_truth) / (2 N) + d_max missed / N + d_max false / (pixels - 2 d_max N), where N is the number of true
    pixels, D the sums of the distances below d_max from each mask to the other, and missed and false count the pixels
    at d_max or more from the other. The challenge's paper divides it by d_max. 0 when both are empty; NaN when there is
    no truth, and when the true line is so long that what lies around it fills the picture. Nothing found: d_max.
    """
    n_truth = int(truth.sum())
    if n_truth == 0:
        return math.nan if found.any() else 0.0
    elsewhere = truth.size - 2 * d_max * n_truth
    if elsewhere <= 0:
        return math.nan
    near_found, false = _matched(found, truth, d_max)
    near_truth, missed = _matched(truth, found, d_max)
    return (near_found + near_truth) / (2 * n_truth) + d_max * missed / n_truth + d_max * false / elsewhere


def cldice(found: np.ndarray, truth: np.ndarray) -> float:
    """Harmonic mean of how much of the found line's centre lies in the truth, and of the truth's centre in what was
    found; both boolean (v, u). 1 when both are empty, 0 when one is.
    """
    from skimage.morphology import skeletonize

    if not found.any() or not truth.any():
        return float(found.any() == truth.any())
    center_found, center_truth = skeletonize(found), skeletonize(truth)
    precision = float(truth[center_found].mean())
    sensitivity = float(found[center_truth].mean())
    return 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0.0


def _matched(line: np.ndarray, other: np.ndarray, d_max: float) -> tuple[float, int]:
    """The sum of the distances of the line's pixels to the other where these are below d_max, and how many are not."""
    from scipy import ndimage

    if not other.any():
        return 0.0, int(line.sum())
    away = ndimage.distance_transform_edt(~other)[line]
    return float(away[away < d_max].sum()), int((away >= d_max).sum())
