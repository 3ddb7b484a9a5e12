"""Within Calibrate: which tools are looked for, and how the chosen one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.navigation.tool_look import ToolShape
from CRLMSegmentationLib.session import actions

from . import style

if TYPE_CHECKING:
    from CRLMSegmentationLib.navigation.tool_look import ToolLook
    from CRLMSegmentationLib.session.session import Session

    from .panels.calibrate_panel import CalibratePanel

_SHAPES = tuple(ToolShape)


class ToolSetup:
    """Another tool by its name, and shape and color of the one that is chosen to be calibrated."""

    def __init__(self, panel: CalibratePanel):
        self._panel, self.ui = panel, panel.ui
        self._is_filling, self._offered = False, list[str]()
        ui = self.ui
        for shape in _SHAPES:
            ui.toolShapeComboBox.addItem(shape.label)
        for button, slot in (
            (ui.followToolButton, self.on_follow),
            (ui.unfollowToolButton, self.on_unfollow),
            (ui.toolColorButton, self.on_color),
        ):
            style.apply(button, style.SMALL_BUTTON)
            button.connect("clicked()", slot)
        ui.toolShapeComboBox.connect("currentIndexChanged(int)", self.on_shape)

    @property
    def session(self) -> Session | None:
        return self._panel.session

    def on_follow(self) -> None:
        """Look for the tool whose name was typed."""
        with self._panel.attempt():
            actions.FOLLOW_TOOL.run(self.session, self.ui.toolNameComboBox.currentText)
            self.ui.toolNameComboBox.setEditText("")

    def on_unfollow(self) -> None:
        """Look for the chosen tool no more."""
        with self._panel.attempt():
            actions.UNFOLLOW_TOOL.run(self.session, self._panel.chosen_tool)

    def on_shape(self, row: int) -> None:
        """Draw the chosen tool so."""
        look = self._look()
        if not self._is_filling and look is not None and 0 <= row < len(_SHAPES):
            self._set(_SHAPES[row].value, look.color)

    def on_color(self) -> None:
        """Ask for a color."""
        look = self._look()
        if look is None:
            return
        color = qt.QColorDialog.getColor(qt.QColor(look.color), slicer.util.mainWindow())
        if color.isValid():
            self._set(look.shape.value, color.name().lower())

    def refresh(self) -> None:
        """As the session has it."""
        look, session, ui = self._look(), self.session, self.ui
        self._panel.show_action(ui.followToolButton, actions.FOLLOW_TOOL)
        self._panel.show_action(ui.unfollowToolButton, actions.UNFOLLOW_TOOL)
        self._panel.show_action(ui.toolColorButton, actions.SET_TOOL_LOOK)
        ui.toolShapeComboBox.enabled = look is not None
        ui.unfollowToolButton.visible = session is not None and self._panel.chosen_tool in session.tools.looks.followed
        if session is not None:
            self._offer(session.stream.other_tools)
        if look is None:
            return
        if ui.toolShapeComboBox.currentIndex != _SHAPES.index(look.shape):
            self._is_filling = True
            ui.toolShapeComboBox.currentIndex = _SHAPES.index(look.shape)
            self._is_filling = False
        style.apply(ui.toolColorButton, style.SMALL_BUTTON.replace("}", f"border-left: 14px solid {look.color}; }}"))

    def _look(self) -> ToolLook | None:
        name = self._panel.chosen_tool
        is_known = self.session is not None and name in self.session.tools.names
        return self.session.tools.looks.of(name) if is_known and self.session is not None else None

    def _set(self, shape: str, color: str) -> None:
        with self._panel.attempt():
            actions.SET_TOOL_LOOK.run(self.session, self._panel.chosen_tool, shape, color)

    def _offer(self, names: list[str]) -> None:
        """What is tracked and looked for by nobody; what is being typed stays."""
        box = self.ui.toolNameComboBox
        if names != self._offered:
            self._offered, typed = names, box.currentText
            box.clear()
            for name in names:
                box.addItem(name)
            box.setEditText(typed)
