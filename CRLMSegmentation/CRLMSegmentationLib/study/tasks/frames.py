"""The task `frames`: the tumor in single frames of live ultrasound, after Faanes et al. (see frames/planes.py)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...inference.image import Image
from ...segmentation.postprocess import mask_from_probability, unless_too_faint
from ...segmentation.segmenter import TUMOR
from ...values import LabelSet, Volume
from ..cases.case_files import CaseReader, forget_sweeps
from ..cases.case_table import TRAINING, CaseRow
from ..cases.labelled_image import LabelledImage
from ..frames.calibration import calibrate_planes
from ..frames.figures import over_planes, plane_figures
from ..frames.planes import LabelledPlane, planes_of, resampled
from ..metrics import Metric
from ..reporting import frame_sections, sections
from ..reporting.report_page import ReportPlan
from ..segmenters import segmenter_of, warm_segmenter
from ..training.frames_trainer import FramesRecipe, frames_trainer_class
from ..training.nnunet_trainer import NnunetTrainer
from ..training.recipe import Recipe, RecipeBook, default_network, quick_training, small_network
from .task import CalibrationJob, CalibrationResult, Task
from .trial import Trial, TrialResult

NAME = "frames"
# Of each case: means over its planes with tumor; see figures.HOW_EMPTY_COUNTS.
METRICS = (
    Metric("dice", "Dice of a plane", 1, of_each_case=True),
    Metric("precision", "precision", 1),
    Metric("recall", "recall", 1),
    Metric("fnr", "false negative rate", -1),
    Metric("pp", "planes with tumor in which anything is outlined", 1, of_each_case=True),
    Metric("empty_outlined", "planes without tumor in which anything is outlined", -1, of_each_case=True),
    Metric("time_s", "time, frame to outline (s)"),
)
# Pixels of 1.5 mm: the picture of an intraoperative probe, some 120 x 90 mm, is then little more than one window of the
# network, a tumor of 35 mm2 is 4 pixels across, and speckle is averaged away. A frame takes half of the time that it
# takes at 1 mm, and so does an iteration. It is the recipe of the model that ships.
RECOMMENDED = FramesRecipe(
    spacing_mm=1.5, patch_percentile=None, gpu_memory_gb=0.1, learning_rate=2e-3, epochs=180, iterations=80,
    oversample=0.5, transforms="fast",
)  # fmt: skip
# As Faanes et al.: nnU-Net's own 2D plan, only planes with tumor, DA5 as it is.
PAPER = FramesRecipe(
    name="paper", spacing_mm=None, averaging=False, base_features=None, max_features=None, patch_percentile=None,
    gpu_memory_gb=None, optimizer="sgd", learning_rate=1e-2, weight_decay=3e-5, oversample=0.33, epochs=1000,
    iterations=250, frames="tumor", upright=False,
)  # fmt: skip


def plane_images(reader: CaseReader, recipe: FramesRecipe) -> Iterator[LabelledImage]:
    """Planes of a case at the network's pixels; of a training case only those that the recipe wants."""
    for plane in planes_of(reader, recipe.every):
        if reader.row.split == TRAINING and not is_learned_from(plane, recipe):
            continue
        picture, tumor = resampled(plane, recipe.spacing_mm or min(plane.spacing_mm))
        yield LabelledImage(plane.name, (picture,), tumor, "tumor" if plane.area_mm2 else "empty")


def is_learned_from(plane: LabelledPlane, recipe: FramesRecipe) -> bool:
    """True when the recipe has a plane with so much tumor."""
    if not plane.area_mm2:
        return recipe.frames == "all"
    return plane.area_mm2 >= recipe.least_area_mm2


def calibrate_frames(job: CalibrationJob) -> CalibrationResult:
    """The threshold, from the frames of the validation cases."""
    segmenter = segmenter_of(job.model, job.device, job.threads)
    pixel_mm = job.recipe.spacing_mm

    def planes() -> Iterator[tuple[Volume, Volume]]:
        for row in job.rows:
            for plane in planes_of(CaseReader(row), every=2):
                yield resampled(plane, pixel_mm or min(plane.spacing_mm))
            forget_sweeps()

    return CalibrationResult(calibrate_planes(job.model, segmenter, planes(), len(job.rows), job.progress))


def evaluate_frames(folder: Path, trial: Trial) -> TrialResult:
    """Every plane of the case at its own pixels, as in use: outlined, and compared."""
    segmenter = warm_segmenter(folder, trial.settings.device, trial.settings.threads)
    card, origin = segmenter.model.card, trial.row.label_origin
    planes: list[dict[str, Any]] = []
    seconds: list[float] = []
    shown: dict[str, np.ndarray] = {}
    largest = 0.0
    for plane in planes_of(trial.reader):
        started = time.perf_counter()
        prediction = segmenter.predictor.predict(Image.of_frame(plane.pixels, plane.spacing_mm), [TUMOR])
        probability = Volume(prediction.of(TUMOR), np.diag([*plane.spacing_mm[::-1], 1.0, 1.0]))
        mask = unless_too_faint(mask_from_probability(probability, card.threshold, "all"), probability, card)
        seconds.append(time.perf_counter() - started)
        found, pixel_mm2 = mask.voxels[0] > 0, plane.spacing_mm[0] * plane.spacing_mm[1]
        figures = plane_figures(found, plane.tumor, pixel_mm2)
        tracked = plane_figures(found, plane.as_tracked, pixel_mm2) if plane.as_tracked is not None else None
        planes.append({"plane": plane.name, "label_origin": origin, **figures,
                       **({"dice_as_tracked": tracked["dice"]} if tracked else {})})  # fmt: skip
        if figures["area_mm2"] > largest:
            largest = figures["area_mm2"]
            shown = {"ultrasound": plane.pixels, "truth": plane.tumor, trial.method: found}
    total = over_planes(planes)
    means = {name: total[name]["mean"] for name in ("dice", "precision", "recall", "fnr")}
    rest = {"pp": total["pp"], "empty_outlined": total["empty_outlined"], "time_s": float(np.median(seconds))}
    return TrialResult({**means, **rest}, {"planes": planes}, shown)


def about_cases(rows: Sequence[CaseRow]) -> dict[str, Any]:
    """For the card: on which kinds of images the labels were drawn."""
    return {"label_origins": sorted({row.label_origin for row in rows if row.mask})}


def _quick(recipe: Recipe) -> Recipe:
    return replace(quick_training(recipe), spacing_mm=3.0)


TASK = Task(
    name=NAME,
    summary="the tumor in single frames",
    dataset="Dataset503_Frames",
    dimension=2,
    channels=("B-mode",),
    labels=LabelSet.of_names(TUMOR),
    metrics=METRICS,
    recipes=RecipeBook(
        {recipe.name: recipe for recipe in (PAPER, RECOMMENDED)},
        {"small": small_network, "default": default_network},
        _quick,
    ),
    cut_by=("frames", "every", "least_area_mm2", "spacing_mm"),
    images=plane_images,
    trainer=NnunetTrainer(frames_trainer_class),
    evaluate=evaluate_frames,
    report=ReportPlan(
        (frame_sections.frame_summaries,),
        (
            frame_sections.introduction, frame_sections.required_figures, frame_sections.tables, sections.all_cases,
            frame_sections.pictures, sections.each_case,
        ),
    ),
    calibrate=calibrate_frames,
    about_cases=about_cases,
)  # fmt: skip
