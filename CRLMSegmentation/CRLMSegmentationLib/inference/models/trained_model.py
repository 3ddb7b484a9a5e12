"""Trained models on disk: found by name or folder, checked before a byte of their weights is read.

A model is a folder that nnU-Net itself can read (`plans.json`, `dataset.json`, `fold_X/`) with one `model.json`, the
model card, which also holds the SHA-256 of every other file that is used. Weights are `safetensors`, or a checkpoint
that torch reads with `weights_only=True`, so that no code in it can run. The plans name the classes that build the
network: only those of nnU-Net's network library and of torch.nn are accepted.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import ModelError
from .user_folders import data_folder

DEFAULT_MODEL = "crop-simulated-small"
CARD = "model.json"
PLANS = "plans.json"
DATASET = "dataset.json"
IGNORED = "ignore"
FOLDER_VARIABLE = "CRLM_MODELS"
KINDS = ("crop", "full")
# In the metadata of a safetensors file: the other names of tensors that the network holds under several.
ALIASES = "aliases"
NETWORK_LIBRARY = "dynamic_network_architectures.architectures."
LAYER_LIBRARY = "torch.nn."
LARGEST_JSON_BYTES = 20_000_000


@dataclass(frozen=True)
class ModelCard:
    """What `model.json` says.

    name, version  of the model
    kind           'crop' (boxes around a tumor) or 'full' (whole volumes)
    margin_mm      added to a tight box on every side before the model sees it
    threshold      probability from which a voxel counts as tumor
    configuration  nnU-Net's configuration within the plans
    weights        paths of the weight files, relative to the folder, one for each fold
    sha256         path to hash, for every file that is used
    mirror_axes    array axes along which the network was trained mirrored
    tumor_volume_ml      smallest and largest tumor in training; None when the card does not say
    shell_probabilities  low and high probability of the uncertainty shell, calibrated on validation data; None without
    usual_entropy_bits   19 of 20 masks on validation data had a lower mean entropy; None where that was not measured
    least_mean_probability  what `threshold` marks with a lower mean is not shown as a tumor; None for no such limit
    text           the whole card as read: how the threshold was chosen, training data, validation figures, intended use
    """

    name: str
    version: str
    kind: str
    margin_mm: float
    threshold: float
    configuration: str
    weights: tuple[str, ...]
    sha256: dict[str, str]
    mirror_axes: tuple[int, ...]
    tumor_volume_ml: tuple[float, float] | None
    shell_probabilities: tuple[float, float] | None
    usual_entropy_bits: float | None
    least_mean_probability: float | None
    text: dict

    @property
    def trained_on(self) -> str:
        """For people, one sentence: 'The model 'x' was trained on ...', from the card's training data."""
        data = str(_training(self.text).get("data") or "").strip().rstrip(".")
        return f"The model '{self.name}' was trained on {data or 'data that its card does not name'}."

    @property
    def trained_on_simulated_only(self) -> bool:
        """True when the card says that no patient's data were in the training: on real data it is unproven."""
        return _training(self.text).get("simulated") is True

    @property
    def decides(self) -> dict:
        """All that a mask depends on besides the volume: hashes of plans and weights, and the limits."""
        return {**self.sha256, "threshold": self.threshold, "least_mean": self.least_mean_probability}


@dataclass(frozen=True)
class Model:
    """A model folder that passed every check; its weights are not in memory yet."""

    folder: Path
    card: ModelCard
    plans: dict
    dataset: dict

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """The voxel size along [k, j, i] at which the network works. The plans hold it in the network's own order."""
        spacing = self.plans["configurations"][self.card.configuration]["spacing"]
        return tuple(float(spacing[place]) for place in self.plans["transpose_backward"])

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds whose mean the model is, such as 'fold_0'."""
        return tuple(Path(name).parent.name for name in self.card.weights)

    def with_folds(self, folds: Sequence[str]) -> Model:
        """The same model with some of its folds ('fold_0', '0', 'all'): quicker, and less sure of itself.

        The threshold stays that of all folds. Raises ModelError for a fold that the model lacks.
        """
        wanted = [str(fold) if str(fold).startswith("fold_") else f"fold_{fold}" for fold in folds]
        lacking = [fold for fold in wanted if fold not in self.folds]
        if lacking or not wanted:
            raise ModelError(
                f"The model '{self.name}' has no {', '.join(lacking) or 'such fold'}: "
                f"choose from {', '.join(self.folds)}."
            )
        weights = tuple(name for fold, name in zip(self.folds, self.card.weights) if fold in wanted)
        return replace(self, card=replace(self.card, weights=weights))

    def read_weights(self) -> list[dict]:
        """The network's parameters of every fold, name to tensor (float32, on the CPU).

        Each file's hash is compared once more right before it is read. Raises ModelError.
        """
        return [_read_weights(self.folder, name, self.card.sha256[name]) for name in self.card.weights]


def models_folder() -> Path | None:
    """The folder of shipped models: in the installed package or in Slicer's module, else in the source tree."""
    package = Path(__file__).resolve().parents[2]
    places = [package, *package.parents[:2]]
    found = [place / "Resources" / "Models" for place in places if (place / "Resources" / "Models").is_dir()]
    return found[0] if found else None


