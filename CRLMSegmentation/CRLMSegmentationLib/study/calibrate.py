"""Choosing the decision threshold on validation cases, and the validation figures for the model card."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np

from ..geometry import Volume
from ..segmentation.postprocess import mask_from_probability
from ..segmentation.predictor import Segmenter
from .metrics import compare

# 0.01 to 0.99: a finer grid would be finer than what some ten cases can tell.
THRESHOLDS = np.round(np.arange(0.01, 1.0, 0.01), 2)
THRESHOLD_CHOICE = "highest F1 over all voxels of the validation crops (precision-recall curve, steps of 0.01)"


def calibrate(
    segmenter: Segmenter, crops: Sequence[tuple[Volume, Volume]], progress: Callable[[float, str], None] | None = None
) -> tuple[float, dict]:
    """(threshold, validation figures) from `crops`, pairs of ultrasound and true mask that were never trained on.

    The figures are medians and quartiles over the crops of the final masks (threshold, largest component, filled).
    """
    probabilities = []
    for number, (image, _) in enumerate(crops):
        probabilities.append(segmenter.probability(image))
        if progress:
            progress((number + 1) / len(crops), f"Calibrating on crop {number + 1} of {len(crops)}")
    truths = [truth for _, truth in crops]
    threshold, f1 = best_threshold(probabilities, truths)
    figures = [
        compare(mask_from_probability(probability, threshold), truth)
        for probability, truth in zip(probabilities, truths)
    ]
    summary = {"crops": len(crops), "voxel_f1": round(f1, 4)}
    for name in ("dice", "precision", "recall", "hd95_mm"):
        values = np.array([figure[name] for figure in figures])
        values = values[np.isfinite(values)]
        if len(values):
            quartiles = np.percentile(values, (25, 50, 75))
            summary[name] = dict(zip(("q25", "median", "q75"), (round(float(value), 4) for value in quartiles)))
    summary["nothing_found"] = sum(figure["volume_ml"] == 0 for figure in figures)
    return threshold, summary


def best_threshold(probabilities: Sequence[Volume], truths: Sequence[Volume]) -> tuple[float, float]:
    """(threshold, F1) of the highest F1 over all voxels; the middle one of equals."""
    bins = np.append(THRESHOLDS, np.inf)
    tumor, background = np.zeros(len(THRESHOLDS)), np.zeros(len(THRESHOLDS))
    positives = 0
    for probability, truth in zip(probabilities, truths):
        wanted = truth.voxels > 0
        positives += int(wanted.sum())
        # float32 probabilities against float32 thresholds, as the mask is made
        tumor += np.histogram(probability.voxels[wanted], bins.astype(np.float32))[0]
        background += np.histogram(probability.voxels[~wanted], bins.astype(np.float32))[0]
    true_positives, false_positives = tumor[::-1].cumsum()[::-1], background[::-1].cumsum()[::-1]
    f1 = 2 * true_positives / np.maximum(true_positives + false_positives + positives, 1)
    best = np.flatnonzero(f1 == f1.max())
    chosen = best[len(best) // 2]
    return float(THRESHOLDS[chosen]), float(f1[chosen])
