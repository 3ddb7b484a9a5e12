"""nnU-Net's trainer for boxes: its own augmentation, or looks of other scanners at the network's voxels (looks.py).

Made on demand, so that importing this file does not load torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...cases.dataset import RawDataset
from ..half_precision import in_half_precision
from ..nnunet_home import NnunetHome
from ..trainer import study_trainer_class
from .batches import boxes_in_memory, training_batches, validation_batches

if TYPE_CHECKING:
    from ..recipe import Recipe

NNUNET, WIDE = "nnunet", "wide"


def volumes_trainer_class(recipe: Recipe) -> type[Any]:
    """A subclass of study_trainer_class()'s for a recipe with `transforms` and `half_precision`."""
    trainer = study_trainer_class(recipe)
    if getattr(recipe, "half_precision", False):
        in_half_precision(trainer)
    if recipe.augmentation and getattr(recipe, "transforms", NNUNET) == WIDE:
        _with_wide_batches(trainer, recipe)
    return trainer


def _with_wide_batches(trainer: Any, recipe: Recipe) -> None:
    """Batches of batches.py; every epoch is judged on the same validation boxes, as they are and with other looks."""

    def get_dataloaders(self: Any) -> tuple[Iterator[dict[str, Any]], Iterator[dict[str, Any]]]:
        folder = Path(self.preprocessed_dataset_folder_base)
        raw = RawDataset(NnunetHome(folder.parents[1]).raw, folder.name)
        spacing = [float(value) for value in self.configuration_manager.spacing]
        training, validation = (
            boxes_in_memory(raw, list(dataset.identifiers), spacing) for dataset in self.get_tr_and_val_datasets()
        )
        size, patch = self.batch_size, self.configuration_manager.patch_size
        scales = self._get_deep_supervision_scales()
        self.num_val_iterations_per_epoch = math.ceil(2 * len(validation) / size)
        # Boxes are mirrored along every axis.
        self.inference_allowed_mirroring_axes = tuple(range(len(patch)))
        # A training that goes on draws others than it began with.
        random = np.random.default_rng([recipe.seed, self.current_epoch])
        return (
            training_batches(training, size, patch, scales, recipe.oversample, random),
            validation_batches(validation, size, patch, scales),
        )

    trainer.get_dataloaders = get_dataloaders
