"""Which of several tumors matters most to a place, without measuring to those that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .distance import ClosestPoint, TumorDistance
from .margin import MarginState, margin_state

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


@dataclass(frozen=True, eq=False)
class MeasuredTumor:
    """One of the tumors that are measured to.

    number     of the tumor in its case
    margin_mm  within which a tip is warned of
    remark     what speaks against taking it for current, as the end of a sentence; '' when nothing does
    """

    number: int
    name: str
    distance: TumorDistance
    margin_mm: float
    remark: str = ""

    def margin_at(self, signed_distance_mm: float) -> MarginState:
        """What that distance (negative inside) means for the margin of this tumor."""
        return margin_state(signed_distance_mm, self.margin_mm)


def most_urgent(tumors: Sequence[MeasuredTumor], place: np.ndarray) -> tuple[MeasuredTumor, ClosestPoint] | None:
    """The tumor that a tip at `place` (3,) RAS mm endangers most, and the nearest place on it; None without tumors.

    That is the nearest of those whose margin is touched the worst: within one tumor comes before within the margin of
    another, and that before any distance. With equal margins it is simply the nearest tumor. A tumor whose bounding box
    is too far away to matter is not measured to.
    """
    best: tuple[MeasuredTumor, ClosestPoint] | None = None
    best_key = (0, np.inf)
    away_mm = [tumor.distance.least_distance_mm(place) for tumor in tumors]
    for number in np.argsort(away_mm, kind="stable"):
        tumor, least_mm = tumors[number], away_mm[number]
        # Within the bounding box any depth is possible; outside of it nothing is nearer, and so worse, than this.
        least_mm = least_mm if least_mm > 0 else -np.inf
        if best is not None and (-tumor.margin_at(least_mm).severity.rank, least_mm) >= best_key:
            continue
        closest = tumor.distance.closest_point(place)
        key = (-tumor.margin_at(closest.signed_distance_mm).severity.rank, closest.signed_distance_mm)
        if best is None or key < best_key:
            best, best_key = (tumor, closest), key
    return best


def joined(surfaces: Sequence[vtkPolyData]) -> vtkPolyData:
    """One surface of several, RAS mm."""
    from vtkmodules.vtkFiltersCore import vtkAppendPolyData

    append = vtkAppendPolyData()
    for surface in surfaces:
        append.AddInputData(surface)
    append.Update()
    together: vtkPolyData = append.GetOutput()
    return together
