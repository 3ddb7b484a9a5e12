"""Finding the layers of a model that can be computed in 8 bits, on crops of the kind that it will see.

Ranges and layers are chosen on the first half of the crops; how well the masks then agree with those in float32 is
measured on the second half, and stands in the model's card. A model that does not agree well enough there is refused
by quantisation.layers_of, whatever its card says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ModelError
from ...values.progress import Progress
from ...words import tr
from ..image import Image
from ..models.card import CARD
from ..models.network_plan import NetworkPlan
from ..models.trained_model import Model
from ..predictor import LocalPredictor
from . import openvino_runtime
from .openvino_runtime import OpenVinoRuntime
from .quantisation import (
    CARD_ENTRY,
    SMALLEST_DICE,
    SMALLEST_MEDIAN_DICE,
    EightBitLayer,
    Layers,
    convolutions,
    hashes_of,
    in_eight_bits,
)
from .runtime import Runtime, TorchRuntime
from .runtime_choice import Chosen, Parameters

if TYPE_CHECKING:
    import torch

# From a probability, float32 (k, j, i), to what is taken for the label, boolean.
Decide = Callable[[np.ndarray], np.ndarray]
FEWEST_CROPS = 8
# What is asked of the crops on which the choice is made, so that others keep the bounds.
WANTED_MEDIAN_DICE = 0.997
WANTED_DICE = 0.988
# A layer with less of the network's multiplications gains nothing that could be felt.
SMALLEST_SHARE = 0.005
# Values of each layer that are kept of each window, to find the range with the smallest error.
VALUES_KEPT = 20_000
# Crops on which the ranges are found, and on which the layers are tried one by one: some of the first half.
CROPS_FOR_RANGES = 6
CROPS_TRIED = 2


@dataclass(frozen=True)
class Agreement:
    """Masks in 8 bits against those in float32; crops in which neither finds anything are not counted."""

    crops: int
    median: float
    worst: float
    lesions_lost: int

    def reaches(self, median: float, worst: float) -> bool:
        return self.crops > 0 and self.median >= median and self.worst >= worst and not self.lesions_lost


@dataclass(frozen=True)
class EightBits:
    """folds: the layers of every fold; agreement: on the crops on which nothing was chosen."""

    folds: tuple[Layers, ...]
    agreement: Agreement

    @property
    def good_enough(self) -> bool:
        enough = self.agreement.crops >= FEWEST_CROPS // 2
        return enough and self.agreement.reaches(SMALLEST_MEDIAN_DICE, SMALLEST_DICE)


def quantise(
    model: Model,
    crops: Sequence[Image],
    label: str,
    decide: Decide,
    threads: int | None = None,
    progress: Progress | None = None,
) -> EightBits:
    """The layers of `model` for 8 bits.

    crops   at least 8 images as the model will see them (margin included), with a tumor in most of them; neighbours
            should be of one case, so that the two halves share none
    label   whose mask is compared, and
    decide  makes that mask of its probability
    Raises ModelError for too few crops, or when the model finds nothing in them.
    """
    if len(crops) < FEWEST_CROPS:
        raise ModelError(
            tr(
                "To choose layers for 8 bits, {fewest_crops} crops are needed and {crops} were given.",
                fewest_crops=FEWEST_CROPS,
                crops=len(crops),
            )
        )
    half = len(crops) // 2
    trial = _Trial(model, crops, half, label, decide, threads, progress or (lambda fraction, text: None))
    parts = dict.fromkeys(trial.names, 1)
    if not trial.suits(parts):
        errors = trial.errors_one_by_one()
        worst_first = sorted(trial.names, key=lambda name: errors[name], reverse=True)
        # The fewest layers in two parts with which it suits, by halving: the more there are, the better it agrees.
        # That it suits with all of them is not tried here: the other half of the crops will show.
        too_few, enough = 0, len(worst_first)
        while enough - too_few > 1:
            middle = (too_few + enough) // 2
            suits = trial.suits({name: 2 if name in worst_first[:middle] else 1 for name in trial.names})
            too_few, enough = (too_few, middle) if suits else (middle, enough)
        parts = {name: 2 if name in worst_first[:enough] else 1 for name in trial.names}
    folds = trial.layers(parts)
    return EightBits(tuple(folds), trial.agreement(folds, range(half, len(crops))))


def write_eight_bits(model: Model, found: EightBits) -> None:
    """Into the model's card. Raises ModelError when it cannot be written."""
    path = model.folder / CARD
    agreement = found.agreement
    card = json.loads(path.read_text(encoding="utf-8"))
    card[CARD_ENTRY] = {
        "sha256": hashes_of(model.card),
        "threshold": model.card.threshold,
        "agreement": {
            "crops": agreement.crops,
            "median": round(agreement.median, 4),
            "worst": round(agreement.worst, 4),
            "lesions_lost": agreement.lesions_lost,
            "of": "Dice of the masks in 8 bits with those in float32, on crops on which nothing was chosen",
        },
        "layers": {
            weights: {name: [layer.low, layer.high, layer.parts] for name, layer in layers.items()}
            for weights, layers in zip(model.card.weights, found.folds)
        },
    }
    try:
        path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ModelError(
            tr("The model card {path} could not be written ({strerror}).", path=path, strerror=error.strerror)
        ) from error


