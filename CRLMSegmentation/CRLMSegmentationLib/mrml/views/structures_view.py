"""What is drawn around the tumor, on model nodes: the margin's shell, and where the model is unsure of the border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...session.shells import Shell
from .. import names
from ..conversion import put_surface
from ..nodes import find, get_or_create, is_stale, mark_stale

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...session.structures import StructuresPart

_MODEL = "vtkMRMLModelNode"
# Name of the node, color, opacity.
_LOOKS = {
    Shell.MARGIN: (names.MARGIN, (0.35, 0.75, 1.0), 0.2),
    Shell.UNCERTAINTY_OUTER: (names.UNCERTAINTY_OUTER, (1.0, 0.55, 0.15), 0.25),
    Shell.UNCERTAINTY_INNER: (names.UNCERTAINTY_INNER, (0.75, 0.95, 0.3), 0.25),
}


class StructuresView:
    """Shows the shells of one session; those that a user deletes come back.

    scene  vtkMRMLScene
    """

    is_busy = False

    def __init__(self, part: StructuresPart, scene: Any):
        self._part, self._scene = part, scene
        self._shown: dict[Shell, vtkPolyData] = {}
        self._is_behind = False
        self._disconnect = part.changed.connect(self._show)

    def nodes(self) -> list[Any]:
        """The model nodes that are in the scene, be they hidden."""
        found = (self._node(shell) for shell in Shell)
        return [node for node in found if node is not None]

    def margin_node(self) -> Any | None:
        """None while there is none or it is hidden."""
        node = self._node(Shell.MARGIN)
        return None if is_stale(node) else node

    def process(self, now_s: float) -> None:
        """What could not be shown when it changed is tried again."""
        if self._is_behind:
            self._show()

    def check_nodes(self) -> None:
        """Nodes were taken out of the scene: shells that are wanted come back."""
        for shell in self._shown:
            if self._node(shell) is None:
                self._put(shell, self._shown[shell])

    def hide_live(self) -> None:
        """Shells stand around the tumor, wherever image and tools are."""

    def close(self) -> None:
        """Listen no more; the nodes stay."""
        self._disconnect()

    def _show(self) -> None:
        self._is_behind = True
        wanted = self._part.shells
        # What is out of date goes first.
        for shell in Shell:
            if shell not in wanted:
                self._shown.pop(shell, None)
                mark_stale(self._node(shell), True)
        for shell, surface in wanted.items():
            if self._shown.get(shell) is not surface or self._node(shell) is None:
                self._put(shell, surface)
        self._is_behind = False

    def _put(self, shell: Shell, surface: vtkPolyData) -> None:
        self._shown[shell] = surface
        name, color, opacity = _LOOKS[shell]
        is_new = self._node(shell) is None
        node = get_or_create(self._scene, _MODEL, name, with_display=True)
        put_surface(node, surface)
        if is_new:
            display = node.GetDisplayNode()
            display.SetColor(*color)
            display.SetOpacity(opacity)
            display.SetVisibility2D(True)
            # Seen from outside, the near half would veil the tumor and the tools within.
            display.SetBackfaceCulling(False)
        mark_stale(node, False)

    def _node(self, shell: Shell) -> Any | None:
        return find(self._scene, _MODEL, _LOOKS[shell][0])
