"""What is measured to and drawn around of the tumors beside the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...navigation.several_tumors import MeasuredTumor, joined
from ..structures import StructuresPart
from ..tools import Tools
from .case_tumor import CaseTumor, Scan, beside

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


class Measured:
    """Tells tools and structures of the tumors of one session.

    current_others  by number the surfaces (RAS mm) beside the chosen one that were found in the newest volume
    """

    def __init__(self, structures: StructuresPart, tools: Tools) -> None:
        self._structures, self._tools = structures, tools
        self.current_others: dict[int, vtkPolyData] = {}
        self._joined: vtkPolyData | None = None
        self._joined_of: list[vtkPolyData] = []

    def update(self, tumors: Sequence[CaseTumor], chosen: int, scan: Scan | None) -> None:
        """These are the tumors now; that with the number `chosen` is worked on, in this scan."""
        found = [(one, one.found) for one in beside(tumors, chosen, scan) if one.found is not None]
        self.current_others = {one.number: of.surface for one, of in found if not one.is_stale}
        shown = next((one for one in tumors if one.number == chosen and one.found is not None), None)
        is_old = shown is not None and shown.is_stale and shown.number not in {one.number for one, _ in found}
        self._tools.set_remark(shown.origin if shown is not None and is_old else "")
        self._structures.set_others({one.number: (of.surface, one.margin_mm) for one, of in found})
        self._tools.set_others([
            MeasuredTumor(one.number, one.name, of.distance, one.margin_mm, one.origin if one.is_stale else "")
            for one, of in found
        ])  # fmt: skip

    def surface_with(self, chosen: vtkPolyData | None) -> vtkPolyData | None:
        """The surface of the chosen tumor (None for none) and `current_others` as one, RAS mm, which is never changed
        in place; None for nothing.
        """
        shown = [*([] if chosen is None else [chosen]), *self.current_others.values()]
        if len(shown) <= 1:
            return shown[0] if shown else None
        if len(shown) != len(self._joined_of) or any(one is not other for one, other in zip(shown, self._joined_of)):
            self._joined, self._joined_of = joined(shown), shown
        return self._joined