def agreement_of(masks: Sequence[tuple[np.ndarray, np.ndarray]]) -> Agreement:
    """Of pairs of masks: in float32, and in 8 bits."""
    dices, lost = [], 0
    for reference, mask in masks:
        together, both = int(reference.sum()) + int(mask.sum()), int((reference & mask).sum())
        if together:
            dices.append(2 * both / together)
            lost += bool(reference.any() and not both)
    if not dices:
        return Agreement(0, 0.0, 0.0, 0)
    return Agreement(len(dices), float(np.median(dices)), min(dices), lost)


class _Trial:
    """The model on the crops, in float32 and with any of its layers in 8 bits."""

    def __init__(
        self,
        model: Model,
        crops: Sequence[Image],
        half: int,
        label: str,
        decide: Decide,
        threads: int | None,
        progress: Progress,
    ):
        self._model, self._crops, self._half, self._threads = model, crops, half, threads
        self._label, self._decide = label, decide
        self._progress, self._done = progress, 0
        # What is measured is what will be used, where this processor can use it; torch's rounding elsewhere.
        self._with_openvino = openvino_runtime.is_installed() and openvino_runtime.computes_in_eight_bits()
        self._inputs = self._inputs_of(_spread_over(half, CROPS_FOR_RANGES))
        self._expected = list(self._probabilities(None, range(len(crops)), "in float32"))
        for chosen in (range(half), range(half, len(crops))):
            if not any((self._expected[number] >= model.card.threshold).any() for number in chosen):
                raise ModelError(tr("The model finds nothing in half of the crops: give crops around tumors, by case."))
        work = self._inputs[0].work
        self.names = [name for name in work if work[name] >= SMALLEST_SHARE * sum(work.values())]

    def layers(self, parts: dict[str, int]) -> list[Layers]:
        """Of every fold: the same layers, each fold with its own ranges."""
        return [{name: inputs.layer(name, count) for name, count in parts.items()} for inputs in self._inputs]

    def suits(self, parts: dict[str, int]) -> bool:
        found = self.agreement(self.layers(parts), range(self._half))
        return found.reaches(WANTED_MEDIAN_DICE, WANTED_DICE)

    def agreement(self, folds: Sequence[Layers], numbers: Sequence[int]) -> Agreement:
        """On the crops with these numbers."""
        masks = [
            (self._decide(self._expected[number]), self._decide(found))
            for number, found in zip(numbers, self._probabilities(folds, numbers, "in 8 bits"))
        ]
        return agreement_of(masks)

    def errors_one_by_one(self) -> dict[str, float]:
        """Mean difference of the probability when one layer alone is in 8 bits, in one part."""
        errors, numbers = {}, _spread_over(self._half, CROPS_TRIED)
        for name in self.names:
            found = self._probabilities(self.layers({name: 1}), numbers, f"with {name} in 8 bits")
            errors[name] = sum(
                float(np.abs(one - self._expected[number]).mean()) for number, one in zip(numbers, found)
            )
        return errors

    def _probabilities(self, folds: Sequence[Layers] | None, numbers: Sequence[int], how: str) -> Iterator[np.ndarray]:
        """float32 (k, j, i) of the crops with these numbers, one after the other."""

        def runtimes(
            plan: NetworkPlan, parameters: list[Parameters], device: str, runtime: str, threads: int
        ) -> Chosen:
            networks = [plan.network(weights) for weights in parameters]
            if folds is not None:
                networks = [in_eight_bits(network, layers) for network, layers in zip(networks, folds)]
            return Chosen(tuple(self._runtime(network, plan, threads, folds is not None) for network in networks))

        predictor = LocalPredictor(self._model, "cpu", threads=self._threads, choose_runtimes=runtimes)
        for number in numbers:
            # How often layers must be tried is not known; the fraction never goes back.
            self._done += 1
            self._progress(
                self._done / (self._done + 2 * len(self._crops)), f"Crop {number + 1} of {len(self._crops)} {how}"
            )
            yield predictor.predict(self._crops[number], [self._label]).of(self._label)

    def _runtime(self, network: torch.nn.Module, plan: NetworkPlan, threads: int, eight_bits: bool) -> Runtime:
        if not self._with_openvino:
            return TorchRuntime(network, plan.patch_size, "cpu")
        return OpenVinoRuntime(
            lambda: network,
            plan.patch_size,
            threads,
            precision="int8" if eight_bits else "f32",
            smallest=plan.smallest_window,
            channels=plan.channels,
        )

    def _inputs_of(self, numbers: Sequence[int]) -> list[_Inputs]:
        """What flows into the layers of each fold on some crops, in torch."""
        found: list[_Inputs] = []

        def runtimes(
            plan: NetworkPlan, parameters: list[Parameters], device: str, runtime: str, threads: int
        ) -> Chosen:
            networks = [plan.network(weights) for weights in parameters]
            found.extend(_Inputs(network) for network in networks)
            return Chosen(tuple(TorchRuntime(network, plan.patch_size, "cpu") for network in networks))

        predictor = LocalPredictor(self._model, "cpu", threads=self._threads, choose_runtimes=runtimes)
        for number in numbers:
            self._progress(0.0, f"Ranges of the layers on crop {number + 1}")
            predictor.predict(self._crops[number])
        return found


