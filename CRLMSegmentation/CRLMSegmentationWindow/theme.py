"""Slicer's light and dark themes can be changed while the module is there.

A widget with a style sheet of its own, and all that lies in it, keeps the colors that it had when the sheet was set:
under another theme its text stands in the color of the background. They take the new colors when the sheet is set anew.
"""

from __future__ import annotations

from collections.abc import Iterable

import qt
import slicer


class ThemeWatch(qt.QObject):
    """Sets the style sheets under one widget anew whenever Slicer gets other colors.

    root  the module's own widget
    """

    def __init__(self, root: qt.QWidget):
        qt.QObject.__init__(self)
        self._root, self._is_due = root, False
        self._window = slicer.util.mainWindow()
        if self._window is not None:
            self._window.installEventFilter(self)

    def eventFilter(self, _watched: qt.QObject, event: qt.QEvent) -> bool:
        """Called by Qt for every event of the main window; nothing is kept from it."""
        if event.type() in (qt.QEvent.PaletteChange, qt.QEvent.StyleChange) and not self._is_due:
            # When all widgets have the new colors, once for all that comes with it.
            self._is_due = True
            qt.QTimer.singleShot(0, self._restyle)
        return False

    def remove(self) -> None:
        """Watch no more."""
        if self._window is not None:
            self._window.removeEventFilter(self)
        self._window = self._root = None

    def _restyle(self) -> None:
        self._is_due = False
        if self._root is not None:
            restyle([self._root, *slicer.util.findChildren(self._root)])


def restyle(widgets: Iterable[qt.QWidget]) -> None:
    """Set the style sheet of each widget anew, those that hold others before what they hold."""
    for widget in widgets:
        sheet = getattr(widget, "styleSheet", "")
        if sheet:
            widget.styleSheet = ""
            widget.styleSheet = sheet
