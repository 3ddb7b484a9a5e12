"""From nnU-Net's training result to a model folder that ships: weights without anything that could be code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...inference.models.card import DATASET, PLANS
from ...inference.models.model_files import write_card
from ..cases.dataset import FILES
from .nnunet_home import CONFIGURATIONS

WEIGHTS = "fold_0/checkpoint_final.pth"


def export_model(trained: Path, folder: Path, card: dict[str, Any], configuration: str = CONFIGURATIONS[3]) -> Path:
    """Write `folder` from nnU-Net's `trained` folder and the parts of the card that the caller knows.

    The checkpoint keeps what nnU-Net itself needs to load it (network weights, configuration, mirror axes) and loses
    optimizer, log and training arguments; it can be read with weights_only=True, by nnU-Net too. Weights are kept in
    half precision, which halves the file, where that rounds them by a thousandth at most. `card` holds name,
    version, task, margin_mm, threshold, threshold_choice, training, validation and intended_use; files, hashes and
    versions are added. Your own training result only: a full checkpoint is a pickle and is trusted here.
    """
    import torch

    checkpoint = torch.load(trained / WEIGHTS, map_location="cpu", weights_only=False)
    mirror_axes = tuple(int(axis) for axis in checkpoint.get("inference_allowed_mirroring_axes") or ())
    stripped = {
        "network_weights": shortened(checkpoint["network_weights"]),
        # Where the network follows from the plans alone, nnU-Net's own default trainer can stand for ours; one that the
        # card names is built by this project alone, and nnU-Net knows no such trainer.
        "trainer_name": "nnUNetTrainer" if card.get("network") is None else "StudyTrainer",
        "init_args": {"configuration": configuration},
        "inference_allowed_mirroring_axes": mirror_axes,
    }
    (folder / WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
    torch.save(stripped, folder / WEIGHTS)
    shutil.copyfile(trained / PLANS, folder / PLANS)
    copy_description(trained, folder)
    libraries = [card["network"]["builder"].partition(".")[0]] if card.get("network") else []
    return write_card(
        folder,
        {
            **card,
            "configuration": configuration,
            "weights": [WEIGHTS],
            "mirror_axes": list(mirror_axes),
            "made_with": {name: version(name) for name in ("nnunetv2", "torch", *libraries)},
        },
    )


def shortened(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Weights by name in float16, which halves their file, where that rounds them by a thousandth at most.

    nnU-Net's decoder names the encoder's weights once more, and torch writes what is shared only once: it stays so.
    """
    import torch

    made: dict[int, torch.Tensor] = {}
    for tensor in weights.values():
        half = tensor.half() if tensor.dtype == torch.float32 else tensor
        is_near = torch.allclose(half.float(), tensor.float(), rtol=1e-3, atol=1e-6)
        made.setdefault(tensor.data_ptr(), half if is_near else tensor)
    return {name: made[tensor.data_ptr()].view(tensor.shape) for name, tensor in weights.items()}


def copy_description(source: Path, folder: Path) -> None:
    """dataset.json without the files that were learned from, which are of no use to who has the model."""
    description = json.loads((source / DATASET).read_text(encoding="utf-8"))
    description.pop(FILES, None)
    (folder / DATASET).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
