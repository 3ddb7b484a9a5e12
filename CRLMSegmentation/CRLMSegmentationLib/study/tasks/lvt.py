"""The tasks `lvt`: liver, vessels and tumors in a CT, from cases of which not every structure was annotated.

Natali et al., Towards clinical application of liver, vessel, and tumor segmentation using partially labeled data,
compare three ways to learn from such cases, each a task here:

    lvt-mc   multi-class: one label a voxel, voxels whose label nobody knows are masked (nnU-Net's ignore label)
    lvt-mlx  multi-label exclusive: a sigmoid for each structure, liver being what is neither vessel nor tumor
    lvt      multi-label overlapping: a sigmoid for each structure, the liver being whole
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConfigurationError, ModelError
from ...files import read_volume
from ...inference.models.card import CARD
from ...inference.models.trained_model import load_model
from ...inference.predictor import LocalPredictor
from ...inference.runtimes import openvino_runtime
from ...preoperative import structures
from ...preoperative.find_structures import NoLiverError, find_structures
from ...preoperative.network_grid import coarser
from ...preoperative.structures import LIVER, TUMOR, VALUES, VESSELS, Structures, structures_of_map
from ...values import Label, LabelSet, Volume
from ..cases.case_files import CaseReader
from ..cases.case_table import TRAINING, CaseRow
from ..cases.ct_population import QUICK, SHIPPED, simulate_cts
from ..cases.labelled_image import LabelledImage
from ..checked_fields import limited
from ..reporting import sections
from ..reporting.lvt_sections import (
    lvt_introduction,
    lvt_summaries,
    means_of_structures,
    required_structures,
)
from ..reporting.partial_sets_section import partial_sets
from ..reporting.report_page import ReportPlan
from ..structure_metrics import STRUCTURE_METRICS, compare_structures
from ..training.ct_trainer import FAST, NETWORKS, NNUNET, PLANNED, CtTrainer
from ..training.recipe import Recipe, RecipeBook, quick_training
from .task import CalibrationJob, CalibrationResult, SimulationOf, Task
from .trial import Trial, TrialResult

IGNORED = 4
EXCLUSIVE = LabelSet(
    # Twice the same value: to nnU-Net a region, so that each has a sigmoid of its own.
    (Label("background", 0), *(Label(name, (value, value)) for name, value in VALUES.items())),
    regions_class_order=(1, 2, 3),
)
MULTI_CLASS = LabelSet(
    (Label("background", 0), *(Label(name, value) for name, value in VALUES.items()), Label("ignore", IGNORED))
)
LABELLED, COMPLETE, EVERYTHING = "labelled", "complete", "everything"


@dataclass(frozen=True)
class CtRecipe(Recipe):
    """A recipe for CTs.

    annotations     'labelled': all cases, each with what the table says was annotated; 'complete': only those in which
                    everything was; 'everything': all cases with all that their masks hold, for simulated ones
    random_windows  the window through which the network sees a CT varies in training (training/windowing.py)
    small_structures  patches that are centred on a structure are centred on a vessel or tumor, not on the liver
    half_precision  bfloat16 where the processor computes in it
    transforms      nnU-Net's own, 'nnunet', or 'fast': those of training/ct_batches.py, which a processor makes while
                    it learns
    network         'planned' by nnU-Net, or one of training/ct_trainer.NETWORKS
    """

    annotations: str = limited(LABELLED, choices=(LABELLED, COMPLETE, EVERYTHING))
    random_windows: bool = True
    small_structures: bool = True
    half_precision: bool = True
    transforms: str = limited(FAST, choices=(NNUNET, FAST))
    network: str = limited(PLANNED, choices=(PLANNED, *NETWORKS))


# For a processor; the shipped model is 'everything' of it.
_SMALL: dict[str, Any] = dict(
    spacing_mm=2.0, averaging=False, base_features=16, max_features=128, patch_percentile=None, gpu_memory_gb=0.9,
    oversample=0.67, epochs=30, iterations=50, batch_dice=True, learning_rate=2e-3, network="residual-unet",
)  # fmt: skip
# The settings of the comparison: a quarter of the cases annotated in full, with and without the others, and all.
RECIPES = {
    name: CtRecipe(**_SMALL, name=name, annotations=annotations, random_windows=random_windows)
    for name, annotations, random_windows in (
        ("recommended", LABELLED, True),
        ("without-windowing", LABELLED, False),
        ("complete", COMPLETE, True),
        ("everything", EVERYTHING, True),
    )
}


# One for all three tasks: they learn from the same cases.
_SIMULATE = SimulationOf(simulate_cts, SHIPPED, QUICK)


def _small(recipe: Recipe) -> Recipe:
    return recipe


def _default(recipe: Recipe) -> Recipe:
    """nnU-Net's own network, at 1.5 mm, for a graphics card."""
    assert isinstance(recipe, CtRecipe)
    return replace(
        recipe, spacing_mm=1.5, base_features=None, max_features=None, gpu_memory_gb=None, epochs=1000, iterations=250,
        learning_rate=1e-3, network=PLANNED, transforms=NNUNET,
    )  # fmt: skip


