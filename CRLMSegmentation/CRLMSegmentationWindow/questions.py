"""What the window asks before something is lost; in one place, so that a test can answer."""

from __future__ import annotations

import qt
import slicer
from CRLMSegmentationLib.words import tr as _


class Questions:
    """Message boxes. Whatever is not a clear yes loses nothing."""

    def may_replace_hand_work(self, what: str) -> bool:
        """`what`: a sentence that says what is about to begin."""
        return self._confirm(
            _("The tumor was corrected by hand. {what}").format(what=what), _("Replace what I corrected"), _("Keep it")
        )

    def may_delete_hand_work(self, name: str) -> bool:
        """Before a tumor is deleted that was corrected by hand."""
        return self._confirm(
            _("{name} was corrected by hand. Deleting it takes that away.").format(name=name),
            _("Delete {name}").format(name=name), _("Keep it"),
        )  # fmt: skip

    def about_unsaved(self, go_on: str, stay: str) -> str:
        """'save', 'discard' or 'cancel', for a case that is not saved yet. go_on, stay: labels of the two buttons."""
        box = self._box(_("This case holds data that was not saved."))
        save = box.addButton(_("Save case"), qt.QMessageBox.AcceptRole)
        discard = box.addButton(go_on, qt.QMessageBox.DestructiveRole)
        box.addButton(stay, qt.QMessageBox.RejectRole)
        box.setDefaultButton(save)
        box.exec_()
        return {save: "save", discard: "discard"}.get(box.clickedButton(), "cancel")

    def about_closing(self) -> str:
        """As about_unsaved(), while Slicer is being closed."""
        return self.about_unsaved(_("Close without saving"), _("Do not close"))

    def _confirm(self, text: str, yes: str, no: str) -> bool:
        box = self._box(text)
        agreed = box.addButton(yes, qt.QMessageBox.DestructiveRole)
        box.setDefaultButton(box.addButton(no, qt.QMessageBox.RejectRole))
        box.exec_()
        return box.clickedButton() == agreed

    @staticmethod
    def _box(text: str):
        box = qt.QMessageBox(slicer.util.mainWindow())
        box.icon = qt.QMessageBox.Warning
        box.windowTitle = _("CRLM Segmentation")
        box.text = text
        return box
