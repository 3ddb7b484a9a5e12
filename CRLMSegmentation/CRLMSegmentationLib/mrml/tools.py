"""The tracked tools in the scene: transforms, shapes, and the distance of each tip from the tumor."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..navigation.distance import TumorDistance
from ..navigation.margin import MarginState, Severity, margin_state
from ..navigation.tracked_tool import ToolStatus, TrackedTool
from ..sweep import Pose
from ..tracking.age import NEVER, TrackingClock
from ..values.defaults import DEFAULT_SAFETY_MARGIN_MM
from . import names
from .conversion import matrix_of_transform, put_surface, set_transform
from .nodes import find, get_or_create, mark_stale, nodes_of_class, put_under, remove, role_of, set_visible
from .tool_shapes import stylus_shape

_DEFAULT_TOOL = names.DEFAULT_TOOL
_TOOL_POSE = re.compile(r"^(\w+)ToReference$")
_COLORS = {
    Severity.DANGER: (0.95, 0.25, 0.2),
    Severity.WARNING: (1.0, 0.65, 0.1),
    Severity.CLEAR: (0.3, 0.85, 0.45),
    Severity.UNKNOWN: (0.6, 0.6, 0.6),
}


@dataclass(frozen=True, eq=False)
class ToolReading:
    """What is known of a tool at one moment.

    status                as of its newest pose
    tip_to_reference      (4, 4); None unless the tool is live
    signed_distance_mm    tip to tumor surface, negative inside; None unless the tool is live and there is a tumor
    closest_point_ras     (3,) on the tumor, or None
    margin                what the distance means
    """

    name: str
    status: ToolStatus
    tip_to_reference: np.ndarray | None
    signed_distance_mm: float | None
    closest_point_ras: np.ndarray | None
    margin: MarginState

    @property
    def tip_ras(self) -> np.ndarray | None:
        """(3,) of the tip; None unless the tool is live."""
        return None if self.tip_to_reference is None else self.tip_to_reference[:3, 3]

    @property
    def text(self) -> str:
        """One line for people."""
        if self.status is not ToolStatus.LIVE:
            return f"{self.name}: {self.status.value}"
        if self.signed_distance_mm is None:
            return f"{self.name}: no tumor"
        return f"{self.name}: {self.signed_distance_mm:.1f} mm, {self.margin.value}"


class Tools:
    """Every tool of the session.

    A tool's shape and distance are in the scene while the tool is live and hidden otherwise. Times are readings of
    time.monotonic(); `stamp_s` is the tracker's own time.

    may_measure  False while it is not known whether the tumor belongs to the patient whom the tools are at
    may_be_live  False while what is known of the stream cannot be trusted
    """

    def __init__(
        self, scene, clock: TrackingClock, margin_mm: float = DEFAULT_SAFETY_MARGIN_MM,
        may_measure: Callable[[], bool] = lambda: True, may_be_live: Callable[[], bool] = lambda: True,
    ):  # fmt: skip
        self.margin_mm = margin_mm
        self._may_be_live = may_be_live
        self.may_measure = may_measure
        self._scene = scene
        self._clock = clock
        self._tools: dict[str, TrackedTool] = {}
        self._tumor: TumorDistance | None = None

    @property
    def names(self) -> list[str]:
        """Tools that sent a pose or a calibration."""
        return list(self._tools)

    def tip_to_tool(self, name: str) -> np.ndarray:
        """(4, 4) calibration of a known tool."""
        return self._tools[name].tip_to_tool.copy()

    def set_tumor(self, distance: TumorDistance | None) -> None:
        """What measures to the tumor; None when there is none that may be measured to."""
        self._tumor = distance
        self.refresh()

    def update(
        self, name: str, pose: Pose | None, stamp_s: float | None = None, received_s: float | None = None,
        read_s: float | None = None,
    ) -> bool:  # fmt: skip
        """Take a pose by its PLUS name; returns False for one that concerns no tool.

        name  'StylusToReference' (or 'Stylus') is where the tool is, 'StylusTipToStylus' where its tip is on it
        received_s, read_s   see TrackingClock.note
        """
        calibrated, placed = names.tool_of_calibration(name), _TOOL_POSE.match(name)
        if calibrated:
            if pose is not None and pose.valid:
                self._calibrate(calibrated, pose.matrix)
            return True
        tool = placed.group(1) if placed else name
        if tool in names.NO_TOOLS or tool.endswith("Tip") or (not placed and "To" in name):
            return False
        received_s = time.monotonic() if received_s is None else received_s
        self._tool(tool).update(pose)
        self._clock.note(tool, stamp_s, received_s, read_s)
        now_s = received_s if read_s is None or math.isnan(read_s) else read_s
        self._show(self.reading(tool, now_s))
        self._write_text(now_s)
        return True

    def distance_mm(self, name: str = _DEFAULT_TOOL, now_s: float | None = None) -> float | None:
        """Tip to tumor surface, negative inside; None when the tool is lost or there is no tumor to measure to."""
        return self.reading(name, now_s).signed_distance_mm

    def reading(self, name: str = _DEFAULT_TOOL, now_s: float | None = None) -> ToolReading:
        """What is known of the tool now: its status, tip, distance and what that means for the margin."""
        tool = self._tools.get(name) or TrackedTool(name)
        age = self._clock.age(name, now_s) if self._may_be_live() else NEVER
        tip = tool.tip_to_reference(age)
        measures = tip is not None and self._tumor is not None and self.may_measure()
        closest = self._tumor.closest_point(tip[:3, 3]) if measures else None
        distance_mm = None if closest is None else closest.signed_distance_mm
        return ToolReading(
            name,
            tool.status(age),
            tip,
            distance_mm,
            None if closest is None else closest.point_ras,
            margin_state(distance_mm, self.margin_mm),
        )

    def readings(self, now_s: float | None = None) -> list[ToolReading]:
        """Of every tool."""
        return [self.reading(name, now_s) for name in self._tools]

    def refresh(self, now_s: float | None = None) -> list[ToolReading]:
        """Bring the scene up to date with the clock: a front end calls this by a timer, so that silence shows."""
        readings = self.readings(now_s)
        for reading in readings:
            self._show(reading)
        self._write_text(now_s)
        return readings

    def hide(self) -> None:
        """Show no tool and no distance, whatever their nodes hold."""
        for name in self._tools:
            set_visible(find(self._scene, "vtkMRMLModelNode", names.tool_model(name)), False)
            mark_stale(find(self._scene, "vtkMRMLMarkupsLineNode", names.distance_line(name)), True)
        self._write_text(None)

    def adopt(self) -> None:
        """A scene was loaded: the tools in it are not live, and keep their calibration."""
        for node in nodes_of_class(self._scene, "vtkMRMLLinearTransformNode"):
            tool = names.tool_of_calibration(role_of(node))
            if tool and tool not in self._tools:
                self._calibrate(tool, matrix_of_transform(node))
        self.refresh()

    def forget(self) -> None:
        """Drop every tool and what is measured to; their nodes stay for the caller to remove."""
        self._tools.clear()
        self._clock.forget()
        self._tumor = None

    def start_anew(self) -> None:
        """Another case: tools are seen anew with their next pose, and what was calibrated stays calibrated."""
        calibrated = {name: tool.tip_to_tool for name, tool in self._tools.items() if tool.is_calibrated}
        self.remove_nodes()
        self.forget()
        for name, tip_to_tool in calibrated.items():
            self._calibrate(name, tip_to_tool)

    def _tool(self, name: str) -> TrackedTool:
        if name not in self._tools:
            self._tools[name] = TrackedTool(name)
            self._make_nodes(name)
        return self._tools[name]

    def _calibrate(self, name: str, matrix) -> None:
        # Made first, so that a matrix that is none leaves the tool as it was.
        calibrated = TrackedTool(name, matrix)
        self._tool(name).tip_to_tool = calibrated.tip_to_tool
        set_transform(self._node("vtkMRMLLinearTransformNode", names.tip_to_tool(name)), matrix)

    def _node(self, class_name: str, name: str, with_display: bool = False):
        return get_or_create(self._scene, class_name, name, with_display)

    def _has_nodes(self, name: str) -> bool:
        transforms = (names.tip_to_tool(name), names.tool_to_reference(name))
        has_transforms = all(find(self._scene, "vtkMRMLLinearTransformNode", one) is not None for one in transforms)
        return has_transforms and find(self._scene, "vtkMRMLModelNode", names.tool_model(name)) is not None

    def _make_nodes(self, name: str) -> None:
        tool = self._node("vtkMRMLLinearTransformNode", names.tool_to_reference(name))
        tip = self._node("vtkMRMLLinearTransformNode", names.tip_to_tool(name))
        set_transform(tip, self._tools[name].tip_to_tool)
        put_under(tip, tool)
        model = self._node("vtkMRMLModelNode", names.tool_model(name), with_display=True)
        if model.GetPolyData() is None:
            put_surface(model, stylus_shape())
        model.GetDisplayNode().SetColor(0.75, 0.8, 0.85)
        put_under(model, tip)
        set_visible(model, False)

    def _show(self, reading: ToolReading) -> None:
        name = reading.name
        live = reading.status is ToolStatus.LIVE
        if live:
            if not self._has_nodes(name):
                # Somebody has deleted what the tool is seen by.
                self._make_nodes(name)
            # As it came: who fills the same node from a stream must not take a rounded one for news.
            matrix = self._tools[name].tool_to_reference
            set_transform(self._node("vtkMRMLLinearTransformNode", names.tool_to_reference(name)), matrix)
        set_visible(find(self._scene, "vtkMRMLModelNode", names.tool_model(name)), live)
        if reading.signed_distance_mm is None:
            mark_stale(find(self._scene, "vtkMRMLMarkupsLineNode", names.distance_line(name)), True)
            return
        line = self._node("vtkMRMLMarkupsLineNode", names.distance_line(name), with_display=True)
        _put_ends(line, (reading.tip_ras, reading.closest_point_ras))
        display = line.GetDisplayNode()
        display.SetSelectedColor(*_COLORS[reading.margin.severity])
        display.SetColor(*_COLORS[reading.margin.severity])
        # Slicer's own label is the length of the line: without a sign it would mislead inside the tumor.
        display.SetPropertiesLabelVisibility(False)
        display.SetPointLabelsVisibility(False)
        mark_stale(line, False)

    def _write_text(self, now_s: float | None) -> None:
        text = "\n".join(reading.text for reading in self.readings(now_s))
        node = self._node("vtkMRMLTextNode", names.DISTANCE_TEXT)
        if node.GetText() != text:
            node.SetText(text)

    def remove_nodes(self) -> None:
        """Take every node of the tools out of the scene."""
        for name in self._tools:
            remove(self._scene, "vtkMRMLMarkupsLineNode", names.distance_line(name))
            remove(self._scene, "vtkMRMLModelNode", names.tool_model(name))
            remove(self._scene, "vtkMRMLLinearTransformNode", names.tip_to_tool(name))
            remove(self._scene, "vtkMRMLLinearTransformNode", names.tool_to_reference(name))


def _put_ends(line, ends_ras) -> None:
    """Let a vtkMRMLMarkupsLineNode go from one point (3,) RAS mm to the other, unless it does already.

    A line that is set is drawn again, wherever it was before.
    """
    if np.array_equal(_ends_of(line), ends_ras):
        return
    was_modifying = line.StartModify()
    while line.GetNumberOfControlPoints() < 2:
        line.AddControlPointWorld(0.0, 0.0, 0.0)
    for number, end in enumerate(ends_ras):
        line.SetNthControlPointPositionWorld(number, *end.tolist())
    line.SetLocked(True)
    line.EndModify(was_modifying)


def _ends_of(line) -> np.ndarray:
    """(n, 3) RAS mm of the control points that are where they should be: a line has two."""
    ends = np.zeros((line.GetNumberOfDefinedControlPoints(), 3))
    for number, end in enumerate(ends):
        line.GetNthControlPointPositionWorld(number, end)
    return ends
