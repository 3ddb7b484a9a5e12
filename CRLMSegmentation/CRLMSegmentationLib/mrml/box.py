"""The box around the tumor in the scene: a Markups ROI that is watched, so that dragging it counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import GeometryError
from ..values import Box
from . import names
from .conversion import box_of, put_box
from .nodes import find, get_or_create
from .observers import observe

_CLASS = "vtkMRMLMarkupsROINode"
_SAME_MM = 1e-3


class BoxNode:
    """The ROI node and the box that was last told of.

    on_changed  called when the box has really changed, whoever moved it
    """

    def __init__(self, scene, on_changed: Callable[[], None]):
        self._scene = scene
        self._on_changed = on_changed
        self._watched = None
        self._tags: list[int] = []
        self._known: Box | None = None

    def get(self) -> Box | None:
        """The box in Reference; None when none was placed. Raises GeometryError when its edges are oblique."""
        return box_of(find(self._scene, _CLASS, names.BOX))

    def found(self):
        """The Markups ROI; None when it is not there."""
        return find(self._scene, _CLASS, names.BOX)

    @property
    def is_placed(self) -> bool:
        """True when it is there and has a size."""
        node = self.found()
        return node is not None and min(node.GetSize()) > 0

    def put(self, box: Box) -> None:
        """Place the box."""
        put_box(self.node(), box)
        self.look()

    def node(self):
        """The Markups ROI, made when it is not there."""
        node = find(self._scene, _CLASS, names.BOX)
        if node is None:
            node = get_or_create(self._scene, _CLASS, names.BOX, with_display=True)
            display = node.GetDisplayNode()
            display.SetSelectedColor(0.35, 0.75, 1.0)
            display.SetFillOpacity(0.05)
            display.SetPropertiesLabelVisibility(False)
        self._watch(node)
        return node

    def adopt(self) -> None:
        """Take over the box that the scene holds."""
        node = find(self._scene, _CLASS, names.BOX)
        if node is not None:
            self._known = _readable(node)
            self._watch(node)

    def release(self) -> None:
        """Watch no more; the node stays."""
        for tag in self._tags:
            self._watched.RemoveObserver(tag)
        self._watched, self._tags, self._known = None, [], None

    def _watch(self, node) -> None:
        if node is self._watched:
            return
        known = self._known
        self.release()
        self._known, self._watched = known, node
        for event in (node.PointModifiedEvent, "ModifiedEvent", node.TransformModifiedEvent):
            self._tags.append(observe(node, event, self.look))

    def look(self) -> None:
        """Tell when the box has changed. No error may leave here: VTK drops what an observer raises."""
        if self._scene.IsClosing() or self._scene.IsImporting():
            return
        box = _readable(find(self._scene, _CLASS, names.BOX))
        same = box is self._known or (box is not None and self._known is not None and _same(box, self._known))
        if not same:
            self._known = box
            self._on_changed()


def _readable(node) -> Box | None:
    try:
        return box_of(node)
    except GeometryError:
        return None


def _same(first: Box, second: Box) -> bool:
    """True when no corner differs by more than rounding."""
    return bool(np.abs(first.corners_ras() - second.corners_ras()).max() < _SAME_MM)
