"""Models and images for the campaign: the shipped networks, and untrained ones of every other kind."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("Benchmarks", "Python/fixtures"))

from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.checkpoints import write_safetensors
from CRLMSegmentationLib.inference.models.model_files import write_card
from CRLMSegmentationLib.inference.models.trained_model import Model, load_model
from CRLMSegmentationLib.study.landmarks.recipe import NETWORKS, RECOMMENDED
from CRLMSegmentationLib.study.landmarks.trainer import plans_of
from CRLMSegmentationLib.study.landmarks.training import build_network
from CRLMSegmentationLib.study.tasks.landmarks import TASK as LANDMARKS
from CRLMSegmentationLib.study.training.nnunet_home import NnunetHome
from made_up import made_up_volume
from network_plans import CONFIGURATIONS, unet_plans

ONE_TUMOR = {"background": 0, "tumor": 1}


def shipped(quick: bool) -> list[Model]:
    """The networks that ship; when `quick` the one for a box."""
    names = ["crop-simulated-small"] if quick else ["crop-simulated-small", "full-simulated-small"]
    return [load_model(name) for name in names]


def default_3d(work: Path, quick: bool, **changes: Any) -> Model:
    """nnU-Net's plan for boxes of 48 x 56 x 56 mm at 0.5 mm (16.5 million parameters); when `quick` a tiny one."""
    patch, features = ((16, 16, 16), (4, 8, 8)) if quick else ((96, 112, 112), (32, 64, 128, 256, 320))
    return untrained(work / "default-3d", patch, features, 2.0 if quick else 0.5, **changes)


def default_2d(work: Path, quick: bool, **changes: Any) -> Model:
    """nnU-Net's plan for frames of 512 x 512 pixels; when `quick` a tiny one."""
    patch, features = ((32, 32), (4, 8, 8)) if quick else ((512, 512), (32, 64, 128, 256, 512, 512, 512, 512))
    options = {"task": "frames", "channels": ("B-mode",), **changes}
    return untrained(work / f"default-2d-{options['task']}", patch, features, 2.0 if quick else 0.2, **options)


def untrained(
    folder: Path,
    patch: Sequence[int],
    features: Sequence[int],
    spacing_mm: float,
    task: str = "crop",
    channels: Sequence[str] = ("B-mode",),
    labels: dict[str, Any] | None = None,
    folds: int = 1,
    normalisation: str = "ZScoreNormalization",
    **dataset: Any,
) -> Model:
    """A model with random weights in `folder`, planned as nnU-Net plans; the same at every call."""
    import torch
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    intensities = {"mean": 60.0, "std": 60.0, "percentile_00_5": -100.0, "percentile_99_5": 250.0}
    plans = unet_plans(
        patch, features, spacing_mm, len(channels), normalisation=normalisation, intensities=intensities
    )  # fmt: skip
    axes, configuration = len(patch), CONFIGURATIONS[len(patch)]
    architecture = plans["configurations"][configuration]["architecture"]
    description = {
        "channel_names": dict(enumerate(channels)),
        "labels": labels or ONE_TUMOR,
        "file_ending": ".nrrd",
        **dataset,
    }
    regions = "regions_class_order" in dataset
    heads = len(description["labels"]) - int(regions)
    weights = [f"fold_{fold}/weights.safetensors" for fold in range(folds)]
    for fold, name in enumerate(weights):
        if (folder / name).is_file():
            continue
        torch.manual_seed(fold)
        network = get_network_from_plans(
            architecture["network_class_name"], architecture["arch_kwargs"], architecture["_kw_requires_import"],
            len(channels), heads, deep_supervision=False,
        )  # fmt: skip
        write_safetensors(network.state_dict(), folder / name)
    (folder / "plans.json").write_text(json.dumps(plans), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    card = {"name": folder.name, "version": "1", "task": task, "margin_mm": 10.0, "threshold": 0.5,
            "configuration": configuration, "weights": weights, "mirror_axes": list(range(axes)),
            "intended_use": "Timing. The weights are not trained."}  # fmt: skip
    write_card(folder, card)
    return load_model(folder)


def landmark_network(work: Path) -> Model:
    """MONAI's U-Net with a ResNet-34 for landmarks, with random weights. Raises ModelError without MONAI."""
    folder, weights = work / "landmarks-resnet34", "fold_0/weights.safetensors"
    if not (folder / weights).is_file():
        write_safetensors(build_network(RECOMMENDED).state_dict(), folder / weights)
    plans = plans_of(LANDMARKS.nnunet_dataset(NnunetHome(work)))
    description = {"channel_names": dict(enumerate(LANDMARKS.channels)), **LANDMARKS.labels.entries(),
                   "file_ending": ".nrrd"}  # fmt: skip
    (folder / "plans.json").write_text(json.dumps(plans), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    builder, arguments = NETWORKS[RECOMMENDED.network]
    card = {"name": folder.name, "version": "1", "task": "landmarks", "margin_mm": 0.0, "threshold": 0.5,
            "network": {"builder": builder, "arguments": arguments}, "configuration": CONFIGURATIONS[2],
            "weights": [weights], "mirror_axes": [],
            "intended_use": "Timing. The weights are not trained."}  # fmt: skip
    write_card(folder, card)
    return load_model(folder)


def box_of_speckle(quick: bool) -> Image:
    """60 mm of speckle around a dark tumor at 0.5 mm; when `quick` 20 mm."""
    volume = made_up_volume(40 if quick else 120)
    return Image(volume.voxels[None], [0.5] * 3)


def frame_of_speckle(quick: bool, channels: int = 1) -> Image:
    """A frame of 640 x 480 pixels of 0.2 mm with a dark disc in it."""
    height, width = (60, 80) if quick else (480, 640)
    j, i = np.indices((height, width))
    level = np.where((j - height / 2) ** 2 + (i - width / 2) ** 2 < (height / 5) ** 2, 30.0, 70.0)
    grey = np.random.default_rng(1).rayleigh(1.0, (height, width, channels)) * level[:, :, None]
    pixels = np.clip(grey, 1, 255).astype(np.uint8)
    return Image.of_frame(pixels[..., 0] if channels == 1 else pixels, (0.2, 0.2))
