"""Three slices of the CT and its structures in space, as one picture in the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import qt

if TYPE_CHECKING:
    from CRLMSegmentationLib.pictures.ct_in_space import CtInSpace
    from CRLMSegmentationLib.preoperative.remnant import CutPlane
    from CRLMSegmentationLib.session.preoperative.opened_ct import OpenedCt

# Two of them and what is around them leave Slicer's views their least width, 640 pixels, on a screen of 1280.
CELL_PX = 275


class CtPicture:
    """Drawn into a label, anew when something of it has changed."""

    def __init__(self, label: qt.QLabel):
        self._label = label
        self._shown: tuple[Any, ...] = ()
        self._space: CtInSpace | None = None
        self._space_of: object = None

    def show(self, ct: OpenedCt, at: Mapping[str, int], shown: Sequence[str], cut: CutPlane | None = None) -> None:
        """Show these slices with these structures, and a planned cut."""
        wanted = (ct.slices, tuple(sorted(at.items())), tuple(shown), cut)
        if self._shown and self._shown[0] is ct.slices and self._shown[1:] == wanted[1:]:
            return
        from CRLMSegmentationLib.pictures.ct_sheet import png_of, sheet

        self._shown = wanted
        pixmap = qt.QPixmap()
        pixmap.loadFromData(qt.QByteArray(png_of(sheet(ct.slices, self._space_for(ct), at, shown, CELL_PX, cut))))
        self._label.setPixmap(pixmap)

    def release(self) -> None:
        """Nothing of the CT is left."""
        self._release_space()
        self._shown = ()

    def _release_space(self) -> None:
        if self._space is not None:
            self._space.close()
        self._space, self._space_of = None, None

    def _space_for(self, ct: OpenedCt) -> CtInSpace | None:
        from CRLMSegmentationLib.pictures.ct_in_space import CtInSpace

        if self._space_of is not ct.surfaces:
            self._release_space()
            self._space = CtInSpace(ct.surfaces) if ct.surfaces else None
            self._space_of = ct.surfaces
        return self._space
