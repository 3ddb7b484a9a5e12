"""nnU-Net as the trainer of tasks on CTs: windows of HU, cases annotated in part, left and right kept apart, patches
around vessels and tumors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...preoperative.structures import LIVER, VALUES
from .ct_batches import PatchMaker, cts_in_memory, regions_of
from .export import WEIGHTS, export_model
from .half_precision import in_half_precision
from .nnunet_home import NnunetDataset
from .nnunet_trainer import NnunetTrainer
from .planning import is_planned, is_preprocessed, plan, preprocess
from .recipe import Recipe
from .train import train
from .trainer import study_trainer_class
from .windowing import WINDOWS, show_wide_window, with_windowing

if TYPE_CHECKING:
    from ..tasks.task import TrainingJob

NNUNET, FAST = "nnunet", "fast"
# What recipes call networks: nnU-Net's own plan, or a builder of inference/models/builders.py and its arguments. The
# first layer of the latter halves the resolution, and the last one doubles it again: most of the work of a processor
# is spared where it is dearest. There only as many channels are left as there are structures: a ReLU behind them, which
# loses all that is negative, held the Dice of vessels at 0.28 for 200 steps; with a PReLU in its place, and a rate that
# fell meanwhile, it was 0.43 after 50 more.
PLANNED = "planned"
_RESIDUAL = {"strides": [2, 2, 2, 2], "num_res_units": 2, "norm": "batch", "act": "prelu"}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "residual-unet": ("monai.UNet", {"channels": [32, 48, 64, 96, 128], **_RESIDUAL}),
    # Half as wide, for comparisons of many trainings.
    "narrow-residual-unet": ("monai.UNet", {"channels": [16, 24, 32, 48, 64], **_RESIDUAL}),
}


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
        if getattr(recipe, "network", PLANNED) != PLANNED:
            _fit_patch(dataset, recipe)
        trained = train(
            dataset, recipe, job.device, job.threads, job.progress, job.gpus,
            trainer_class=partial(ct_trainer_class, is_partial=self.is_partial),
        )  # fmt: skip
        return trained / WEIGHTS

    def export(self, job: TrainingJob, weights: Path, folder: Path, card: dict[str, Any]) -> None:
        """Write the model folder; see export_model(). Its card names a network that is not nnU-Net's."""
        name = getattr(job.recipe, "network", PLANNED)
        if name == PLANNED:
            super().export(job, weights, folder, card)
            return
        builder, arguments = NETWORKS[name]
        named = {**card, "network": {"builder": builder, "arguments": arguments}}
        export_model(weights.parents[1], folder, named, job.dataset.configuration)


def ct_trainer_class(recipe: Recipe, is_partial: bool) -> type[Any]:
    """A subclass of nnU-Net's trainer for `recipe`, named StudyTrainer.

    A mirrored patient has the liver where the spleen should be: nothing is mirrored.
    """
    windowed: Any = with_windowing(study_trainer_class(recipe), bool(getattr(recipe, "random_windows", False)))
    small_structures = bool(getattr(recipe, "small_structures", False))

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

    name = getattr(recipe, "network", PLANNED)
    if name != PLANNED:
        _with_named_network(CtStudyTrainer, *NETWORKS[name])
    if recipe.augmentation and getattr(recipe, "transforms", NNUNET) == FAST:
        _with_fast_batches(CtStudyTrainer, recipe)
    CtStudyTrainer.__name__ = CtStudyTrainer.__qualname__ = windowed.__name__
    trainer: type[Any] = CtStudyTrainer
    if is_partial:
        from .partial_trainer import with_partial_labels

        trainer = with_partial_labels(CtStudyTrainer)
    if getattr(recipe, "half_precision", False):
        in_half_precision(trainer)
    return trainer


def _fit_patch(dataset: NnunetDataset, recipe: Recipe) -> None:
    """A named network takes patches that all of its strides divide: the largest within the planned one."""
    step = math.prod(NETWORKS[getattr(recipe, "network", PLANNED)][1]["strides"])
    plans = json.loads(dataset.plans.read_text(encoding="utf-8"))
    configuration = plans["configurations"][dataset.configuration]
    configuration["patch_size"] = [max(step, int(length) // step * step) for length in configuration["patch_size"]]
    dataset.plans.write_text(json.dumps(plans, indent=4) + "\n", encoding="utf-8")


def _with_named_network(trainer: Any, builder: str, arguments: dict[str, Any]) -> None:
    """That network in the place of the planned one; it answers at one resolution alone."""
    from ...inference.models.builders import NamedNetwork, Shape

    def build_network_architecture(
        plans_manager: Any,
        configuration_manager: Any,
        num_input_channels: int,
        num_output_channels: int,
        enable_deep_supervision: bool = True,
    ) -> Any:
        shape = Shape(len(configuration_manager.patch_size), num_input_channels, num_output_channels)
        return NamedNetwork(builder, arguments).build(shape)

    initialize = trainer.initialize

    def initialize_without_deep_supervision(self: Any) -> None:
        self.enable_deep_supervision = False
        initialize(self)

    trainer.build_network_architecture = staticmethod(build_network_architecture)
    trainer.initialize = initialize_without_deep_supervision
    trainer.set_deep_supervision_enabled = lambda self, enabled: None


def _with_fast_batches(trainer: Any, recipe: Recipe) -> None:
    """Batches of ct_batches.py; every epoch is judged on the same patches."""

    def get_dataloaders(self: Any) -> tuple[Iterator[dict[str, Any]], Iterator[dict[str, Any]]]:
        training, validation = (cts_in_memory(dataset) for dataset in self.get_tr_and_val_datasets())
        patch = tuple(int(length) for length in self.configuration_manager.patch_size)
        windows = WINDOWS if getattr(recipe, "random_windows", False) else None
        regions = regions_of(self.label_manager) if self.label_manager.has_regions else None
        maker = PatchMaker(patch, regions, self._get_deep_supervision_scales(), windows)
        self.inference_allowed_mirroring_axes = None
        # A training that goes on draws others than it began with.
        random = np.random.default_rng([recipe.seed, self.current_epoch])
        size, count, share = self.batch_size, self.num_val_iterations_per_epoch, recipe.oversample
        return maker.training(training, size, share, random), maker.validation(validation, size, count, share)

    trainer.get_dataloaders = get_dataloaders


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
