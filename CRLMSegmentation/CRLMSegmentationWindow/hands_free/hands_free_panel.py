"""The views alone for a second monitor, and keys for who has no hand for the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.session import actions

from .. import style
from ..panels.action_button import show_action
from ..view import layouts
from .full_screen import FullScreen

if TYPE_CHECKING:
    from ..window import Window

KEY = "F9"


class HandsFreePanel:
    """The button at step 5, its key, and the main window as the session wants it."""

    def __init__(self, window: Window):
        self.window, self.ui = window, window.ui
        self.full_screen = FullScreen(window.layouts, lambda: window.shown.navigation(), self.on_full_screen)
        style.apply(self.ui.fullScreenButton, style.SMALL_BUTTON)
        self.ui.fullScreenButton.connect("clicked()", self.on_full_screen)
        self._key: qt.QShortcut | None = None
        self._show_button()

    def on_full_screen(self) -> None:
        """The views alone, or the panel beside them again."""
        if self.window.session is None:
            return
        with self.window.navigate.attempt():
            actions.FULL_SCREEN.run(self.window.session)

    def refresh(self) -> None:
        """The main window is as the session wants it."""
        if self._key is None and slicer.util.mainWindow() is not None:
            self._key = qt.QShortcut(qt.QKeySequence(KEY), slicer.util.mainWindow())
            self._key.connect("activated()", self.on_full_screen)
        if self._key is not None:
            self._key.enabled = True
        self._follow(self.window.session.screen.is_full)
        self._show_button()

    def leave(self) -> None:
        """Another module is on the screen: it needs its panel, and its keys are its own."""
        if self.window.session is not None:
            self.window.session.screen.switch(False)
        self._follow(False)
        if self._key is not None:
            self._key.enabled = False

    def show_fault(self) -> None:
        """What is shown is no matter of this one."""

    def set_enabled(self, enabled: bool) -> None:
        self.ui.fullScreenButton.enabled = enabled

    def release(self) -> None:
        """The session ends: Slicer looks as before."""
        self._follow(False)

    def close(self) -> None:
        """The key is Slicer's again."""
        self._follow(False)
        key, self._key = self._key, None
        if key is not None:
            key.deleteLater()

    def _follow(self, wanted: bool) -> None:
        if wanted is self.full_screen.is_on:
            return
        self.window.navigate.pinned.is_large = wanted
        if wanted:
            self.full_screen.enter()
            return
        before = self.full_screen.leave()
        window = self.window
        if window.session is None or before is None:
            return
        if before != layouts.PLANNING:
            window.layouts.show(before)
        elif window.has_tumor:
            window.shown.tumor()
        else:
            window.shown.volume()

    def _show_button(self) -> None:
        show_action(self.ui.fullScreenButton, actions.FULL_SCREEN, self.window.session)