def available_models() -> list[str]:
    """Names of the shipped models: the folders that hold a model card."""
    folder = models_folder()
    return sorted(path.parent.name for path in folder.glob(f"*/{CARD}")) if folder else []


def user_models() -> list[str]:
    """Names of the imported models; none of a folder that cannot be read, and none that a shipped model hides."""
    shipped = available_models()
    try:
        names = sorted(card.parent.name for card in user_models_folder().glob(f"*/{CARD}"))
    except OSError:
        return []
    return [name for name in names if name not in shipped and not name.startswith(".")]


def user_models_folder() -> Path:
    """Where imported models are kept: CRLM_MODELS, or the system's folder for a program's data. It may not be there."""
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE])
    return data_folder() / "models"


def load_model(name_or_folder: str | Path = DEFAULT_MODEL, *, check_weights: bool = True) -> Model:
    """The model of that name among the shipped or the user's ones, or in that folder, fully checked.

    check_weights  False to leave the weights' hashes for read_weights(), where the model is only to be described

    Raises ModelError, one sentence, when a file is missing, altered or not understood, or the model does not fit.
    """
    folder = _find(name_or_folder)
    card = _read_card(folder)
    for name, expected in card.sha256.items():
        if check_weights or name not in card.weights:
            _compare_hash(folder, name, expected)
    model = Model(folder, card, read_json(folder / PLANS), read_json(folder / DATASET))
    _check_fit(model)
    return model


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _find(name_or_folder: str | Path) -> Path:
    folder = Path(name_or_folder)
    # A name comes first: a folder that happens to be called so in the current one is meant by ./NAME.
    if folder.name == str(name_or_folder) and folder.name not in ("", ".", ".."):
        for place in (models_folder(), user_models_folder()):
            if place and (place / folder.name).is_dir():
                return place / folder.name
    if folder.is_dir():
        return folder
    names = ", ".join([*available_models(), *user_models()]) or "none"
    raise ModelError(f"There is no model '{name_or_folder}': give the folder of a model, or one of the names {names}.")


def _read_card(folder: Path) -> ModelCard:
    if not (folder / CARD).is_file():
        raise ModelError(f"The folder {folder} holds no {CARD}: it is not a model of this project, or is incomplete.")
    return card_of(read_json(folder / CARD), folder / CARD)


