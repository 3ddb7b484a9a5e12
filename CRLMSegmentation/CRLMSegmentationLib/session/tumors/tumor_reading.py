"""How far a tool's tip is from one tumor, what that means for its margin, and how far off it may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...calibration.accuracy.budget import Budget
from ...navigation.margin import MarginState
from ...navigation.stated_distance import distance_text


@dataclass(frozen=True, eq=False)
class TumorReading:
    """What is known of the way from a live tool's tip to one tumor.

    number, name        of the tumor in its case
    signed_distance_mm  tip to surface, negative inside
    closest_point_ras   (3,) on the tumor
    margin              what the distance means for the tumor's own margin
    budget              what the distance's error is made of; None where nothing is known of it
    remark              where and when it was found, when that was in an earlier volume; ''
    """

    number: int
    name: str
    signed_distance_mm: float
    closest_point_ras: np.ndarray
    margin: MarginState
    budget: Budget | None = None
    remark: str = ""

    @property
    def text(self) -> str:
        """One line for people: 'T2: 7.5 mm ± 1.8, within the margin (found in sweep 1, 14:02)'."""
        remark = f" ({self.remark})" if self.remark else ""
        return f"{self.name}: {distance_text(self.signed_distance_mm, self.budget)}, {self.margin.text}{remark}"
