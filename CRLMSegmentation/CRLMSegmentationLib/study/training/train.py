"""Training with nnU-Net's own trainer, instantiated here: no search for classes by name, no worker processes.

nnU-Net decides what it always decides (loss, augmentation, deep supervision, schedule); the recipe says the rest.
Reference: Isensee et al., nnU-Net, Nature Methods 18 (2021) 203-211.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError
from ...inference.predictor import available_processors
from ...values.progress import Progress
from .nnunet_home import NnunetDataset
from .planning import planning_stamp
from .recipe import Recipe
from .trainer import TrainerClass, study_trainer_class

if TYPE_CHECKING:
    import torch

# More do not feed one card faster.
_MOST_AUGMENTING = 14
FINAL, LATEST, BEST = "checkpoint_final.pth", "checkpoint_latest.pth", "checkpoint_best.pth"


def train(
    dataset: NnunetDataset,
    recipe: Recipe,
    device: str = "cpu",
    threads: int | None = None,
    progress: Progress | None = None,
    gpus: int = 1,
    trainer_class: TrainerClass = study_trainer_class,
) -> Path:
    """Train, or go on where an earlier run of the same recipe stopped; returns nnU-Net's folder of the trained model.

    progress  hears of every iteration, with the minutes left
    gpus      with more than 1, nnU-Net's own distributed training (one process a card); needs device 'cuda'
    trainer_class  makes the class of nnU-Net's trainer for the recipe, which has to be called StudyTrainer; importable
                   by name

    Raises ConfigurationError when the folder holds a training by another recipe.
    """
    folder = dataset.trained
    check_recipe(folder, recipe)
    _check_dataset(dataset, folder)
    if (folder / "fold_0" / FINAL).is_file():
        return folder
    if gpus > 1:
        _train_on_several(dataset, recipe, gpus, trainer_class)
        return folder
    with dataset.home.active(augmentation_processes(device)):
        import torch

        if threads:
            torch.set_num_threads(threads)
        _run(dataset, recipe, torch.device(device), progress, trainer_class)
    return folder


def augmentation_processes(device: str, processors: int | None = None) -> int:
    """How many processes augment beside the training: none where it has the processors to itself, and on a graphics
    card, which would wait for its batches, all but two of `processors` (by default those that this process may use).
    """
    if not device.startswith("cuda"):
        return 0
    return min(_MOST_AUGMENTING, max(0, (processors or available_processors()) - 2))


def check_recipe(folder: Path, recipe: Recipe) -> None:
    """Write the recipe beside the training, or compare. Raises ConfigurationError when another one is there."""
    settings, wanted = folder / "recipe.json", json.loads(json.dumps(asdict(recipe)))
    if settings.is_file() and json.loads(settings.read_text(encoding="utf-8")) != wanted:
        raise ConfigurationError(f"{folder} holds a training by another recipe: remove it or give another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


def _check_dataset(dataset: NnunetDataset, folder: Path) -> None:
    """A training goes on with the images it began with, or not at all."""
    now, before = planning_stamp(dataset), folder / "planned.json"
    if now is None:
        return
    if before.is_file() and json.loads(before.read_text(encoding="utf-8")) != now:
        raise ConfigurationError(
            f"{folder} holds a training on other images or plans than there are now: remove it or give another folder."
        )
    before.write_text(json.dumps(now) + "\n", encoding="utf-8")


def _run(
    dataset: NnunetDataset,
    recipe: Recipe,
    device: torch.device,
    progress: Progress | None,
    trainer_class: TrainerClass,
) -> None:
    import torch

    plans = json.loads(dataset.plans.read_text(encoding="utf-8"))
    description = json.loads((dataset.preprocessed / "dataset.json").read_text(encoding="utf-8"))
    plans["continue_training"] = False
    trainer = trainer_class(recipe)(plans, dataset.configuration, 0, description, device)
    trainer.follow(progress)
    random.seed(recipe.seed)
    np.random.seed(recipe.seed)  # noqa: NPY002  (what batchgenerators draws from)
    torch.manual_seed(recipe.seed)
    trainer.initialize()
    latest = Path(trainer.output_folder) / LATEST
    if latest.is_file():
        trainer.load_checkpoint(str(latest))
    elif recipe.start_from:
        _start_from(trainer, recipe.start_from)
    if recipe.start_from and recipe.start_share > 0:
        _end_with_mean(trainer, recipe)
    trainer.run_training()


def _start_from(trainer: Any, model: str, share: float = 1.0) -> None:
    """Weights of an earlier model into the network, in the mean with its own; what is not there by name and shape
    stays as it is.
    """
    from ...inference.models.trained_model import load_model

    network = trainer.network.module if trainer.is_ddp else trainer.network
    network = getattr(network, "_orig_mod", network)
    known, wanted = load_model(model).read_weights()[0], network.state_dict()
    fitting = {
        name: share * value.to(wanted[name]) + (1 - share) * wanted[name]
        for name, value in known.items()
        if name in wanted and wanted[name].shape == value.shape
    }
    if len(fitting) < 0.9 * len(wanted):
        raise ConfigurationError(f"The model {model} is built differently: a training cannot start from its weights.")
    network.load_state_dict({**wanted, **fitting})


def _end_with_mean(trainer: Any, recipe: Recipe) -> None:
    """Before the last weights are kept, the mean of them and of those of the start (Wortsman et al., CVPR 2022)."""
    end = trainer.on_train_end

    def on_train_end() -> None:
        _start_from(trainer, recipe.start_from, recipe.start_share)
        end()

    trainer.on_train_end = on_train_end


def _train_on_several(dataset: NnunetDataset, recipe: Recipe, gpus: int, trainer_class: TrainerClass) -> None:
    import torch
    from torch.multiprocessing.spawn import spawn

    if torch.cuda.device_count() < gpus:
        raise ConfigurationError(f"{gpus} GPUs were asked for, and torch finds {torch.cuda.device_count()}.")
    from nnunetv2.run.run_training import find_free_network_port

    spawn(_one_of_several, (dataset, recipe, gpus, find_free_network_port(), trainer_class), nprocs=gpus)


def _one_of_several(
    rank: int, dataset: NnunetDataset, recipe: Recipe, gpus: int, port: int, trainer_class: TrainerClass
) -> None:
    """One process of nnU-Net's distributed training: its trainer splits the batch once torch.distributed runs."""
    import os

    import torch

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.distributed.init_process_group("nccl", rank=rank, world_size=gpus)
    try:
        torch.cuda.set_device(rank)
        with dataset.home.active(augmentation_processes=0):
            _run(dataset, recipe, torch.device("cuda", rank), None, trainer_class)
    finally:
        torch.distributed.destroy_process_group()
