"""What is drawn around the tumor, on model nodes: the margin's shell, and where the model is unsure of the border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...session.shells import Shell
from .. import names
from ..conversion import put_surface
from ..nodes import find, get_or_create, is_stale, mark_stale, nodes_of_class, remove_node, role_of

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

_OTHER_OPACITY = 0.12


class StructuresView:
    """Shows the shells of one session; those that a user deletes come back.

    scene  vtkMRMLScene
    """

    is_busy = False

    def __init__(self, part: StructuresPart, scene: Any):
        self._part, self._scene = part, scene
        self._shown: dict[Shell, vtkPolyData] = {}
        self._shown_others: dict[int, vtkPolyData] = {}
        self._is_behind = False
        self._disconnect = part.changed.connect(self._show)

    def nodes(self) -> list[Any]:
        """The model nodes that are in the scene, be they hidden."""
        found = (self._node(shell) for shell in Shell)
        return [*(node for node in found if node is not None), *self._other_margins()]

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
        self._show_others()

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
        self._show_others()
        self._is_behind = False

    def _show_others(self) -> None:
        wanted = self._part.other_margins
        for node in self._other_margins():
            if int(role_of(node).removeprefix(names.OTHER_MARGIN)) not in wanted:
                remove_node(self._scene, node)
        shown, self._shown_others = self._shown_others, dict(wanted)
        for number, surface in wanted.items():
            name = names.of_other(names.OTHER_MARGIN, number)
            if shown.get(number) is not surface or find(self._scene, _MODEL, name) is None:
                self._put_surface(name, _LOOKS[Shell.MARGIN][1], _OTHER_OPACITY, surface)

    def _other_margins(self) -> list[Any]:
        nodes = nodes_of_class(self._scene, _MODEL)
        return [node for node in nodes if names.is_of_other(role_of(node), names.OTHER_MARGIN)]

    def _put(self, shell: Shell, surface: vtkPolyData) -> None:
        self._shown[shell] = surface
        self._put_surface(*_LOOKS[shell], surface)

    def _put_surface(self, name: str, color: tuple[float, float, float], opacity: float, surface: vtkPolyData) -> None:
        is_new = find(self._scene, _MODEL, name) is None
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
