"""The panel is higher than a small screen: the section that is opened is brought to where it is seen."""

from __future__ import annotations

import qt

_SPACE_PX = 6
# Slicer's panel is a few parents above the sections.
_MOST_PARENTS = 12


def bring_into_view(part: qt.QWidget) -> None:
    """Scroll Slicer's panel as little as shows all of a part of it, or its beginning where it is higher than the panel.

    When everything has its new place, which is once the events that are waiting have been processed.
    """
    qt.QTimer.singleShot(0, lambda: _scroll(part))


def offset_for(top: int, bottom: int, shown_from: int, shown_px: int) -> int:
    """What to scroll to, pixels from the beginning of the panel, so that top to bottom is seen.

    shown_from  what it is scrolled to now;  shown_px  how much of it is seen
    """
    if top < shown_from:
        return max(top, 0)
    if bottom > shown_from + shown_px:
        return max(min(top, bottom - shown_px), 0)
    return shown_from


def _scroll(part: qt.QWidget) -> None:
    area = part
    for _ in range(_MOST_PARENTS):
        area = area.parentWidget() if area is not None else None
        if area is None or area.inherits("QScrollArea"):
            break
    if area is None or not area.inherits("QScrollArea"):
        return
    bar, top = area.verticalScrollBar(), part.mapTo(area.widget(), qt.QPoint(0, 0)).y()
    bottom = top + part.height + _SPACE_PX
    bar.value = offset_for(top - _SPACE_PX, bottom, bar.value, area.viewport().height)
