"""Where each live tool stands against the live image, drawn on it: a cross below its tip, a ring where its path goes.

The marks stand on the image as thin bands: they are seen in its own plane and in space, and hardly in any other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ...navigation.image_crossing import ImageCrossing, image_crossing
from ...session.live_image import LiveImage
from ...session.tools import ToolReading, Tools
from ...values import ImagePlane
from .. import names
from ..conversion import put_surface
from ..nodes import find, get_or_create, nodes_of_class, remove, role_of, set_visible
from .outline_view import ribbon
from .tools_view import COLORS

_MODEL = "vtkMRMLModelNode"
_LINE_PX = 2
_RING_MM, _CROSS_MM, _POINTS = 3.0, 1.5, 33


class CrossingView:
    """Shows the marks of every tool while both it and the image are live.

    scene   vtkMRMLScene
    moving  entered while they change, which no slice of a volume shows
    """

    is_busy = False

    def __init__(
        self, scene: Any, tools: Tools, image: LiveImage,
        moving: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:  # fmt: skip
        self._scene, self._image, self._moving = scene, image, moving
        self._readings: list[ToolReading] = []
        self._ends = [
            tools.changed.connect(self._on_tools), image.refreshed.connect(self._on_image),
            tools.removed.connect(lambda name: remove(scene, _MODEL, names.crossing(name))),
        ]  # fmt: skip

    def process(self, now_s: float) -> None:
        """Draw the newest ones, once at each tick: Slicer builds the display of a mesh anew whenever it is another."""
        readings, self._readings = self._readings, []
        with self._moving():
            self._show(readings)

    def check_nodes(self) -> None:
        """What was deleted comes back with the next pose."""

    def hide_live(self) -> None:
        """Show no mark."""
        for node in nodes_of_class(self._scene, _MODEL):
            if role_of(node).endswith(names.CROSSING_SUFFIX):
                set_visible(node, False)

    def close(self) -> None:
        """Listen no more; the nodes stay."""
        for end in self._ends:
            end()

    def _on_tools(self, readings: list[ToolReading]) -> None:
        self._readings = readings
        for reading in readings:
            if reading.tip_to_reference is None:
                # What is lost goes at once.
                set_visible(find(self._scene, _MODEL, names.crossing(reading.name)), False)

    def _on_image(self, is_live: bool) -> None:
        if not is_live:
            self.hide_live()

    def _show(self, readings: list[ToolReading]) -> None:
        plane = self._image.plane if self._image.is_live() else None
        for reading in readings:
            tip = reading.tip_to_reference
            crossing = None if plane is None or tip is None else image_crossing(tip, plane)
            marks = [] if crossing is None or plane is None else marks_of(crossing, plane)
            name = names.crossing(reading.name)
            if not marks or plane is None:
                set_visible(find(self._scene, _MODEL, name), False)
                continue
            node = self._node(name)
            put_surface(node, ribbon(marks, plane.image_to_reference))
            color = COLORS[reading.severity]
            if node.GetDisplayNode().GetColor() != color:
                node.GetDisplayNode().SetColor(*color)
            set_visible(node, True)

    def _node(self, name: str) -> Any:
        is_new = find(self._scene, _MODEL, name) is None
        node = get_or_create(self._scene, _MODEL, name, with_display=True)
        if is_new:
            # It is of this moment: a saved scene would show it as new.
            for one in (node, node.GetDisplayNode()):
                one.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
            display = node.GetDisplayNode()
            display.SetVisibility2D(True)
            display.SetSliceIntersectionThickness(_LINE_PX)
            display.SetLighting(False)
            display.SetBackfaceCulling(False)
        return node


def marks_of(crossing: ImageCrossing, plane: ImagePlane) -> list[np.ndarray]:
    """Lines to draw, (n, 2) pixels (u, v) each: a cross below the tip, a ring where the path meets the image, and the
    line between them; only what lies within the image.
    """
    per_mm = 1 / np.array(plane.pixel_mm)
    size, marks = np.array(plane.size) - 1.0, list[np.ndarray]()
    if _is_within(crossing.tip_px, size):
        for direction in ((1.0, 1.0), (1.0, -1.0)):
            half = np.array(direction) * _CROSS_MM * per_mm
            marks.append(np.array([crossing.tip_px - half, crossing.tip_px + half]))
    if crossing.meets_px is not None and crossing.is_in_image:
        around = np.linspace(0, 2 * np.pi, _POINTS)
        circle = np.column_stack([np.cos(around), np.sin(around)]) * _RING_MM * per_mm
        marks.append(crossing.meets_px + circle)
        between = (crossing.meets_px - crossing.tip_px) / per_mm
        length_mm = float(np.linalg.norm(between))
        if _is_within(crossing.tip_px, size) and length_mm > _RING_MM:
            edge = crossing.meets_px - between / length_mm * _RING_MM * per_mm
            marks.append(np.array([crossing.tip_px, edge]))
    return marks


def _is_within(pixel: np.ndarray, size: np.ndarray) -> bool:
    return bool(((pixel >= 0) & (pixel <= size)).all())
