"""Convolutions in 8 bits: which layers of a model, in which ranges, as its card says; and such a layer in torch.

A layer's weights are rounded to 8 bits, each output channel with its own scale. What flows into it is rounded to 8 bits
within a range that was found on crops ('one part'). Where that is too coarse, the rounding error is rounded to 8 bits
once more and goes through the same weights ('two parts'): the sum is as good as 16 bits, at twice the work.

The torch layer here says what is meant; OpenVINO's conversion of it computes in integers and is compared with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..models.card import PLANS, ModelCard

if TYPE_CHECKING:
    import torch

CARD_ENTRY = "int8"
# Of the masks in 8 bits with those in float32, on crops on which nothing was chosen.
SMALLEST_MEDIAN_DICE = 0.995
SMALLEST_DICE = 0.98
LEVELS = 255


@dataclass(frozen=True)
class EightBitLayer:
    """low, high: range of what flows into the layer, low <= 0 < high; parts: 1, or 2 with the rounding error."""

    low: float
    high: float
    parts: int = 1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= 0 < self.high):
            raise ValueError("a range must hold 0 and be finite")
        if self.parts not in (1, 2):
            raise ValueError("a layer has one part or two")

    @property
    def step(self) -> float:
        return (self.high - self.low) / LEVELS

    @property
    def zero(self) -> int:
        """The level that stands for 0."""
        return round(-self.low / self.step)


# A network's layers by their names in torch; what is not named stays in float32.
Layers = dict[str, EightBitLayer]


class NotInEightBits(Exception):
    """Why a model is not offered in 8 bits; a sentence for people."""


def layers_of(card: ModelCard) -> list[Layers]:
    """The layers of every fold, as they were found and judged for exactly this model.

    Raises NotInEightBits when the card says nothing of them, or says it of other weights, folds or another threshold,
    or the agreement that was measured is too low.
    """
    entry = card.text.get(CARD_ENTRY)
    if entry is None:
        raise NotInEightBits("the model's card has no ranges for 8 bits")
    try:
        made_for, threshold = dict(entry["sha256"]), float(entry["threshold"])
        median, worst = (float(entry["agreement"][name]) for name in ("median", "worst"))
        folds = [
            {
                str(name): EightBitLayer(float(found[0]), float(found[1]), int(found[2]))
                for name, found in entry["layers"][weights].items()
            }
            for weights in card.weights
            if weights in made_for
        ]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise NotInEightBits("the entry for 8 bits in the model's card is damaged") from None
    if made_for != hashes_of(card):
        raise NotInEightBits("the ranges for 8 bits in the model's card were found for other weights or folds")
    if threshold != card.threshold:
        raise NotInEightBits(f"the agreement of 8 bits was measured at another threshold ({threshold:g})")
    if not (median >= SMALLEST_MEDIAN_DICE and worst >= SMALLEST_DICE) or not all(folds):
        raise NotInEightBits(f"in 8 bits its masks agree only to Dice {median:.4f} median, {worst:.4f} worst")
    return folds


def hashes_of(card: ModelCard) -> dict[str, str]:
    """Of all that the ranges depend on: the plans and the weights of every fold."""
    return {name: card.sha256[name] for name in (PLANS, *card.weights)}


def convolutions(network: torch.nn.Module) -> dict[str, torch.nn.Conv3d]:
    """Name to layer, for the layers that are worth 8 bits and bear them.

    Not the first layer, whose one channel is the image itself; not the last ones, which are the answer; not the
    transposed ones, which take little time.
    """
    import torch

    return {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Conv3d)
        and layer.in_channels > 1
        and max(layer.kernel_size) > 1
        and layer.groups == 1
        and layer.padding_mode == "zeros"
    }


def in_eight_bits(network: torch.nn.Module, layers: Layers) -> torch.nn.Module:
    """Put `layers` of the network into 8 bits; returns the same network. Raises NotInEightBits for an unknown one."""
    there = convolutions(network)
    unknown = [name for name in layers if name not in there]
    if unknown:
        raise NotInEightBits(f"the network has no layer {unknown[0]}")
    replace_modules(network, {there[name]: eight_bit_convolution(there[name], layer) for name, layer in layers.items()})
    return network


def replace_modules(network: torch.nn.Module, others: Mapping[torch.nn.Module, torch.nn.Module]) -> None:
    """Another module in the place of each, wherever the network holds it: nnU-Net's hold theirs at several places."""
    for parent in list(network.modules()):
        for name, child in list(parent._modules.items()):
            if child is not None and child in others:
                parent._modules[name] = others[child]


def eight_bit_convolution(convolution: torch.nn.Conv3d, layer: EightBitLayer) -> torch.nn.Module:
    """A torch module that stands for `convolution` (torch.nn.Conv3d)."""
    import torch

    class EightBitConvolution(torch.nn.Module):
        """The weights are kept as integers, so that OpenVINO finds them so."""

        scale: torch.Tensor
        weight: torch.Tensor
        bias: torch.Tensor | None

        def __init__(self) -> None:
            super().__init__()
            weight = convolution.weight.detach()
            scale = weight.abs().amax((1, 2, 3, 4), keepdim=True).clamp_min(1e-12) / 127
            self.register_buffer("scale", scale)
            self.register_buffer("weight", torch.round(weight / scale).to(torch.int8))
            self.register_buffer("bias", None if convolution.bias is None else convolution.bias.detach())

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            rounded = torch.fake_quantize_per_tensor_affine(values, layer.step, layer.zero, 0, LEVELS)
            answer = self._convolved(rounded, self.bias)
            if layer.parts == 2:
                # Half a step at most, on either side.
                error = torch.fake_quantize_per_tensor_affine(values - rounded, layer.step / 254, 0, -128, 127)
                answer = answer + self._convolved(error, None)
            return answer

        def _convolved(self, values: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
            return torch.nn.functional.conv3d(
                values,
                self.weight.float() * self.scale,
                bias,
                convolution.stride,
                convolution.padding,
                convolution.dilation,
            )

    return EightBitConvolution().eval()