def card_of(text: dict, where) -> ModelCard:
    """The card whose text this is. Raises ModelError, which names `where` it is from, when it is none."""
    try:
        card = ModelCard(
            name=str(text["name"]),
            version=str(text["version"]),
            kind=str(text["kind"]),
            margin_mm=float(text["margin_mm"]),
            threshold=float(text["threshold"]),
            configuration=str(text["configuration"]),
            weights=tuple(text["weights"]),
            sha256={str(name): str(value).lower() for name, value in text["sha256"].items()},
            mirror_axes=tuple(int(axis) for axis in text.get("mirror_axes", ())),
            tumor_volume_ml=_range(_training(text).get("tumor_volume_ml")),
            shell_probabilities=_shell(text.get("uncertainty")),
            usual_entropy_bits=_number(text.get("uncertainty"), "entropy_bits"),
            least_mean_probability=_number(text.get("uncertainty"), "least_mean"),
            text=text,
        )
    except KeyError as missing:
        raise ModelError(f"The model card {where} has no entry {missing}: the model cannot be used.") from None
    except (TypeError, ValueError, AttributeError):
        raise ModelError(f"The model card {where} holds an entry of the wrong kind.") from None
    if card.kind not in KINDS or not 0 < card.threshold < 1 or not 0 <= card.margin_mm < 1000:
        raise ModelError(f"The model card {where} has a kind, threshold or margin that makes no sense.")
    needed = {PLANS, DATASET, *card.weights}
    if not card.weights or not needed <= set(card.sha256):
        lacking = ", ".join(sorted(needed - set(card.sha256))) or "its weights"
        raise ModelError(f"The model card {where} lacks the hash of {lacking}.")
    for name in card.sha256:
        path = Path(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ModelError(f"The model card {where} names a file outside its folder ({name}).")
    return card


def _training(text: dict) -> dict:
    training = text.get("training")
    return training if isinstance(training, dict) else {}


def _range(numbers) -> tuple[float, float] | None:
    if numbers is None:
        return None
    low, high = (float(number) for number in numbers)
    if not 0 <= low < high:
        raise ValueError
    return low, high


def _shell(uncertainty: dict | None) -> tuple[float, float] | None:
    return None if uncertainty is None else _range((uncertainty["outer"], uncertainty["inner"]))


def _number(uncertainty: dict | None, name: str) -> float | None:
    limit = (uncertainty or {}).get(name)
    return None if limit is None else float(limit)


def _compare_hash(folder: Path, name: str, expected: str) -> None:
    if not (folder / name).is_file():
        raise ModelError(f"The model in {folder} is incomplete: {name} is missing; get the folder again.")
    if sha256_of(folder / name) != expected:
        raise ModelError(
            f"The model file {folder / name} is damaged or was altered (its SHA-256 is not the one in "
            f"{CARD}): it was not read; get the folder again."
        )


def read_json(path: Path) -> dict:
    """The object in a JSON file of a model. Raises ModelError."""
    try:
        if path.stat().st_size > LARGEST_JSON_BYTES:
            raise ModelError(f"{path} is too large to be a part of a model.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise ModelError(f"{path} is not a readable JSON file: the model folder is damaged.") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} does not hold what a model needs: the model folder is damaged.")
    return content


def _check_fit(model: Model) -> None:
    """One channel, background and one label, three axes, and no class but a network's."""
    where = f"The model '{model.name}' does not fit: "
    channels = model.dataset.get("channel_names") or model.dataset.get("modality") or {}
    if len(channels) != 1:
        raise ModelError(f"{where}it was trained on {len(channels)} channels, and an ultrasound volume has one.")
    labels = model.dataset.get("labels", {})
    # nnU-Net's 'ignore' marks what was not annotated; a network has no output for it.
    predicted = [value for name, value in labels.items() if name != IGNORED] if isinstance(labels, dict) else []
    if sorted(map(str, predicted)) != ["0", "1"]:
        raise ModelError(f"{where}it has the labels {labels}, and a background 0 and a tumor 1 are needed.")
    try:
        configuration = model.plans["configurations"][model.card.configuration]
        axes = len(configuration["patch_size"])
        architecture = configuration["architecture"]
        classes = [architecture["network_class_name"]]
        layers = [architecture["arch_kwargs"][name] for name in architecture["_kw_requires_import"]]
        mapping = (*model.plans["transpose_forward"], *model.plans["transpose_backward"], *configuration["spacing"])
    except (KeyError, TypeError):
        raise ModelError(f"{where}its plans have no complete configuration '{model.card.configuration}'.") from None
    if axes != 3 or len(mapping) != 9:
        raise ModelError(f"{where}it is a {axes}D model, and a 3D one is needed.")
    if configuration.get("previous_stage"):
        raise ModelError(f"{where}it is the second stage of a cascade, which needs another model before it.")
    foreign = [name for name in classes if not _is_from(name, NETWORK_LIBRARY)]
    foreign += [name for name in layers if name is not None and not _is_from(name, LAYER_LIBRARY)]
    if foreign:
        raise ModelError(f"{where}its plans name code that is not a network's ({foreign[0]}); it was not loaded.")


def _is_from(name, library: str) -> bool:
    return isinstance(name, str) and name.startswith(library) and name.replace(".", "").replace("_", "").isalnum()


def _read_weights(folder: Path, name: str, expected: str) -> dict:
    import torch

    _compare_hash(folder, name, expected)
    path = folder / name
    try:
        if path.suffix == ".safetensors":
            weights = _read_safetensors(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)["network_weights"]
        if not all(isinstance(value, torch.Tensor) for value in weights.values()):
            raise TypeError
    except Exception:
        # torch, zipfile, pickle and safetensors each raise kinds of their own for what is not plain weights.
        raise ModelError(
            f"{path} is not a file of plain network weights (damaged, or a pickle with code in it, which "
            "is refused); nothing in it was run."
        ) from None
    return {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}


def _read_safetensors(path: Path) -> dict:
    from safetensors import safe_open

    with safe_open(path, framework="pt", device="cpu") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
        aliases = json.loads((file.metadata() or {}).get(ALIASES, "{}"))
    return {**weights, **{alias: weights[name] for alias, name in aliases.items()}}
