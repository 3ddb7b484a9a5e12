"""Trained models on disk: found by name or folder, checked before a byte of their weights is read.

A model is a folder that nnU-Net itself can read (`plans.json`, `dataset.json`, `fold_X/`) with one `model.json`, the
model card, which also holds the SHA-256 of every other file that is used. Weights are `safetensors`, or a checkpoint
that torch reads with `weights_only=True`, so that no code in it can run. The plans name the classes that build the
network: only those of nnU-Net's network library and of torch.nn are accepted. Or the card names a network of another
library, one of those in builders.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ModelError
from ...values import LabelSet
from ...words import tr
from .builders import NamedNetwork
from .card import CARD, DATASET, PLANS, ModelCard, card_of
from .model_files import compare_hash, read_json, read_weights
from .model_folders import find_model

if TYPE_CHECKING:
    import torch

DEFAULT_MODEL = "crop-simulated-small"
NETWORK_LIBRARY = "dynamic_network_architectures.architectures."
LAYER_LIBRARY = "torch.nn."
# For nnU-Net, which reads no plans without one, where the card names the network.
NO_ARCHITECTURE: dict[str, Any] = {"network_class_name": "", "arch_kwargs": {}, "_kw_requires_import": []}


@dataclass(frozen=True)
class Model:
    """A model folder that passed every check; its weights are not in memory yet.

    channels  names of what the network sees, such as ('B-mode',)
    labels    what it answers
    network   of another library, as the card names it; None for nnU-Net's own, which the plans describe
    """

    folder: Path
    card: ModelCard
    plans: dict[str, Any]
    dataset: dict[str, Any]
    channels: tuple[str, ...]
    labels: LabelSet
    network: NamedNetwork | None = None

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def is_2d(self) -> bool:
        """True when the network sees one plane at a time."""
        return len(self._configuration["patch_size"]) == 2

    @property
    def spacing_mm(self) -> tuple[float | None, ...]:
        """The voxel size along [k, j, i] at which the network works; None along the axis on which a 2D network takes
        one plane after the other. The plans hold it in the network's own order.
        """
        spacing = self._configuration["spacing"]
        whole = [None] * (3 - len(spacing)) + [float(value) for value in spacing]
        return tuple(whole[place] for place in self.plans["transpose_backward"])

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds whose mean the model is, such as 'fold_0'."""
        return tuple(Path(name).parent.name for name in self.card.weights)

    @property
    def _configuration(self) -> dict[str, Any]:
        configuration: dict[str, Any] = self.plans["configurations"][self.card.configuration]
        return configuration

    def with_folds(self, folds: Sequence[str]) -> Model:
        """The same model with some of its folds ('fold_0', '0', 'all'): quicker, and less sure of itself.

        The threshold stays that of all folds. Raises ModelError for a fold that the model lacks.
        """
        wanted = [str(fold) if str(fold).startswith("fold_") else f"fold_{fold}" for fold in folds]
        lacking = [fold for fold in wanted if fold not in self.folds]
        if lacking or not wanted:
            raise ModelError(
                tr(
                    "The model '{name}' has no {lacking}: choose from {folds}.",
                    name=self.name,
                    lacking=", ".join(lacking) or "such fold",
                    folds=", ".join(self.folds),
                )
            )
        weights = tuple(name for fold, name in zip(self.folds, self.card.weights) if fold in wanted)
        return replace(self, card=replace(self.card, weights=weights))

    def read_weights(self) -> list[dict[str, torch.Tensor]]:
        """The network's parameters of every fold, name to tensor (float32, on the CPU).

        Each file's hash is compared once more right before it is read. Raises ModelError.
        """
        return [read_weights(self.folder, name, self.card.sha256[name]) for name in self.card.weights]


