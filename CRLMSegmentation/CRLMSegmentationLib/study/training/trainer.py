"""nnU-Net's trainer, following a recipe. Made on demand, so that importing this file does not load torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...values.progress import Progress
from .divergence import refuse_divergence
from .recipe import Recipe

_EPOCHS_BETWEEN_CURVES = 10

# From a recipe to a subclass of nnU-Net's trainer.
TrainerClass = Callable[[Recipe], type[Any]]


def study_trainer_class(recipe: Recipe) -> type[Any]:
    """A subclass of nnU-Net's trainer for `recipe`, named StudyTrainer (nnU-Net names its folder after it)."""
    import torch
    from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    class StudyTrainer(nnUNetTrainer):  # type: ignore[misc]  # nnU-Net has no types
        def follow(self, progress: Progress | None) -> None:
            self.progress = progress
            self.initial_lr, self.weight_decay = recipe.learning_rate, recipe.weight_decay
            self.num_epochs, self.num_iterations_per_epoch = recipe.epochs, recipe.iterations
            self.num_val_iterations_per_epoch = max(1, min(50, recipe.iterations // 5))
            self.oversample_foreground_percent = recipe.oversample
            self.save_every = max(1, min(50, recipe.epochs // 20))
            self.started: float | None = None
            self.done = 0

        def configure_optimizers(self) -> tuple[Any, Any]:
            weights, rate = self.network.parameters(), self.initial_lr
            if recipe.optimizer == "sgd":
                pair: tuple[Any, Any] = super().configure_optimizers()
                return pair
            kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
            optimizer = kind(weights, rate, weight_decay=self.weight_decay)
            return optimizer, PolyLRScheduler(optimizer, rate, self.num_epochs)

        def print_to_log_file(
            self, *parts: object, also_print_to_console: bool = True, add_timestamp: bool = True
        ) -> None:
            """Into its log file only: the console is the progress bar's."""
            super().print_to_log_file(*parts, also_print_to_console=False, add_timestamp=add_timestamp)

        def plot_network_architecture(self) -> None:
            """Needs a package that is not installed, and is not wanted."""

        def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
            started = self.started = self.started or time.monotonic()
            result: dict[str, Any] = super().train_step(batch)
            refuse_divergence(float(result["loss"]), self.current_epoch)
            self.done += 1
            if self.progress:
                left = self.num_epochs * self.num_iterations_per_epoch
                at = self.current_epoch * self.num_iterations_per_epoch
                at += (self.done - 1) % self.num_iterations_per_epoch + 1
                minutes = (time.monotonic() - started) / self.done * (left - at) / 60
                self.progress(
                    at / left,
                    f"Training, epoch {self.current_epoch + 1} of {self.num_epochs}, "
                    f"loss {float(result['loss']):.3f}, {minutes:.0f} minutes left",
                )
            return result

    _with_few_curves(StudyTrainer, nnUNetTrainer)
    if not recipe.augmentation:
        _without_augmentation(StudyTrainer, nnUNetTrainer)
    return StudyTrainer


def _with_few_curves(trainer: Any, base: Any) -> None:
    """nnU-Net draws its curves anew after every epoch, which takes longer than a short one."""

    def on_epoch_end(self: Any) -> None:
        number = self.current_epoch + 1
        if number % _EPOCHS_BETWEEN_CURVES and number != self.num_epochs:
            self.logger.plot_progress_png = lambda _folder: None
        base.on_epoch_end(self)
        vars(self.logger).pop("plot_progress_png", None)

    trainer.on_epoch_end = on_epoch_end


def _without_augmentation(trainer: Any, base: Any) -> None:
    """Patches as they are: no rotation, scaling, mirroring or change of grey, in training and in inference."""

    def configure(self: Any) -> tuple[Any, Any, Any, None]:
        rotation, flat, _, _ = base.configure_rotation_dummyDA_mirroring_and_inital_patch_size(self)
        self.inference_allowed_mirroring_axes = None
        return rotation, flat, self.configuration_manager.patch_size, None

    def transforms(
        patch_size: Any,
        rotation_for_DA: Any,
        deep_supervision_scales: Any,
        mirror_axes: Any,
        do_dummy_2d_data_aug: bool,
        use_mask_for_norm: Any = None,
        is_cascaded: bool = False,
        foreground_labels: Any = None,
        regions: Any = None,
        ignore_label: int | None = None,
    ) -> Any:
        return base.get_validation_transforms(
            deep_supervision_scales, is_cascaded, foreground_labels, regions, ignore_label
        )

    trainer.configure_rotation_dummyDA_mirroring_and_inital_patch_size = configure
    trainer.get_training_transforms = staticmethod(transforms)
