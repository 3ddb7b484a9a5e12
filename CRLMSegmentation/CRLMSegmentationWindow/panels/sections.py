"""Which of the five steps is open: one after the other while a case is made, and none by itself once a tumor exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctk

    from .step_panel import StepPanel


class Sections:
    """Follows the steps as they are done.

    panels     StepPanel of each step, in their order
    has_tumor  gives True while a tumor is there to navigate by
    show       called with the section of the step that was opened
    """

    def __init__(
        self,
        panels: Iterable[StepPanel],
        has_tumor: Callable[[], bool],
        show: Callable[[ctk.ctkCollapsibleButton], None] = lambda _section: None,
    ):
        self._panels, self._has_tumor, self._show = list(panels), has_tumor, show
        self._done: dict[StepPanel, bool] = {}
        self._passed: dict[StepPanel, bool] = {}
        self._had_tumor = False

    def begin(self) -> None:
        """A case begins, or another one is taken over as it stands: open what is to be done next, or is to be seen."""
        self._note()
        self.open(next((panel for panel in self._panels if not self._passed[panel]), self._panels[-1]))

    def follow(self) -> None:
        """Open the step after one that has just been done and needs no review.

        Only while the person is at that step, and never once a tumor exists: a connection that comes back must not
        take the read-outs away from whoever navigates by them.
        """
        done, passed, had_tumor = self._done, self._passed, self._had_tumor
        self._note()
        for number, panel in enumerate(self._panels):
            if self._done[panel] and not done.get(panel, False):
                panel.on_done()
            if self._passed[panel] and not passed.get(panel, False) and not had_tumor:
                if not panel.section.collapsed and number + 1 < len(self._panels):
                    self.open(self._panels[number + 1])
                    return

    def open(self, wanted: StepPanel) -> None:
        """Open one step and close the others, whose state stands beside their titles."""
        for panel in self._panels:
            panel.section.collapsed = panel is not wanted
            panel.show_title()
        self._show(wanted.section)

    def _note(self) -> None:
        self._done = {panel: bool(panel.is_done()) for panel in self._panels}
        self._passed = {panel: self._done[panel] and not panel.needs_review() for panel in self._panels}
        self._had_tumor = bool(self._has_tumor())
