"""What each step of the post-processing is worth: by itself, and as the only one that is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...inference.image import Image
from ...laparoscopy.lines.landmark_lines import LineSettings
from ...laparoscopy.network.landmark_finder import Predictor, lines_in_picture
from ...laparoscopy.network.network_picture import network_picture
from ...values.landmarks import LANDMARKS
from ...values.progress import Progress
from ..cases.case_table import CaseRow
from .figures import FIGURES, mask_figures, mean_figures, mean_of_known, picture_figures
from .truth import read_case

RAW, THINNED, ALL = "what the network marks", "thinned to lines", "all steps"
_NONE: dict[str, Any] = {
    "spur": 0.0, "gap": 0.0, "least_length": 0.0, "sigma": 0.0, "tolerance": 0.0, "ends_ligament": False,
}  # fmt: skip
# The settings that a step needs; the camera's circle is no setting.
CIRCLE = "camera's circle"
STEPS: dict[str, tuple[str, ...]] = {
    CIRCLE: (),
    "spurs left out": ("spur",),
    "gaps closed": ("gap",),
    "short lines left out": ("least_length",),
    "ligament ended": ("ends_ligament",),
    "smoothed and simplified": ("sigma", "tolerance"),
}


@dataclass(frozen=True)
class Variant:
    """One way to make lines: which of STEPS there are."""

    name: str
    steps: frozenset[str]

    def settings(self, threshold: float) -> LineSettings:
        usual = LineSettings(threshold=threshold)
        left_out = {key for step, keys in STEPS.items() if step not in self.steps for key in keys}
        return replace(usual, **{key: _NONE[key] for key in left_out})


def variants() -> list[Variant]:
    """None, each step by itself, each one left out, and all."""
    every = frozenset(STEPS)
    return [
        Variant(THINNED, frozenset()),
        *(Variant(f"{THINNED}, {step}", frozenset([step])) for step in STEPS),
        *(Variant(f"{ALL} but: {step}", every - {step}) for step in STEPS),
        Variant(ALL, every),
    ]


def step_figures(
    predictor: Predictor,
    threshold: float,
    rows: Sequence[CaseRow],
    progress: Progress | None = None,
    compared: Sequence[Variant] | None = None,
) -> dict[str, dict[str, float]]:
    """{variant: FIGURES}, means over the pictures of `rows` of the means of their landmarks; RAW is the first.

    compared  variants(), when it is None
    """
    compared = variants() if compared is None else compared
    found: dict[str, list[dict[str, float]]] = {}
    for number, row in enumerate(rows):
        for name, figures in _of_picture(predictor, threshold, row, compared):
            found.setdefault(name, []).append(figures)
        if progress:
            progress((number + 1) / len(rows), f"Post-processing of picture {number + 1} of {len(rows)}")
    return {name: {key: mean_of_known([one[key] for one in each]) for key in FIGURES} for name, each in found.items()}


def _of_picture(
    predictor: Predictor, threshold: float, row: CaseRow, compared: Sequence[Variant]
) -> Iterator[tuple[str, dict[str, float]]]:
    picture, truth = read_case(row)
    prediction = predictor.predict(Image.of_frame(network_picture(picture)), list(LANDMARKS))
    probabilities = np.stack([prediction.of(name)[0] for name in LANDMARKS])
    yield RAW, mean_figures(mask_figures(probabilities >= threshold, truth))
    for variant in compared:
        lines = lines_in_picture(probabilities, picture, variant.settings(threshold), CIRCLE in variant.steps)
        yield variant.name, mean_figures(picture_figures(lines, truth))