def labelled_in(row: CaseRow, recipe: CtRecipe) -> tuple[str, ...] | None:
    """Structures that were annotated in a case; None for all. Raises ConfigurationError for one that is none."""
    if not row.labelled or recipe.annotations == EVERYTHING:
        return None
    names = tuple(row.labelled.replace(",", " ").split())
    for name in names:
        if name not in VALUES:
            raise ConfigurationError(f"'{name}' was labelled in {row.case}; structures are {', '.join(VALUES)}.")
    return names if len(set(names)) < len(VALUES) else None


def read_truth(row: CaseRow) -> Structures:
    """The true structures of a case. Raises ConfigurationError when its mask holds other values."""
    label_map = read_volume(row.mask)
    if not set(np.unique(label_map.voxels).tolist()) <= {0, *VALUES.values()}:
        values = ", ".join(f"{value} {name}" for name, value in VALUES.items())
        raise ConfigurationError(f"The mask of {row.case} may hold the values 0, {values}, and holds others.")
    return structures_of_map(label_map.with_voxels(label_map.voxels.astype(np.uint8)))


def images_of(reader: CaseReader, recipe: CtRecipe, is_multi_class: bool) -> Iterator[LabelledImage]:
    """The whole CT at the network's voxels, and of its structures what was annotated."""
    row = reader.row
    labelled = labelled_in(row, recipe)
    if row.split == TRAINING and recipe.annotations == COMPLETE and labelled is not None:
        return
    spacing = recipe.spacing_mm or 1.5
    ct, truth = read_volume(row.volume), read_truth(row)
    coarse = coarser(ct, (spacing,) * 3)
    label_map = np.zeros(coarse.hu.shape, dtype=np.uint8)
    for name, value in VALUES.items():
        mask = truth.mask(name).with_voxels(truth.mask(name).voxels.astype(np.float32))
        label_map[coarser(mask, (spacing,) * 3).hu >= 0.5] = value
    grid = Volume(np.rint(coarse.hu).astype(np.int16), np.diag([*coarse.spacing_mm[::-1], 1.0]))
    known = labels_to_learn(label_map, labelled, is_multi_class)
    yield LabelledImage("", (grid,), grid.on_grid(known))


def labels_to_learn(label_map: np.ndarray, labelled: Sequence[str] | None, is_multi_class: bool) -> np.ndarray:
    """uint8 of the shape of `label_map` (VALUES): what is left of it when only `labelled` was annotated.

    With one label a voxel, IGNORED wherever it cannot be known which: outside of a liver that was not annotated, and
    within one in which vessels or tumors may lie.
    """
    if labelled is None:
        return label_map
    is_known = {name: name in labelled for name in VALUES}
    left = np.where(label_map > 0, np.uint8(VALUES[LIVER]), np.uint8(0)) if is_known[LIVER] else 0 * label_map
    if is_multi_class:
        if not is_known[LIVER]:
            left = np.full_like(label_map, IGNORED)
        elif not (is_known[VESSELS] and is_known[TUMOR]):
            left[label_map > 0] = IGNORED
    for name in (VESSELS, TUMOR):
        if is_known[name]:
            left[label_map == VALUES[name]] = VALUES[name]
    return left


def overlapping_images(reader: CaseReader, recipe: CtRecipe) -> Iterator[LabelledImage]:
    """For sigmoids."""
    return images_of(reader, recipe, is_multi_class=False)


