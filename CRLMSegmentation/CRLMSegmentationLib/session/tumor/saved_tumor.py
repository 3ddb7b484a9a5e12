"""A tumor as it was saved in a scene, and the state that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...values import Volume
from ..case.case_facts import CaseFacts
from .hand_corrections import HandCorrections
from .labelmap import Labelmap
from .tumor_state import DEFAULT_SMOOTHING, TumorState, state_of_scene

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


@dataclass(frozen=True, eq=False)
class SavedTumor:
    """What a scene holds of a tumor; None for what is not there, or is out of date.

    surface      vtkPolyData, RAS mm
    probability  float32 on the grid of the crop
    threshold    of probability
    is_any       True when anything is there, be it out of date
    """

    labelmap: Labelmap | None = None
    surface: vtkPolyData | None = None
    probability: Volume | None = None
    threshold: float | None = None
    is_any: bool = False

    def state_on(self, volume: Volume, facts: CaseFacts) -> TumorState | None:
        """On the voxels of `volume`; None when only a surface was saved, of which nothing can be changed.

        facts  what is known of it beside
        Raises GeometryError for a surface that cannot be measured to.
        """
        if self.labelmap is None or self.surface is None:
            return None
        return state_of_scene(
            volume, self.labelmap.mask_on(volume), self.surface, self.probability, self.threshold, facts.keep,
            DEFAULT_SMOOTHING if facts.smoothing is None else facts.smoothing, facts.card,
            HandCorrections() if facts.is_corrected is False else None, facts.doubts, facts.found_at,
        )  # fmt: skip