def load_model(name_or_folder: str | Path = DEFAULT_MODEL, *, check_weights: bool = True) -> Model:
    """The model of that name among the shipped or the user's ones, or in that folder, fully checked.

    check_weights  False to leave the weights' hashes for read_weights(), where the model is only to be described

    Raises ModelError, one sentence, when a file is missing, altered or not understood, or the model does not fit.
    """
    folder = find_model(name_or_folder)
    if not (folder / CARD).is_file():
        raise ModelError(
            tr(
                "The folder {folder} holds no {card}: it is not a model of this project, or is incomplete.",
                folder=folder,
                card=CARD,
            )
        )
    card = card_of(read_json(folder / CARD), folder / CARD)
    for name, expected in card.sha256.items():
        if check_weights or name not in card.weights:
            compare_hash(folder, name, expected)
    plans, dataset = read_json(folder / PLANS), read_json(folder / DATASET)
    where = f"The model '{card.name}' does not fit: "
    network = _network(card, where)
    configuration = _checked_configuration(plans, card, where)
    if network is None:
        _check_architecture(configuration, card, where)
    else:
        configuration["architecture"] = NO_ARCHITECTURE
    return Model(folder, card, plans, dataset, _channels(dataset, where), _labels(dataset, card, where), network)


def _network(card: ModelCard, where: str) -> NamedNetwork | None:
    try:
        return NamedNetwork.from_card(card.text.get("network"))
    except ModelError as error:
        raise ModelError(f"{where}{error}") from None


def _channels(dataset: dict[str, Any], where: str) -> tuple[str, ...]:
    channels = dataset.get("channel_names") or dataset.get("modality")
    if not isinstance(channels, dict):
        raise ModelError(tr("{where}its {dataset} names no channels.", where=where, dataset=DATASET))
    return tuple(str(name) for name in channels.values())


def _labels(dataset: dict[str, Any], card: ModelCard, where: str) -> LabelSet:
    """Of the dataset, which nnU-Net reads; the card says beside it which of them were annotated."""
    try:
        labels = LabelSet.from_entries(dataset)
        noted = card.text.get("labels")
        if noted is None:
            return labels
        described = LabelSet.from_entries(noted)
    except ModelError as error:
        raise ModelError(f"{where}{error}") from None
    if described.annotated_only(described.names) != labels.annotated_only(labels.names):
        raise ModelError(tr("{where}its card names other labels than its {dataset}.", where=where, dataset=DATASET))
    return described


def _checked_configuration(plans: dict[str, Any], card: ModelCard, where: str) -> dict[str, Any]:
    """What the plans say of the card's configuration: of two or three axes, and not the second stage of a cascade."""
    try:
        configuration: dict[str, Any] = plans["configurations"][card.configuration]
        axes = len(configuration["patch_size"])
        orders = sorted(plans["transpose_forward"]), sorted(plans["transpose_backward"])
        spacing = [float(value) for value in configuration["spacing"]]
    except (KeyError, TypeError, ValueError):
        raise ModelError(
            tr(
                "{where}its plans have no complete configuration '{configuration}'.",
                where=where,
                configuration=card.configuration,
            )
        ) from None
    if axes not in (2, 3) or len(spacing) != axes or any(order != [0, 1, 2] for order in orders):
        raise ModelError(
            tr(
                "{where}its plans have {axes} axes and {spacing} spacings; a network has two or three.",
                where=where,
                axes=axes,
                spacing=len(spacing),
            )
        )
    if configuration.get("previous_stage"):
        raise ModelError(
            tr("{where}it is the second stage of a cascade, which needs another model before it.", where=where)
        )
    return configuration


def _check_architecture(configuration: dict[str, Any], card: ModelCard, where: str) -> None:
    """That the plans name no class but those of a network."""
    try:
        architecture = configuration["architecture"]
        classes = [architecture["network_class_name"]]
        layers = [architecture["arch_kwargs"][name] for name in architecture["_kw_requires_import"]]
    except (KeyError, TypeError):
        raise ModelError(
            tr(
                "{where}its plans have no complete configuration '{configuration}'.",
                where=where,
                configuration=card.configuration,
            )
        ) from None
    foreign = [name for name in classes if not _is_from(name, NETWORK_LIBRARY)]
    foreign += [name for name in layers if name is not None and not _is_from(name, LAYER_LIBRARY)]
    if foreign:
        raise ModelError(
            tr(
                "{where}its plans name code that is not a network's ({foreign}); it was not loaded.",
                where=where,
                foreign=foreign[0],
            )
        )


def _is_from(name: Any, library: str) -> bool:
    return isinstance(name, str) and name.startswith(library) and name.replace(".", "").replace("_", "").isalnum()
