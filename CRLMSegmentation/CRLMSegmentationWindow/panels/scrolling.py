"""The panel is higher than a small screen: what is opened is brought to where it is seen, and it is no higher than what
it holds.
"""

from __future__ import annotations

from functools import partial

import qt

_SPACE_PX = 6
# Slicer's panel is a few parents above the sections.
_MOST_PARENTS = 12


def bring_into_view(part: qt.QWidget) -> None:
    """Scroll Slicer's panel as little as shows all of a part of it, or its beginning where it is higher than the panel.

    When everything has its new place, which is once the events that are waiting have been processed.
    """
    qt.QTimer.singleShot(0, lambda: _scroll(part))


def leave_its_place(part: qt.QWidget) -> None:
    """Take the module that `part` is in out of Slicer's panel, which is about to do so because another one was opened.

    Slicer's way (qSlicerModulePanel::removeModule) leaves an item of the layout behind, and that, not the one of the
    next time, is told by Qt of every change (QWidgetItemV2): the panel would stay as high as it was once, with a gap
    above the steps. Slicer takes what lies at the module's place: an empty item is put there for it.
    """
    area, module = _scroll_area_of(part), part
    if area is None:
        return
    places = area.widget().layout()
    while module is not None and places.indexOf(module) < 0:
        module = module.parentWidget()
    if module is not None:
        place = places.indexOf(module)
        places.removeWidget(module)
        places.insertSpacing(place, 0)
        qt.QTimer.singleShot(0, partial(_put_back, module, area, place))


def _put_back(module: qt.QWidget, area: qt.QScrollArea, place: int) -> None:
    """The module was left, and yet is in the panel: by whoever calls its exit() for another reason."""
    try:
        is_left = not module.visible or _scroll_area_of(module) is None
    except ValueError:
        # Slicer ends, and has destroyed its windows.
        return
    places = area.widget().layout()
    if not is_left and places.indexOf(module) < 0:
        places.takeAt(place)
        places.insertWidget(place, module, 1)


def offset_for(top: int, bottom: int, shown_from: int, shown_px: int) -> int:
    """What to scroll to, pixels from the beginning of the panel, so that top to bottom is seen.

    shown_from  what it is scrolled to now;  shown_px  how much of it is seen
    """
    if top < shown_from:
        return max(top, 0)
    if bottom > shown_from + shown_px:
        return max(min(top, bottom - shown_px), 0)
    return shown_from


def _scroll_area_of(part: qt.QWidget) -> qt.QScrollArea | None:
    """Slicer's panel around a part of the module; None where it is in none."""
    for _ in range(_MOST_PARENTS):
        part = part.parentWidget()
        if part is None or part.inherits("QScrollArea"):
            return part
    return None


def _scroll(part: qt.QWidget) -> None:
    area = _scroll_area_of(part)
    if area is None:
        return
    bar, top = area.verticalScrollBar(), part.mapTo(area.widget(), qt.QPoint(0, 0)).y()
    bottom = top + part.height + _SPACE_PX
    bar.value = offset_for(top - _SPACE_PX, bottom, bar.value, area.viewport().height)
