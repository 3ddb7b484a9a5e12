"""Step 3: the box around the tumor, placed with one click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.values import Box
from CRLMSegmentationLib.words import tr as _

from .. import icons, style
from ..view.picking import PointPicker
from .doubt_list import listed
from .step_panel import StepPanel, sentence_of, status_label

if TYPE_CHECKING:
    from ..window import Window


class BoxPanel(StepPanel):
    """Place the box; its size, and what speaks against it."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.boxSection, ui.boxChip, ui.boxState)
        self.picker = PointPicker()
        style.apply(ui.boxButton, style.BUTTON)
        icons.put(ui.boxButton, "Box")
        style.apply(ui.boxCenterButton, style.SMALL_BUTTON)
        ui.boxButton.connect("clicked()", self.on_place)
        style.apply(ui.acceptBoxButton, style.SMALL_BUTTON)
        ui.acceptBoxButton.connect("clicked()", self.on_accept)
        ui.boxCenterButton.connect("clicked()", self.on_center)
        style.apply(ui.boxReviewedButton, style.SMALL_BUTTON)
        ui.boxReviewedButton.connect("clicked()", self.on_reviewed)
        ui.boxSection.connect("contentsCollapsed(bool)", self.on_collapsed)
        # Warnings that a person has seen.
        self._reviewed: tuple[str, ...] = ()
        self._show_buttons()

    def on_place(self) -> None:
        """The large button: wait for a click, or wait no more."""
        self.forget_problem()
        if self.picker.is_waiting:
            self.picker.cancel()
        elif self.may_replace_hand_work(_("In another box it has to be found anew.")):
            self.picker.ask(_("Click once on the middle of the tumor."), self.place)
        self.window.refresh()

    def on_reviewed(self) -> None:
        """A person has seen what speaks against the box, and goes on."""
        self._reviewed = tuple(self.session.box.warnings)
        self.window.open_step(self.window.segment)
        self.window.refresh()

    def on_collapsed(self, collapsed: bool) -> None:
        """What is asked for behind a closed section would come as a surprise."""
        if collapsed:
            self.picker.cancel()

    def on_center(self) -> None:
        """Place the box in the middle of the volume."""
        with self.attempt():
            if self.may_replace_hand_work(_("In another box it has to be found anew.")):
                self.place(self.session.volume.value.center_ras)

    def on_accept(self) -> None:
        """Take the box that the live outlines propose."""
        with self.attempt():
            if self.may_replace_hand_work(_("In another box it has to be found anew.")):
                self.picker.cancel()
                actions.ACCEPT_BOX.run(self.session)

    def place(self, point_ras: Sequence[float]) -> None:
        """Place the box around a point (RAS mm)."""
        with self.attempt():
            parameters = self.window.parameters
            actions.PLACE_BOX.run(self.session, Box(point_ras, (parameters.boxSizeMm,) * 3), parameters.boxIsTight)

    def line(self) -> tuple[str, str, str]:
        state = self.session.state[self.window.steps.BOX]
        kind, label = status_label(state.status)
        if self.picker.is_waiting:
            return "busy", _("CLICK"), _("Click once on the middle of the tumor, in any slice view.")
        if state.status.name == "WAITING":
            return kind, label, _("Record a sweep first.")
        if state.status.name != "DONE":
            return kind, label, sentence_of(state.message) or _("Press the button, then click once on the tumor.")
        warnings = self.session.box.warnings
        if warnings:
            return "warn", _("LOOK"), listed("", warnings)
        return kind, label, _("{size}. Drag its handles to resize it.").format(size=state.message or _("Placed"))

    def is_done(self) -> bool:
        return self.session.state.status(self.window.steps.BOX).name == "DONE" and not self.picker.is_waiting

    def needs_review(self) -> bool:
        return bool(set(self.session.box.warnings) - set(self._reviewed))

    def refresh(self) -> None:
        super().refresh()
        self.ui.boxReviewedButton.visible = self.is_done() and self.needs_review()
        self._show_buttons()

    def release(self) -> None:
        super().release()
        self._reviewed = ()

    def close(self) -> None:
        self.picker.cancel()

    def _show_buttons(self) -> None:
        is_placed = self.session is not None and self.session.box.value is not None
        label = _("Cancel") if self.picker.is_waiting else _("Place the box again") if is_placed else ""
        self.show_action(self.ui.boxButton, actions.PLACE_BOX, label, self.picker.is_waiting)
        self.show_action(self.ui.acceptBoxButton, actions.ACCEPT_BOX)
        proposed = self.session.live.proposal_text if self.session is not None else ""
        style.write(self.ui.proposalState, proposed)
        self.ui.proposalState.visible = self.ui.acceptBoxButton.visible = bool(proposed)
        self.ui.boxCenterButton.enabled = self.can_run(actions.PLACE_BOX)
