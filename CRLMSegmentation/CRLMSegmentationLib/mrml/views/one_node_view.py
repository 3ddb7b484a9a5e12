"""What the views of a volume and of a box have in common: one node of the user's, followed both ways."""

from __future__ import annotations

from typing import Any

from ...session.event import Event
from ..nodes import remove_node
from ..observers import ObservedNode


class OneNodeView:
    """Shows one part of a session on one node, as soon as `changed` reports it.

    is_busy  never: the node follows at once
    """

    is_busy = False

    def __init__(self, scene: Any, changed: Event[[]]):
        self._scene = scene
        self._observed = ObservedNode()
        self._disconnect = changed.connect(self._show)

    def process(self, now_s: float) -> None:
        """Nothing is done by and by."""

    def hide_live(self) -> None:
        """What the node shows is not live."""

    def close(self) -> None:
        """No observer is left; the node stays."""
        self._disconnect()
        self._observed.release()

    def _show(self) -> None:
        """The part has changed."""
        raise NotImplementedError

    def _remove_node(self) -> None:
        """The part holds nothing any more."""
        node = self._observed.node
        self._observed.release()
        if node is not None and self._scene.IsNodePresent(node):
            remove_node(self._scene, node)
