"""Random windowing of CTs in training: the level and width of the window vary as contrast does between scanners.

Reference: Ostmo et al., View it like a radiologist: shifted windows for deep learning augmentation of CT images, MLSP
2023; the numbers are those of its open implementation (agnalt/random-windowing, Apache-2.0).

The network sees a CT through the base window, from 0 to 1. For training, images are kept in a window that holds all
that may be drawn (`wide_window`); what is learned on is cut from it. The plans that go with the model say the base
window, so that nnU-Net itself prepares a CT in that way: its normalisation of CTs clips, shifts and scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Window:
    """A range of HU: `level` is its middle."""

    level_hu: float
    width_hu: float

    @property
    def lower_hu(self) -> float:
        return self.level_hu - self.width_hu / 2

    @property
    def upper_hu(self) -> float:
        return self.level_hu + self.width_hu / 2


@dataclass(frozen=True)
class RandomWindows:
    """What is drawn: with the probability p_shift another level, with p_scale another width, else those of `base`."""

    base: Window = Window(62.5, 198.8)
    p_shift: float = 0.163
    p_scale: float = 0.163
    levels_hu: tuple[float, float] = (2.5, 122.5)
    widths_hu: tuple[float, float] = (118.8, 278.8)

    def draw(self, random: np.random.Generator | Any) -> Window:
        """random  has `uniform`: a Generator, or the module numpy.random, which nnU-Net's augmentation draws from."""
        level = random.uniform(*self.levels_hu) if random.uniform() < self.p_shift else self.base.level_hu
        width = random.uniform(*self.widths_hu) if random.uniform() < self.p_scale else self.base.width_hu
        return Window(float(level), float(width))

    @property
    def wide_window(self) -> Window:
        """Holds every window that can be drawn."""
        lower = min(self.base.lower_hu, self.levels_hu[0] - self.widths_hu[1] / 2)
        upper = max(self.base.upper_hu, self.levels_hu[1] + self.widths_hu[1] / 2)
        return Window((lower + upper) / 2, upper - lower)


WINDOWS = RandomWindows()


def set_window(plans: dict[str, Any], window: Window) -> None:
    """Have nnU-Net's CTNormalization show every channel through `window`, from 0 to 1; changes `plans`."""
    shown = {
        "percentile_00_5": window.lower_hu, "percentile_99_5": window.upper_hu,
        "mean": window.lower_hu, "std": window.width_hu,
    }  # fmt: skip
    for known in plans["foreground_intensity_properties_per_channel"].values():
        known.update(shown)
    for configuration in plans["configurations"].values():
        if "normalization_schemes" in configuration:
            schemes = configuration["normalization_schemes"]
            configuration["normalization_schemes"] = ["CTNormalization"] * len(schemes)


def show_wide_window(plans: dict[str, Any]) -> None:
    """The images of a training are kept in the wide window."""
    set_window(plans, WINDOWS.wide_window)


def with_windowing(base: type[Any], is_random: bool, windows: RandomWindows = WINDOWS) -> type[Any]:
    """A subclass of `base`, nnU-Net's trainer or one made of it, with the same name, that learns from windows cut out
    of the wide one: drawn anew for each patch, or always the base window. Validation sees the base window.
    """
    from batchgeneratorsv2.transforms.base.basic_transform import ImageOnlyTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

    wide = windows.wide_window

    class WindowTransform(ImageOnlyTransform):  # type: ignore[misc]  # no types
        def __init__(self, varies: bool):
            super().__init__()
            self.varies = varies

        def get_parameters(self, **data: Any) -> dict[str, Any]:
            return {"window": windows.draw(np.random) if self.varies else windows.base}

        def _apply_to_image(self, img: Any, **params: Any) -> Any:
            window: Window = params["window"]
            hu = img * wide.width_hu + wide.lower_hu
            return ((hu - window.lower_hu) / window.width_hu).clamp(0.0, 1.0)

    class WindowedTrainer(base):  # type: ignore[misc]  # nnU-Net has no types
        @staticmethod
        def get_training_transforms(*arguments: Any, **options: Any) -> Any:
            rest = base.get_training_transforms(*arguments, **options)
            return ComposeTransforms([WindowTransform(is_random), rest])

        @staticmethod
        def get_validation_transforms(*arguments: Any, **options: Any) -> Any:
            rest = base.get_validation_transforms(*arguments, **options)
            return ComposeTransforms([WindowTransform(False), rest])

        def on_train_start(self) -> None:
            """The plans beside the training are those of the finished model."""
            super().on_train_start()
            write_base_window(self.output_folder_base, self.plans_manager.plans, windows)

    WindowedTrainer.__name__ = WindowedTrainer.__qualname__ = base.__name__
    return WindowedTrainer


def write_base_window(folder: str, plans: Mapping[str, Any], windows: RandomWindows = WINDOWS) -> None:
    """plans.json in the folder of a training, with the base window."""
    import json
    from copy import deepcopy
    from pathlib import Path

    changed = deepcopy(dict(plans))
    set_window(changed, windows.base)
    (Path(folder) / "plans.json").write_text(json.dumps(changed, indent=4) + "\n", encoding="utf-8")
