"""The plane along which a liver would be cut, and what it would leave: drawn, moved, kept with the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...preoperative.cut_line import HANDLES, Place, cut_after_drag, cut_line
from ...preoperative.remnant import CutPlane, LiverPoints, Remnant
from ...preoperative.result_folder import Result, write_measures_file
from ...words import tr
from ..state import NO_CT_RESULT

if TYPE_CHECKING:
    from .opened_ct import OpenedCt
    from .preoperative_part import PreoperativePart

MOST_OFFSET_MM, MOST_TURN_DEG, MOST_TILT_DEG = 100.0, 180.0, 90.0


class RemnantPlan:
    """At most one plane for a CT.

    turn_deg, tilt_deg  where what stays lies, see CutPlane.turned()
    offset_mm           from where it was drawn, toward what stays
    found               what it leaves; None without a plane
    is_draggable        whether it has handles in 3D, where the CT is registered: while somebody plans
    """

    def __init__(self, part: PreoperativePart) -> None:
        self._part = part
        self._anchor: np.ndarray | None = None
        self._points: tuple[Result, LiverPoints] | None = None
        self.turn_deg = self.tilt_deg = self.offset_mm = 0.0
        self.found: Remnant | None = None
        self.is_draggable = False

    @property
    def plane(self) -> CutPlane | None:
        return None if self.found is None else self.found.plane

    def draw(self) -> None:
        """Through the place that is looked at, turned as before. Raises ConfigurationError and FileFormatError."""
        ct, _ = self._with_result()
        self._anchor, self.offset_mm = ct.slices.point_of(self._part.at), 0.0
        self._update()

    def move(self, turn_deg: float, tilt_deg: float, offset_mm: float) -> None:
        """Turn the plane where it was drawn, and move it. Raises ConfigurationError and FileFormatError."""
        if self._anchor is None:
            raise ConfigurationError(tr("There is no plane yet: draw one first."))
        limits = ((turn_deg, MOST_TURN_DEG), (tilt_deg, MOST_TILT_DEG), (offset_mm, MOST_OFFSET_MM))
        if not all(abs(value) <= most for value, most in limits):
            raise ConfigurationError(
                tr(
                    "A plane is turned by up to {most_turn_deg:g} degrees, tilted by up to "
                    "{most_tilt_deg:g}, and moved by up to {most_offset_mm:g} mm.",
                    most_turn_deg=MOST_TURN_DEG,
                    most_tilt_deg=MOST_TILT_DEG,
                    most_offset_mm=MOST_OFFSET_MM,
                )
            )
        self.turn_deg, self.tilt_deg, self.offset_mm = float(turn_deg), float(tilt_deg), float(offset_mm)
        self._update()

    def handles(self) -> dict[str, tuple[Place, Place, Place]]:
        """By plane of slices the handles of the cut in the one that is looked at, where it passes it."""
        ct, cut = self._part.ct, self.plane
        if ct is None or cut is None:
            return {}
        lines = {plane: cut_line(ct.slices, plane, index, cut) for plane, index in self._part.at.items()}
        return {plane: line for plane, line in lines.items() if line is not None}

    def drag(self, plane: str, handle: int, across: float, down: float) -> None:
        """Move a handle of handles() to a place in the picture of the slice that is looked at, 0 to 1 of its width and
        height. Raises ConfigurationError and FileFormatError.
        """
        ct, _ = self._with_result()
        if self.plane is None:
            raise ConfigurationError(tr("There is no plane yet: draw one first."))
        if plane not in self._part.at or handle not in HANDLES or not (0 <= across <= 1 and 0 <= down <= 1):
            raise ConfigurationError(tr("The plane has no such handle, or it was dragged out of the picture."))
        self.place(cut_after_drag(ct.slices, plane, self._part.at[plane], self.plane, handle, across, down))

    def place(self, cut: CutPlane) -> None:
        """Put the plane where it was dragged to. Raises ConfigurationError and FileFormatError."""
        self._anchor, self.offset_mm = np.array(cut.point_ras_mm), 0.0
        self.turn_deg, self.tilt_deg = cut.turn_deg, cut.tilt_deg
        self._update()

    def let_drag(self, wanted: bool) -> None:
        """With or without handles in 3D."""
        if self.is_draggable != wanted:
            self.is_draggable = wanted
            self._part.changed()

    def remove(self) -> None:
        """No plane any more. Raises FileFormatError when the disk refuses."""
        self._anchor, self.found = None, None
        self._keep()

    def take(self, result: Result | None) -> None:
        """Another result is looked at, with the plane that was kept with it; its liver may have been corrected."""
        self._points = None
        self.found = None if result is None else result.remnant
        self.turn_deg = self.tilt_deg = self.offset_mm = 0.0
        self._anchor = None
        if self.found is not None:
            plane = self.found.plane
            self._anchor = np.array(plane.point_ras_mm)
            self.turn_deg, self.tilt_deg = plane.turn_deg, plane.tilt_deg

    def _update(self) -> None:
        _, result = self._with_result()
        assert self._anchor is not None, "a plane was drawn"
        plane = CutPlane.turned(self._anchor, self.turn_deg, self.tilt_deg)
        plane = CutPlane.of(self._anchor + self.offset_mm * np.array(plane.normal), np.array(plane.normal))
        if self._points is None or self._points[0].structures is not result.structures:
            self._points = result, LiverPoints(result.structures)
        self.found = self._points[1].remnant(plane)
        self._keep()

    def _keep(self) -> None:
        """It belongs to the result, and to its measures.json."""
        ct, result = self._with_result()
        result = replace(result, remnant=self.found)
        self._part.replace_ct(replace(ct, result=result))
        if ct.folder is not None:
            write_measures_file(result, ct.folder)

    def _with_result(self) -> tuple[OpenedCt, Result]:
        ct = self._part.ct
        if ct is None or ct.result is None:
            raise ConfigurationError(NO_CT_RESULT)
        return ct, ct.result
