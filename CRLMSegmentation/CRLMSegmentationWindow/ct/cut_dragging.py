"""The picture of the CT under the mouse: a cut is dragged by its handles, a press elsewhere looks at that place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import qt

from .ct_picture import CELL_PX

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.preoperative.preoperative_part import PreoperativePart

SIDE_PX = 2 * CELL_PX


class CutDragging(qt.QObject):
    """Watches the label in which the picture stands, in the middle of it.

    part    gives the CT that is open; None where none is
    drag    called with (plane, handle, across, down)
    look    called with the slices of a place, by plane
    """

    def __init__(
        self,
        label: qt.QLabel,
        part: Callable[[], PreoperativePart | None],
        drag: Callable[[str, int, float, float], None],
        look: Callable[[dict[str, int]], None],
    ):
        qt.QObject.__init__(self)
        self._label, self._part, self._drag, self._look = label, part, drag, look
        self._dragged: tuple[str, int] | None = None
        label.installEventFilter(self)

    def eventFilter(self, _watched: qt.QObject, event: qt.QEvent) -> bool:
        """Called by Qt for every event of the label; nothing is kept from it."""
        if event.type() == qt.QEvent.MouseButtonPress and event.button() == qt.Qt.LeftButton:
            self.press(event.pos().x(), event.pos().y())
        elif event.type() == qt.QEvent.MouseMove and self._dragged is not None:
            self.move(event.pos().x(), event.pos().y())
        elif event.type() == qt.QEvent.MouseButtonRelease:
            self._dragged = None
        return False

    def press(self, x: float, y: float) -> None:
        """At a pixel of the label: take hold of a handle, or look at the place."""
        from CRLMSegmentationLib.pictures.cut_handles import handle_at

        self._dragged = None
        part, place = self._part(), self._place(x, y)
        if part is None or part.ct is None or place is None:
            return
        plane, across, down = place
        line = part.remnant.handles().get(plane)
        handle = None if line is None else handle_at(line, across, down, *part.ct.slices.size_mm(plane))
        if handle is not None:
            self._dragged = plane, handle
        elif 0 <= across <= 1 and 0 <= down <= 1:
            self._look(part.ct.slices.at_pixel(plane, part.at[plane], across, down))

    def move(self, x: float, y: float) -> None:
        """The handle that is held, to a pixel of the label, within its own picture."""
        place = self._place(x, y)
        if self._dragged is None or place is None or place[0] != self._dragged[0]:
            return
        plane, handle = self._dragged
        across, down = (min(1.0, max(0.0, part)) for part in place[1:])
        self._drag(plane, handle, across, down)

    def remove(self) -> None:
        """Watch no more."""
        self._label.removeEventFilter(self)

    def _place(self, x: float, y: float) -> tuple[str, float, float] | None:
        from CRLMSegmentationLib.pictures.ct_sheet import place_in_sheet

        part = self._part()
        if part is None or part.ct is None:
            return None
        left, top = (self._label.width - SIDE_PX) / 2, (self._label.height - SIDE_PX) / 2
        return place_in_sheet(part.ct.slices, CELL_PX, x - left, y - top)
