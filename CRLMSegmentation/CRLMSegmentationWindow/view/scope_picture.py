"""The laparoscope's video in the window: in its section, or large in a window that can stand on another screen.

It is no slice view of the scene: the picture lies nowhere in Reference, and whatever crosses the plane of a slice would
be drawn over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.words import tr as _

from .. import style

if TYPE_CHECKING:
    import numpy as np

IN_SECTION_PX = (560, 420)
_LARGE_PX, _SPACE_PX = (1280, 800), 4


class ScopePicture:
    """Draws into `label`, and into a window of its own while that is open; anew when there is something new."""

    def __init__(self, label: qt.QLabel):
        self._label = label
        self._window: qt.QWidget | None = None
        self._large: qt.QLabel | None = None
        self._line: qt.QLabel | None = None
        self._drawn: tuple[object, ...] = ()

    @property
    def is_large(self) -> bool:
        """The window is open; a person may close it by its own button."""
        return self._window is not None and bool(self._window.visible)

    def set_large(self, wanted: bool) -> None:
        """Open or close the window."""
        if wanted and self._window is None:
            self._make_window()
        if self._window is not None:
            self._window.visible = wanted
        self._drawn = ()

    def show(self, picture: np.ndarray | None) -> None:
        """`picture` (v, u, 3) uint8; None shows none."""
        label, most = self._label, IN_SECTION_PX
        if self.is_large and self._large is not None:
            label, most = self._large, (int(self._large.width), int(self._large.height))
        if self._drawn and self._drawn[0] is picture and self._drawn[1:] == (label, most):
            return
        self._drawn = (picture, label, most)
        self._label.visible = picture is not None and label is self._label
        for other in (self._label, self._large):
            if other is not None and (other is not label or picture is None):
                other.clear()
        if picture is not None:
            from CRLMSegmentationLib.laparoscopy.picture import netpbm_of

            pixmap = qt.QPixmap()
            pixmap.loadFromData(qt.QByteArray(netpbm_of(picture, most)))
            label.setPixmap(pixmap)

    def write(self, kind: str, text: str) -> None:
        """What stands below the large picture: kind of color, and a sentence."""
        if self._line is not None:
            style.apply(self._line, style.chip(kind))
            style.write(self._line, text)

    def close(self) -> None:
        """No window is left."""
        window, self._window, self._large, self._line = self._window, None, None, None
        if window is not None:
            window.visible = False
            window.deleteLater()
        self._drawn = ()

    def _make_window(self) -> None:
        window = qt.QWidget()
        window.setParent(slicer.util.mainWindow())
        window.setWindowFlags(qt.Qt.Window)
        window.windowTitle = _("Laparoscope")
        window.resize(*_LARGE_PX)
        inside = qt.QVBoxLayout(window)
        inside.setContentsMargins(_SPACE_PX, _SPACE_PX, _SPACE_PX, _SPACE_PX)
        self._large, self._line = qt.QLabel(), qt.QLabel()
        self._large.setAlignment(qt.Qt.AlignCenter)
        # A picture must not keep its window from becoming smaller.
        self._large.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Ignored)
        self._line.wordWrap = True
        inside.addWidget(self._large, 1)
        inside.addWidget(self._line)
        self._window = window
