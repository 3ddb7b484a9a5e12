"""The read-out that stays: in a bar of Slicer's window whatever module is open, and in the live and the 3D view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..view import layouts
from ..view.view_readout import ViewReadout
from .readout import lines_of, worst_of

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.tools import ToolReading
    from CRLMSegmentationLib.values import ImagePlane

# Of letters in the bar: those that are read from the other side of the table, and from the fourth on the usual ones.
_SIZES_PX, _USUAL = (44, 36, 29, 22, 18, 15, 12), 3
# Width of a letter against its size, bold and wide; height of a line, likewise; room around the text in pixels.
_WIDTH, _HEIGHT, _AROUND_PX = 0.6, 1.25, 40


class PinnedReadout:
    """Shows the worst of all tools, and is gone while nothing is navigated by."""

    def __init__(self) -> None:
        self._bar: qt.QToolBar | None = None
        self._label: qt.QLabel | None = None
        self._in_live, self._in_3d = ViewReadout(), ViewReadout()
        self._is_empty = True
        # While the views fill the screen.
        self.is_large = False

    @property
    def text(self) -> str:
        """What stands in the bar; '' while nothing is navigated by."""
        return self._label.text if self._label is not None and self._bar.visible and not self._is_empty else ""

    @property
    def texts_in_views(self) -> tuple[str, str]:
        """What stands in the live and in the 3D view."""
        return self._in_live.text, self._in_3d.text

    def show(self, readings: Iterable[ToolReading], tumor: str, plane: ImagePlane | None) -> None:
        """Show the worst of these readings of tools.

        tumor  name of the chosen tumor, where there are several;  plane  of the live image; None while it is not live
        """
        worst = worst_of(readings)
        if worst is None:
            self._put("idle", "--", [_("No tool is tracked now.")], [])
            return
        kind, number, lines = lines_of(worst, tumor)
        self._put(kind, number, lines, [*lines, *_crossing(worst, plane)])

    def show_lost(self) -> None:
        """A fault: no number can be trusted."""
        self._put("lost", _("LOST"), [_("a fault")], [_("a fault")])

    def empty(self) -> None:
        """Nothing is navigated by for now. The bar has its place all the same: Slicer lays out its window and draws all
        views when a bar comes or goes, for half a second, and what one looks at jumps.
        """
        self._clear()
        self._show("idle", _("No distance: there is no tumor to measure to."))

    def remove(self) -> None:
        """Nothing is navigated by, nor will be soon."""
        self._clear()
        if self._bar is not None and self._bar.visible:
            self._bar.visible = False

    def close(self) -> None:
        """Take the bar out of Slicer's window."""
        self.remove()
        bar, self._bar, self._label = self._bar, None, None
        window = slicer.util.mainWindow()
        if bar is not None and window is not None:
            window.removeToolBar(bar)
            bar.deleteLater()

    def _put(self, kind: str, number: str, lines: list[str], lines_in_live: list[str]) -> None:
        self._is_empty = False
        self._show(kind, "   ".join([number, *lines]))
        live = layouts.live_widget()
        self._in_live.show(live.sliceView() if live is not None else None, kind, number, "\n".join(lines_in_live))
        self._in_3d.show(layouts.view_3d(), kind, number, "\n".join(lines))

    def _clear(self) -> None:
        self._in_live.remove()
        self._in_3d.remove()
        self._is_empty = True

    def _show(self, kind: str, text: str) -> None:
        if self._bar is None:
            self._make_bar()
        if self._label is None or self._bar is None:
            return
        sizes_px = _SIZES_PX if self.is_large else _SIZES_PX[_USUAL:]
        # Beside the button that leads back from the full screen there is less room than the window has.
        room_px = self._label.width if self._bar.visible else slicer.util.mainWindow().width
        style.apply(self._bar, style.bar(kind, size_for(text, sizes_px, room_px)))
        # As high for small letters as for large ones: see empty().
        height_px = round(_HEIGHT * sizes_px[0])
        if self._label.minimumHeight != height_px:
            self._label.minimumHeight = height_px
        style.write(self._label, text)
        if not self._bar.visible:
            self._bar.visible = True

    def _make_bar(self) -> None:
        window = slicer.util.mainWindow()
        if window is None:
            return
        self._bar = qt.QToolBar(_("Distance"))
        self._bar.objectName = "crlmDistanceBar"
        self._bar.movable = False
        self._label = qt.QLabel()
        self._label.objectName = "crlmDistance"
        # As wide as the window, whatever it says: a label as wide as its text would make Slicer's window wider than the
        # screen.
        self._label.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Preferred)
        self._label.minimumWidth = 1
        self._bar.addWidget(self._label)
        window.addToolBar(qt.Qt.BottomToolBarArea, self._bar)


def size_for(text: str, sizes_px: Sequence[int], room_px: int) -> int:
    """The first of these sizes at which the text fits that room, and the last one where none does."""
    return next((size for size in sizes_px if _WIDTH * size * len(text) <= room_px - _AROUND_PX), sizes_px[-1])


def _crossing(reading: ToolReading, plane: ImagePlane | None) -> list[str]:
    """Where the tool stands against the live image, in the live view."""
    from CRLMSegmentationLib.navigation.image_crossing import image_crossing

    tip = reading.tip_to_reference
    crossing = image_crossing(tip, plane) if tip is not None and plane is not None else None
    # In short lines: scale and axes stand beside them.
    return crossing.text.split(", ") if crossing is not None else []
