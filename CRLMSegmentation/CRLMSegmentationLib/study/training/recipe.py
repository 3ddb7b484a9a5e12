"""What is decided by us and not by nnU-Net when a network is trained; every task has its recipes, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...errors import ConfigurationError
from ..checked_fields import check_fields, limited

OPTIMIZERS = ("adam", "adamw", "sgd")


@dataclass(frozen=True)
class Recipe:
    """How one network is planned and trained. A task with more to decide adds fields in a class of its own.

    name                  under which it is chosen
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
    start_from            shipped model or model folder whose weights the training starts with, planned as that model
                          is; '' for random ones
    start_share           of that model's weights in the mean with the trained ones, which is kept: a training in a
                          wider world then forgets less of the former one (Wortsman et al., Robust fine-tuning of
                          zero-shot models, CVPR 2022)
    seed                  of weights, batches and augmentation
    """

    name: str = "recommended"
    spacing_mm: float | None = limited(1.5, above=0)
    averaging: bool = True
    base_features: int | None = limited(16, least=1)
    max_features: int | None = limited(128, least=1)
    patch_percentile: float | None = limited(70.0, least=0, most=100)
    gpu_memory_gb: float | None = limited(0.06, above=0)
    residual_encoder: bool = False
    augmentation: bool = True
    optimizer: str = limited("adamw", choices=OPTIMIZERS)
    learning_rate: float = limited(1e-3, above=0)
    weight_decay: float = limited(1e-2, least=0)
    batch_dice: bool = True
    oversample: float = limited(0.5, least=0, most=1)
    epochs: int = limited(28, least=1)
    iterations: int = limited(50, least=1)
    start_from: str = ""
    start_share: float = limited(0.0, least=0, most=1)
    seed: int = limited(0, least=0)

    def __post_init__(self) -> None:
        check_fields(self, "The recipe")


@dataclass(frozen=True)
class RecipeBook:
    """The recipes of a task by name, and what the networks that one can choose make of them.

    networks  by name: what a network asks of the machine, such as features and voxels that are small enough
    quick     a few steps on coarse voxels: to see that everything runs, not to learn anything
    """

    recipes: Mapping[str, Recipe]
    networks: Mapping[str, Callable[[Recipe], Recipe]]
    quick: Callable[[Recipe], Recipe]

    def named(self, name: str, network: str = "small", **changes: Any) -> Recipe:
        """The recipe of that name on that network; changes are fields of Recipe, None for 'as the recipe says'.

        Raises ConfigurationError for an unknown name, and for a change that cannot be followed.
        """
        if name not in self.recipes or network not in self.networks:
            raise ConfigurationError(
                f"There is no recipe '{name}' for a network '{network}': use {' or '.join(self.recipes)}, and "
                f"{' or '.join(self.networks)}."
            )
        recipe = self.networks[network](self.recipes[name])
        return replace(recipe, **{key: value for key, value in changes.items() if value is not None})


def small_network(recipe: Recipe) -> Recipe:
    """As the recipe has it: features and voxels small enough for a processor."""
    return recipe


def default_network(recipe: Recipe) -> Recipe:
    """nnU-Net's own plan."""
    return replace(
        recipe, averaging=False, spacing_mm=None, base_features=None, max_features=None, patch_percentile=None,
        gpu_memory_gb=None,
    )  # fmt: skip


def quick_training(recipe: Recipe) -> Recipe:
    """A few steps of a tiny network on coarse voxels."""
    spacing = None if recipe.spacing_mm is None else 1.5 * recipe.spacing_mm
    return replace(recipe, epochs=2, iterations=4, base_features=4, spacing_mm=spacing)
