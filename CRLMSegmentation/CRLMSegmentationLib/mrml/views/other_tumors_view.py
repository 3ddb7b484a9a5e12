"""The tumors of a case beside the chosen one, as surfaces: in their colors, and fainter than it; and hidden, what is
needed to work on them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import CRLMError
from ...session.case.saving_tumors import found_of
from ...session.case.tumor_files import TumorFiles
from ...session.tumors.case_tumor import CaseTumor, Found, Scan
from ...session.tumors.scan_facts import other_scans, scan_of
from ...session.tumors.tumor_facts import TumorFacts, read_tumors
from ...values import Volume
from .. import names
from ..conversion import put_surface, surface_of
from ..nodes import find, get_or_create, nodes_of_class, remove_node, role_of, set_visible
from .kept_nodes import KeptNodes

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
        self._kept = KeptNodes(scene)
        self._is_behind = False
        self._disconnect = part.changed.connect(self._show), part.forgotten.connect(self._forget)

    def nodes(self) -> list[Any]:
        """The model nodes that are in the scene."""
        return [
            node
            for node in nodes_of_class(self._scene, _MODEL)
            if names.is_of_other(role_of(node), names.OTHER_SURFACE)
        ]

    def node(self, number: int) -> Any | None:
        """Of the tumor with that number; None while it is not in the scene."""
        return find(self._scene, _MODEL, names.of_other(names.OTHER_SURFACE, number))

    def saved(
        self, facts: Mapping[str, Any], volume: Volume | None, scan_number: int
    ) -> tuple[tuple[CaseTumor, ...], int, Scan | None]:
        """The tumors that the scene holds, be it that somebody has loaded it, the number of the chosen one, and the
        newest volume where it is not the one that is shown.

        facts        what is known of the case beside its nodes
        volume       of the scene, of the sweep with `scan_number`
        Earlier versions have written the surface alone of these tumors, of which nothing can be changed.
        """
        listed, chosen = read_tumors(facts)
        scans = self._kept.scans(facts)
        own = None if volume is None else Scan(scan_number, volume)
        at = facts.get("newest")
        newest = scans.get(at) if isinstance(at, int) else None
        tumors = []
        for one in listed:
            surface = surface_of(self.node(one.tumor.number))
            found = None
            if surface is not None:
                # What is read is not written back, whatever transform its node lies under.
                self._shown[one.tumor.number] = surface
                found = self._found(one, surface, scan_of(one, own, scans, newest))
            tumors.append(replace(one.tumor, found=found))
        return tuple(tumors), chosen, newest

    def _found(self, one: TumorFacts, surface: vtkPolyData, scan: Scan | None) -> Found | None:
        """None for what cannot be measured to."""
        number, grid = one.tumor.number, None if scan is None else scan.volume
        for kept in (self._kept.tumor(number, surface, grid), TumorFiles(number, surface)):
            try:
                return found_of(kept, one, scan)
            except CRLMError:
                continue
        return None

    def process(self, now_s: float) -> None:
        """What could not be shown when it changed is tried again."""
        if self._is_behind:
            self._show()

    def check_nodes(self) -> None:
        """Nodes were taken out of the scene: they come back. A tumor is deleted in the list of tumors."""
        if any(self.node(number) is None for number in self._shown):
            self._show()
        if not self._kept.is_whole:
            self._kept.restore()

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
        part = self._part
        self._kept.put_tumors({
            one.number: one.found.state for one in others.values() if one.found is not None and one.found.state
        })  # fmt: skip
        self._kept.put_volumes(other_scans(part.all, part.scan, part.newest_scan))
        self._is_behind = False

    def _forget(self) -> None:
        self._shown.clear()
        self._kept.forget()

    def _remove(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            del self._shown[number]
            node = self.node(number)
            if node is not None:
                remove_node(self._scene, node)

    def _put(self, tumor: CaseTumor, surface: vtkPolyData) -> None:
        is_new = self.node(tumor.number) is None
        node = get_or_create(self._scene, _MODEL, names.of_other(names.OTHER_SURFACE, tumor.number), with_display=True)
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