class _Inputs:
    """What flows into each layer of a network; and how many multiplications a layer takes."""

    def __init__(self, network: torch.nn.Module):
        self._values: dict[str, list[np.ndarray]] = {}
        self._ends: dict[str, tuple[float, float]] = {}
        self.work: dict[str, int] = {}
        for name, layer in convolutions(network).items():
            layer.register_forward_hook(
                lambda layer, given, answer, name=name: self._see(name, layer, given[0], answer)
            )

    def layer(self, name: str, parts: int) -> EightBitLayer:
        """In one part the range with the smallest error; in two the whole, as the error must fit into a step."""
        low, high = self._ends[name]
        if parts == 1:
            values = np.concatenate(self._values[name])
            low, high = min(
                ((low * share, high * share) for share in np.linspace(0.2, 1.0, 33)),
                key=lambda ends: _rounding_error(values, *ends),
            )
        return EightBitLayer(float(f"{low:.6g}"), float(f"{high:.6g}"), parts)

    def _see(self, name: str, layer: torch.nn.Conv3d, values: torch.Tensor, answer: torch.Tensor) -> None:
        flat = values.detach().flatten()
        low, high = self._ends.get(name, (0.0, 1e-6))
        self._ends[name] = (min(low, float(flat.min())), max(high, float(flat.max())))
        every = max(1, len(flat) // VALUES_KEPT)
        self._values.setdefault(name, []).append(flat[::every].numpy().copy())
        self.work[name] = answer[0, 0].numel() * layer.weight.numel()


def _spread_over(count: int, most: int) -> list[int]:
    """At most so many of the numbers below `count`, evenly."""
    return [int(number) for number in np.unique(np.linspace(0, count - 1, most).round())]


def _rounding_error(values: np.ndarray, low: float, high: float) -> float:
    layer = EightBitLayer(low, high)
    levels = np.clip(np.round(values / layer.step) + layer.zero, 0, 255)
    return float(np.square((levels - layer.zero) * layer.step - values).mean())
