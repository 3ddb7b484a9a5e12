"""What is decided by us and not by nnU-Net when a network is trained, under two names: `paper` and `recommended`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import ConfigurationError
from ..cases.crop_sampling import CropSampling

KINDS = ("crop", "full")
OPTIMIZERS = ("adam", "adamw", "sgd")


@dataclass(frozen=True)
class Recipe:
    """How one network is planned and trained.

    name, kind            'crop' learns boxes around tumors, 'full' whole volumes
    spacing_mm            voxels are resampled to this along every axis; None for nnU-Net's choice (the median)
    averaging             coarser voxels are means of the seen ones that they cover, and not nnU-Net's spline
    base_features         of the first stage, doubled at every stage up to max_features; None for nnU-Net's (32, 320)
    max_features          of the deepest stages
    patch_percentile      the patch is planned for this percentile of the images' edges; None for nnU-Net's (median)
    gpu_memory_gb         the planner's memory target; None for nnU-Net's (8)
    residual_encoder      plan nnU-Net's residual encoder network in place of the plain one
    augmentation          nnU-Net's own; off in the paper
    optimizer             'adam', 'adamw' or 'sgd' (nnU-Net's: Nesterov momentum 0.99)
    learning_rate         at the start; falls to 0 by nnU-Net's polynomial schedule
    weight_decay          as the optimizer means it
    batch_dice            Dice loss over the batch and not for each patch: patches without tumor then count rightly
    oversample            share of patches that are centred on tumor
    epochs, iterations    length of the training
    start_from            shipped model or model folder whose weights the training starts with; '' for random ones
    sampling              which crops of a training case are made
    seed                  of weights, batches and augmentation
    """

    name: str = "recommended"
    kind: str = "crop"
    spacing_mm: float | None = 1.5
    averaging: bool = True
    base_features: int | None = 16
    max_features: int | None = 128
    patch_percentile: float | None = 70.0
    gpu_memory_gb: float | None = 0.06
    residual_encoder: bool = False
    augmentation: bool = True
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    batch_dice: bool = True
    oversample: float = 0.5
    epochs: int = 28
    iterations: int = 50
    start_from: str = ""
    sampling: CropSampling = CropSampling()
    seed: int = 0

    def __post_init__(self):
        if self.kind not in KINDS or self.optimizer not in OPTIMIZERS:
            raise ConfigurationError(
                f"A recipe of kind '{self.kind}' with the optimizer '{self.optimizer}' cannot be followed: "
                f"use {' or '.join(KINDS)}, and {', '.join(OPTIMIZERS)}."
            )
        if self.epochs < 1 or self.iterations < 1:
            raise ConfigurationError("A training needs at least one epoch of one iteration.")


STRAYING = CropSampling(straying=6, empty=3, empty_only=6, appearance=True)
# Natali et al., arXiv 2511.05253: no augmentation, Adam, initial rate 0.01, polynomial decay, Dice and cross-entropy,
# and else nnU-Net's own plan.
PAPER = Recipe(
    name="paper", augmentation=False, optimizer="adam", learning_rate=0.01, weight_decay=0.0, batch_dice=False,
    averaging=False, oversample=0.33, epochs=1000, iterations=250,
)  # fmt: skip
# Boxes at 1.5 mm: on a processor more is won by seeing more boxes than by seeing them finer (1 mm, a fifth as many
# boxes in the same time: a box 5 mm off cost the validation livers 0.17 of Dice). Voxels are means: after as many
# iterations the Dice of the validation patches was 0.03 to 0.08 higher than with nnU-Net's spline, from epoch 60 on.
RECOMMENDED = Recipe(name="recommended", epochs=350, sampling=STRAYING)
# Networks: what they ask of the machine. Features and voxels small enough for a processor, or nnU-Net's own plan.
NETWORKS = {
    "small": {},
    "default": dict(
        averaging=False,
        spacing_mm=None,
        base_features=None,
        max_features=None,
        patch_percentile=None,
        gpu_memory_gb=None,
    ),
}
RECIPES = {recipe.name: recipe for recipe in (PAPER, RECOMMENDED)}


def recipe_named(name: str, kind: str = "crop", network: str = "small", **changes) -> Recipe:
    """The recipe of that name for a 'crop' or 'full' model on the 'small' or nnU-Net's 'default' network.

    Changes are fields of Recipe. Raises ConfigurationError for an unknown name.
    """
    if name not in RECIPES or network not in NETWORKS:
        raise ConfigurationError(
            f"There is no recipe '{name}' for a network '{network}': use {' or '.join(RECIPES)}, and "
            f"{' or '.join(NETWORKS)}."
        )
    recipe = replace(RECIPES[name], kind=kind, **NETWORKS[network])
    if kind == "full" and network == "small":
        # Whole volumes at 2 mm: most fit one patch, so that the network sees all around the tumor.
        recipe = replace(recipe, spacing_mm=2.0, patch_percentile=80.0, gpu_memory_gb=0.2, oversample=0.67)
        if recipe.name == RECOMMENDED.name:
            # An iteration takes three times as long as one on boxes, and there is a tenth of the images.
            recipe = replace(recipe, epochs=20)
    return replace(recipe, **{key: value for key, value in changes.items() if value is not None})
