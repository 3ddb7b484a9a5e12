"""What the tasks that find the tumor in an ultrasound volume have in common: truth, figures, click, calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...geometry import transform_points
from ...segmentation.crop import crop
from ...segmentation.segmenter import TUMOR
from ...values import Box, LabelSet, Volume
from ...values.defaults import DEFAULT_SPACING_MM
from ..calibrate import calibrate, write_calibration
from ..cases.case_files import CaseReader, mask_of
from ..cases.case_table import CaseRow
from ..cases.crop_sampling import empty_box
from ..cases.dataset import Case
from ..cases.labelled_image import LabelledImage
from ..metrics import MASK_METRICS, compare
from ..reporting import sections, tumor_sections
from ..reporting.report_page import ReportPlan
from ..reporting.tumor_summaries import tumor_summaries
from ..segmenters import segmenter_of
from ..training.nnunet_trainer import NnunetTrainer
from ..training.recipe import RecipeBook
from ..tumor_methods import SEMI
from .task import CalibrationJob, CalibrationResult, Task, Trainer
from .trial import Trial, TrialResult

if TYPE_CHECKING:
    from ..reporting.curves import VoxelCounts

REPORT = ReportPlan(
    summaries=(tumor_summaries,),
    sections=(
        tumor_sections.introduction, tumor_sections.required_figures, sections.all_cases, sections.by_split,
        tumor_sections.violins, tumor_sections.paired_tests, tumor_sections.observers,
        tumor_sections.strata, tumor_sections.thresholds,
        tumor_sections.curves, tumor_sections.reliability, tumor_sections.robustness, tumor_sections.contours,
        tumor_sections.recordings, tumor_sections.frames, tumor_sections.each_case,
    ),
)  # fmt: skip
# Natali et al., arXiv 2511.05253: no augmentation, Adam, initial rate 0.01, polynomial decay, Dice and cross-entropy,
# and else nnU-Net's own plan.
PAPER: dict[str, Any] = dict(
    name="paper", augmentation=False, optimizer="adam", learning_rate=0.01, weight_decay=0.0, batch_dice=False,
    averaging=False, oversample=0.33, epochs=1000, iterations=250,
)  # fmt: skip
# Voxels are means: after as many iterations the Dice of the validation patches was 0.03 to 0.08 higher than with
# nnU-Net's spline, from epoch 60 on.
RECOMMENDED: dict[str, Any] = dict(name="recommended", epochs=350)
# To be found in the sense of Natali et al. (arXiv 2511.05253): by overlap and not by any touch.
FOUND_DICE = 0.5


def click(trial: Trial) -> TrialResult:
    """Region growing from one click, as a technician would place it.

    A voxel of the truth deeper than half of its largest depth, drawn at random.
    """
    from scipy import ndimage

    from ...segmentation.region_growing import grow_region

    case, random = trial.reader.case(), trial.random(503)
    depth = ndimage.distance_transform_edt(np.pad(case.tumor.voxels > 0, 1), sampling=case.volume.spacing_mm[::-1])
    deep = np.argwhere(depth > depth.max() / 2) - 1
    seed_ras = transform_points(case.volume.ijk_to_ras, deep[random.integers(len(deep))][::-1])
    started = time.perf_counter()
    mask = grow_region(case.volume, seed_ras).mask
    seconds = time.perf_counter() - started
    block = around_tumor(case.volume, case)
    shown = {"ultrasound": block.voxels, "truth": around_tumor(case.tumor, case).voxels, "spacing_mm": block.spacing_mm}
    return TrialResult(figures_of(mask, case, seconds), arrays={**shown, trial.method: around_tumor(mask, case).voxels})


def figures_of(mask: Volume, case: Case, seconds: float) -> dict[str, Any]:
    """Of MASK_METRICS, and whether the tumor was found."""
    figures = compare(mask, case.tumor)
    return {**figures, "found": figures["dice"] > FOUND_DICE, "time_s": seconds}


def result_of(
    trial: Trial, case: Case, mask: Volume, seconds: float, counts: VoxelCounts, alarms_ml: Sequence[float]
) -> TrialResult:
    """What a network gave: its mask, the counts of voxels that it saw, and its volumes in boxes without tumor."""
    more = {"counts": counts.as_plain(), "empty_boxes_ml": list(alarms_ml)}
    return TrialResult(figures_of(mask, case, seconds), more, {trial.method: around_tumor(mask, case).voxels})


def around_tumor(volume: Volume, case: Case) -> Volume:
    """A block around the tumor, for pictures."""
    return crop(volume, Box.around_mask(case.tumor), 20.0).volume


def boxes_without_tumor(trial: Trial) -> list[Box]:
    """As many as the settings ask for, and the case has room for."""
    random = trial.random(502)
    boxes = [empty_box(trial.reader.case(), random) for _ in range(trial.settings.empty_boxes)]
    return [box for box in boxes if box is not None]


def volume_ml(mask: Volume) -> float:
    """Of all that is not 0."""
    return float((mask.voxels > 0).sum()) * mask.voxel_volume_mm3 / 1000


def about_cases(rows: Sequence[CaseRow]) -> dict[str, Any]:
    """For the card: the range of the tumors, and how the volumes were made."""
    return {
        "tumor_volume_ml": tumor_volume_range(rows),
        "reconstruction": f"{DEFAULT_SPACING_MM:g} mm, nearest neighbour, mean",
    }


def tumor_volume_range(rows: Sequence[CaseRow]) -> list[float] | None:
    """[smallest, largest] tumor of the cases in mL; None where that is no range."""
    volumes = []
    for row in rows:
        if row.mask:
            mask = mask_of(row)
            volumes.append(volume_ml(mask))
    smallest, largest = (round(extreme(volumes), 3) for extreme in (min, max)) if volumes else (0.0, 0.0)
    return [smallest, largest] if smallest < largest else None


def calibrate_on(job: CalibrationJob, images: Iterable[tuple[Volume, Volume, str]], total: int) -> dict[str, Any]:
    """Threshold and uncertainty of a model from `images` (see calibrate()), into its card; returns voxel counts."""
    segmenter = segmenter_of(job.model, job.device, job.threads)
    found = calibrate(segmenter, images, job.progress, total)
    write_calibration(job.model, found, cases=len(job.rows))
    return found.counts.as_plain()


def tumor_task(
    name: str,
    summary: str,
    dataset: str,
    recipes: RecipeBook,
    cut_by: tuple[str, ...],
    images: Callable[[CaseReader, Any], Iterator[LabelledImage]],
    evaluate: Callable[[Path, Trial], TrialResult],
    calibrate: Callable[[CalibrationJob], CalibrationResult],
    trainer: Trainer | None = None,
) -> Task:
    """The row of a task that finds the tumor in an ultrasound volume, from what is its own; see Task."""
    return Task(
        name, summary, dataset, dimension=3, channels=("B-mode",), labels=LabelSet.of_names(TUMOR),
        metrics=MASK_METRICS, recipes=recipes, cut_by=cut_by, images=images, trainer=trainer or NnunetTrainer(),
        evaluate=evaluate, report=REPORT, calibrate=calibrate, baselines={SEMI: click}, about_cases=about_cases,
    )  # fmt: skip
