"""The trainer of the task `landmarks`: trains, and writes a model folder as inference/ reads it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...inference.averaging import PREPROCESSOR
from ...inference.models.card import PLANS, ModelCard
from ...inference.models.checkpoints import write_safetensors
from ...inference.models.model_files import write_card
from ...inference.models.trained_model import load_model
from ...laparoscopy.network.network_picture import CHANNELS, LABELS, NETWORK_SIZE
from ..cases.dataset import RawDataset
from ..training.export import copy_description, shortened
from ..training.nnunet_home import PLANS_NAME, NnunetDataset
from ..training.train import check_recipe
from .batches import read_pictures
from .recipe import NETWORKS, LandmarkRecipe
from .training import HISTORY, TrainingPlace, train_network

if TYPE_CHECKING:
    from ..tasks.task import TrainingJob

CONFIGURATION, WEIGHTS = "2d", "fold_0/weights.safetensors"


@dataclass(frozen=True)
class LandmarkTrainer:
    """Follows a LandmarkRecipe."""

    def train(self, job: TrainingJob) -> Path:
        """Train, or go on; returns the best weights. Raises ConfigurationError for a folder of another recipe."""
        dataset, recipe = job.dataset, job.recipe
        assert isinstance(recipe, LandmarkRecipe)
        check_recipe(dataset.trained, recipe)
        split = json.loads((dataset.raw / "splits_final.json").read_text(encoding="utf-8"))[0]
        raw = RawDataset(dataset.home.raw, dataset.name, CHANNELS, LABELS, 2)
        place = TrainingPlace(dataset.trained, job.device, job.threads)
        training, validation = (read_pictures(raw, split[name]) for name in ("train", "val"))
        return train_network(training, validation, recipe, place, job.progress)

    def export(self, job: TrainingJob, weights: Path, folder: Path, card: dict[str, Any]) -> None:
        """Write plans and data set in nnU-Net's form, weights as safetensors, and `card` with the network's name."""
        import torch

        recipe = job.recipe
        assert isinstance(recipe, LandmarkRecipe)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PLANS).write_text(json.dumps(plans_of(job.dataset), indent=2) + "\n", encoding="utf-8")
        copy_description(job.dataset.raw, folder)
        shutil.rmtree((folder / WEIGHTS).parent, ignore_errors=True)
        write_safetensors(shortened(torch.load(weights, map_location="cpu", weights_only=True)), folder / WEIGHTS)
        builder, arguments = NETWORKS[recipe.network]
        history = json.loads((weights.parent / HISTORY).read_text(encoding="utf-8"))
        best = min(range(len(history)), key=lambda epoch: float(history[epoch]["validation_loss"]))
        library = {"monai": "monai", "segmentation_models_pytorch": "segmentation-models-pytorch"}[
            builder.partition(".")[0]
        ]
        write_card(
            folder,
            {
                **card,
                "network": {"builder": builder, "arguments": arguments},
                "labels": LABELS.entries(),
                "training": {**card["training"], "epochs": len(history), "best_epoch": best + 1},
                "configuration": CONFIGURATION,
                "weights": [WEIGHTS],
                "mirror_axes": [],
                "made_with": {name: version(name) for name in ("torch", library)},
            },
        )

    def read_card(self, folder: Path) -> ModelCard:
        """The card of the model in `folder`, checked. Raises ModelError."""
        return load_model(folder).card


def plans_of(dataset: NnunetDataset) -> dict[str, Any]:
    """What stands in nnU-Net's plans of a network that sees whole pictures of the network's size, values 0 to 1."""
    size = [NETWORK_SIZE[1], NETWORK_SIZE[0]]
    resampling = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": False}
    configuration: dict[str, Any] = {
        "data_identifier": f"{PLANS_NAME}_{CONFIGURATION}",
        "preprocessor_name": PREPROCESSOR,
        "batch_size": 1,
        "patch_size": size,
        "median_image_size_in_voxels": size,
        "spacing": [1.0, 1.0],
        "normalization_schemes": ["RGBTo01Normalization"] * len(CHANNELS),
        "use_mask_for_norm": [False] * len(CHANNELS),
        "batch_dice": True,
    }
    for what in ("data", "seg", "probabilities"):
        configuration[f"resampling_fn_{what}"] = "resample_data_or_seg_to_shape"
        configuration[f"resampling_fn_{what}_kwargs"] = {**resampling, "is_seg": what == "seg"}
    statistics = {"mean": 0.0, "std": 1.0, "min": 0.0, "max": 255.0, "median": 0.0, "percentile_00_5": 0.0,
                  "percentile_99_5": 255.0}  # fmt: skip
    return {
        "dataset_name": dataset.name,
        "plans_name": PLANS_NAME,
        "original_median_spacing_after_transp": [999.0, 1.0, 1.0],
        "original_median_shape_after_transp": [1, *size],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {CONFIGURATION: configuration},
        "experiment_planner_used": "none",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {str(n): statistics for n in range(len(CHANNELS))},
    }
