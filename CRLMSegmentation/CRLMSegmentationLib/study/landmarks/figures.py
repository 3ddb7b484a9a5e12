"""How well found landmarks agree with the true ones, in one picture and over many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...laparoscopy.camera.opencv import opencv
from ...laparoscopy.metrics import P2ILF_SIZE, compare_lines
from ...laparoscopy.network.landmark_finder import drawn
from ...values.landmarks import LANDMARKS, Polyline

FIGURES = ("precision", "dice", "recall", "symmetric_distance", "cldice")
_DISTANCE = "symmetric_distance_dmax20_divided"


def picture_figures(lines: Sequence[Polyline], truth: np.ndarray) -> dict[str, dict[str, float]]:
    """{landmark: FIGURES} of `lines`, in pixels of the truth's picture, against `truth` (3, v, u) boolean.

    Measured in pictures 1920 wide, with lines of 12 pixels and d_max 20, as in the P2ILF challenge; the symmetric
    distance is divided by d_max.
    """
    scale = P2ILF_SIZE[0] / truth.shape[2]
    size = (P2ILF_SIZE[0], round(truth.shape[1] * scale))
    large = [Polyline(one.landmark, (one.points + 0.5) * scale - 0.5, one.confidence, one.is_closed) for one in lines]
    found = [drawn([line for line in large if line.landmark == name], size) > 0 for name in LANDMARKS]
    return _compared(found, [_at(one, size) for one in truth])


def mask_figures(found: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, float]]:
    """The same of a mask (3, v, u) boolean of any size, which is no line yet."""
    size = (P2ILF_SIZE[0], round(truth.shape[1] * P2ILF_SIZE[0] / truth.shape[2]))
    return _compared([_at(one, size) for one in found], [_at(one, size) for one in truth])


def mask_overlap(found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Precision and Dice, means of the landmarks, of a mask (3, v, u) boolean of any size against `truth` (3, v, u): of
    what a network marks before it is made lines of.
    """
    size = (truth.shape[2], truth.shape[1])
    precision, dice = [], []
    for one, wanted in zip(found, truth):
        marked = _at(one, size)
        both, total = int((marked & wanted).sum()), int(marked.sum() + wanted.sum())
        precision.append(both / marked.sum() if marked.any() else math.nan)
        dice.append(2 * both / total if total else math.nan)
    return mean_of_known(precision), mean_of_known(dice)


def mean_figures(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Means of FIGURES over the landmarks that are in the truth, or were found without being there."""
    return {name: mean_of_known([one[name] for one in figures.values()]) for name in FIGURES}


def over_pictures(pictures: Sequence[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """{landmark: {figure: mean}} over many pictures; None for what is defined in none of them."""
    table: dict[str, Any] = {}
    for name in LANDMARKS:
        means = {key: mean_of_known([one[name][key] for one in pictures]) for key in FIGURES}
        table[name] = {key: round(value, 4) if math.isfinite(value) else None for key, value in means.items()}
    return table


def _compared(found: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> dict[str, dict[str, float]]:
    figures = {}
    for name, one, other in zip(LANDMARKS, found, truth):
        if not one.any() and not other.any():
            # Nothing was there, and nothing was found: no figure would say anything.
            figures[name] = dict.fromkeys(FIGURES, math.nan)
            continue
        compared = compare_lines(one, other)
        figures[name] = {key: compared[_DISTANCE if key == "symmetric_distance" else key] for key in FIGURES}
    return figures


def _at(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    cv2 = opencv()
    scaled: np.ndarray = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return scaled > 0


def mean_of_known(values: Sequence[float]) -> float:
    """Of those that are finite; NaN when none is."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan
