"""Asks before Slicer's main window is closed while the case holds something that was not saved."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer


class CloseGuard(qt.QObject):
    """Watches the main window for being closed.

    has_unsaved()  what the session says;  save()  saves the case and returns True when that worked
    ask()          'save', 'discard' or 'cancel', as the user decides
    """

    def __init__(self, has_unsaved: Callable[[], bool], save: Callable[[], bool], ask: Callable[[], str]):
        qt.QObject.__init__(self)
        self._has_unsaved, self._save, self._ask = has_unsaved, save, ask
        self._window = slicer.util.mainWindow()
        if self._window is not None:
            self._window.installEventFilter(self)

    def eventFilter(self, _watched: qt.QObject, event: qt.QEvent) -> bool:
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
        answer = self._ask()
        if answer == "save":
            return self._save()
        return answer == "discard"
