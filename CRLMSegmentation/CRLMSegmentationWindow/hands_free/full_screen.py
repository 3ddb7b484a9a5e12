"""Slicer's main window with the views alone, for a second monitor: without panels, menus and bars, and back again."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..view import layouts

# Of this module, and to be seen.
_KEPT = ("crlmDistanceBar",)


class FullScreen:
    """Takes away what is not a view, keeps what that was, and gives it back.

    show_views  brings the live image and the 3D view
    go_back     called when a person wants the panel again
    """

    def __init__(self, shown_layouts: layouts.Layouts, show_views: Callable[[], None], go_back: Callable[[], None]):
        self._layouts, self._show_views, self._go_back = shown_layouts, show_views, go_back
        self._hidden: list[qt.QWidget] = []
        self._before: int | None = None
        self._was_maximized = False
        self._bar: qt.QToolBar | None = None
        self._said: qt.QLabel | None = None

    @property
    def is_on(self) -> bool:
        """True while the views fill the screen."""
        return self._bar is not None

    def enter(self) -> None:
        """The views alone; nothing without a main window, or when they are alone already."""
        window = slicer.util.mainWindow()
        if window is None or self.is_on:
            return
        self._before = self._layouts.current
        parts = [*window.findChildren("QDockWidget"), *window.findChildren("QToolBar")]
        parts += [window.menuBar(), window.statusBar()]
        self._hidden = [part for part in parts if part.visible and part.objectName not in _KEPT]
        for part in self._hidden:
            part.visible = False
        self._was_maximized = bool(window.isMaximized())
        self._make_bar(window)
        # Without a border Windows shows no question, menu or tooltip above views that OpenGL draws.
        slicer.app.setHasBorderInFullScreen(True)
        window.showFullScreen()
        self._show_views()

    def say(self, sentence: str) -> None:
        """Why something was not done, beside the way back, or in the main window's own line."""
        if self._said is not None:
            style.write(self._said, sentence)
        else:
            slicer.util.showStatusMessage(sentence, 5000)

    def leave(self) -> int | None:
        """Everything as it was, but for views that were chosen meanwhile; the number of the layout that is to be shown
        again, None for the one that is shown.
        """
        window, bar = slicer.util.mainWindow(), self._bar
        if window is None or bar is None:
            return None
        self._bar = self._said = None
        window.removeToolBarBreak(bar)
        window.removeToolBar(bar)
        bar.deleteLater()
        for part in self._hidden:
            part.visible = True
        self._hidden = []
        if self._was_maximized:
            window.showMaximized()
        else:
            window.showNormal()
        before, self._before = self._before, None
        is_still_shown = self._layouts.current == layouts.NAVIGATION
        return before if is_still_shown and before != layouts.NAVIGATION else None

    def _make_bar(self, window: qt.QMainWindow) -> None:
        """The way back, for who has a mouse and no key at hand."""
        self._bar = qt.QToolBar(_("Full screen"))
        self._bar.objectName = "crlmFullScreenBar"
        self._bar.movable = False
        button = qt.QPushButton(_("Show the panel again (F9)"))
        style.apply(button, style.SMALL_BUTTON)
        button.connect("clicked()", self._go_back)
        self._bar.addWidget(button)
        self._said = qt.QLabel()
        style.apply(self._said, style.SENTENCE)
        # A long sentence would make the window wider than the screen.
        self._said.minimumWidth = 1
        self._bar.addWidget(self._said)
        window.addToolBar(qt.Qt.BottomToolBarArea, self._bar)
        # The distance has a row of its own, whose whole width its large letters may fill.
        window.insertToolBarBreak(self._bar)
