"""The threshold of a network that outlines tumors in single planes, chosen on validation planes alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...inference.models.card import CARD
from ...segmentation.postprocess import mask_from_probability
from ...values import Volume
from ...values.progress import Progress
from ..calibrate import Segments
from ..reporting.curves import VoxelCounts, areas, best_threshold, reliability, uncertainty_probabilities
from .figures import by_area, over_planes, plane_figures

THRESHOLD_CHOICE = "highest F1 over all pixels of the validation frames (precision-recall curve, steps of 0.01)"
FAINTEST_PERCENT = 5
FOUND_DICE = 0.5


def calibrate_planes(
    folder: Path,
    segmenter: Segments,
    planes: Iterable[tuple[Volume, Volume]],
    cases: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Threshold, faintest outline and figures from (picture, truth) that were never trained on, written into the card
    of the model in `folder`; returns the counts of pixels as plain values.

    An outline is left out when the mean of its probabilities is lower than that of 95 % of the outlines that found
    their tumor (Dice above 0.5). Raises ConfigurationError when there is no tumor in any plane.
    """
    kept, counts = [], None
    for number, (picture, truth) in enumerate(planes):
        probability = segmenter.probability(picture)
        one = VoxelCounts.of(probability, truth)
        counts = one if counts is None else counts + one
        kept.append((probability.with_voxels(probability.voxels.astype(np.float16)), truth))
        if progress:
            progress(0.0, f"Calibrating on frame {number + 1}")
    if counts is None or not counts.tumor.sum():
        raise ConfigurationError("The validation frames hold no tumor: a threshold cannot be chosen.")
    threshold, f1 = best_threshold(counts)
    figures, means = [], []
    for probability, truth in kept:
        full = probability.with_voxels(probability.voxels.astype(np.float32))
        found = mask_from_probability(full, threshold, "all").voxels[0] > 0
        spacing = truth.spacing_mm
        figures.append(plane_figures(found, truth.voxels[0] > 0, float(spacing[0] * spacing[1])))
        means.append(float(full.voxels[0][found].mean()) if found.any() else 0.0)
    least_mean = _least_mean(figures, means)
    shown = [_not_shown(one) if 0 < mean < (least_mean or 0.0) else one for one, mean in zip(figures, means)]
    validation = {
        "cases": cases, "images": len(kept), "voxel_f1": round(f1, 4), **over_planes(shown), "by_area": by_area(shown),
        **{name: round(value, 4) for name, value in areas(counts).items()}, "reliability": reliability(counts),
    }  # fmt: skip
    _write(folder, threshold, {**uncertainty_probabilities(counts, threshold), "least_mean": least_mean}, validation)
    return counts.as_plain()


def _least_mean(figures: list[dict[str, float]], means: list[float]) -> float | None:
    of_found = [mean for one, mean in zip(figures, means) if one["dice"] > FOUND_DICE]
    return round(float(np.percentile(of_found, FAINTEST_PERCENT)), 4) if of_found else None


def _not_shown(plane: dict[str, float]) -> dict[str, float]:
    """The figures of a plane whose outline is left out."""
    if plane["area_mm2"] == 0:
        return {**plane, "found_mm2": 0.0}
    return {**plane, "found_mm2": 0.0, "dice": 0.0, "precision": float("nan"), "recall": 0.0, "fnr": 1.0}


def _write(folder: Path, threshold: float, uncertainty: dict[str, Any], validation: dict[str, Any]) -> None:
    path = Path(folder) / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    card["threshold"], card["threshold_choice"] = threshold, THRESHOLD_CHOICE
    card["uncertainty"] = {
        **{name: value for name, value in uncertainty.items() if value is not None},
        "choice": f"least_mean: an outline whose mean probability is lower is not shown; {100 - FAINTEST_PERCENT} % of "
        f"the outlines with a Dice above {FOUND_DICE} on the validation frames have a higher one",
    }
    card["validation"] = validation
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
