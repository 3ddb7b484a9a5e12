"""The tracked tools in the scene: transforms, shapes, and the line from each tip to the tumor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ...navigation.margin import Severity
from ...navigation.tool_transforms import DEFAULT_TOOL, tip_to_tool, tool_of_calibration, tool_to_reference
from ...navigation.tracked_tool import ToolStatus
from ...session.tools import ToolReading, Tools
from .. import names
from ..conversion import matrix_of_transform, put_surface, set_transform
from ..nodes import find, get_or_create, mark_stale, nodes_of_class, put_under, remove, role_of, set_visible
from .tool_shapes import tool_shape

_TRANSFORM, _MODEL, _LINE = "vtkMRMLLinearTransformNode", "vtkMRMLModelNode", "vtkMRMLMarkupsLineNode"
COLORS = {
    Severity.DANGER: (0.95, 0.25, 0.2),
    Severity.WARNING: (1.0, 0.65, 0.1),
    Severity.CLEAR: (0.3, 0.85, 0.45),
    Severity.UNKNOWN: (0.6, 0.6, 0.6),
}


class ToolsView:
    """Shows the tools of a session: a tool's shape and distance while it is live; else they are hidden.

    scene   vtkMRMLScene
    moving  entered while a tool moves, which no slice shows
    """

    is_busy = False

    def __init__(
        self, scene: Any, tools: Tools, moving: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._scene, self._tools, self._moving = scene, tools, moving
        self._known: set[str] = set()
        self._ends = [
            tools.changed.connect(self._show_all),
            tools.calibrated.connect(self._put_calibration),
            tools.removed.connect(self._remove_nodes),
            tools.looks.changed.connect(self._put_look),
        ]

    def process(self, now_s: float) -> None:
        """Tools.refresh() does it."""

    def check_nodes(self) -> None:
        """What was deleted of a tool comes back with its next live pose."""

    def hide_live(self) -> None:
        """Show no tool and no distance, whatever their nodes hold."""
        for name in self._tools.names:
            set_visible(find(self._scene, _MODEL, names.tool_model(name)), False)
            mark_stale(find(self._scene, _LINE, names.distance_line(name)), True)
        self._write_text(self._tools.readings())

    def close(self) -> None:
        """Listen no more; the nodes stay."""
        for end in self._ends:
            end()

    def tip_node(self, name: str = DEFAULT_TOOL) -> Any:
        """A tool's tip (TipToTool), a transform under that of the tool (ToolToReference); None when there is none."""
        return find(self._scene, _TRANSFORM, tip_to_tool(name))

    def line_node(self, name: str = DEFAULT_TOOL) -> Any:
        """The Markups line from a tool's tip to the tumor; None before a distance was measured."""
        return find(self._scene, _LINE, names.distance_line(name))

    def calibrations(self) -> dict[str, np.ndarray]:
        """Tip calibrations (4, 4) by tool that the scene holds."""
        found = {}
        for node in nodes_of_class(self._scene, _TRANSFORM):
            tool = tool_of_calibration(role_of(node))
            if tool and tool not in found:
                found[tool] = matrix_of_transform(node)
        return found

    def _show_all(self, readings: list[ToolReading]) -> None:
        with self._moving():
            for reading in readings:
                if reading.name not in self._known:
                    self._make_nodes(reading.name)
                self._show(reading)
        self._write_text(readings)

    def _has_nodes(self, name: str) -> bool:
        transforms = (tip_to_tool(name), tool_to_reference(name))
        has_transforms = all(find(self._scene, _TRANSFORM, one) is not None for one in transforms)
        return has_transforms and find(self._scene, _MODEL, names.tool_model(name)) is not None

    def _make_nodes(self, name: str) -> None:
        tool = get_or_create(self._scene, _TRANSFORM, tool_to_reference(name))
        tip = get_or_create(self._scene, _TRANSFORM, tip_to_tool(name))
        set_transform(tip, self._tools.tip_to_tool(name))
        put_under(tip, tool)
        model = get_or_create(self._scene, _MODEL, names.tool_model(name), with_display=True)
        put_under(model, tip)
        set_visible(model, False)
        self._known.add(name)
        self._put_look(name)

    def _put_calibration(self, name: str) -> None:
        if name not in self._known:
            self._make_nodes(name)
        set_transform(get_or_create(self._scene, _TRANSFORM, tip_to_tool(name)), self._tools.tip_to_tool(name))

    def _put_look(self, name: str) -> None:
        model = find(self._scene, _MODEL, names.tool_model(name))
        if name in self._known and model is not None:
            look = self._tools.looks.of(name)
            put_surface(model, tool_shape(look.shape))
            model.GetDisplayNode().SetColor(*look.rgb)

    def _remove_nodes(self, name: str) -> None:
        self._known.discard(name)
        remove(self._scene, _LINE, names.distance_line(name))
        remove(self._scene, _MODEL, names.tool_model(name))
        remove(self._scene, _TRANSFORM, tip_to_tool(name))
        remove(self._scene, _TRANSFORM, tool_to_reference(name))

    def _show(self, reading: ToolReading) -> None:
        name = reading.name
        live = reading.status is ToolStatus.LIVE
        if live:
            if not self._has_nodes(name):
                # Somebody has deleted what the tool is seen by.
                self._make_nodes(name)
            # As it came: who fills the same node from a stream must not take a rounded one for news.
            matrix = self._tools.tool_to_reference(name)
            assert matrix is not None, "a tool that is live has a pose"
            node = get_or_create(self._scene, _TRANSFORM, tool_to_reference(name))
            set_transform(node, matrix)
        set_visible(find(self._scene, _MODEL, names.tool_model(name)), live)
        if reading.tip_ras is None or reading.closest_point_ras is None:
            mark_stale(find(self._scene, _LINE, names.distance_line(name)), True)
            return
        line = get_or_create(self._scene, _LINE, names.distance_line(name), with_display=True)
        _put_ends(line, np.stack([reading.tip_ras, reading.closest_point_ras]))
        display = line.GetDisplayNode()
        display.SetSelectedColor(*COLORS[reading.margin.severity])
        display.SetColor(*COLORS[reading.margin.severity])
        # Slicer's own label is the length of the line: without a sign it would mislead inside the tumor.
        display.SetPropertiesLabelVisibility(False)
        display.SetPointLabelsVisibility(False)
        mark_stale(line, False)

    def _write_text(self, readings: list[ToolReading]) -> None:
        text = "\n".join(reading.text for reading in readings)
        node = get_or_create(self._scene, "vtkMRMLTextNode", names.DISTANCE_TEXT)
        if node.GetText() != text:
            node.SetText(text)


def _put_ends(line: Any, ends_ras: np.ndarray) -> None:
    """Let a vtkMRMLMarkupsLineNode go from one point to the other, (2, 3) RAS mm, unless it does already.

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


def _ends_of(line: Any) -> np.ndarray:
    """(n, 3) RAS mm of the control points that are where they should be: a line has two."""
    ends = np.zeros((line.GetNumberOfDefinedControlPoints(), 3))
    for number, end in enumerate(ends):
        line.GetNthControlPointPositionWorld(number, end)
    return ends
