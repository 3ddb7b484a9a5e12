"""The tracked tools: where each of them is, if that is known now, and how far its tip is from the tumor."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..calibration.accuracy.budget import Budget
from ..navigation.distance import ClosestPoint, TumorDistance
from ..navigation.margin import MarginState, Severity, margin_state
from ..navigation.several_tumors import MeasuredTumor, most_urgent
from ..navigation.stated_distance import distance_text, error_text, explanation, reason_text
from ..navigation.tool_look import ToolLook
from ..navigation.tool_transforms import DEFAULT_TOOL, tool_of_calibration, tool_of_pose
from ..navigation.tracked_tool import ToolStatus, TrackedTool
from ..sweep import Pose
from ..tracking.age import NEVER, TrackingClock
from ..values.defaults import DEFAULT_SAFETY_MARGIN_MM
from ..words import tr
from .event import Event
from .tool_setup.tool_looks import ToolLooks
from .tumors.tumor_reading import TumorReading


@dataclass(frozen=True, eq=False)
class ToolReading:
    """What is known of a tool at one moment.

    status                as of its newest pose
    tip_to_reference      (4, 4); None unless the tool is live
    signed_distance_mm    tip to the surface of the chosen tumor, negative inside; None unless the tool is live and
                          there is one
    closest_point_ras     (3,) on the chosen tumor, or None
    margin                what the distance means
    budget                what the distance's error is made of; None without a distance, or where nothing is known of it
    other                 of the other tumors the one that the tip endangers most; None unless the tool is live and
                          there is one
    remark                where and when the chosen tumor was found, when that was in an earlier volume; ''
    age_s                 since the pose was measured, in seconds; infinite for one that never came
    """

    name: str
    status: ToolStatus
    tip_to_reference: np.ndarray | None
    signed_distance_mm: float | None
    closest_point_ras: np.ndarray | None
    margin: MarginState
    budget: Budget | None = None
    other: TumorReading | None = None
    remark: str = ""
    age_s: float = math.inf

    @property
    def tip_ras(self) -> np.ndarray | None:
        """(3,) of the tip; None unless the tool is live."""
        return None if self.tip_to_reference is None else self.tip_to_reference[:3, 3]

    @property
    def severity(self) -> Severity:
        """How much it matters where the tip is: to the chosen tumor or to any other, whichever is worse."""
        margins = [self.margin] if self.other is None else [self.margin, self.other.margin]
        return max((one.severity for one in margins), key=lambda severity: severity.rank)

    @property
    def text(self) -> str:
        """One line for people."""
        if self.status is not ToolStatus.LIVE:
            return f"{self.name}: {self.status.text}"
        if self.signed_distance_mm is None:
            return tr("{name}: no tumor{other_text}", name=self.name, other_text=self._other_text)
        distance = distance_text(self.signed_distance_mm, self.budget)
        return f"{self.name}: {distance}, {self.margin_text}{self._other_text}"

    @property
    def margin_text(self) -> str:
        """'within the margin', and where the tumor was found when that was in an earlier volume."""
        return self.margin.text + (f" ({self.remark})" if self.remark and self.signed_distance_mm is not None else "")

    @property
    def _other_text(self) -> str:
        return "" if self.other is None else f"; {self.other.text}"

    @property
    def error_text(self) -> str:
        """The error to stand below the distance, with why it may be larger; '' without a distance."""
        if self.signed_distance_mm is None:
            return ""
        reason = reason_text(self.budget)
        return error_text(self.budget) + (f": {reason}" if reason else "")

    @property
    def age_text(self) -> str:
        """'0.1 s ago'; '' unless the tool is live."""
        return (
            tr("{age_s:.1f} s ago", age_s=self.age_s)
            if self.status is ToolStatus.LIVE and math.isfinite(self.age_s)
            else ""
        )

    @property
    def error_explanation(self) -> str:
        """All that is known of the error, for a tooltip; '' without a distance."""
        return "" if self.signed_distance_mm is None else explanation(self.budget)


class Tools:
    """Every tool of the session. Times are readings of time.monotonic(); `stamp_s` is the tracker's own time.

    margin_mm    within which a tip is warned of
    may_measure  False while it is not known whether the tumor belongs to the patient whom the tools are at
    may_be_live  False while what is known of the stream cannot be trusted
    on_error     called with what a handler of an event raises

    budget       of the error of a distance: from a tool, its tip and the nearest place on a tumor, each (3,) mm in
                 Reference, and the number of that tumor, None for the chosen one; None where nothing is known

    remark       where and when the chosen tumor was found, when that was in an earlier volume; ''

    looks        how each tool is drawn, and which are looked for because a person said so

    changed      event: the readings of all tools, now
    calibrated   event: the tip of the tool of this name lies elsewhere on it
    removed      event: the tool of this name is known no more
    """

    def __init__(
        self, clock: TrackingClock, margin_mm: float = DEFAULT_SAFETY_MARGIN_MM,
        may_measure: Callable[[], bool] = lambda: True, may_be_live: Callable[[], bool] = lambda: True,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        self.margin_mm = margin_mm
        self.may_measure = may_measure
        self.budget: Callable[[TrackedTool, np.ndarray, np.ndarray, int | None], Budget | None] = lambda *_: None
        self.changed: Event[[list[ToolReading]]] = Event(on_error)
        self.calibrated: Event[[str]] = Event(on_error)
        self.removed: Event[[str]] = Event(on_error)
        self.looks = ToolLooks(on_error)
        self._may_be_live = may_be_live
        self._clock = clock
        self._tools: dict[str, TrackedTool] = {}
        self._calibrated_here: set[str] = set()
        self._tumor: TumorDistance | None = None
        self._others: tuple[MeasuredTumor, ...] = ()
        self.remark = ""
        # While poses are taken in of which only the newest are shown, and when the newest one came.
        self._is_held, self._updated_s = False, math.nan

    @property
    def names(self) -> list[str]:
        """Tools that sent a pose or a calibration, or are looked for because a person said so."""
        return list(self._tools)

    def follow(self, name: str) -> None:
        """Look for a tool of this PLUS name from now on. Raises ConfigurationError for a name that is no tool's."""
        name = self.looks.follow(name)
        if name not in self._tools:
            self._tools[name] = TrackedTool(name)
            self.refresh()

    def unfollow(self, name: str) -> None:
        """Look for it no more. One that goes on to come with a tip of its own is there again at once."""
        self.looks.unfollow(name)
        if self._tools.pop(name, None) is not None:
            self._calibrated_here.discard(name)
            self.removed(name)
            self.refresh()

    def is_calibrated(self, name: str) -> bool:
        """True when it is known where the tip is on a known tool."""
        return self._tools[name].is_calibrated

    def tip_to_tool(self, name: str) -> np.ndarray:
        """(4, 4) calibration of a known tool."""
        return self._tools[name].tip_to_tool.copy()

    def tool_to_reference(self, name: str) -> np.ndarray | None:
        """(4, 4) newest pose of a known tool, whatever its age, exactly as it came; None when that was not valid."""
        return self._tools[name].tool_to_reference

    @property
    def has_target(self) -> bool:
        """True while there is a tumor to measure to: the chosen one or another, be it of an earlier volume."""
        return self.may_measure() and (self._tumor is not None or bool(self._others))

    def set_tumor(self, distance: TumorDistance | None) -> None:
        """What measures to the chosen tumor; None when there is none that may be measured to."""
        self._tumor = distance
        self.refresh()

    def set_remark(self, remark: str) -> None:
        """Where and when the chosen tumor was found, when that was in an earlier volume; '' when it was not."""
        if remark != self.remark:
            self.remark = remark
            self.refresh()

    def set_others(self, tumors: Sequence[MeasuredTumor]) -> None:
        """The tumors that are measured to beside the chosen one."""
        if tumors or self._others:
            self._others = tuple(tumors)
            self.refresh()

    def update(
        self, name: str, pose: Pose | None, stamp_s: float | None = None, received_s: float | None = None,
        read_s: float | None = None,
    ) -> bool:  # fmt: skip
        """Take a pose by its PLUS name; returns False for one that concerns no tool.

        name  'StylusToReference' (or 'Stylus') is where the tool is, 'StylusTipToStylus' where its tip is on it
        received_s, read_s   see TrackingClock.note
        Raises GeometryError for a calibration that is no affine matrix; then an earlier one stays.
        """
        calibrated = tool_of_calibration(name)
        if calibrated:
            if pose is not None and pose.valid and calibrated not in self._calibrated_here:
                self._calibrate(calibrated, pose.matrix)
            return True
        tool = tool_of_pose(name)
        if tool is None:
            return False
        received_s = time.monotonic() if received_s is None else received_s
        self._tools.setdefault(tool, TrackedTool(tool)).update(pose)
        self._clock.note(tool, stamp_s, received_s, read_s)
        self._updated_s = received_s if read_s is None or math.isnan(read_s) else read_s
        if not self._is_held:
            self.refresh(self._updated_s)
        return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block poses are taken in; at its end who shows the tools hears of the newest ones, once."""
        self._is_held, self._updated_s = True, math.nan
        try:
            yield
        finally:
            self._is_held = False
            if not math.isnan(self._updated_s):
                self.refresh(self._updated_s)

    def set_tip(self, name: str, tip_to_tool: ArrayLike) -> None:
        """A tip (4, 4) that was calibrated here: it counts, whatever tip the stream sends, until follow_stream().

        Raises GeometryError for what is no affine matrix.
        """
        self._calibrate(name, tip_to_tool)
        self._calibrated_here.add(name)

    def follow_stream(self) -> None:
        """Tips count again as the stream sends them; those that it does not send stay."""
        self._calibrated_here.clear()

    def distance_mm(self, name: str = DEFAULT_TOOL, now_s: float | None = None) -> float | None:
        """Tip to tumor surface, negative inside; None when the tool is lost or there is no tumor to measure to."""
        return self.reading(name, now_s).signed_distance_mm

    def reading(self, name: str = DEFAULT_TOOL, now_s: float | None = None) -> ToolReading:
        """What is known of the tool now: its status, tip, distance and what that means for the margin."""
        tool = self._tools.get(name) or TrackedTool(name)
        age = self._clock.age(name, now_s) if self._may_be_live() else NEVER
        tip, closest = tool.tip_to_reference(age), None
        if tip is not None and self._tumor is not None and self.may_measure():
            closest = self._tumor.closest_point(tip[:3, 3])
        distance_mm = None if closest is None else closest.signed_distance_mm
        budget = None if tip is None or closest is None else self.budget(tool, tip[:3, 3], closest.point_ras, None)
        return ToolReading(
            name,
            tool.status(age),
            tip,
            distance_mm,
            None if closest is None else closest.point_ras,
            margin_state(distance_mm, self.margin_mm),
            budget,
            self._other(tool, tip),
            self.remark,
            age.seconds,
        )

    def to_others(self, reading: ToolReading) -> dict[int, TumorReading]:
        """From the tip of a tool that was just read to every tumor beside the chosen one, by its number.

        It takes as long as there are tumors: for a list, not for every tick.
        """
        tool, tip = self._tools.get(reading.name), reading.tip_ras
        if tool is None or tip is None or not self.may_measure():
            return {}
        return {one.number: self._to_tumor(tool, tip, one, one.distance.closest_point(tip)) for one in self._others}

    def _other(self, tool: TrackedTool, tip: np.ndarray | None) -> TumorReading | None:
        if tip is None or not self._others or not self.may_measure():
            return None
        nearest = most_urgent(self._others, tip[:3, 3])
        return None if nearest is None else self._to_tumor(tool, tip[:3, 3], *nearest)

    def _to_tumor(
        self, tool: TrackedTool, tip_ras: np.ndarray, tumor: MeasuredTumor, closest: ClosestPoint
    ) -> TumorReading:
        distance_mm, place = closest.signed_distance_mm, closest.point_ras
        return TumorReading(
            tumor.number, tumor.name, distance_mm, place, tumor.margin_at(distance_mm),
            self.budget(tool, tip_ras, place, tumor.number), tumor.remark,
        )  # fmt: skip

    def readings(self, now_s: float | None = None) -> list[ToolReading]:
        """Of every tool."""
        return [self.reading(name, now_s) for name in self._tools]

    def refresh(self, now_s: float | None = None) -> list[ToolReading]:
        """Say to who shows them how the tools are now: a front end calls this by a timer, so that silence shows."""
        readings = self.readings(now_s)
        self.changed(readings)
        return readings

    def restore(self, calibrations: Mapping[str, ArrayLike], looks: Mapping[str, ToolLook] | None = None) -> None:
        """Tip calibrations (4, 4) by tool, as they were saved, and how tools look: the tools are not live, and one that
        is known keeps its own.
        """
        for name, matrix in calibrations.items():
            if name not in self._tools:
                self._calibrate(name, matrix)
        self.looks.restore(looks or {})
        self.refresh()

    def forget(self, keep_calibration: bool = False) -> None:
        """Drop every tool and what is measured to.

        keep_calibration  for another case: tools are seen anew with their next pose, and what was calibrated stays so
        """
        before, self._tools, self._tumor, self._others = self._tools, {}, None, ()
        self.remark = ""
        self._clock.forget()
        if not keep_calibration:
            self._calibrated_here.clear()
            self.looks.forget()
        for name in before:
            self.removed(name)
        for name, tool in before.items():
            if keep_calibration and (tool.is_calibrated or name in self.looks.followed):
                self._calibrate(name, tool.tip_to_tool)

    def _calibrate(self, name: str, matrix: ArrayLike) -> None:
        # Made first, so that a matrix that is none leaves the tool as it was.
        calibrated = TrackedTool(name, matrix)
        self._tools.setdefault(name, calibrated).tip_to_tool = calibrated.tip_to_tool
        self.calibrated(name)
