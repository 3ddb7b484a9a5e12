"""The task `crop`: the tumor in a box that somebody drew around it, as in Natali et al. (arXiv 2511.05253)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import GeometryError
from ...segmentation.crop import crop
from ...segmentation.segment import segment
from ...values import Box, Volume
from ...values.defaults import DEFAULT_BOX_MARGIN_MM
from ..calibrate import add_eight_bits
from ..cases.case_files import CaseReader, forget_sweeps, load_case, load_varied_case
from ..cases.case_table import TRAINING, CaseRow
from ..cases.crop_sampling import CropSampling, empty_box, sample_crops
from ..cases.dataset import Case
from ..cases.disturbances import disturbed
from ..cases.labelled_image import LabelledImage
from ..cases.remaps import drawn_remap, remapped
from ..cases.sweep_variation import SweepVariation
from ..checked_fields import limited
from ..metrics import compare
from ..reporting.curves import VoxelCounts
from ..segmenters import warm_segmenter
from ..training.nnunet_trainer import NnunetTrainer
from ..training.recipe import Recipe, RecipeBook, default_network, quick_training, small_network
from ..training.volumes.trainer import NNUNET, WIDE, volumes_trainer_class
from . import tumor
from .task import CalibrationJob, CalibrationResult
from .trial import Trial, TrialResult

if TYPE_CHECKING:
    from ...segmentation.segmenter import Segmenter

NAME = "crop"
# A threshold has to serve boxes as they are drawn, not only tight ones.
VALIDATION_SAMPLING = CropSampling(straying=3)
# And those of a model that learned from other looks also tight boxes, and ones beside the tumor, that look otherwise.
LOOKS_OF_A_CASE, EMPTY_OF_A_CASE = 3, 4
WITHOUT_TUMOR = "without tumor"


@dataclass(frozen=True)
class CropRecipe(Recipe):
    """A recipe for boxes.

    margin_mm       around a tight box, before the network sees it
    sampling        which crops of a training case are made
    transforms      'nnunet': its own augmentation; 'wide': looks of other scanners, frequencies and settings, contrasts
                    of tumors, walls and vessels, drawn at the network's voxels (training/volumes)
    half_precision  bfloat16 where the processor computes in it
    """

    margin_mm: float = limited(DEFAULT_BOX_MARGIN_MM, least=0, most=999)
    sampling: CropSampling = CropSampling()
    transforms: str = limited(NNUNET, choices=(NNUNET, WIDE))
    half_precision: bool = False


PAPER = CropRecipe(**tumor.PAPER)
# Boxes at 1.5 mm: on a processor more is won by seeing more boxes than by seeing them finer (1 mm, a fifth as many
# boxes in the same time: a box 5 mm off cost the validation livers 0.17 of Dice).
RECOMMENDED = CropRecipe(**tumor.RECOMMENDED, sampling=CropSampling(straying=6, empty=3, empty_only=6, appearance=True))

# A training that goes on from the one before, in a wider world: the display is varied while it learns, hands, tracker
# and what else gets into a picture in the sweeps. The mean with the weights that it began with keeps what these knew of
# the simulator's own pictures. More boxes hold no tumor: false alarms are what a wider world brings first.
WIDER = CropRecipe(
    **{**tumor.RECOMMENDED, "name": "wide", "epochs": 64}, iterations=250, learning_rate=5e-4,
    start_from="crop-simulated-small", start_share=0.4, transforms=WIDE, half_precision=True,
    sampling=CropSampling(
        straying=6, empty=5, empty_only=10,
        variation=SweepVariation(dropped=0.6, tracking_mm=2.0, persistence=0.4, marks=0.2, gas=0.15),
    ),
)  # fmt: skip


def crop_images(reader: CaseReader, recipe: CropRecipe) -> Iterator[LabelledImage]:
    """The tight box around the tumor; of a training case also straying ones, and ones beside it."""
    row = reader.row
    sampling = recipe.sampling if row.split == TRAINING else CropSampling()
    load_varied = partial(load_varied_case, row, sampling.variation) if row.sweep else None
    for sampled in sample_crops(reader.case, recipe.margin_mm, sampling, zlib.crc32(row.case.encode()), load_varied):
        yield LabelledImage(sampled.name, (sampled.image,), sampled.mask)


def calibrate_crop(job: CalibrationJob) -> CalibrationResult:
    """Threshold and uncertainty, and then the layers that can be computed in 8 bits."""
    margin_mm = job.recipe.margin_mm if isinstance(job.recipe, CropRecipe) else 0.0
    is_wide = isinstance(job.recipe, CropRecipe) and job.recipe.transforms == WIDE
    looks = LOOKS_OF_A_CASE if is_wide else 0
    total = len(job.rows) * (1 + VALIDATION_SAMPLING.straying + (looks + EMPTY_OF_A_CASE * (1 + looks) if looks else 0))
    counts = tumor.calibrate_on(job, validation_boxes(job.rows, margin_mm, looks), total)
    sentence = add_eight_bits(job.model, validation_boxes(job.rows, margin_mm), job.threads, job.progress)
    return CalibrationResult(counts, sentence)


def validation_boxes(rows: Sequence[CaseRow], margin_mm: float, looks: int = 0) -> Iterator[tuple[Volume, Volume, str]]:
    """(ultrasound, truth, group): the tight and three straying boxes of each case; with `looks` the tight one with as
    many other looks, and EMPTY_OF_A_CASE beside the tumor, as they are and with as many.

    All of them reconstructed as in use, and not in the ways that training takes turns in.
    """
    for number, row in enumerate(rows):
        case = load_case(row)
        for sampled in sample_crops(partial(_always, case), margin_mm, VALIDATION_SAMPLING, number):
            yield sampled.image, sampled.mask, "tight" if sampled.name == "tight" else "straying"
            for look in range(looks if sampled.name == "tight" else 0):
                yield _with_other_look(sampled.image, [number, look, 602]), sampled.mask, "other looks"
        for place in range(EMPTY_OF_A_CASE if looks else 0):
            beside = empty_box(case, np.random.default_rng([number, place, 603]))
            if beside is None:
                continue
            image, truth = crop(case.volume, beside).volume, crop(case.tumor, beside).volume
            yield image, truth, WITHOUT_TUMOR
            for look in range(looks):
                yield _with_other_look(image, [number, place, look, 604]), truth, WITHOUT_TUMOR
        forget_sweeps()


def _with_other_look(image: Volume, seed: list[int]) -> Volume:
    random = np.random.default_rng(seed)
    return remapped(image, drawn_remap(random), random)


def _always(case: Case, fill: str, every: int) -> Case:
    return case


def evaluate_crop(folder: Path, trial: Trial) -> TrialResult:
    """The tight box around the truth with the model's margin; boxes without tumor; and disturbed boxes and sweeps."""
    settings, case = trial.settings, trial.reader.case()
    segmenter = warm_segmenter(folder, settings.device, settings.threads)
    box = Box.around_mask(case.tumor)
    result = segment(case.volume, box, segmenter, tight=True)
    seconds = sum(result.timings_s[step] for step in ("crop", "network", "mask"))
    truth = crop(case.tumor, box, segmenter.model.card.margin_mm).volume
    counts = VoxelCounts.of(result.probability, truth)
    alarms = [
        tumor.volume_ml(mask_in_box(case.volume, empty, segmenter, 0.0)) for empty in tumor.boxes_without_tumor(trial)
    ]
    tried = tumor.result_of(trial, case, result.mask, seconds, counts, alarms)
    return replace(tried, more={**tried.more, "robustness": _robustness(trial, segmenter)})


