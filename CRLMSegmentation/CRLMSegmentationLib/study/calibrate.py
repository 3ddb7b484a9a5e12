"""What a trained model's probabilities mean, learned from validation cases alone and written to its model card.

The decision threshold, the probabilities of the uncertainty shell, ROC and precision-recall with their areas, and the
reliability curve.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence, Sized
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import ConfigurationError, ModelError
from ..inference.models.card import CARD
from ..inference.models.trained_model import load_model
from ..inference.runtimes.quantise import write_eight_bits
from ..segmentation.doubts import mean_entropy_bits
from ..segmentation.eight_bits import quantise_for_tumors
from ..segmentation.image_statistics import ImageStatistics, image_statistics
from ..segmentation.postprocess import mask_from_probability, unseen_voxels
from ..values import Volume
from ..values.progress import Progress
from .metrics import compare
from .reporting.curves import SHELL_SHARE, VoxelCounts, areas, best_threshold, reliability, uncertainty_probabilities

THRESHOLD_CHOICE = "highest F1 over all voxels of the validation images (precision-recall curve, steps of 0.01)"
# A mask whose mean entropy is higher than this share of the validation masks' is called unsure.
SURER_PERCENT = 95
# What is marked with so many times the doubt of the least sure mask that found its tumor is not shown as one.
DOUBT_TO_SPARE = 1.25
# Nor what is marked no more surely than this share of the boxes without a tumor.
MOST_FALSE_ALARMS = 0.02
FOUND_DICE = 0.5
# Images count as usual up to this share of the range of the validation images beyond it, on either side.
IMAGES_BEYOND = 0.25
SUMMARISED = ("dice", "precision", "recall", "hd95_mm")


class Segments(Protocol):
    """What is calibrated."""

    def probability(self, volume: Volume) -> Volume:
        """The probability of tumor, float32 0..1, on the grid of `volume`."""


@dataclass(frozen=True)
class Calibration:
    """threshold; uncertainty: {'outer', 'inner'} probabilities, 'entropy_bits' and 'least_mean' probability of a mask;
    validation: figures for the card; counts of voxels; image_ranges: lowest and highest of each of ImageStatistics.
    """

    threshold: float
    uncertainty: dict[str, float]
    validation: dict[str, Any]
    counts: VoxelCounts
    image_ranges: dict[str, list[float]]


def calibrate(
    segmenter: Segments,
    images: Iterable[tuple[Any, ...]],
    progress: Progress | None = None,
    total: int | None = None,
) -> Calibration:
    """From `images`, ultrasound and true mask on one grid, that were never trained on.

    An image may have a third part, the name of its group, such as 'tight' and 'straying' boxes: thresholds and voxel
    figures are of all images with a tumor, while the quartiles are given for each group, those of the first one at the
    top. Images without a tumor say how surely false alarms are marked, and how often one is left.

    total  how many images there are, where `images` cannot say

    The figures are medians and quartiles over the images of the final masks (threshold, largest component, filled).
    Raises ConfigurationError when there is no tumor in any image.
    """
    total = total or (len(images) if isinstance(images, Sized) else None)
    answers, counts = _answers(segmenter, images, progress, total)
    if counts is None or not counts.tumor.sum():
        raise ConfigurationError("The validation images hold no tumor: a threshold cannot be chosen.")
    threshold, f1 = best_threshold(counts)
    figures, means, entropies = _figures_at(threshold, answers)
    is_empty = [not answer.truth.voxels.any() for answer in answers]
    least_mean = _least_mean(figures, means, is_empty)
    for number, mean in enumerate(means):
        if least_mean and 0 < mean < least_mean:
            truth = answers[number].truth
            figures[number] = compare(truth.with_voxels(np.zeros_like(truth.voxels)), truth)
    validation: dict[str, Any] = {"images": len(answers), "voxel_f1": round(f1, 4)}
    if any(is_empty):
        alarms = sum(figure["volume_ml"] > 0 for figure, empty in zip(figures, is_empty) if empty)
        validation["without_tumor"] = {"images": sum(is_empty), "with_false_alarm": alarms}
    figures = [figure for figure, empty in zip(figures, is_empty) if not empty]
    groups = [answer.group for answer, empty in zip(answers, is_empty) if not empty]
    for name in dict.fromkeys(groups):
        of_group = _quartiles([figure for figure, group in zip(figures, groups) if group == name])
        if name == groups[0]:
            validation.update(of_group)
        else:
            validation[name] = of_group
    validation.update({name: round(value, 4) for name, value in areas(counts).items()})
    validation["reliability"] = reliability(counts)
    uncertainty = uncertainty_probabilities(counts, threshold)
    if least_mean:
        uncertainty["least_mean"] = least_mean
    if entropies:
        uncertainty["entropy_bits"] = round(float(np.percentile(entropies, SURER_PERCENT)), 4)
    return Calibration(threshold, uncertainty, validation, counts, ranges_of([answer.looks for answer in answers]))


@dataclass(frozen=True, eq=False)
class _Answer:
    """What the network gave for one image, in half precision, and what is true."""

    probability: Volume
    truth: Volume
    unseen: np.ndarray | None
    group: str
    looks: ImageStatistics | None


def _answers(
    segmenter: Segments, images: Iterable[tuple[Any, ...]], progress: Progress | None, total: int | None
) -> tuple[list[_Answer], VoxelCounts | None]:
    answers, counts = [], None
    for number, (image, truth, *group) in enumerate(images):
        probability = segmenter.probability(image)
        if truth.voxels.any():
            one = VoxelCounts.of(probability, truth)
            counts = one if counts is None else counts + one
        looks = image_statistics(image)
        # Half precision keeps a few whole volumes in memory; the counts above saw all digits.
        kept = probability.with_voxels(probability.voxels.astype(np.float16))
        answers.append(_Answer(kept, truth, unseen_voxels(image), group[0] if group else "", looks))
        if progress:
            progress((number + 1) / total if total else 0.0, f"Calibrating on image {number + 1} of {total or '?'}")
    return answers, counts


def ranges_of(looks: Iterable[ImageStatistics | None], beyond: float = IMAGES_BEYOND) -> dict[str, list[float]]:
    """[lowest, highest] of each figure, with so many times their distance to spare on either side, but none below 0."""
    known = [asdict(one) for one in looks if one is not None]
    ranges = {}
    for name in known[0] if known else ():
        values = [figures[name] for figures in known]
        spare = beyond * (max(values) - min(values)) + 1e-3
        ranges[name] = [round(max(0.0, min(values) - spare), 4), round(max(values) + spare, 4)]
    return ranges


def _figures_at(
    threshold: float, answers: Sequence[_Answer]
) -> tuple[list[dict[str, float]], list[float], list[float]]:
    """Figures and mean probability of each mask, and the mean entropy of those, not empty, of images with a tumor."""
    figures, means, entropies = [], [], []
    for answer in answers:
        probability = answer.probability.with_voxels(answer.probability.voxels.astype(np.float32))
        mask = mask_from_probability(probability, threshold, unseen=answer.unseen)
        marked = probability.voxels[mask.voxels > 0]
        figures.append(compare(mask, answer.truth))
        means.append(float(marked.mean()) if marked.size else 0.0)
        if marked.size and answer.truth.voxels.any():
            entropies.append(mean_entropy_bits(marked))
    return figures, means, entropies


def _least_mean(figures: list[dict[str, float]], means: list[float], is_empty: list[bool]) -> float | None:
    """The mean probability that a mask must have to be shown: spares every one that found its tumor, with some room,
    unless more than MOST_FALSE_ALARMS of the images without a tumor would show something then.

    None when no tumor was found. To be found is a Dice above 0.5, as in Natali et al., arXiv 2511.05253.
    """
    found = [mean for figure, mean, empty in zip(figures, means, is_empty) if not empty and figure["dice"] > FOUND_DICE]
    if not found:
        return None
    sparing = 1 - DOUBT_TO_SPARE * (1 - min(found))
    alarms = sorted((mean for mean, empty in zip(means, is_empty) if empty), reverse=True)
    # Just surer than the first one that is too many, in half precision.
    silent = alarms[int(MOST_FALSE_ALARMS * len(alarms))] + 5e-4 if alarms else 0.0
    return round(max(sparing, silent), 4)


def _quartiles(figures: list[dict[str, float]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name in SUMMARISED:
        values = np.array([figure[name] for figure in figures if np.isfinite(figure[name])])
        if len(values):
            quartiles = np.percentile(values, (25, 50, 75))
            summary[name] = dict(zip(("q25", "median", "q75"), (round(float(value), 4) for value in quartiles)))
    summary["nothing_found"] = sum(figure["volume_ml"] == 0 for figure in figures)
    return summary


def write_calibration(folder: Path, calibration: Calibration, **more: object) -> None:
    """Put the calibration, and `more` entries about the validation data, into the model card of `folder`."""
    path = Path(folder) / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    card["threshold"] = calibration.threshold
    card["threshold_choice"] = THRESHOLD_CHOICE
    card["uncertainty"] = {
        **calibration.uncertainty,
        "choice": f"outer: its mask holds {SHELL_SHARE:.0%} of the tumor's voxels; inner: {SHELL_SHARE:.0%} of its "
        f"voxels are tumor; entropy_bits: {SURER_PERCENT} % of the masks have a lower mean entropy; least_mean: a mask "
        f"with a lower mean probability is not shown, {DOUBT_TO_SPARE} times the doubt of the least sure one with a "
        f"Dice above {FOUND_DICE}, or less where more than {MOST_FALSE_ALARMS:.0%} of boxes without a tumor would show "
        f"one (validation)",
    }
    if calibration.image_ranges:
        card["images"] = {
            "ranges": calibration.image_ranges,
            "choice": f"the range of the validation images, and {IMAGES_BEYOND:.0%} of it beyond",
        }
    card["validation"] = {**more, **calibration.validation}
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def add_eight_bits(
    folder: Path,
    images: Iterable[tuple[Any, ...]],
    threads: int | None = None,
    progress: Progress | None = None,
) -> str:
    """Choose the layers of a calibrated model for 8 bits and write them into its card; returns a sentence about it.

    images  as for calibrate(), those of one case one after the other: one half chooses, the other judges
    A model that does not agree well enough with itself in float32 keeps its card, and runs in float32.
    """
    model = load_model(folder)
    try:
        found = quantise_for_tumors(model, [image for image, *_ in images], threads, progress)
    except ModelError as reason:
        return f"Stays in float32: {reason}"
    agreement = found.agreement
    agrees = f"Dice {agreement.median:.4f} median, {agreement.worst:.4f} worst of {agreement.crops} crops"
    if not found.good_enough:
        return f"Stays in float32: in 8 bits its masks agree only to {agrees}."
    write_eight_bits(model, found)
    return f"In 8 bits its masks agree to {agrees}."
