"""Saving the case into one folder, and opening one again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import icons, style
from .step_panel import StepPanel, sentence_of

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.case.background_save import Saved

    from ..window import Window


class CasePanel(StepPanel):
    """The two buttons under the steps, and what came of them."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.caseSection, ui.caseChip, ui.caseState)
        for button, slot in (
            (ui.saveCaseButton, self.on_save),
            (ui.openCaseButton, self.on_open),
            (ui.newCaseButton, self.on_new),
        ):
            style.apply(button, style.SMALL_BUTTON)
            button.connect("clicked()", slot)
        icons.put(ui.saveCaseButton, "Save")
        icons.put(ui.openCaseButton, "Open")
        style.apply(ui.researchLabel, style.NOTE)
        self._reported, self._had_unsaved = "", False
        self._saved: Saved | None = None
        self._show_buttons()

    def on_save(self) -> bool:
        """Save the case as it is now into a new folder named after the time of day, while the work goes on; True when
        that has begun.
        """
        with self.attempt():
            self.window.segment.leave_editor()
            actions.SAVE.run(self.session, _new_folder(self.window.parameters.caseFolder))
            return True
        return False

    def save_and_wait(self) -> bool:
        """As on_save(), for who is about to leave the case; True when it is saved."""
        self.finish_saving()
        if not self.session.case.has_unsaved_data:
            return True
        if not self.on_save():
            return False
        self.finish_saving()
        return not self.session.case.save_problem

    def finish_saving(self) -> None:
        """Wait for what is being saved."""
        if self.session is None or not self.session.case.is_saving:
            return
        slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            self.session.case.finish_saving()
        finally:
            slicer.app.restoreOverrideCursor()

    def on_open(self) -> None:
        """Let the user choose a saved case."""
        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Folder of a saved case"), str(self.window.parameters.caseFolder)
        )
        if folder and self.may_leave(_("Open without saving"), _("Do not open")):
            self.open_case(Path(folder))

    def on_new(self) -> None:
        """Another patient, or the same one from the beginning; the stream goes on."""
        if not self.may_leave(_("Begin without saving"), _("Go on with this case")):
            return
        with self.attempt():
            self.window.leave_views()
            actions.NEW_CASE.run(self.session)
            self._reported = _("A new case has begun.")
            self.window.show_case()

    def open_case(self, folder: Path) -> None:
        """Open a saved case in place of what is in the scene."""
        with self.attempt():
            self.window.leave_views()
            with self.window.scene.ours():
                actions.OPEN_CASE.run(self.session, folder)
            self._reported = _("Opened {folder}.").format(folder=folder)
            self.window.show_case()

    def note_fault(self) -> None:
        """Something of ours has failed while the stream was shown; it stays here until the user goes on."""
        self._problem = _(
            "A fault: for a moment everything live was shown as lost. What is recorded is complete. "
            "Slicer's error log (Ctrl+0) holds the details."
        )

    def line(self) -> tuple[str, str, str]:
        case = self.session.case
        if case.is_saving:
            return "busy", _("SAVING"), _("The case is being saved as it was at the press. You can go on.")
        if case.save_problem:
            return "bad", _("NOT SAVED"), sentence_of(case.save_problem)
        notices = self.session.state.notices
        if notices:
            return "warn", _("LOOK"), sentence_of(notices[-1])
        if self._reported:
            return "good", _("DONE"), self._reported
        if self.session.case.has_unsaved_data:
            return "idle", _("NOT SAVED"), _("Recordings are on disk already; the case is not saved yet.")
        if self.view.volume_node() is not None or self.session.recording.sweep is not None:
            return "good", _("SAVED"), _("Nothing has changed since the case was saved.")
        return "idle", _("EMPTY"), _("Nothing to save yet.")

    def may_leave(self, go_on: str, stay: str) -> bool:
        """True when nothing is lost by it, or a person says so."""
        self.finish_saving()
        if not self.session.case.has_unsaved_data:
            return True
        answer = self.window.questions.about_unsaved(go_on, stay)
        return self.save_and_wait() if answer == "save" else answer == "discard"

    def is_done(self) -> bool:
        return False

    def refresh(self) -> None:
        unsaved = bool(self.session.case.has_unsaved_data)
        if unsaved and not self._had_unsaved:
            self._reported = ""
        self._had_unsaved = unsaved
        saved = self.session.case.saved
        if saved is not None and saved is not self._saved:
            self._reported = _("Saved at {time} in {folder}.").format(time=f"{saved.at:%H:%M}", folder=saved.folder)
        self._saved = saved
        super().refresh()
        self._show_buttons()

    def _show_buttons(self) -> None:
        self.show_action(self.ui.saveCaseButton, actions.SAVE)
        self.show_action(self.ui.openCaseButton, actions.OPEN_CASE)
        self.show_action(self.ui.newCaseButton, actions.NEW_CASE)

    def release(self) -> None:
        super().release()
        self._reported, self._had_unsaved = "", False


def _new_folder(parent: Path) -> Path:
    """A folder that is not there yet. No name of a person is in it."""
    stem = time.strftime("case-%Y%m%d-%H%M%S")
    for number in range(1, 10_000):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        if not folder.exists():
            return folder
    raise FileExistsError(parent)
