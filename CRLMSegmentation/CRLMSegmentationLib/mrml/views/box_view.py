"""The box around the tumor as a Markups ROI, whose handles move the session's box."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import GeometryError
from ...session.box import BoxPart, is_same_box
from ...values import Box
from .. import names
from ..conversion import box_of, put_box
from ..nodes import find, get_or_create
from .one_node_view import OneNodeView

_CLASS = "vtkMRMLMarkupsROINode"


class BoxView(OneNodeView):
    """Shows the box of a session."""

    def __init__(self, scene: Any, box: BoxPart):
        super().__init__(scene, box.changed)
        self._box = box

    def node(self) -> Any:
        """The Markups ROI, made when it is not there."""
        node = self.found()
        if node is None:
            node = get_or_create(self._scene, _CLASS, names.BOX, with_display=True)
            display = node.GetDisplayNode()
            display.SetSelectedColor(0.35, 0.75, 1.0)
            display.SetFillOpacity(0.05)
            display.SetPropertiesLabelVisibility(False)
        self._observe(node)
        return node

    def found(self) -> Any:
        """The Markups ROI; None when it is not there."""
        return find(self._scene, _CLASS, names.BOX)

    def read(self) -> tuple[Box | None, str]:
        """What the scene holds: the box, or why what is there cannot be used as one ('' when there is no reason)."""
        node = self.found()
        if node is not None:
            self._observe(node)
        try:
            return box_of(node), ""
        except GeometryError as error:
            return None, str(error)

    def check_nodes(self) -> None:
        """Who deletes the node, deletes the box."""
        if self.found() is None:
            self._observed.release()
            self._box.remove()

    def _show(self) -> None:
        """The box has changed."""
        if self._observed.is_quiet:
            return
        if not self._box.is_there:
            self._remove_node()
            return
        try:
            box = self._box.value
        except GeometryError:
            # It is the node that cannot be used: it is left as it is, to be put right.
            return
        shown, _ = self.read()
        if box is None or (shown is not None and np.array_equal(shown.corners_ras(), box.corners_ras())):
            return
        try:
            with self._observed.quiet():
                put_box(self.node(), box)
        except GeometryError as error:
            self._report(None, str(error))
            return
        # A transform above the node may make another box of it, or none.
        self._on_node_changed()

    def _on_node_changed(self) -> None:
        """Somebody drags the box, or a transform above it."""
        if not (self._observed.is_quiet or self._scene.IsClosing() or self._scene.IsImporting()):
            self._report(*self.read())

    def _report(self, box: Box | None, problem: str) -> None:
        """The node shows this box; the node is not written to meanwhile."""
        try:
            known, known_problem = self._box.value, ""
        except GeometryError as error:
            known, known_problem = None, str(error)
        with self._observed.quiet():
            if problem:
                if problem != known_problem:
                    self._box.set_problem(problem)
            elif box is None:
                self._box.remove()
            elif known is None or not is_same_box(box, known):
                self._box.move(box)

    def _observe(self, node: Any) -> None:
        events = node.PointModifiedEvent, "ModifiedEvent", node.TransformModifiedEvent
        self._observed.observe(node, dict.fromkeys(events, self._on_node_changed))
