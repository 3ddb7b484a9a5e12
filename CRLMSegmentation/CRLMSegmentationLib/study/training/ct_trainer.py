"""nnU-Net as the trainer of tasks on CTs: windows of HU, cases annotated in part, left and right kept apart, patches
around vessels and tumors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...preoperative.structures import LIVER, VALUES
from .export import WEIGHTS
from .half_precision import computes_in_bfloat16
from .nnunet_trainer import NnunetTrainer
from .planning import is_planned, is_preprocessed, plan, preprocess
from .recipe import Recipe
from .train import train
from .trainer import study_trainer_class
from .windowing import show_wide_window, with_windowing

if TYPE_CHECKING:
    from ..tasks.task import TrainingJob


@dataclass(frozen=True)
class CtTrainer(NnunetTrainer):
    """Follows a recipe with nnU-Net.

    is_partial  the data set says what was annotated in each case
    """

    is_partial: bool = True

    def train(self, job: TrainingJob) -> Path:
        """Plan, preprocess and train what is not done yet; returns the checkpoint. Raises ConfigurationError."""
        dataset, recipe = job.dataset, job.recipe
        if not is_planned(dataset, recipe):
            plan(dataset, recipe)
            plans = json.loads(dataset.plans.read_text(encoding="utf-8"))
            show_wide_window(plans)
            dataset.plans.write_text(json.dumps(plans, indent=4) + "\n", encoding="utf-8")
        if not is_preprocessed(dataset):
            preprocess(dataset, job.progress, job.workers, job.scheduler)
        trained = train(
            dataset, recipe, job.device, job.threads, job.progress, job.gpus,
            trainer_class=partial(ct_trainer_class, is_partial=self.is_partial),
        )  # fmt: skip
        return trained / WEIGHTS


def ct_trainer_class(recipe: Recipe, is_partial: bool) -> type[Any]:
    """A subclass of nnU-Net's trainer for `recipe`, named StudyTrainer.

    A mirrored patient has the liver where the spleen should be: nothing is mirrored.
    """
    import torch

    windowed: Any = with_windowing(study_trainer_class(recipe), bool(getattr(recipe, "random_windows", False)))
    half_precision, small_structures = (
        bool(getattr(recipe, name, False)) for name in ("half_precision", "small_structures")
    )

    class CtStudyTrainer(windowed):  # type: ignore[misc]  # nnU-Net has no types
        def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> tuple[Any, Any, Any, None]:  # noqa: N802
            rotation, flat, patch, _ = super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
            self.inference_allowed_mirroring_axes = None
            return rotation, flat, patch, None

        def get_tr_and_val_datasets(self) -> tuple[Any, Any]:
            training, validation = super().get_tr_and_val_datasets()
            if small_structures:
                _centre_on_small_structures(training)
                _centre_on_small_structures(validation)
            return training, validation

        def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
            in_half = half_precision and self.device.type == "cpu" and computes_in_bfloat16()
            with torch.autocast("cpu", torch.bfloat16, enabled=in_half):
                result: dict[str, Any] = super().train_step(batch)
            return result

    CtStudyTrainer.__name__ = CtStudyTrainer.__qualname__ = windowed.__name__
    if not is_partial:
        return CtStudyTrainer
    from .partial_trainer import with_partial_labels

    return with_partial_labels(CtStudyTrainer)


def _centre_on_small_structures(dataset: Any) -> None:
    """Changes what one of nnU-Net's data sets says of where its structures lie, which patches are centred on."""
    load_case = dataset.load_case

    def load_with_small_structures(name: str) -> Any:
        *images, properties = load_case(name)
        where = small_structures_of(properties["class_locations"])
        return *images, {**properties, "class_locations": where}

    dataset.load_case = load_with_small_structures


def small_structures_of(locations: Mapping[Any, Any]) -> dict[Any, Any]:
    """nnU-Net's places of each label or region without those of the liver, where there is anything else.

    nnU-Net draws a structure, and then one of its voxels; the liver, which fills most patches anyway, would take a
    third of the draws.
    """
    places = {key: voxels for key, voxels in locations.items() if len(voxels)}
    small = {key: voxels for key, voxels in places.items() if not _is_of_liver(key)}
    return small if any(not _is_of_all(key) for key in small) else places


def _is_of_liver(key: Any) -> bool:
    return VALUES[LIVER] in (key if isinstance(key, tuple) else (key,)) and not _is_of_all(key)


def _is_of_all(key: Any) -> bool:
    """nnU-Net's own entry for everything that was annotated, beside an ignore label."""
    return isinstance(key, tuple) and -1 in key