def multi_class_images(reader: CaseReader, recipe: CtRecipe) -> Iterator[LabelledImage]:
    """For one label a voxel."""
    return images_of(reader, recipe, is_multi_class=True)


@lru_cache(maxsize=4)
def _predictor(folder: Path, device: str, threads: int) -> LocalPredictor:
    """In float32: by OpenVINO where it is installed and agrees with torch, which takes five times as long for such
    networks (30 s for a CT of 118 x 178 x 178 voxels, one core of an AMD EPYC).
    """
    model = load_model(folder)
    if device == "cpu" and openvino_runtime.is_installed():
        try:
            return LocalPredictor(model, device=device, threads=threads, runtime="openvino")
        except ModelError:
            pass  # it does not agree, or cannot
    return LocalPredictor(model, device=device, threads=threads)


def _found_in(ct: Volume, predictor: LocalPredictor) -> Structures:
    """What the model marks; a model that marks no liver has found nothing, which counts as any other answer."""
    try:
        return find_structures(ct, predictor)
    except NoLiverError:
        return structures_of_map(ct.on_grid(np.zeros(ct.voxels.shape, dtype=np.uint8)))


def evaluate_lvt(folder: Path, trial: Trial) -> TrialResult:
    """The whole CT, and what is found in it."""
    ct, truth = read_volume(trial.row.volume), read_truth(trial.row)
    predictor = _predictor(folder, trial.settings.device, trial.settings.threads)
    started = time.perf_counter()
    found = _found_in(ct, predictor)
    seconds = time.perf_counter() - started
    return TrialResult({**compare_structures(found, truth), "time_s": seconds})


def validate_lvt(job: CalibrationJob) -> CalibrationResult:
    """The figures of the validation cases, into the model's card; the threshold stays 0.5."""
    predictor = _predictor(job.model, job.device, job.threads or 1)
    figures = []
    for number, row in enumerate(job.rows):
        figures.append(compare_structures(_found_in(read_volume(row.volume), predictor), read_truth(row)))
        if job.progress:
            job.progress((number + 1) / len(job.rows), f"Validating on case {number + 1} of {len(job.rows)}")
    means = {
        metric.key: round(float(np.nanmean([one[metric.key] for one in figures])), 4)
        for metric in STRUCTURE_METRICS
        if metric.key in figures[0] and not all(np.isnan(one[metric.key]) for one in figures)
    }
    path = job.model / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    card["threshold"] = structures.THRESHOLD
    card["threshold_choice"] = "0.5 for every structure, not tuned"
    card["validation"] = {"cases": len(figures), "mean": means}
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return CalibrationResult({"mean": means})


def _task(name: str, summary: str, number: int, labels: LabelSet, images: Callable[..., Any], is_partial: bool) -> Task:
    return Task(
        name=name,
        summary=summary,
        dataset=f"Dataset{number}_{name.replace('-', '').upper()}",
        dimension=3,
        channels=("CT",),
        labels=labels,
        metrics=STRUCTURE_METRICS,
        recipes=RecipeBook(RECIPES, {"small": _small, "default": _default}, quick_training),
        cut_by=("spacing_mm", "annotations"),
        images=images,
        trainer=CtTrainer(is_partial=is_partial),
        evaluate=evaluate_lvt,
        report=ReportPlan(
            (lvt_summaries,),
            (
                lvt_introduction,
                required_structures,
                means_of_structures,
                partial_sets,
                sections.all_cases,
                sections.each_case,
            ),
        ),
        calibrate=validate_lvt,
        labelled=labelled_in if is_partial else _no_list,
        data="CTs of livers",
        simulate=_SIMULATE,
    )


def _no_list(row: CaseRow, recipe: CtRecipe) -> None:
    """The label maps say it themselves."""
    labelled_in(row, recipe)


TASK = _task("lvt", "liver, vessels and tumors in a CT, overlapping", 504, structures.LABELS, overlapping_images, True)
EXCLUSIVE_TASK = _task(
    "lvt-mlx", "the same with a liver that is neither vessel nor tumor", 505, EXCLUSIVE, overlapping_images, True
)
MULTI_CLASS_TASK = _task("lvt-mc", "the same with one label a voxel", 506, MULTI_CLASS, multi_class_images, False)
