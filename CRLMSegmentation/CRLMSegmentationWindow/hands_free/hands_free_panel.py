"""The views alone for a second monitor, and keys and foot switches for who has no hand for the mouse."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.hands_free.shortcuts import BY_NAME, SHORTCUTS
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..panels.action_button import show_action
from ..view import layouts
from .full_screen import FullScreen

if TYPE_CHECKING:
    from ..window import Window


class HandsFreePanel:
    """The button at step 5, the section with the list of keys, and the main window as the session wants it."""

    def __init__(self, window: Window):
        self.window, self.ui = window, window.ui
        self.full_screen = FullScreen(window.layouts, lambda: window.shown.navigation(), self.on_full_screen)
        ui = self.ui
        for button, slot in (
            (ui.fullScreenButton, self.on_full_screen),
            (ui.nextStepButton, lambda: self.on_key("F4")),
            (ui.nextTumorButton, lambda: self.on_key("F8")),
        ):
            style.apply(button, style.SMALL_BUTTON)
            button.connect("clicked()", slot)
        style.apply(ui.handsFreeSection, style.section(""))
        for label in (ui.keysLabel, ui.handsFreeState):
            style.apply(label, style.NOTE)
        style.write(ui.keysLabel, keys_text())
        self._keys: list[qt.QShortcut] = []
        self._show()

    def on_full_screen(self) -> None:
        """The views alone, or the panel beside them again."""
        if self.window.session is None:
            return
        with self.window.navigate.attempt():
            actions.FULL_SCREEN.run(self.window.session)

    def on_key(self, key: str) -> None:
        """A key, or its button."""
        if self.window.session is not None:
            self.window.session.hands_free.press(key)
            self.window.refresh()

    def on_next_tumor(self) -> None:
        """Work on the tumor that stands next in the list."""
        window = self.window
        with window.box.attempt():
            window.leave_views()
            actions.NEXT_TUMOR.run(window.session)
            window.show_tumor()

    def on_navigate(self) -> None:
        """The navigation view; once it is there it stays."""
        if not self.window.navigate.is_shown:
            self.window.navigate.on_navigate()

    def refresh(self) -> None:
        """Keys and main window are as the session wants them."""
        part = self.window.session.hands_free
        if not part.handlers:
            part.handlers = {name: partial(_later, slot) for name, slot in self._slots().items()}
            part.tell = self.full_screen.say
        if not self._keys and slicer.util.mainWindow() is not None:
            for shortcut in SHORTCUTS:
                key = qt.QShortcut(qt.QKeySequence(shortcut.key), slicer.util.mainWindow())
                key.connect("activated()", partial(self.on_key, shortcut.key))
                self._keys.append(key)
        for key in self._keys:
            key.enabled = True
        self._follow(self.window.session.screen.is_full)
        self._show()

    def leave(self) -> None:
        """Another module is on the screen: it needs its panel, and its keys are its own."""
        if self.window.session is not None:
            self.window.session.screen.switch(False)
        self._follow(False)
        for key in self._keys:
            key.enabled = False

    def show_fault(self) -> None:
        """What is shown is no matter of this one."""

    def set_enabled(self, enabled: bool) -> None:
        self.ui.fullScreenButton.enabled = self.ui.handsFreeSection.enabled = enabled

    def release(self) -> None:
        """The session ends: Slicer looks as before."""
        self._follow(False)

    def close(self) -> None:
        """The keys are Slicer's again."""
        self._follow(False)
        for key in self._keys:
            key.deleteLater()
        self._keys = []

    def _slots(self) -> dict[str, Callable[[], None]]:
        window = self.window
        return {
            actions.RECORD.name: window.record.on_record,
            actions.STOP.name: window.record.on_record,
            actions.ACCEPT_BOX.name: window.box.on_accept,
            actions.FIND.name: window.segment.on_segment,
            actions.NAVIGATE.name: self.on_navigate,
            actions.NEXT_TUMOR.name: self.on_next_tumor,
        }

    def _follow(self, wanted: bool) -> None:
        if wanted is self.full_screen.is_on:
            return
        self.window.navigate.pinned.is_large = wanted
        if wanted:
            self.full_screen.enter()
            return
        before, window = self.full_screen.leave(), self.window
        if window.session is None or before is None:
            return
        if before != layouts.PLANNING:
            window.layouts.show(before)
        elif window.has_tumor:
            window.shown.tumor()
        else:
            window.shown.volume()

    def _show(self) -> None:
        ui, session = self.ui, self.window.session
        show_action(ui.fullScreenButton, actions.FULL_SCREEN, session)
        show_action(ui.nextStepButton, actions.NEXT_STEP, session)
        show_action(ui.nextTumorButton, actions.NEXT_TUMOR, session)
        last = session.hands_free.text if session is not None else ""
        style.write(ui.handsFreeState, _("Last: {what}").format(what=last) if last else _("Nothing was asked for yet."))


def keys_text() -> str:
    """Which key does what, and what a foot switch may ask for."""
    keys = [f"{one.key}:  {' / '.join(_(action.label) for action in reversed(one.actions))}" for one in SHORTCUTS]
    by_name = _("A foot switch on the network asks by name ({names}), in a COMMAND or a STRING called Action.").format(
        names=", ".join(BY_NAME)
    )
    return "\n".join([*keys, by_name])


def _later(slot: Callable[[], None]) -> None:
    """Once the session has done its work: a slot may ask something, and Qt goes on meanwhile."""
    qt.QTimer.singleShot(0, slot)
