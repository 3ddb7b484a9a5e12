"""Any result folder of nnU-Net v2 as a model of this project: a card, hashes, and weights that cannot hold code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Sequence

from ..errors import ModelError
from .models import ALIASES, CARD, DATASET, PLANS, Model, load_model, sha256_of, user_models_folder

CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
WEIGHTS = "weights.safetensors"
# What torch.compile and distributed training put before the names of the parameters.
_WRAPPERS = ("_orig_mod.", "module.")


def import_model(
    result: str | Path, name: str, folder: str | Path | None = None, *, kind: str = "crop", margin_mm: float = 10.0,
    threshold: float = 0.5, folds: Sequence[int] | None = None, configuration: str | None = None,
) -> Model:
    """Write a model folder from nnU-Net's `result` folder (`plans.json`, `dataset.json`, `fold_X/checkpoint_*.pth`).

    name       of the model, and of its folder
    folder     where to write it; by default where load_model(name) finds it (user_models_folder())
    folds      default all that are there; their probabilities are averaged
    threshold  0.5 stands for nnU-Net's own decision; calibrate it on validation cases
    Checkpoints are read as plain values, never as code. Nothing is left behind when it fails. Raises ModelError when
    a file is missing, holds anything but plain values, or the model does not fit (2D, several channels, other labels).
    """
    result = Path(result)
    if not name or name != Path(name).name or name in (".", ".."):
        raise ModelError(f"'{name}' cannot be the name of a model: use letters, digits and hyphens.")
    target = Path(folder) if folder else user_models_folder() / name
    if target.exists():
        raise ModelError(f"{target} is there already: choose another name, or remove it first.")
    for needed in (PLANS, DATASET):
        if not (result / needed).is_file():
            raise ModelError(f"{result} is not a result folder of nnU-Net v2: it holds no {needed}.")
    checkpoints = _checkpoints(result, folds)
    draft = target.with_name(f".{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        for plain in (PLANS, DATASET):
            shutil.copyfile(result / plain, draft / plain)
        weights, about = [], {}
        for fold, path in checkpoints.items():
            checkpoint = _plain_checkpoint(path)
            about = about or checkpoint
            weights.append(f"fold_{fold}/{WEIGHTS}")
            _write_weights(checkpoint["network_weights"], draft / weights[-1])
        _write_card(draft, {
            "name": name,
            "version": "imported",
            "kind": kind,
            "margin_mm": margin_mm,
            "threshold": threshold,
            "threshold_choice": "given when the model was imported, not calibrated",
            "intended_use": "As its authors say; imported from an nnU-Net result folder and not validated here.",
            "configuration": configuration or _configuration(about, result),
            "weights": weights,
            "mirror_axes": [int(axis) for axis in about.get("inference_allowed_mirroring_axes") or ()],
        })
        _check(draft)
        draft.rename(target)
    except OSError as error:
        raise ModelError(f"The model could not be written to {target} ({error.strerror}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return load_model(target)


def _checkpoints(result: Path, folds: Sequence[int] | None) -> dict[int, Path]:
    there = {}
    for path in sorted(result.glob("fold_*")):
        number = path.name.removeprefix("fold_")
        found = [path / name for name in CHECKPOINTS if (path / name).is_file()]
        if number.isdigit() and found:
            there[int(number)] = found[0]
    wanted = sorted(there) if folds is None else list(folds)
    missing = [str(fold) for fold in wanted if fold not in there]
    if missing or not wanted:
        raise ModelError(f"{result} holds no checkpoint of fold {', '.join(missing) or '0 or any other'}.")
    return {fold: there[fold] for fold in wanted}


def _plain_checkpoint(path: Path) -> dict:
    import numpy as np
    import torch

    # A training log holds NumPy numbers; they are values, and the only kinds allowed beside torch's own.
    numbers = [np.dtype, np.float64, np.float32, *(type(np.dtype(kind)) for kind in ("f8", "f4", "i8", "i4", "?"))]
    for module in (getattr(np, "_core", None), getattr(np, "core", None)):
        if module is not None:
            numbers.append(module.multiarray.scalar)
            break
    try:
        with torch.serialization.safe_globals(numbers):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(value, torch.Tensor) for value in checkpoint["network_weights"].values()):
            raise TypeError
    except Exception:
        # torch, zipfile and pickle each raise kinds of their own.
        raise ModelError(f"{path} is not a checkpoint of plain values (damaged, or a pickle with code in it, which is "
                         "refused); nothing in it was run.") from None
    return checkpoint


def _write_weights(parameters: dict, path: Path) -> None:
    """Every tensor once: nnU-Net's decoder names the encoder's a second time."""
    from safetensors.torch import save_file

    tensors, aliases, known = {}, {}, {}
    for name, value in parameters.items():
        for wrapper in _WRAPPERS:
            name = name.removeprefix(wrapper)
        place = (value.untyped_storage().data_ptr(), value.storage_offset(), tuple(value.shape), tuple(value.stride()))
        if place in known and value.numel():
            aliases[name] = known[place]
            continue
        known[place] = name
        tensors[name] = value.detach().clone().contiguous()
    path.parent.mkdir(parents=True)
    save_file(tensors, path, metadata={ALIASES: json.dumps(aliases)})


def _configuration(checkpoint: dict, result: Path) -> str:
    named = (checkpoint.get("init_args") or {}).get("configuration")
    return str(named or result.name.rpartition("__")[2] or "3d_fullres")


def _write_card(folder: Path, card: dict) -> None:
    files = [PLANS, DATASET, *card["weights"]]
    card = {**card, "sha256": {name: sha256_of(folder / name) for name in files}}
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _check(folder: Path) -> None:
    """That it loads, fits, and that weights and plans belong together."""
    from .network_plan import NetworkPlan

    model = load_model(folder)
    plan = NetworkPlan.of(model, threads=1)
    for parameters in model.read_weights():
        plan.network(parameters)
