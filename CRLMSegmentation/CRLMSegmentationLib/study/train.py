"""Planning, preprocessing and training with nnU-Net's own classes, small enough for a processor without a GPU.

nnU-Net decides what it always decides (topology, patch, normalisation, loss, augmentation); through its own
parameters it is told to think small: a coarser target spacing, fewer features, a patch that holds most boxes whole.
Reference: Isensee et al., nnU-Net, Nature Methods 18 (2021) 203-211.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from .nnunet_home import NnunetHome

Progress = Callable[[float, str], None]
CONFIGURATION = "3d_fullres"


@dataclass(frozen=True)
class Recipe:
    """What is decided by us and not by nnU-Net.

    spacing_mm            voxels are resampled to this, along every axis
    base_features         of the first stage; doubled at every stage up to max_features
    max_features          of the deepest stages
    patch_percentile      the patch covers this percentile of the crops' edge lengths
    gpu_memory_gb         the planner's memory target
    epochs, iterations    length of the training
    learning_rate         of AdamW at the start; falls to 0 by nnU-Net's polynomial schedule
    weight_decay          of AdamW
    seed                  of weights, batches and augmentation
    """

    spacing_mm: float = 1.0
    base_features: int = 16
    max_features: int = 128
    patch_percentile: float = 80.0
    gpu_memory_gb: float = 0.2
    epochs: int = 28
    iterations: int = 50
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    seed: int = 0


def plan(home: NnunetHome, dataset_name: str, recipe: Recipe) -> Path:
    """Fingerprint and plan the raw dataset with nnU-Net's own extractor and planner; returns the plans file."""
    with home.active():
        from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import DatasetFingerprintExtractor
        from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner

        extractor = DatasetFingerprintExtractor(dataset_name, num_processes=1)
        # Its default draws 10^8 voxels, which is 400 MB for statistics that z-score normalisation does not use.
        extractor.num_foreground_voxels_for_intensitystats = 1e6
        extractor.show_progress_bar = False
        extractor.run(overwrite_existing=True)

        class BoxPlanner(ExperimentPlanner):
            """nnU-Net's planner with fewer features, and a patch for the large crops and not for the median one."""

            def __init__(self):
                super().__init__(
                    dataset_name,
                    gpu_memory_target_in_gb=recipe.gpu_memory_gb,
                    overwrite_target_spacing=[recipe.spacing_mm] * 3,
                )
                self.UNet_base_num_features = recipe.base_features
                self.UNet_max_features_3d = recipe.max_features

            def get_plans_for_configuration(self, spacing, median_shape, data_identifier, n_voxels, cache):
                edges = np.array(self.dataset_fingerprint["shapes_after_crop"]) * self.dataset_fingerprint["spacings"]
                typical = np.percentile(edges, recipe.patch_percentile) / recipe.spacing_mm
                large = np.full(len(median_shape), typical)
                return super().get_plans_for_configuration(spacing, large, data_identifier, n_voxels, cache)

        planner = BoxPlanner()
        planner.plan_experiment()
        return home.preprocessed / dataset_name / f"{planner.plans_identifier}.json"


def preprocess(home: NnunetHome, dataset_name: str, progress: Progress | None = None) -> None:
    """Run nnU-Net's own preprocessor over every crop, one after the other and without worker processes."""
    with home.active():
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
        from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

        folder = home.preprocessed / dataset_name
        plans = PlansManager(str(folder / "nnUNetPlans.json"))
        configuration = plans.get_configuration(CONFIGURATION)
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        files = get_filenames_of_train_images_and_targets(str(home.raw / dataset_name), description)
        target = folder / configuration.data_identifier
        target.mkdir(parents=True, exist_ok=True)
        preprocessor = configuration.preprocessor_class(verbose=False)
        for number, (name, case) in enumerate(files.items()):
            preprocessor.run_case_save(
                str(target / name), case["images"], case["label"], plans, configuration, description
            )
            if progress:
                progress((number + 1) / len(files), f"Preprocessing crop {number + 1} of {len(files)}")


def train(
    home: NnunetHome, dataset_name: str, recipe: Recipe, device: str = "cpu", threads: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train, or go on where an earlier run of the same recipe stopped; returns nnU-Net's folder of the trained model.

    `progress` hears of every iteration, with the minutes left. The last checkpoint counts, as in nnU-Net.
    """
    with home.active(augmentation_processes=0):
        import torch

        if threads:
            torch.set_num_threads(threads)
        plans = json.loads((home.preprocessed / dataset_name / "nnUNetPlans.json").read_text(encoding="utf-8"))
        description = json.loads((home.preprocessed / dataset_name / "dataset.json").read_text(encoding="utf-8"))
        plans["continue_training"] = False
        trainer = _trainer_class()(plans, CONFIGURATION, 0, description, torch.device(device))
        trainer.follow(recipe, progress)
        folder = Path(trainer.output_folder)
        settings = folder / "recipe.json"
        if settings.is_file() and json.loads(settings.read_text(encoding="utf-8")) != asdict(recipe):
            raise ValueError(f"{folder} holds a training with another recipe: remove it or give another folder")
        settings.write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")
        if (folder / "checkpoint_final.pth").is_file():
            return Path(trainer.output_folder_base)
        random.seed(recipe.seed)
        np.random.seed(recipe.seed)
        torch.manual_seed(recipe.seed)
        trainer.initialize()
        if (folder / "checkpoint_latest.pth").is_file():
            trainer.load_checkpoint(str(folder / "checkpoint_latest.pth"))
        trainer.run_training()
        return Path(trainer.output_folder_base)


def _trainer_class():
    """The trainer, made on demand so that importing this file does not load torch."""
    import torch
    from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    class BoxTrainer(nnUNetTrainer):
        """nnU-Net's trainer with AdamW, which gets further in a short training, and with a clock."""

        def follow(self, recipe: Recipe, progress: Progress | None) -> None:
            self.recipe, self.progress = recipe, progress
            self.initial_lr, self.weight_decay = recipe.learning_rate, recipe.weight_decay
            self.num_epochs, self.num_iterations_per_epoch = recipe.epochs, recipe.iterations
            self.num_val_iterations_per_epoch = 5
            self.oversample_foreground_percent = 0.5
            self.save_every = 2
            self.started, self.done = None, 0

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.network.parameters(), self.initial_lr, weight_decay=self.weight_decay)
            return optimizer, PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs)

        def plot_network_architecture(self):
            """Needs a package that is not installed, and is not wanted."""

        def train_step(self, batch: dict) -> dict:
            self.started = self.started or time.monotonic()
            result = super().train_step(batch)
            self.done += 1
            if self.progress:
                left = self.num_epochs * self.num_iterations_per_epoch
                at = self.current_epoch * self.num_iterations_per_epoch
                at += (self.done - 1) % self.num_iterations_per_epoch + 1
                minutes = (time.monotonic() - self.started) / self.done * (left - at) / 60
                self.progress(at / left, f"Training, epoch {self.current_epoch + 1} of {self.num_epochs}, "
                                         f"loss {float(result['loss']):.3f}, {minutes:.0f} minutes left")
            return result

    return BoxTrainer
