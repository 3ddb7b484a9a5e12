"""How a network for landmarks is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..checked_fields import limited
from ..training.recipe import Recipe, RecipeBook
from .losses import LOGARITHMIC, MAX_LOG, PROPORTIONAL, WEIGHTINGS, LossWeights

PLATEAU, COSINE = "plateau", "cosine"

# Networks by name: a builder of inference/models/builders.py and its arguments.
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "unet-resnet34": ("monai.FlexibleUNet", {"backbone": "resnet34"}),
    "unet-resnet18": ("monai.FlexibleUNet", {"backbone": "resnet18", "decoder_channels": [128, 64, 32, 16, 8]}),
    "unet-efficientnet-b0": (
        "monai.FlexibleUNet",
        {"backbone": "efficientnet-b0", "decoder_channels": [96, 48, 32, 16, 8]},
    ),
    "residual-unet": (
        "monai.UNet",
        {"channels": [16, 24, 32, 48, 64, 96], "strides": [2, 2, 2, 2, 2], "num_res_units": 1, "norm": "batch"},
    ),
    "slim-residual-unet": (
        "monai.UNet",
        {
            "channels": [16, 32, 64, 96, 128, 160],
            "strides": [2, 2, 2, 2, 2],
            "num_res_units": 2,
            "norm": "batch",
            "act": "relu",
        },
    ),
    "wide-residual-unet": (
        "monai.UNet",
        {
            "channels": [32, 48, 64, 96, 128, 192],
            "strides": [2, 2, 2, 2, 2],
            "num_res_units": 2,
            "norm": "batch",
            "act": "prelu",
        },
    ),
    "smp-unet-resnet34": ("segmentation_models_pytorch.Unet", {"encoder_name": "resnet34"}),
    "smp-unetplusplus-resnet34": ("segmentation_models_pytorch.UnetPlusPlus", {"encoder_name": "resnet34"}),
    "smp-deeplabv3plus-resnet34": ("segmentation_models_pytorch.DeepLabV3Plus", {"encoder_name": "resnet34"}),
}


@dataclass(frozen=True)
class LandmarkRecipe(Recipe):
    """A recipe for landmarks: AdamW, early stopping.

    network       one of NETWORKS
    batch         pictures at a time
    cross_entropy, dice, focal_tversky, huber, weighting  see losses.LossWeights
    rate_schedule  'plateau': the rate falls when the validation loss stays; 'cosine': after a linear rise in the first
                  epoch it falls as half a cosine to 0 in the last (Loshchilov and Hutter, SGDR, ICLR 2017), which suits
                  a training whose length is given
    rate_factor, rate_patience  the rate is multiplied so after so many epochs without a lower validation loss
    stop_after    epochs without a lower validation loss after which the training ends; the best weights are kept
    flips, looks, moves  share of pictures that are mirrored left to right, whose brightness and colours are varied, and
                  that are turned, scaled and shifted
    half_precision  bfloat16 where the processor computes in it
    """

    network: str = limited("unet-resnet34", choices=tuple(NETWORKS))
    batch: int = limited(8, least=1)
    cross_entropy: float = limited(1.0, least=0)
    dice: float = limited(0.0, least=0)
    focal_tversky: float = limited(0.0, least=0)
    huber: float = limited(0.0, least=0)
    weighting: str = limited(MAX_LOG, choices=WEIGHTINGS)
    rate_schedule: str = limited(PLATEAU, choices=(PLATEAU, COSINE))
    rate_factor: float = limited(0.2, above=0, most=1)
    rate_patience: int = limited(3, least=0)
    stop_after: int = limited(7, least=1)
    flips: float = limited(0.5, least=0, most=1)
    looks: float = limited(0.5, least=0, most=1)
    moves: float = limited(0.5, least=0, most=1)
    half_precision: bool = True

    @property
    def losses(self) -> LossWeights:
        return LossWeights(self.cross_entropy, self.dice, self.focal_tversky, self.huber, self.weighting)


_COMMON: dict[str, Any] = {
    "spacing_mm": None, "averaging": True, "base_features": None, "max_features": None, "patch_percentile": None,
    "gpu_memory_gb": None, "optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 1e-2, "epochs": 100,
}  # fmt: skip
RECOMMENDED = LandmarkRecipe(**_COMMON, cross_entropy=0.75, dice=0.25)
# As Borgars et al. compare them, and their fine-tuning on a second data set.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        RECOMMENDED,
        replace(RECOMMENDED, name="max-log", cross_entropy=1.0, dice=0.0, looks=0.0, moves=0.0),
        replace(
            RECOMMENDED, name="logarithmic", cross_entropy=1.0, dice=0.0, looks=0.0, moves=0.0, weighting=LOGARITHMIC
        ),
        replace(
            RECOMMENDED, name="proportional", cross_entropy=1.0, dice=0.0, looks=0.0, moves=0.0, weighting=PROPORTIONAL
        ),
        replace(RECOMMENDED, name="dice", cross_entropy=0.0, dice=1.0),
        replace(RECOMMENDED, name="focal-tversky", cross_entropy=0.0, dice=0.0, focal_tversky=1.0),
        replace(RECOMMENDED, name="huber", cross_entropy=0.75, dice=0.0, huber=0.25),
        replace(RECOMMENDED, name="fine-tuning", learning_rate=1e-4),
    )
}


def small(recipe: Recipe) -> Recipe:
    """A network that a processor runs at some frames a second."""
    assert isinstance(recipe, LandmarkRecipe)
    return replace(recipe, network="slim-residual-unet")


def default(recipe: Recipe) -> Recipe:
    """ResNet-34, as in the paper; for a graphics card."""
    return recipe


def quick(recipe: Recipe) -> Recipe:
    """A few steps, to see that everything runs."""
    assert isinstance(recipe, LandmarkRecipe)
    return replace(recipe, network="residual-unet", epochs=2, iterations=2, batch=2)


BOOK = RecipeBook(RECIPES, {"small": small, "default": default}, quick)
