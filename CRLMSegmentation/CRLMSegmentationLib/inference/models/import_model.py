"""Any result folder of nnU-Net v2 as a model of this project: a card, hashes, and weights that cannot hold code."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...values import LabelSet
from ...values.defaults import DEFAULT_BOX_MARGIN_MM, DEFAULT_THRESHOLD
from ...words import tr
from .card import DATASET, PLANS
from .checkpoints import read_checkpoint, write_safetensors
from .foreign_plans import standing_alone
from .model_files import read_json, write_card
from .model_folders import available_models, user_models_folder
from .trained_model import Model, load_model

CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
WEIGHTS = "weights.safetensors"
# nnU-Net's name of the fold that was trained on all cases.
ALL = "all"


@dataclass(frozen=True)
class About:
    """What an nnU-Net result does not say of itself.

    task        what it was trained to do, one of card.TASKS
    margin_mm   around a tight box
    threshold   0.5 stands for nnU-Net's own decision; calibrate it on validation cases
    trained_on  the card's training data, as in 'was trained on ...'
    annotated   names of the labels that were annotated in the training; None for all of them
    """

    task: str = "crop"
    margin_mm: float = DEFAULT_BOX_MARGIN_MM
    threshold: float = DEFAULT_THRESHOLD
    trained_on: str = ""
    annotated: Sequence[str] | None = None


def import_model(
    result: str | Path,
    name: str,
    folder: str | Path | None = None,
    about: About | None = None,
    *,
    folds: Sequence[int | str] | None = None,
    configuration: str | None = None,
) -> Model:
    """Write a model folder from nnU-Net's `result` folder (`plans.json`, `dataset.json`, `fold_X/checkpoint_*.pth`).

    name    of the model, and of its folder
    folder  where to write it; by default where load_model(name) finds it (user_models_folder())
    folds   numbers, or 'all' for the one that was trained on all cases (fold_all); by default all numbers that are
            there, else 'all'; their probabilities are averaged
    Checkpoints are read as plain values, never as code. Nothing is left behind when it fails. Raises ModelError when
    a file is missing, holds anything but plain values, or is not understood (a cascade).
    """
    result = Path(result)
    target = _target(name, folder)
    for needed in (PLANS, DATASET):
        if not (result / needed).is_file():
            raise ModelError(
                tr("{result} is not a result folder of nnU-Net v2: it holds no {needed}.", result=result, needed=needed)
            )
    checkpoints = _checkpoints(result, folds)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.draft")
    try:
        draft.mkdir(parents=True)
        _write_draft(draft, result, checkpoints, configuration, name, about or About())
        _check(draft)
        draft.rename(target)
    except OSError as error:
        raise ModelError(
            tr("The model could not be written to {target} ({strerror}).", target=target, strerror=error.strerror)
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return load_model(target)


def _target(name: str, folder: str | Path | None) -> Path:
    if not name or name != Path(name).name or name in (".", ".."):
        raise ModelError(tr("'{name}' cannot be the name of a model: use letters, digits and hyphens.", name=name))
    if not folder and name in available_models():
        raise ModelError(tr("'{name}' is the name of a model that ships: choose another name.", name=name))
    target = Path(folder) if folder else user_models_folder() / name
    if target.exists():
        raise ModelError(tr("{target} is there already: choose another name, or remove it first.", target=target))
    return target


def _write_draft(
    draft: Path, result: Path, checkpoints: dict[str, Path], configuration: str | None, name: str, about: About
) -> None:
    shutil.copyfile(result / DATASET, draft / DATASET)
    labels = LabelSet.from_entries(read_json(draft / DATASET))
    weights: list[str] = []
    first: dict[str, Any] = {}
    for fold, path in checkpoints.items():
        checkpoint = read_checkpoint(path)
        first = first or checkpoint
        weights.append(f"fold_{fold}/{WEIGHTS}")
        write_safetensors(checkpoint["network_weights"], draft / weights[-1])
    configuration = configuration or _configuration(first, result)
    plans = standing_alone(read_json(result / PLANS), configuration)
    (draft / PLANS).write_text(json.dumps(plans, indent=2) + "\n", encoding="utf-8")
    card = {
        "name": name,
        "version": "imported",
        "task": about.task,
        "labels": (labels if about.annotated is None else labels.annotated_only(about.annotated)).entries(),
        "margin_mm": about.margin_mm,
        "threshold": about.threshold,
        "threshold_choice": "given when the model was imported, not calibrated",
        "intended_use": "As its authors say; imported from an nnU-Net result folder and not validated here.",
        **({"training": {"data": about.trained_on}} if about.trained_on else {}),
        "configuration": configuration,
        "weights": weights,
        "mirror_axes": [int(axis) for axis in first.get("inference_allowed_mirroring_axes") or ()],
    }
    write_card(draft, card)


def _checkpoints(result: Path, folds: Sequence[int | str] | None) -> dict[str, Path]:
    there: dict[str, Path] = {}
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
        raise ModelError(
            tr(
                "{result} holds no checkpoint of fold {missing}{has}.",
                result=result,
                missing=", ".join(missing) or "0 or any other",
                has=has,
            )
        )
    return {fold: there[fold] for fold in wanted}


def _configuration(checkpoint: dict[str, Any], result: Path) -> str:
    named = (checkpoint.get("init_args") or {}).get("configuration")
    return str(named or result.name.rpartition("__")[2] or "3d_fullres")


def _check(folder: Path) -> None:
    """That it loads, fits, and that weights and plans belong together."""
    from .network_plan import NetworkPlan

    model = load_model(folder)
    plan = NetworkPlan.of(model, threads=1)
    assert plan.label_manager is not None, "it raises ModelError when nnU-Net reads other labels"
    for parameters in model.read_weights():
        plan.network(parameters)
