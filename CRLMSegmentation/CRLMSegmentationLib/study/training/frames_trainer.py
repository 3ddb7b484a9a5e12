"""nnU-Net's trainer for single planes: its augmentation DA5 or a faster one, an end when nothing is learned any more.

DA5 is nnU-Net's stronger augmentation (nnUNetTrainerDA5); early stopping as in Faanes et al., whose patience of 30
epochs is the recipe's. Made on demand, so that importing this file does not load torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checked_fields import limited
from .half_precision import in_half_precision
from .plane_batches import planes_in_memory, training_batches, validation_batches
from .recipe import Recipe
from .trainer import study_trainer_class

WHICH_FRAMES = ("tumor", "all")
DA5, FAST = "da5", "fast"


@dataclass(frozen=True)
class FramesRecipe(Recipe):
    """A recipe for single planes.

    frames          'tumor': only planes with tumor are learned from; 'all' of them
    every           of the planes of a case, every n-th one
    least_area_mm2  planes with some tumor, but less than this, are left out of the training
    patience        the training ends after so many epochs without a better Dice of the validation patches
    upright         pictures are turned by 15 degrees at most and mirrored left to right alone: a probe looks down
    half_precision  bfloat16 where the processor computes in it
    transforms      nnU-Net's 'da5', or 'fast': those of plane_batches.py, which a processor makes while it learns
    """

    frames: str = limited("all", choices=WHICH_FRAMES)
    every: int = limited(2, least=1)
    least_area_mm2: float = limited(0.0, least=0)
    patience: int = limited(30, least=1)
    upright: bool = True
    half_precision: bool = True
    transforms: str = limited(DA5, choices=(DA5, FAST))


def frames_trainer_class(recipe: Recipe) -> type[Any]:
    """A subclass of study_trainer_class()'s for a FramesRecipe."""
    import torch

    assert isinstance(recipe, FramesRecipe)
    patience = recipe.patience
    base = study_trainer_class(recipe)

    class StudyTrainer(base):  # type: ignore[valid-type,misc]  # nnU-Net has no types
        def run_training(self) -> None:
            """Epoch after epoch, as nnU-Net has it, until the last one or `patience` without a better Dice; what is
            kept are the weights of the best.
            """
            self.on_train_start()
            while self.current_epoch < self.num_epochs and not self.has_stopped_learning():
                self.run_epoch()
            best = f"{self.output_folder}/checkpoint_best.pth"
            weights = torch.load(best, map_location=self.device, weights_only=False)["network_weights"]
            self.network.load_state_dict(weights)
            self.on_train_end()

        def run_epoch(self) -> None:
            self.on_epoch_start()
            self.on_train_epoch_start()
            steps = [self.train_step(next(self.dataloader_train)) for _ in range(self.num_iterations_per_epoch)]
            self.on_train_epoch_end(steps)
            with torch.no_grad():
                self.on_validation_epoch_start()
                checks = [
                    self.validation_step(next(self.dataloader_val)) for _ in range(self.num_val_iterations_per_epoch)
                ]
                self.on_validation_epoch_end(checks)
            self.on_epoch_end()

        def has_stopped_learning(self) -> bool:
            return epochs_without_improvement(self._dice_of_epochs()) >= patience

        def _dice_of_epochs(self) -> Sequence[float]:
            values: Sequence[float] = self.logger.get_value("ema_fg_dice", step=None)[: self.current_epoch]
            return values

    if recipe.half_precision:
        in_half_precision(StudyTrainer)
    if recipe.augmentation:
        _augmented(StudyTrainer, recipe)
    return StudyTrainer


def _augmented(trainer: Any, recipe: FramesRecipe) -> None:
    from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerDA5 import nnUNetTrainerDA5 as WithDA5

    if recipe.transforms == FAST:
        _with_fast_batches(trainer, recipe)
        return
    trainer.get_training_transforms = staticmethod(WithDA5.get_training_transforms)
    configure = "configure_rotation_dummyDA_mirroring_and_inital_patch_size"
    setattr(trainer, configure, _upright if recipe.upright else getattr(WithDA5, configure))


def _with_fast_batches(trainer: Any, recipe: FramesRecipe) -> None:
    """Batches of plane_batches.py; every epoch is judged on the same validation planes, unvaried."""

    def get_dataloaders(self: Any) -> tuple[Iterator[dict[str, Any]], Iterator[dict[str, Any]]]:
        training, validation = (planes_in_memory(dataset) for dataset in self.get_tr_and_val_datasets())
        size, patch = self.batch_size, self.configuration_manager.patch_size
        scales = self._get_deep_supervision_scales()
        self.num_val_iterations_per_epoch = math.ceil(len(validation) / size)
        # A training that goes on draws others than it began with.
        random = np.random.default_rng([recipe.seed, self.current_epoch])
        return (
            training_batches(training, size, patch, scales, recipe.oversample, random),
            validation_batches(validation, size, patch, scales),
        )

    trainer.get_dataloaders = get_dataloaders
    # Pictures were mirrored left to right alone.
    trainer.configure_rotation_dummyDA_mirroring_and_inital_patch_size = _upright


def epochs_without_improvement(dice: Sequence[float]) -> int:
    """How many epochs have passed since the best value; 0 without any."""
    best, since = -math.inf, 0
    for value in dice:
        best, since = (value, 0) if value > best else (best, since + 1)
    return since


def _upright(trainer: Any) -> tuple[Any, Any, Any, Any]:
    """What nnU-Net's trainer asks itself of turning and mirroring."""
    from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size

    patch, turn = trainer.configuration_manager.patch_size, (-math.radians(15), math.radians(15))
    trainer.inference_allowed_mirroring_axes = (1,)
    return turn, False, get_patch_size(patch, turn, turn, turn, (0.7, 1.43)), (1,)
