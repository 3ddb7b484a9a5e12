"""The parts of the campaign, in order of worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A module in this folder with a function `run(record, argument)`.

    weight   its share of the time that is left to it and to those after it
    least_s  what it may take even when its share is less
    """

    name: str
    module: str
    argument: str = ""
    weight: float = 1.0
    least_s: float = 40.0


PARTS = (
    Part("correct-network", "correct_network", weight=1.2),
    Part("correct-worker", "correct_worker", weight=0.8),
    Part("correct-reconstruction", "correct_reconstruction", weight=0.6, least_s=25),
    Part("fast-network", "fast_network", weight=1.2),
    Part("fast-scope", "fast_scope", weight=0.4, least_s=30),
    Part("fast-reconstruction", "fast_reconstruction", weight=0.5, least_s=25),
    Part("train-crop", "train", "crop/recommended/default", weight=3, least_s=90),
    Part("train-frames", "train", "frames/recommended/default", weight=1.5, least_s=60),
    Part("train-residual", "train", "crop/recommended/residual", weight=2, least_s=60),
    Part("train-paper", "train", "crop/paper/default", weight=1.5, least_s=60),
    Part("train-lvt", "train", "lvt/recommended/default", weight=1.5, least_s=90),
    Part("train-landmarks", "train", "landmarks/recommended/default", weight=1, least_s=60),
)


def chosen_parts(parts: Sequence[Part], only: Sequence[str]) -> list[Part]:
    """Those of these names or groups ('correct'); all without any. Exits with a sentence for a name that is none."""
    for name in only:
        if not any(_belongs(part, name) for part in parts):
            raise SystemExit(f"There is no part '{name}': {', '.join(part.name for part in parts)}.")
    return [part for part in parts if not only or any(_belongs(part, name) for name in only)]


def _belongs(part: Part, name: str) -> bool:
    return part.name == name or part.name.startswith(f"{name}-")
