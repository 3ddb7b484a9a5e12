"""The tumors of a case beside the chosen one, as surfaces: in their colors, and fainter than it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import GeometryError
from ...navigation.distance import TumorDistance
from ...session.tumors.case_tumor import CaseTumor, Found, Scan
from ...session.tumors.tumor_facts import read_tumors
from ...values import Volume
from .. import names
from ..conversion import put_surface, surface_of
from ..nodes import find, get_or_create, nodes_of_class, remove_node, role_of, set_visible

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...session.tumors.tumors_part import TumorsPart

_MODEL = "vtkMRMLModelNode"
_OPACITY, _STALE_OPACITY = 0.7, 0.25
_CONTOUR_PX = 2


class OtherTumorsView:
    """Shows what was found beside the chosen tumor; nodes that a user deletes come back.

    scene  vtkMRMLScene
    """

    is_busy = False

    def __init__(self, scene: Any, part: TumorsPart) -> None:
        self._scene, self._part = scene, part
        self._shown: dict[int, vtkPolyData] = {}
        self._is_behind = False
        self._disconnect = part.changed.connect(self._show), part.forgotten.connect(self._shown.clear)

    def nodes(self) -> list[Any]:
        """The model nodes that are in the scene."""
        return [node for node in nodes_of_class(self._scene, _MODEL) if names.is_other_surface(role_of(node))]

    def node(self, number: int) -> Any | None:
        """Of the tumor with that number; None while it is not in the scene."""
        return find(self._scene, _MODEL, names.other_surface(number))

    def saved(
        self, facts: Mapping[str, Any], volume: Volume | None, scan_number: int
    ) -> tuple[tuple[CaseTumor, ...], int]:
        """The tumors that the scene holds, be it that somebody has loaded it, and the number of the chosen one.

        facts        what is known of the case beside its nodes
        volume       of the scene, of the sweep with `scan_number`
        A scene holds the surface of a further tumor, which can be measured to, and nothing of which can be changed.
        """
        listed, chosen = read_tumors(facts)
        scan = None if volume is None else Scan(scan_number, volume)
        tumors = []
        for one in listed:
            surface = surface_of(self.node(one.tumor.number))
            found = None
            if surface is not None:
                # What is read is not written back, whatever transform its node lies under.
                self._shown[one.tumor.number] = surface
                found = _found(surface, Scan(one.sweep, None) if one.is_stale else scan)
            tumors.append(replace(one.tumor, found=found))
        return tuple(tumors), chosen

    def process(self, now_s: float) -> None:
        """What could not be shown when it changed is tried again."""
        if self._is_behind:
            self._show()

    def check_nodes(self) -> None:
        """Nodes were taken out of the scene: they come back. A tumor is deleted in the list of tumors."""
        if any(self.node(number) is None for number in self._shown):
            self._show()

    def hide_live(self) -> None:
        """Tumors stand where they are, whatever becomes of image and tools."""

    def close(self) -> None:
        """Listen no more; the nodes stay."""
        for disconnect in self._disconnect:
            disconnect()

    def _show(self) -> None:
        self._is_behind = True
        others = {one.number: one for one in self._part.others}
        # What is out of date goes first.
        self._remove(number for number in list(self._shown) if number not in others)
        for tumor in others.values():
            if tumor.found is not None:
                self._put(tumor, tumor.found.surface)
        self._is_behind = False

    def _remove(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            del self._shown[number]
            node = self.node(number)
            if node is not None:
                remove_node(self._scene, node)

    def _put(self, tumor: CaseTumor, surface: vtkPolyData) -> None:
        is_new = self.node(tumor.number) is None
        node = get_or_create(self._scene, _MODEL, names.other_surface(tumor.number), with_display=True)
        if is_new or self._shown.get(tumor.number) is not surface:
            put_surface(node, surface)
            self._shown[tumor.number] = surface
        display = node.GetDisplayNode()
        if is_new:
            display.SetVisibility2D(True)
            display.SetSliceIntersectionThickness(_CONTOUR_PX)
            set_visible(node, True)
        wanted = _STALE_OPACITY if tumor.is_stale else _OPACITY
        if display.GetOpacity() != wanted:
            display.SetOpacity(wanted)
        if not all(abs(a - b) < 1e-6 for a, b in zip(display.GetColor(), tumor.color)):
            display.SetColor(*tumor.color)


def _found(surface: vtkPolyData, scan: Scan | None) -> Found | None:
    """None for what cannot be measured to."""
    try:
        return Found(surface, TumorDistance(surface), scan)
    except GeometryError:
        return None