def mask_in_box(volume: Volume, box: Box, segmenter: Segmenter, margin_mm: float) -> Volume:
    """The mask on the grid of `volume`, as the product makes it."""
    return segment(volume, box.expanded(margin_mm), segmenter).mask


def _robustness(trial: Trial, segmenter: Segmenter) -> list[dict[str, Any]]:
    settings = trial.settings
    if settings.disturbances is None:
        return []
    curve = []
    margin_mm, case = segmenter.model.card.margin_mm, trial.reader.case()
    for one in disturbed(case, trial.reader.sweep(), settings.disturbances, trial.random(504), settings.spacing_mm):
        try:
            dice = compare(mask_in_box(one.volume, one.box, segmenter, margin_mm), one.truth)["dice"]
        except GeometryError:  # the box left the volume
            dice = 0.0
        curve.append({"kind": one.kind, "amount": one.amount, "dice": dice})
    return curve


def _quick(recipe: Recipe) -> Recipe:
    quick = quick_training(recipe)
    assert isinstance(quick, CropRecipe)
    return replace(quick, sampling=CropSampling(straying=1, empty=1))


TASK = tumor.tumor_task(
    name=NAME,
    summary="the tumor in a box around it",
    dataset="Dataset501_TumorCrops",
    recipes=RecipeBook(
        {recipe.name: recipe for recipe in (PAPER, RECOMMENDED, WIDER)},
        {"small": small_network, "default": default_network},
        _quick,
    ),
    cut_by=("margin_mm", "sampling"),
    images=crop_images,
    evaluate=evaluate_crop,
    calibrate=calibrate_crop,
    trainer=NnunetTrainer(volumes_trainer_class),
)
