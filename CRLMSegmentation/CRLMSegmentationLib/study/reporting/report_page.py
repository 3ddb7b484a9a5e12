"""What a report is made of, and what its sections are handed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..card import Card
from ..cases.case_table import LeftOut
from ..metrics import Metric

Results = Sequence[dict[str, Any]]
# Titles and pixels.
Frames = Sequence[tuple[str, np.ndarray]]


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made of.

    results     of evaluate(), one for each test case; left_out: cases left out or failed, with reasons
    evaluation  the folder with their masks
    cards       of the models, by name, calibrated; calibrations: validation VoxelCounts as plain values, by name
    recipes     by task, as plain values: what the models were trained with
    plan        what is shown of the tasks; metrics: figures of each case
    simulated   whether the cases are simulated
    recordings  {title: result of realism.evaluate_recording}
    frames      simulated ones, and real ones to be shown beside them
    commands    what makes all of this again
    inputs      rows of inputs.csv: case, split, file, bytes, SHA-256
    notes       further sentences, such as the budget of the training
    """

    results: Results
    left_out: Sequence[LeftOut]
    evaluation: Path
    cards: dict[str, Card]
    calibrations: dict[str, dict[str, Any]]
    recipes: dict[str, dict[str, Any]]
    plan: ReportPlan
    metrics: Sequence[Metric]
    simulated: bool
    recordings: dict[str, dict[str, Any]] = field(default_factory=dict)
    frames: tuple[Frames, Frames] = ((), ())
    commands: Sequence[str] = ()
    inputs: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class ReportPage:
    """What a section is made from: the inputs, all figures as in results.json, and the folder of its pictures."""

    inputs: ReportInputs
    found: dict[str, Any]
    folder: Path

    @property
    def kind(self) -> str:
        """Of the cases, for a heading."""
        return "simulated" if self.inputs.simulated else "test"


# Adds figures over all cases to what results.json holds.
Summary = Callable[[dict[str, Any], Results], None]
# Markdown, and perhaps pictures beside it; '' where there is nothing to show.
Section = Callable[[ReportPage], str]


@dataclass(frozen=True)
class ReportPlan:
    """What a report shows of a task, in this order.

    summaries  add figures over all cases to what results.json holds
    sections   parts of the page
    """

    summaries: tuple[Summary, ...] = ()
    sections: tuple[Section, ...] = ()

    def __add__(self, other: ReportPlan) -> ReportPlan:
        """Both, with what they have in common only once."""
        return ReportPlan(
            tuple(dict.fromkeys(self.summaries + other.summaries)), tuple(dict.fromkeys(self.sections + other.sections))
        )
