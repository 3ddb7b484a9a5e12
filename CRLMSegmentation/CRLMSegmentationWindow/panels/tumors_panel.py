"""Above the steps: the tumors of the case in a list, of which one is chosen; another one, a name, and away with one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import style
from .action_button import show_action

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.session import Session
    from CRLMSegmentationLib.session.tools import ToolReading
    from CRLMSegmentationLib.session.tumors.tumor_lines import TumorLine

    from ..window import Window

# Of a line of text, of what is around the lines of a tumor, of the list at most, and of a mark in its color.
_LINE_PX, _AROUND_PX, _MOST_PX, _COLOR_PX = 20, 4, 160, 16


class TumorsPanel:
    """The list, and what a person does with it."""

    def __init__(self, window: Window):
        self.window, ui = window, window.ui
        self.ui = ui
        self._lines: list[TumorLine] = []
        self._is_filling, self._height = False, 0
        ui.tumorList.connect("currentRowChanged(int)", self.on_row)
        ui.tumorList.connect("itemClicked(QListWidgetItem*)", lambda _item: self.on_click(ui.tumorList.currentRow))
        for button in (ui.addTumorButton, ui.renameTumorButton, ui.deleteTumorButton, ui.newestSweepButton):
            style.apply(button, style.SMALL_BUTTON)
        ui.addTumorButton.connect("clicked()", self.on_add)
        ui.renameTumorButton.connect("clicked()", self.on_rename)
        ui.deleteTumorButton.connect("clicked()", self.on_delete)
        ui.newestSweepButton.connect("clicked()", self.on_newest)
        self._show_buttons()
        ui.tumorsFrame.visible = False

    def on_row(self, row: int) -> None:
        """A person has pressed a line."""
        if 0 <= row < len(self._lines) and not self._lines[row].is_chosen:
            self.on_click(row)

    def on_click(self, row: int) -> None:
        """Also the chosen one can be pressed: it brings back the volume that it was found in."""
        if self._is_filling or not 0 <= row < len(self._lines):
            return
        before = self.window.session.tumors.scan
        with self.window.box.attempt():
            is_other = not self._lines[row].is_chosen
            self.window.leave_views()
            actions.CHOOSE_TUMOR.run(self.window.session, self._lines[row].number)
            if is_other or self.window.session.tumors.scan is not before:
                self.window.show_tumor()

    def on_newest(self) -> None:
        """Back to the volume of the newest sweep."""
        with self.window.box.attempt():
            self.window.leave_views()
            actions.SHOW_NEWEST.run(self.window.session)
            self.window.show_tumor()

    def on_add(self) -> None:
        """Keep this tumor, and place a box around another one with the next click."""
        with self.window.box.attempt():
            self.window.leave_views()
            actions.ADD_TUMOR.run(self.window.session)
            self.window.open_step(self.window.box)
            self.window.shown.volume()
            self.window.box.on_place()

    def on_rename(self) -> None:
        """Ask for another name of the chosen tumor."""
        line = self._chosen
        if line is None:
            return
        name = qt.QInputDialog.getText(
            slicer.util.mainWindow(), _("CRLM Segmentation"), _("Name of this tumor, without that of a person:"),
            qt.QLineEdit.Normal, line.name,
        )  # fmt: skip
        if name:
            with self.window.box.attempt():
                actions.RENAME_TUMOR.run(self.window.session, line.number, str(name))

    def on_delete(self) -> None:
        """Take the chosen tumor out of the case; a person is asked first where a hand has worked on it."""
        line = self._chosen
        if line is None or (line.is_corrected and not self.window.questions.may_delete_hand_work(line.name)):
            return
        with self.window.box.attempt():
            self.window.leave_views()
            actions.DELETE_TUMOR.run(self.window.session, line.number)
            self.window.show_tumor()

    def refresh(self) -> None:
        """Bring the list up to date with the session."""
        lines = lines_of(self.window.session, self.window.session.tools.readings())
        self.ui.tumorsFrame.visible = bool(lines)
        if lines != self._lines:
            self._fill(lines)
        self._show_buttons()

    def follow(self, readings: Iterable[ToolReading]) -> None:
        """The tools have moved: the distances in the list are those of every other read-out."""
        if self._lines:
            lines = lines_of(self.window.session, readings)
            if [line.number for line in lines] == [line.number for line in self._lines]:
                self._fill(lines)

    def show_fault(self) -> None:
        """No distance can be trusted."""
        self._fill([])
        self.ui.tumorsFrame.visible = False

    def set_enabled(self, enabled: bool) -> None:
        self.ui.tumorsFrame.enabled = enabled

    def release(self) -> None:
        """The session ends."""
        self._fill([])
        self.ui.tumorsFrame.visible = False

    def close(self) -> None:
        """Nothing outlives the widgets."""

    @property
    def _chosen(self) -> TumorLine | None:
        return next((line for line in self._lines if line.is_chosen), None)

    def _fill(self, lines: list[TumorLine]) -> None:
        """Only what has changed: a list that is filled anew loses the place that a person has scrolled to."""
        shown, rows = self._lines, self.ui.tumorList
        self._lines, self._is_filling = lines, True
        try:
            if len(lines) != len(shown):
                rows.clear()
                shown = []
                for _line in lines:
                    rows.addItem("")
            for row, line in enumerate(lines):
                before = shown[row] if row < len(shown) else None
                if before is None or text_of(before) != text_of(line):
                    rows.item(row).setText(text_of(line))
                    rows.item(row).setToolTip(text_of(line))
                if before is None or before.color != line.color:
                    rows.item(row).setIcon(_icon(line.color))
                if line.is_chosen:
                    rows.setCurrentRow(row)
            if height_of(lines) != self._height:
                self._height = height_of(lines)
                rows.setFixedHeight(self._height)
        finally:
            self._is_filling = False

    def _show_buttons(self) -> None:
        ui, session = self.ui, self.window.session
        show_action(ui.addTumorButton, actions.ADD_TUMOR, session)
        show_action(ui.renameTumorButton, actions.RENAME_TUMOR, session)
        show_action(ui.deleteTumorButton, actions.DELETE_TUMOR, session)
        show_action(ui.newestSweepButton, actions.SHOW_NEWEST, session)
        ui.newestSweepButton.visible = session is not None and session.tumors.can_show_newest


def lines_of(session: Session, readings: Iterable[ToolReading]) -> list[TumorLine]:
    """What is to be listed now; the library's own modules may need packages that are not installed yet."""
    from CRLMSegmentationLib.session.tumors.tumor_lines import tumor_lines

    return tumor_lines(session, readings)


def text_of(line: TumorLine) -> str:
    """What the tumor is, and below it what is to be known of it: side by side they would not fit the panel.

    'T1:  4.2 mL, largest diameter 23 mm', '7.5 mm ± 1.8  |  2 doubts, not looked at'.
    """
    below = "  |  ".join(part for part in (line.distance, line.remark, line.doubts_text) if part)
    return "\n".join(part for part in (f"{line.name}:  {line.text}", below) if part)


def height_of(lines: list[TumorLine]) -> int:
    """Pixels of the list: all of it, or as much as leaves room for the steps."""
    rows = sum(_LINE_PX * (1 + text_of(line).count("\n")) + _AROUND_PX for line in lines)
    return min(rows + _AROUND_PX, _MOST_PX)


def _icon(color: str) -> qt.QIcon:
    pixels = qt.QPixmap(_COLOR_PX, _COLOR_PX)
    pixels.fill(qt.QColor(color))
    return qt.QIcon(pixels)
