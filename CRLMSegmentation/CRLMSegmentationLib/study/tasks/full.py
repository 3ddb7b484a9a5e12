"""The task `full`: the tumor in the whole volume, as the model that Natali et al. (arXiv 2511.05253) compare with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...segmentation.crop import crop
from ...segmentation.postprocess import mask_by_card, unseen_voxels
from ...values import Volume
from ..cases.case_files import CaseReader, forget_sweeps, load_case
from ..cases.case_table import CaseRow
from ..cases.labelled_image import LabelledImage
from ..reporting.curves import VoxelCounts
from ..segmenters import warm_segmenter
from ..training.recipe import Recipe, RecipeBook, default_network, quick_training
from . import tumor
from .task import CalibrationJob, CalibrationResult
from .trial import Trial, TrialResult

PAPER, RECOMMENDED = Recipe(**tumor.PAPER), Recipe(**tumor.RECOMMENDED)


def small_whole_volumes(recipe: Recipe) -> Recipe:
    """Whole volumes at 2 mm: most fit one patch, so that the network sees all around the tumor."""
    # An iteration takes three times as long as one on boxes, and there is a tenth of the images.
    epochs = 20 if recipe.name == RECOMMENDED.name else recipe.epochs
    return replace(
        recipe, spacing_mm=2.0, patch_percentile=80.0, gpu_memory_gb=0.2, oversample=0.67, epochs=epochs
    )  # fmt: skip


def whole_volume(reader: CaseReader, recipe: Recipe) -> Iterator[LabelledImage]:
    """The volume of a case with a tumor; none of a case without."""
    if reader.row.mask:
        case = reader.case()
        yield LabelledImage("", (case.volume,), case.tumor)


def calibrate_full(job: CalibrationJob) -> CalibrationResult:
    """Threshold and uncertainty from whole volumes."""
    return CalibrationResult(tumor.calibrate_on(job, validation_volumes(job.rows), len(job.rows)))


def validation_volumes(rows: Sequence[CaseRow]) -> Iterator[tuple[Volume, Volume, str]]:
    """(ultrasound, truth, group) of each case."""
    for row in rows:
        case = load_case(row)
        yield case.volume, case.tumor, "whole"
        forget_sweeps()


def evaluate_full(folder: Path, trial: Trial) -> TrialResult:
    """The whole volume; what it finds in boxes without tumor is cut out of its mask."""
    settings, case = trial.settings, trial.reader.case()
    segmenter = warm_segmenter(folder, settings.device, settings.threads)
    started = time.perf_counter()
    probability = segmenter.probability(case.volume)
    mask = mask_by_card(probability, segmenter.model.card, unseen_voxels(case.volume))
    seconds = time.perf_counter() - started
    counts = VoxelCounts.of(probability, case.tumor)
    alarms = [tumor.volume_ml(crop(mask, empty).volume) for empty in tumor.boxes_without_tumor(trial)]
    return tumor.result_of(trial, case, mask, seconds, counts, alarms)


TASK = tumor.tumor_task(
    name="full",
    summary="the tumor in the whole volume",
    dataset="Dataset502_WholeVolumes",
    recipes=RecipeBook(
        {recipe.name: recipe for recipe in (PAPER, RECOMMENDED)},
        {"small": small_whole_volumes, "default": default_network},
        quick_training,
    ),
    cut_by=(),
    images=whole_volume,
    evaluate=evaluate_full,
    calibrate=calibrate_full,
)
