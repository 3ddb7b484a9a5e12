"""nnU-Net as the trainer of tasks on CTs: windows of HU, cases annotated in part, left and right kept apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .export import WEIGHTS
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
    windowed: Any = with_windowing(study_trainer_class(recipe), bool(getattr(recipe, "random_windows", False)))

    class CtStudyTrainer(windowed):  # type: ignore[misc]  # nnU-Net has no types
        def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> tuple[Any, Any, Any, None]:  # noqa: N802
            rotation, flat, patch, _ = super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
            self.inference_allowed_mirroring_axes = None
            return rotation, flat, patch, None

    CtStudyTrainer.__name__ = CtStudyTrainer.__qualname__ = windowed.__name__
    if not is_partial:
        return CtStudyTrainer
    from .partial_trainer import with_partial_labels

    return with_partial_labels(CtStudyTrainer)
