"""Networks of other libraries than nnU-Net's, by names that stand in one table: nothing that a file names is imported.

A model's card says `"network": {"builder": NAME, "arguments": {...}}`; its plans say all the rest as nnU-Net's do:
spacing, normalisation, resampling, patch size. The network gets (batch, channels, [k,] j, i) and answers logits for
each label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ...errors import ModelError
from ...words import tr

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Shape:
    """What a network is built for: 2 or 3 axes, so many channels in and labels out."""

    axes: int
    channels: int
    heads: int


@dataclass(frozen=True)
class Builder:
    """How one class of a library is called.

    module, name  where the class is
    package       what to install for it
    arguments     the names that a card may give; what follows from data and labels, or would be downloaded, is not
                  among them
    fixed         the arguments that follow from the shape. Raises ModelError for one that the class cannot have
    """

    module: str
    name: str
    package: str
    arguments: frozenset[str]
    fixed: Callable[[Shape], dict[str, Any]]

    def __call__(self, shape: Shape, arguments: Mapping[str, Any]) -> torch.nn.Module:
        """Raises ModelError for a shape that the class cannot have, and when the library is not installed."""
        fixed = self.fixed(shape)
        try:
            made = getattr(import_module(self.module), self.name)
        except (ImportError, RuntimeError) as missing:  # RuntimeError: a torchvision that was built for another torch
            raise ModelError(
                tr(
                    "The model's network comes from {package}, which cannot be loaded ({missing}): install it.",
                    package=self.package,
                    missing=missing,
                )
            ) from missing
        network: torch.nn.Module = made(**arguments, **fixed)
        return network


def _monai(shape: Shape) -> dict[str, Any]:
    return {"spatial_dims": shape.axes, "in_channels": shape.channels, "out_channels": shape.heads}


def _smp(shape: Shape) -> dict[str, Any]:
    if shape.axes != 2:
        raise ModelError(tr("The networks of segmentation_models_pytorch are 2D, and the model's plans are 3D."))
    # Weights of an encoder would be downloaded; the model's own hold them.
    return {"encoder_weights": None, "in_channels": shape.channels, "classes": shape.heads}


def _of_monai(name: str, *arguments: str) -> Builder:
    return Builder("monai.networks.nets", name, "monai", frozenset(arguments), _monai)


def _of_smp(name: str, *arguments: str) -> Builder:
    common = ("encoder_name", "encoder_depth", *arguments)
    return Builder("segmentation_models_pytorch", name, "segmentation-models-pytorch", frozenset(common), _smp)


BUILDERS: dict[str, Builder] = {
    "monai.UNet": _of_monai("UNet", "channels", "strides", "kernel_size", "num_res_units", "norm", "act", "dropout"),
    "monai.DynUNet": _of_monai(
        "DynUNet", "kernel_size", "strides", "upsample_kernel_size", "filters", "norm_name", "act_name", "res_block"
    ),
    "monai.SegResNet": _of_monai(
        "SegResNet", "init_filters", "blocks_down", "blocks_up", "norm", "act", "upsample_mode"
    ),
    "monai.FlexibleUNet": _of_monai("FlexibleUNet", "backbone", "decoder_channels", "upsample", "act", "dropout"),
    "segmentation_models_pytorch.Unet": _of_smp("Unet", "decoder_channels", "decoder_attention_type"),
    "segmentation_models_pytorch.UnetPlusPlus": _of_smp("UnetPlusPlus", "decoder_channels"),
    "segmentation_models_pytorch.FPN": _of_smp("FPN", "decoder_pyramid_channels", "decoder_segmentation_channels"),
    "segmentation_models_pytorch.DeepLabV3Plus": _of_smp("DeepLabV3Plus", "encoder_output_stride", "decoder_channels"),
}


@dataclass(frozen=True)
class NamedNetwork:
    """A network of another library, as a card names it.

    builder    a name in BUILDERS
    arguments  plain values, for the names that the builder knows
    """

    builder: str
    arguments: Mapping[str, Any]

    @classmethod
    def from_card(cls, entry: Any) -> NamedNetwork | None:
        """Of the card's entry `network`; None where there is none, so that the plans name nnU-Net's own.

        Raises ModelError for a builder that is not in the table, and for arguments that it does not know or that are
        not plain values.
        """
        if entry is None:
            return None
        named = entry if isinstance(entry, dict) else {}
        builder, arguments = named.get("builder"), named.get("arguments", {})
        if builder not in BUILDERS:
            raise ModelError(
                tr(
                    "its card names the network '{builder}': known are {builders}.",
                    builder=builder,
                    builders=", ".join(sorted(BUILDERS)),
                )
            )
        if not isinstance(arguments, dict) or not all(_is_plain(value) for value in arguments.values()):
            raise ModelError(tr("the arguments of its network '{builder}' are not plain values.", builder=builder))
        known = BUILDERS[builder].arguments
        unknown = sorted(set(arguments) - known)
        if unknown:
            raise ModelError(
                tr(
                    "its network '{builder}' has no argument '{unknown}': it has {known}.",
                    builder=builder,
                    unknown=unknown[0],
                    known=", ".join(sorted(known)),
                )
            )
        return cls(builder, arguments)

    def build(self, shape: Shape) -> torch.nn.Module:
        """Raises ModelError when the library is not installed, or refuses the arguments."""
        try:
            return BUILDERS[self.builder](shape, self.arguments)
        except (AttributeError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                tr(
                    "The network '{builder}' cannot be built as the card says ({reason}).",
                    builder=self.builder,
                    reason=reason,
                )
            ) from error


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, (bool, int, float, str))
