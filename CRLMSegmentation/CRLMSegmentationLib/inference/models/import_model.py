"""Any result folder of nnU-Net v2 as a model of this project: a card, hashes, and weights that cannot hold code."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from ...errors import ModelError
from ...values.defaults import DEFAULT_BOX_MARGIN_MM, DEFAULT_THRESHOLD
from .foreign_plans import standing_alone
from .trained_model import (  # fmt: skip
    ALIASES,
    CARD,
    DATASET,
    PLANS,
    Model,
    available_models,
    load_model,
    read_json,
    sha256_of,
    user_models_folder,
)

CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
WEIGHTS = "weights.safetensors"
# nnU-Net's name of the fold that was trained on all cases.
ALL = "all"
# What torch.compile and distributed training put before the names of the parameters.
_WRAPPERS = ("_orig_mod.", "module.")


def import_model(
    result: str | Path,
    name: str,
    folder: str | Path | None = None,
    *,
    kind: str = "crop",
    margin_mm: float = DEFAULT_BOX_MARGIN_MM,
    threshold: float = DEFAULT_THRESHOLD,
    folds: Sequence[int | str] | None = None,
    configuration: str | None = None,
    trained_on: str = "",
) -> Model:
    """Write a model folder from nnU-Net's `result` folder (`plans.json`, `dataset.json`, `fold_X/checkpoint_*.pth`).

    name       of the model, and of its folder
    folder     where to write it; by default where load_model(name) finds it (user_models_folder())
    folds      numbers, or 'all' for the one that was trained on all cases (fold_all); by default all that are there,
               else 'all'; their probabilities are averaged
    trained_on the card's training data, words that follow 'was trained on'
    threshold  0.5 stands for nnU-Net's own decision; calibrate it on validation cases
    Checkpoints are read as plain values, never as code. Nothing is left behind when it fails. Raises ModelError when
    a file is missing, holds anything but plain values, or the model does not fit (2D, several channels, other labels).
    """
    result = Path(result)
    if not name or name != Path(name).name or name in (".", ".."):
        raise ModelError(f"'{name}' cannot be the name of a model: use letters, digits and hyphens.")
    if not folder and name in available_models():
        raise ModelError(f"'{name}' is the name of a model that ships: choose another name.")
    target = Path(folder) if folder else user_models_folder() / name
    if target.exists():
        raise ModelError(f"{target} is there already: choose another name, or remove it first.")
    for needed in (PLANS, DATASET):
        if not (result / needed).is_file():
            raise ModelError(f"{result} is not a result folder of nnU-Net v2: it holds no {needed}.")
    checkpoints = _checkpoints(result, folds)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.draft")
    try:
        draft.mkdir(parents=True)
        shutil.copyfile(result / DATASET, draft / DATASET)
        weights, about = [], {}
        for fold, path in checkpoints.items():
            checkpoint = _plain_checkpoint(path)
            about = about or checkpoint
            weights.append(f"fold_{fold}/{WEIGHTS}")
            _write_weights(checkpoint["network_weights"], draft / weights[-1])
        configuration = configuration or _configuration(about, result)
        plans = standing_alone(read_json(result / PLANS), configuration)
        (draft / PLANS).write_text(json.dumps(plans, indent=2) + "\n", encoding="utf-8")
        _write_card(
            draft,
            {
                "name": name,
                "version": "imported",
                "kind": kind,
                "margin_mm": margin_mm,
                "threshold": threshold,
                "threshold_choice": "given when the model was imported, not calibrated",
                "intended_use": "As its authors say; imported from an nnU-Net result folder and not validated here.",
                **({"training": {"data": trained_on}} if trained_on else {}),
                "configuration": configuration,
                "weights": weights,
                "mirror_axes": [int(axis) for axis in about.get("inference_allowed_mirroring_axes") or ()],
            },
        )
        _check(draft)
        draft.rename(target)
    except OSError as error:
        raise ModelError(f"The model could not be written to {target} ({error.strerror}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return load_model(target)


def _checkpoints(result: Path, folds: Sequence[int | str] | None) -> dict[str, Path]:
    there = {}
    for path in sorted(result.glob("fold_*")):
        fold = path.name.removeprefix("fold_")
        found = [path / name for name in CHECKPOINTS if (path / name).is_file()]
        if (fold.isdigit() or fold == ALL) and found:
            there[fold] = found[0]
    numbers = sorted((fold for fold in there if fold != ALL), key=int)
    wanted = (numbers or list(there)) if folds is None else list(dict.fromkeys(map(str, folds)))
    missing = [fold for fold in wanted if fold not in there]
    if missing or not wanted:
        has = f" (there are: {', '.join(there)})" if there else ""
        raise ModelError(f"{result} holds no checkpoint of fold {', '.join(missing) or '0 or any other'}{has}.")
    return {fold: there[fold] for fold in wanted}


def _plain_checkpoint(path: Path) -> dict:
    import torch

    try:
        with torch.serialization.safe_globals(_numpys_numbers()):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(value, torch.Tensor) for value in checkpoint["network_weights"].values()):
            raise TypeError
    except Exception as error:
        # torch, zipfile and pickle each raise kinds of their own.
        named = re.search(r"GLOBAL (\S+)", str(error))
        kind = f"it holds a {named.group(1)}" if named else "damaged, or a pickle with code in it"
        raise ModelError(
            f"{path} is not a checkpoint of plain values ({kind}, which is refused); nothing in it was run."
        ) from None
    return checkpoint


def _numpys_numbers() -> list:
    """A training log holds NumPy numbers; they are values, and the only kinds allowed beside torch's own.

    NumPy 1 and 2 call what makes them by different names, and either may have written what the other one reads.
    """
    import numpy as np

    made = [np.ndarray, np.dtype, *(type(np.dtype(kind)) for kind in ("f8", "f4", "f2", "i8", "i4", "i2", "u1", "?"))]
    core = getattr(np, "_core", None) or np.core
    for maker in (core.multiarray.scalar, core.multiarray._reconstruct):
        for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            made.append(_under_the_name(maker, module))
    return [*made, np.float64, np.float32]


def _under_the_name(function, module: str):
    """`function` as torch finds it when a file calls it by the name that it has in `module`."""

    def renamed(*values):
        return function(*values)

    renamed.__module__, renamed.__name__, renamed.__qualname__ = module, function.__name__, function.__name__
    return renamed


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
