"""How far off the distances are: what the calibrations say, at the place where the tumor was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...calibration.accuracy.budget import Budget
from ...calibration.accuracy.calibrations import Calibrations, calibrations_of
from ...calibration.accuracy.error_model import (
    OUTLINE,
    distance_budget,
    surface_covariances,
    tip_covariances,
)
from ...errors import CRLMError
from ...files.calibrations.calibrations_file import read_calibrations_file
from ...navigation.tracked_tool import TrackedTool
from ...sweep import Sweep
from ...words import tr
from .seen_frames import SeenFrames

if TYPE_CHECKING:
    from ...inference.models.card import ModelCard
    from ...segmentation.segment import SegmentationResult
    from ..tumors.case_tumor import CaseTumor

CALIBRATIONS = "calibrations.json"
# What has become of the liver since an earlier sweep.
SINCE = "since"
_MOST_SWEEPS = 8
# The part of a normal error that the 95th percentile of its amount stands for.
_DEVIATIONS_OF_HD95 = 1.96


@dataclass(frozen=True, eq=False)
class _SeenIn:
    """What the error of a tumor's surface follows from: where it was seen, how it was found, what else is not known."""

    sweep: Sweep | None
    result: SegmentationResult | None
    is_corrected: bool
    unknown: Mapping[str, str]


def _seen_in(tumor: CaseTumor) -> _SeenIn:
    found = tumor.found
    unknown = _since(tumor.origin if tumor.is_stale else "")
    if found is None or found.state is None:
        return _SeenIn(None, None, False, unknown)
    sweep = None if found.scan is None else found.scan.sweep
    return _SeenIn(sweep, found.state.result, found.is_corrected, unknown)


def _since(remark: str) -> dict[str, str]:
    """What that adds to the error of a tumor that was found earlier; `remark`: where and when, '' for now."""
    return {SINCE: tr("it was {remark}, and the liver may lie otherwise now", remark=remark)} if remark else {}


class AccuracyPart:
    """Gives the budget of a distance.

    sweep      that the tumor was found in; None when it is not known
    result     that the tumor began with; None where a hand drew it
    corrected  True when a hand has changed it
    simulated  True when the case is simulated

    other      gives another tumor of the case by its number
    remark     gives where and when the chosen tumor was found, when that was in an earlier volume; ''
    """

    def __init__(
        self, sweep: Callable[[], Sweep | None], result: Callable[[], SegmentationResult | None],
        corrected: Callable[[], bool], simulated: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._sweep, self._result = sweep, result
        self._corrected, self._simulated = corrected, simulated
        self._calibrations = Calibrations()
        self._frames: list[SeenFrames] = []
        self.other: Callable[[int], CaseTumor] | None = None
        self.remark: Callable[[], str] = lambda: ""

    @property
    def calibrations(self) -> Calibrations:
        """What is known of the devices; nothing at the beginning."""
        return self._calibrations

    @property
    def frames(self) -> SeenFrames | None:
        """Of the sweep that the chosen tumor would be found in; None where there is none that can be placed."""
        return self._frames_of(self._sweep())

    def set_calibrations(self, calibrations: Calibrations) -> None:
        """The devices that are used from now on."""
        self._calibrations = calibrations

    def forget(self) -> None:
        """The sweeps of a case are gone with it."""
        self._frames = []

    def read(self, folder: str | Path, report: Callable[[str], None]) -> None:
        """Take the file CALIBRATIONS of `folder`, where there is one; what is wrong with it is reported."""
        path = Path(folder) / CALIBRATIONS
        try:
            if path.is_file():
                self.set_calibrations(calibrations_of(read_calibrations_file(path), path.name))
        except CRLMError as error:
            report(tr("{error} Distances are shown as if nothing had been calibrated.", error=error))

    def budget(
        self, tool: TrackedTool, tip_ras: np.ndarray, closest_ras: np.ndarray, number: int | None = None
    ) -> Budget:
        """What the error of the distance from a live tool's tip (3,) to the nearest place (3,) is made of.

        number  of another tumor than the chosen one, that the place is on
        """
        seen_in = self._chosen() if number is None or self.other is None else _seen_in(self.other(number))
        frames = self._frames_of(seen_in.sweep)
        model = self._calibrations.model(
            tool.name, tool.tip_to_tool, None if frames is None else frames.size,
            None if frames is None else frames.pixel_mm,
        )  # fmt: skip
        outline_mm, why = self._outline(seen_in)
        unknown = {**model.unknown, **({OUTLINE: why} if why else {})}
        result = seen_in.result
        voxel_mm = None if result is None else float(result.mask.spacing_mm.max())
        model = replace(model, voxel_mm=voxel_mm, outline_mm=outline_mm, unknown=unknown)
        pose = tool.tool_to_reference
        seen = None if frames is None else frames.seen(closest_ras)
        surface = {} if seen is None else surface_covariances(model, seen)
        tip = {} if pose is None else tip_covariances(model, pose, tip_ras)
        budget = distance_budget(model, surface, tip, closest_ras - tip_ras)
        return replace(budget, unknown={**seen_in.unknown, **budget.unknown}) if seen_in.unknown else budget

    def _chosen(self) -> _SeenIn:
        return _SeenIn(self._sweep(), self._result(), self._corrected(), _since(self.remark()))

    def _outline(self, seen_in: _SeenIn) -> tuple[float | None, str]:
        """(standard deviation of the outline in mm, why it may be larger); '' when nothing speaks for that."""
        result = seen_in.result
        if result is None or result.card is None:
            return None, ""
        outline_mm = outline_of(result.card)
        if seen_in.is_corrected:
            return outline_mm, tr("a hand has changed the outline")
        if result.card.trained_on_simulated_only and not self._simulated():
            return outline_mm, tr("the model's outline was measured on simulated livers only")
        return outline_mm, ""

    def _frames_of(self, sweep: Sweep | None) -> SeenFrames | None:
        if sweep is None:
            return None
        frames = next((one for one in self._frames if one.sweep is sweep), None)
        if frames is None:
            frames = SeenFrames.of(sweep)
            self._frames = [*self._frames, frames][-_MOST_SWEEPS:]
        return frames if len(frames.to_image) else None


def outline_of(card: ModelCard) -> float | None:
    """How far the model's outline lies beside the true one, standard deviation in mm, by its validation (HD95).

    None where the card does not say: 95 % of normal errors lie within 1.96 standard deviations.
    """
    validation = card.text.get("validation")
    entry: Any = validation.get("hd95_mm") if isinstance(validation, dict) else None
    median = entry.get("median") if isinstance(entry, dict) else None
    if not isinstance(median, (int, float)) or not 0 <= median < 1e3:
        return None
    return float(median) / _DEVIATIONS_OF_HD95
