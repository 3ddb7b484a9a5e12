"""Within the section of the CT: landmarks, touched or found in the ultrasound, and the registration by them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..view.picking import PointPicker

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.actions import Action

    from .ct_panel import CtPanel


class CtLandmarks:
    """Of the CtPanel `panel`."""

    def __init__(self, panel: CtPanel):
        self._panel, self.ui = panel, panel.ui
        ui = self.ui
        self.picker = PointPicker()
        style.apply(ui.ctTouched, style.NOTE)
        for button, slot in (
            (ui.ctTouchButton, partial(self._act, actions.TOUCH_LANDMARK)),
            (ui.ctFindLandmarkButton, self.on_find),
            (ui.ctDropTouchedButton, partial(self._act, actions.DROP_LANDMARK)),
            (ui.ctRegisterTouchedButton, partial(self._act, actions.REGISTER_TOUCHED)),
        ):
            button.connect("clicked()", slot)
            style.apply(button, style.SMALL_BUTTON)
        panel.section.connect("contentsCollapsed(bool)", self.on_collapsed)

    def on_find(self) -> None:
        """Wait for a click in the ultrasound, or wait no more."""
        if self.picker.is_waiting:
            self.picker.cancel()
        else:
            with self._panel.attempt():
                actions.FIND_LANDMARK.check(self._panel.session)
                self.picker.ask(_("Click once at the same place in the ultrasound."), self.found)
        self._panel.refresh()

    def found(self, point: tuple[float, float, float]) -> None:
        """Where it was clicked, R, A, S in mm of Reference."""
        self._act(actions.FIND_LANDMARK, point)
        self._panel.refresh()

    def on_collapsed(self, is_closed: bool) -> None:
        """What is asked for behind a closed section would come as a surprise."""
        if is_closed:
            self.picker.cancel()

    def refresh(self) -> None:
        """Bring the controls up to date with the session."""
        from CRLMSegmentationLib.session.preoperative import figures

        part = self._panel.session.preoperative
        style.write(self.ui.ctTouched, "\n".join(figures.touched_lines(part.touched, part.registration)))

    def show_buttons(self) -> None:
        """What can be done now."""
        show_action, ui = self._panel.show_action, self.ui
        is_waiting = self.picker.is_waiting
        show_action(ui.ctTouchButton, actions.TOUCH_LANDMARK)
        show_action(ui.ctFindLandmarkButton, actions.FIND_LANDMARK, _("Cancel") if is_waiting else "", is_waiting)
        show_action(ui.ctDropTouchedButton, actions.DROP_LANDMARK)
        show_action(ui.ctRegisterTouchedButton, actions.REGISTER_TOUCHED)

    def _act(self, action: Action, *arguments: object) -> None:
        with self._panel.attempt():
            self._panel.forget_report()
            action.run(self._panel.session, *arguments)
