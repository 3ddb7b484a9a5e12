"""Step 4: the tumor in the box: by the model, by growing from a click, and corrected by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import icons, style
from ..view import layouts
from ..view.editor import CorrectionEditor
from ..view.picking import PointPicker
from .doubt_list import listed
from .record_panel import show_progress
from .step_panel import StepPanel, sentence_of, status_label

if TYPE_CHECKING:
    from CRLMSegmentationLib.inference.engine import EngineStatus
    from CRLMSegmentationLib.inference.models.catalogue import CatalogueEntry

    from ..window import Window


class SegmentPanel(StepPanel):
    """Start, cancel, correct; the model and what it runs on are under Advanced."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.segmentSection, ui.segmentChip, ui.segmentState)
        self.picker = PointPicker()
        self.editor = CorrectionEditor(ui.editorFrame)
        self._models: list[CatalogueEntry] = []
        style.apply(ui.segmentButton, style.BUTTON)
        style.apply(ui.segmentProgressBar, style.BAR)
        style.apply(ui.caseClockLabel, style.SENTENCE)
        buttons = (ui.correctButton, ui.growButton, ui.modelFolderButton, ui.reviewedButton, ui.discardButton)
        for button in buttons:
            style.apply(button, style.SMALL_BUTTON)
        ui.reviewedButton.connect("clicked()", self.on_reviewed)
        ui.discardButton.connect("clicked()", self.on_discard)
        ui.segmentSection.connect("contentsCollapsed(bool)", self.on_collapsed)
        ui.segmentButton.connect("clicked()", self.on_segment)
        ui.correctButton.connect("toggled(bool)", self.on_correct)
        ui.growButton.connect("clicked()", self.on_grow)
        ui.modelFolderButton.connect("clicked()", self.on_model_folder)
        ui.modelComboBox.connect("activated(int)", self.on_model)
        self._show_buttons()

    def fill_models(self) -> None:
        """List the models that ship, and those that were imported."""
        models = list(self.session.engine.model_choices())
        if models == self._models:
            return
        box = self.ui.modelComboBox
        chosen = self._models[box.currentIndex].name if self._models and box.currentIndex >= 0 else None
        self._models = models
        box.clear()
        for choice in self._models:
            box.addItem(choice.title)
            box.setItemData(box.count - 1, choice.description, qt.Qt.ToolTipRole)
        names = [choice.name for choice in models]
        if chosen in names:
            box.currentIndex = names.index(chosen)

    def on_segment(self) -> None:
        """The large button: find the tumor, or stop looking."""
        with self.attempt():
            if self.is_running:
                actions.CANCEL.run(self.session)
            elif self.may_replace_hand_work(_("The model's tumor takes its place.")):
                self.leave_editor()
                actions.FIND.run(self.session)

    def on_grow(self) -> None:
        """Region growing from one click, or wait for it no more."""
        self.forget_problem()
        if self.picker.is_waiting:
            self.picker.cancel()
        elif self.may_replace_hand_work(_("What grows from your click takes its place.")):
            self.leave_editor()
            self.picker.ask(_("Click once inside the tumor."), self.grow)
        self.window.refresh()

    def grow(self, seed_ras: Sequence[float]) -> None:
        """Grow a region from a point (RAS mm)."""
        with self.attempt():
            actions.GROW.run(self.session, seed_ras)

    def on_correct(self, wanted: bool) -> None:
        """Open or close the Segment Editor."""
        if wanted == self.editor.is_open:
            return
        with self.attempt():
            if wanted:
                # In the live view a stroke would follow the probe.
                self.window.shown.tumor()
                actions.CORRECT.run(self.session)
                self.editor.open(self.view.segmentation_node(), self.view.volume_node())
            else:
                self.editor.close()
                self.session.tumor.end_correction()
        # What could not begin leaves no pressed button behind.
        self.ui.correctButton.checked = self.editor.is_open

    def leave_editor(self) -> None:
        """Close the Segment Editor, when it is open."""
        self.ui.correctButton.checked = False

    def leave_hidden_editor(self) -> None:
        """Close the Segment Editor where a brush would paint unseen: behind a closed section, or in a live image."""
        if self.editor.is_open and (self.section.collapsed or self.window.layouts.current != layouts.PLANNING):
            self.leave_editor()

    def on_collapsed(self, collapsed: bool) -> None:
        """What is armed behind a closed section would come as a surprise."""
        if collapsed:
            self.picker.cancel()
            self.leave_editor()

    def on_reviewed(self) -> None:
        """A person has seen all that speaks against the tumor, and goes on."""
        with self.attempt():
            actions.ACKNOWLEDGE.run(self.session)
        self.window.open_step(self.window.navigate)

    def on_discard(self) -> None:
        """Take back everything that was corrected by hand, also what the editor's own undo has forgotten."""
        if self.window.questions.may_replace_hand_work(_("The tumor will be as it was before.")):
            with self.attempt():
                self.leave_editor()
                actions.DISCARD.run(self.session)

    def on_model(self, number: int) -> None:
        """Another shipped model."""
        if 0 <= number < len(self._models):
            with self.attempt():
                self.session.engine.set_model(self._models[number].name)

    def on_model_folder(self) -> None:
        """A model of the user's own."""
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of a trained model"))
        if folder:
            with self.attempt():
                self.session.engine.set_model(folder)

    @property
    def is_running(self) -> bool:
        """True while the network, or region growing, computes."""
        return self.session is not None and self.session.jobs.running is self.window.steps.SEGMENT

    def line(self) -> tuple[str, str, str]:
        state = self.session.state[self.window.steps.SEGMENT]
        engine = self.session.engine.status
        kind, label = status_label(state.status)
        if self.picker.is_waiting:
            return "busy", _("CLICK"), _("Click once inside the tumor, in any slice view.")
        if self.editor.is_open:
            return "busy", _("CORRECTING"), _("Paint or erase in the slices, then press the button again.")
        if state.status.name == "RUNNING":
            return kind, label, sentence_of(state.message) or _("Looking for the tumor.")
        if state.status.name == "WAITING":
            return kind, label, _("Place the box first.")
        if state.status.name == "DONE":
            return self._line_of_tumor(kind, label, sentence_of(state.message) or _("The tumor is on the screen."))
        if state.message:
            return kind, label, sentence_of(state.message)
        return kind, label, _("Press the button.") + " " + self._engine_text(engine)

    def _line_of_tumor(self, kind: str, label: str, text: str) -> tuple[str, str, str]:
        doubts = self.session.tumor.doubts
        if self.needs_review():
            return "warn", _("LOOK"), listed(text, doubts)
        if doubts:
            return kind, _("LOOKED AT"), listed(text, doubts)
        if self.session.tumor.surface is None and self.session.tumor.result is not None:
            # Nothing found is no finding: it may be there and look unlike anything the model has seen. Also while there
            # is another tumor to navigate by.
            card = self.session.tumor.result.card
            return "warn", _("LOOK"), f"{text} {card.trained_on}" if card is not None else text
        return kind, label, text

    def needs_review(self) -> bool:
        return actions.ACKNOWLEDGE.can_run(self.session)

    def is_done(self) -> bool:
        state, steps = self.session.state, self.window.steps
        # There may be another tumor to navigate by.
        done = state.status(steps.NAVIGATE).name == "READY" and state.status(steps.SEGMENT).name == "DONE"
        return done and not self.is_running and not self.editor.is_open

    def on_done(self) -> None:
        self.window.show_threshold()
        # Whoever navigates has the tumor before him already, and whoever has chosen other views keeps them.
        if self.window.layouts.current in (layouts.PLANNING, layouts.SWEEPING):
            self.window.shown.tumor()

    def refresh(self) -> None:
        super().refresh()
        ui, running = self.ui, self.is_running
        self._show_buttons()
        ui.reviewedButton.visible = self.window.has_tumor and self.needs_review() and not self.editor.is_open
        ui.discardButton.visible = bool(self.session.tumor.has_hand_corrections)
        ui.segmentProgressBar.visible = running
        if running:
            show_progress(ui.segmentProgressBar, self.session.state.progress)
        ui.thresholdSlider.enabled = self.session.tumor.result is not None and not running
        clock_s = self.session.case.clock_s
        ui.caseClockLabel.visible = clock_s is not None
        if clock_s is not None:
            style.write(ui.caseClockLabel, _("From sweep to tumor: {time}").format(time=minutes(clock_s)))

    def _show_buttons(self) -> None:
        ui, waits, corrects = self.ui, self.picker.is_waiting, self.editor.is_open
        self.show_action(ui.segmentButton, actions.CANCEL if self.is_running else actions.FIND)
        icons.put(ui.segmentButton, "Stop" if self.is_running else "Segment")
        self.show_action(ui.growButton, actions.GROW, _("Cancel the click") if waits else "", waits)
        self.show_action(ui.correctButton, actions.CORRECT, _("Done correcting") if corrects else "", corrects)
        self.show_action(ui.reviewedButton, actions.ACKNOWLEDGE)
        self.show_action(ui.discardButton, actions.DISCARD)

    def close(self) -> None:
        self.picker.cancel()
        self.editor.remove()

    @staticmethod
    def _engine_text(engine: EngineStatus) -> str:
        if engine.state == "failed":
            return sentence_of(engine.message)
        if engine.state == "starting":
            return _("The model is being loaded.")
        if engine.state in ("ready", "running"):
            where = _("graphics card") if engine.device.startswith("cuda") else _("processor (CPU)")
            return _("The model is ready, on the {where}.").format(where=where)
        return ""


def minutes(seconds: float) -> str:
    """'1:05 min' for 65 s, '12 s' for 12 s."""
    whole = int(round(seconds))
    return (
        _("{minutes}:{seconds:02d} min").format(minutes=whole // 60, seconds=whole % 60)
        if whole >= 60
        else _("{seconds} s").format(seconds=whole)
    )
