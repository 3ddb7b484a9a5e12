"""Asks before Slicer's main window is closed while the case holds something that was not saved."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _


class CloseGuard(qt.QObject):
    """Watches the main window for being closed.

    has_unsaved()  what the session says;  save()  saves the case and returns True when that worked
    """

    def __init__(self, has_unsaved, save):
        qt.QObject.__init__(self)
        self._has_unsaved, self._save = has_unsaved, save
        self._window = slicer.util.mainWindow()
        if self._window is not None:
            self._window.installEventFilter(self)

    def eventFilter(self, _watched, event):
        """Called by Qt for every event of the main window; True keeps it from being closed."""
        if event.type() != qt.QEvent.Close or not self._has_unsaved() or self._may_close():
            return False
        event.ignore()
        return True

    def remove(self) -> None:
        """Watch no more."""
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None

    def _may_close(self) -> bool:
        answer = self.ask()
        if answer == "save":
            return self._save()
        return answer == "discard"

    def ask(self) -> str:
        """'save', 'discard' or 'cancel', as the user decides."""
        box = qt.QMessageBox(self._window)
        box.icon = qt.QMessageBox.Warning
        box.windowTitle = _("CRLM Segmentation")
        box.text = _("This case holds data that was not saved.")
        save = box.addButton(_("Save case"), qt.QMessageBox.AcceptRole)
        discard = box.addButton(_("Close without saving"), qt.QMessageBox.DestructiveRole)
        box.addButton(_("Do not close"), qt.QMessageBox.RejectRole)
        box.setDefaultButton(save)
        box.exec_()
        return {save: "save", discard: "discard"}.get(box.clickedButton(), "cancel")
