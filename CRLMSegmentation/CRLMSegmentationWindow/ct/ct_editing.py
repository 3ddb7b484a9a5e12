"""Within the section of the CT: a planned cut and what it would leave, and corrections by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..view import views
from ..view.editor import CorrectionEditor
from .cut_dragging import CutDragging

if TYPE_CHECKING:
    from CRLMSegmentationLib.mrml.ct_editing import CtEditing
    from CRLMSegmentationLib.session.preoperative.preoperative_part import PreoperativePart

    from .ct_panel import CtPanel


_TAG = "CRLMCtEditor"


class CtEditingControls:
    """Of the CtPanel `panel`."""

    def __init__(self, panel: CtPanel):
        self._panel, self.ui = panel, panel.ui
        ui = self.ui
        self.editor = CorrectionEditor(ui.ctEditorFrame, _TAG)
        self._nodes: CtEditing | None = None
        self._is_showing = False
        self._lesions: list[str] = []
        style.apply(ui.ctRemnant, style.NOTE)
        for button, slot in (
            (ui.ctPlaneButton, self.on_draw_plane),
            (ui.ctTurnAroundButton, self.on_turn_around),
            (ui.ctRemovePlaneButton, self.on_remove_plane),
            (ui.ctNoTumorButton, self.on_no_tumor),
            (ui.ctUndoButton, self.on_undo),
        ):
            button.connect("clicked()", slot)
            style.apply(button, style.SMALL_BUTTON)
        style.apply(ui.ctCorrectButton, style.SMALL_BUTTON)
        ui.ctCorrectButton.connect("toggled(bool)", self.on_correct)
        self._sliders = (ui.ctPlaneTurnSlider, ui.ctPlaneTiltSlider, ui.ctPlaneOffsetSlider)
        for slider in self._sliders:
            slider.connect("valueChanged(double)", lambda value: self.on_move_plane())
        panel.section.connect("contentsCollapsed(bool)", self.on_collapsed)
        self.dragging = CutDragging(ui.ctPicture, self._part, self.on_drag_plane, self.on_look)

    # What the buttons do

    def on_draw_plane(self) -> None:
        """A plane through the place that is looked at."""
        self._run(actions.DRAW_PLANE)

    def on_move_plane(self) -> None:
        """Turned, tilted or shifted by a slider."""
        if not self._is_showing and self._panel.session.preoperative.remnant.found is not None:
            self._run(actions.MOVE_PLANE, *(float(slider.value) for slider in self._sliders))

    def on_drag_plane(self, plane: str, handle: int, across: float, down: float) -> None:
        """By a handle of its line in one of the pictures."""
        self._run(actions.DRAG_PLANE, plane, handle, across, down)

    def on_collapsed(self, is_closed: bool) -> None:
        """The plane has handles in the 3D view of the operation while the section is open."""
        part = self._part()
        if part is not None and part.remnant.is_draggable == is_closed:
            part.remnant.let_drag(not is_closed)

    def on_look(self, at: dict[str, int]) -> None:
        """At the slices through a place that was clicked."""
        self._panel.session.preoperative.go_to(at)
        self._panel.refresh()

    def on_turn_around(self) -> None:
        """What would stay goes."""
        plan = self._panel.session.preoperative.remnant
        turn = plan.turn_deg - 180 if plan.turn_deg > 0 else plan.turn_deg + 180
        self._run(actions.MOVE_PLANE, turn, -plan.tilt_deg, -plan.offset_mm)

    def on_remove_plane(self) -> None:
        """Nothing is planned any more."""
        self._run(actions.REMOVE_PLANE)

    def on_no_tumor(self) -> None:
        """What was marked as the chosen lesion is none."""
        self._run(actions.REMOVE_LESION, self.ui.ctLesionComboBox.currentIndex + 1)

    def on_undo(self) -> None:
        """As it was before the last correction."""
        self._run(actions.UNDO_CORRECTION)

    def on_correct(self, wanted: bool) -> None:
        """Open the Segment Editor on the CT, or take over what was drawn in it."""
        if wanted == self.editor.is_open:
            return
        if wanted:
            with self._panel.attempt():
                self._open_editor()
        else:
            has_drawn = self._nodes is not None and self._nodes.is_changed
            masks = self._nodes.masks() if has_drawn else None
            self.close_editor()
            if masks is not None:
                self._run(actions.TAKE_CORRECTION, masks)
        # What could not begin leaves no pressed button behind.
        self.ui.ctCorrectButton.checked = self.editor.is_open

    def close_editor(self) -> None:
        """What was drawn is dropped, and nothing of the CT stays in the scene."""
        if self._nodes is None:
            return
        # Not only closed: it would go on watching the segmentation of the tumor.
        self.editor.remove()
        slicer.util.setSliceViewerLayers(background=None)
        self._nodes.close()
        self._nodes = None
        self.ui.ctCorrectButton.checked = False

    def leave(self) -> None:
        """Nobody sees a brush behind another module: what was drawn is taken over."""
        if self.editor.is_open:
            self.ui.ctCorrectButton.checked = False

    def remove(self) -> None:
        """The window goes."""
        self.close_editor()
        self.editor.remove()

    def _open_editor(self) -> None:
        from CRLMSegmentationLib.mrml.ct_editing import CtEditing

        session = self._panel.session
        actions.EDIT_CT.run(session)
        self._panel.window.shown.planning_of_ct()
        self._nodes = CtEditing(slicer.mrmlScene, session.preoperative.ct)
        self.editor.open(self._nodes.segmentation, self._nodes.volume)
        self.editor.keep_overlaps()
        slicer.util.setSliceViewerLayers(background=self._nodes.volume, fit=True)
        self._go_to_place()

    def _go_to_place(self) -> None:
        """The slice views show what is looked at in the section."""
        part = self._panel.session.preoperative
        views.center_slices(part.ct.slices.point_of(part.at))

    # What is shown

    def refresh(self) -> None:
        """Bring the controls up to date with the session."""
        from CRLMSegmentationLib.session.preoperative import figures

        part, ui = self._panel.session.preoperative, self.ui
        if self._nodes is not None and not actions.EDIT_CT.can_run(self._panel.session):
            # Another CT, or something of an operation.
            self.close_editor()
        self.show_buttons()
        self.on_collapsed(self._panel.section.collapsed)
        plan = part.remnant
        self._is_showing = True
        try:
            for slider, value in zip(self._sliders, (plan.turn_deg, plan.tilt_deg, plan.offset_mm)):
                slider.visible = plan.found is not None
                slider.value = round(value)
        finally:
            self._is_showing = False
        style.write(ui.ctRemnant, "\n".join(figures.remnant_lines(plan.found)))
        self._fill_lesions()

    def show_buttons(self) -> None:
        """What can be done now."""
        show_action, ui = self._panel.show_action, self.ui
        show_action(ui.ctPlaneButton, actions.DRAW_PLANE)
        show_action(ui.ctRemovePlaneButton, actions.REMOVE_PLANE)
        show_action(ui.ctNoTumorButton, actions.REMOVE_LESION)
        show_action(ui.ctUndoButton, actions.UNDO_CORRECTION)
        show_action(ui.ctTurnAroundButton, actions.MOVE_PLANE, _("The other side stays"))
        taking = self.editor.is_open
        show_action(ui.ctCorrectButton, actions.TAKE_CORRECTION if taking else actions.EDIT_CT)

    def _fill_lesions(self) -> None:
        ct, box = self._panel.session.preoperative.ct, self.ui.ctLesionComboBox
        lesions = ct.result.measures.lesions if ct is not None and ct.result is not None else ()
        shown = [f"{one.number}: {one.diameter_mm:.1f} mm" for one in lesions]
        box.visible = self.ui.ctNoTumorButton.visible = bool(shown)
        if shown != self._lesions:
            self._lesions = shown
            box.clear()
            for text in shown:
                box.addItem(_("Lesion {text}").format(text=text))

    def _part(self) -> PreoperativePart | None:
        session = self._panel.session
        return None if session is None else session.preoperative

    def _run(self, action: actions.Action, *arguments: object) -> None:
        with self._panel.attempt():
            action.run(self._panel.session, *arguments)
        self._panel.refresh()
