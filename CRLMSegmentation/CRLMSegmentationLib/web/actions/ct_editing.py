"""What the page's buttons and sliders do with a planned cut through the liver, and with corrections by hand."""

from __future__ import annotations

from typing import Any

from ...session import actions
from ..controller import Controller
from .reported import ReportingActions, number_of, reported

SLIDERS = ("ct_plane_turn", "ct_plane_tilt", "ct_plane_offset")


class CtEditing(ReportingActions):
    """Bound to the page's buttons by page.Page, to the sliders of the plane by bind()."""

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller)
        self._part = controller.session.preoperative
        self._part.changed.connect(self._on_changed)

    def bind(self) -> None:
        """Sliders that work while they are moved."""
        self._state.change(*SLIDERS)(self._on_slider)

    @reported
    def draw_plane(self) -> None:
        actions.DRAW_PLANE.run(self._session)

    @reported
    def turn_around(self) -> None:
        """What would stay goes, and what would go stays."""
        plan = self._part.remnant
        turn = plan.turn_deg - 180 if plan.turn_deg > 0 else plan.turn_deg + 180
        actions.MOVE_PLANE.run(self._session, turn, -plan.tilt_deg, -plan.offset_mm)

    @reported
    def drag_plane(self, plane: object, handle: object, across: object, down: object) -> None:
        """A handle of the plane in a slice, to a place in its picture."""
        actions.DRAG_PLANE.run(self._session, str(plane), int(number_of(handle)), number_of(across), number_of(down))

    @reported
    def remove_plane(self) -> None:
        actions.REMOVE_PLANE.run(self._session)

    @reported
    def remove_lesion(self, number: object) -> None:
        actions.REMOVE_LESION.run(self._session, int(number_of(number)))

    @reported
    def draw(self, name: object, radius_mm: object) -> None:
        actions.CORRECT_BALL.run(self._session, str(name), number_of(radius_mm))

    @reported
    def erase(self, name: object, radius_mm: object) -> None:
        actions.CORRECT_BALL.run(self._session, str(name), number_of(radius_mm), True)

    @reported
    def undo(self) -> None:
        actions.UNDO_CORRECTION.run(self._session)

    @reported
    def _move(self, turn_deg: float, tilt_deg: float, offset_mm: float) -> None:
        actions.MOVE_PLANE.run(self._session, turn_deg, tilt_deg, offset_mm)

    async def _on_slider(self, **_: Any) -> None:
        plan = self._part.remnant
        wanted = [number_of(self._state[name]) for name in SLIDERS]
        if plan.found is not None and wanted != [round(one, 1) for one in self._at()]:
            await self._move(*wanted)

    def _on_changed(self) -> None:
        """A slider stands where the plane is."""
        with self._state as state:
            for name, value in zip(SLIDERS, self._at()):
                if state[name] != round(value, 1):
                    state[name] = round(value, 1)

    def _at(self) -> tuple[float, float, float]:
        plan = self._part.remnant
        return plan.turn_deg, plan.tilt_deg, plan.offset_mm
