"""The model card, `model.json`: what a model is for, and the hashes of all its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...words import tr

CARD = "model.json"
PLANS = "plans.json"
DATASET = "dataset.json"
# What a model was trained to do: a tumor in a box, tumors in a whole volume, tumors in live frames; liver, vessels and
# tumors in a CT, overlapping or, to compare, exclusive and with one label a voxel; landmarks of the liver in
# laparoscopic video.
TASKS = ("crop", "full", "frames", "lvt", "lvt-mlx", "lvt-mc", "landmarks")


@dataclass(frozen=True)
class ModelCard:
    """What `model.json` says.

    name, version  of the model
    task           what it was trained to do, one of TASKS
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
    image_ranges   lowest and highest of each figure of segmentation.image_statistics that the model learned from; None
                   where that was not measured
    """

    name: str
    version: str
    task: str
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
    text: dict[str, Any]
    image_ranges: dict[str, tuple[float, float]] | None = None

    @property
    def trained_on(self) -> str:
        """For people, one sentence: 'The model 'x' was trained on ...', from the card's training data."""
        data = str(_training(self.text).get("data") or "").strip().rstrip(".")
        return f"The model '{self.name}' was trained on {data or 'data that its card does not name'}."

    @property
    def trained_on_simulated_only(self) -> bool:
        """True when the card says that no patient's data were in the training: a result on real data is then
        unproven.
        """
        return _training(self.text).get("simulated") is True

    @property
    def decides(self) -> dict[str, Any]:
        """All that a mask depends on besides the volume: hashes of plans and weights, and the limits."""
        return {**self.sha256, "threshold": self.threshold, "least_mean": self.least_mean_probability}


def card_of(text: dict[str, Any], where: str | Path) -> ModelCard:
    """The card whose text this is. Raises ModelError, which names `where` it is from, when it is none."""
    try:
        card = ModelCard(
            name=str(text["name"]),
            version=str(text["version"]),
            # Cards were written with 'kind' before there were tasks other than crop and full.
            task=str(text["kind"] if "task" not in text and "kind" in text else text["task"]),
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
            image_ranges=_image_ranges(text.get("images")),
        )
    except KeyError as missing:
        raise ModelError(
            tr("The model card {where} has no entry {missing}: the model cannot be used.", where=where, missing=missing)
        ) from None
    except (TypeError, ValueError, AttributeError):
        raise ModelError(tr("The model card {where} holds an entry of the wrong kind.", where=where)) from None
    if card.task not in TASKS or not 0 < card.threshold < 1 or not 0 <= card.margin_mm < 1000:
        raise ModelError(tr("The model card {where} has a task, threshold or margin that makes no sense.", where=where))
    needed = {PLANS, DATASET, *card.weights}
    if not card.weights or not needed <= set(card.sha256):
        lacking = ", ".join(sorted(needed - set(card.sha256))) or "its weights"
        raise ModelError(tr("The model card {where} lacks the hash of {lacking}.", where=where, lacking=lacking))
    for name in card.sha256:
        path = Path(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ModelError(
                tr("The model card {where} names a file outside its folder ({name}).", where=where, name=name)
            )
    return card


def _training(text: Mapping[str, Any]) -> Mapping[str, Any]:
    training = text.get("training")
    return training if isinstance(training, dict) else {}


def _range(numbers: Any) -> tuple[float, float] | None:
    if numbers is None:
        return None
    low, high = (float(number) for number in numbers)
    if not 0 <= low < high:
        raise ValueError
    return low, high


def _image_ranges(text: Mapping[str, Any] | None) -> dict[str, tuple[float, float]] | None:
    if text is None:
        return None
    ranges = {str(name): _range(pair) for name, pair in text["ranges"].items()}
    return {name: pair for name, pair in ranges.items() if pair is not None}


def _shell(uncertainty: Mapping[str, Any] | None) -> tuple[float, float] | None:
    return None if uncertainty is None else _range((uncertainty["outer"], uncertainty["inner"]))


def _number(uncertainty: Mapping[str, Any] | None, name: str) -> float | None:
    limit = (uncertainty or {}).get(name)
    return None if limit is None else float(limit)
