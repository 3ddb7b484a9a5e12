"""nnU-Net as a task's trainer: planned, preprocessed, trained and exported with its own classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...inference.models.card import ModelCard
from ...inference.models.trained_model import load_model
from .export import WEIGHTS, export_model
from .planning import is_planned, is_preprocessed, plan, preprocess
from .train import train
from .trainer import TrainerClass, study_trainer_class

if TYPE_CHECKING:
    from ..tasks.task import TrainingJob


@dataclass(frozen=True)
class NnunetTrainer:
    """Follows a recipe with nnU-Net.

    trainer_class  makes the class of nnU-Net's trainer for the recipe, such as one with another loss; the class has to
                   be called StudyTrainer, and the function importable by name
    """

    trainer_class: TrainerClass = study_trainer_class

    def train(self, job: TrainingJob) -> Path:
        """Plan, preprocess and train what is not done yet; returns the checkpoint. Raises ConfigurationError."""
        dataset, recipe = job.dataset, job.recipe
        if not is_planned(dataset, recipe):
            plan(dataset, recipe)
        if not is_preprocessed(dataset):
            preprocess(dataset, job.progress, job.workers, job.scheduler)
        trained = train(
            dataset, recipe, job.device, job.threads, job.progress, job.gpus, trainer_class=self.trainer_class
        )
        return trained / WEIGHTS

    def export(self, job: TrainingJob, weights: Path, folder: Path, card: dict[str, Any]) -> None:
        """Write the model folder; see export_model()."""
        export_model(weights.parents[1], folder, card, job.dataset.configuration)

    def read_card(self, folder: Path) -> ModelCard:
        """The card of the model in `folder`, checked. Raises ModelError."""
        return load_model(folder).card
