"""A tracked tool: where its tip is, if that is known now."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError
from ..geometry import as_affine
from ..sweep.tracked_frame import Pose
from ..tracking.age import Age
from ..words import mark, tr


class ToolStatus(Enum):
    """What is known of a tool's place."""

    NEVER_SEEN = mark("not seen yet")
    LIVE = mark("live")
    LOST = mark("lost")

    @property
    def text(self) -> str:
        """What people read, in the language in use."""
        return tr(self.value)


class TrackedTool:
    """A tool whose place is only ever given while it is live.

    name          as PLUS names it: 'Stylus' comes as StylusToReference
    tip_to_tool   (4, 4) from the tip's frame (tip at the origin) to the tool's sensor, as of a pivot calibration
                  (StylusTipToStylus)
    """

    def __init__(self, name: str, tip_to_tool: ArrayLike | None = None) -> None:
        self.name = name
        self.tip_to_tool = np.eye(4) if tip_to_tool is None else as_affine(tip_to_tool, f"{name}TipTo{name}")
        self._tool_to_reference: np.ndarray | None = None
        self._seen = False

    def update(self, pose: Pose | None) -> None:
        """The newest pose (ToolToReference). None, an invalid one, or one that is no affine matrix, loses the tool."""
        self._tool_to_reference = None
        if pose is None or not pose.valid:
            return
        try:
            self._tool_to_reference = as_affine(pose.matrix, f"{self.name}ToReference")
        except GeometryError:
            # A tracker that lost a tool may send zeros or NaN and still call it OK.
            return
        self._seen = True

    @property
    def is_calibrated(self) -> bool:
        """True when it is known where the tip is on the tool."""
        return not np.array_equal(self.tip_to_tool, np.eye(4))

    @property
    def tool_to_reference(self) -> np.ndarray | None:
        """(4, 4) of the newest pose, whatever its age; None when that was not valid. Exactly as it came."""
        return self._tool_to_reference

    def status(self, age: Age) -> ToolStatus:
        """`age` of the newest pose: LIVE only when it was valid and is live by its age."""
        if not self._seen:
            return ToolStatus.NEVER_SEEN
        live = self._tool_to_reference is not None and age.is_live
        return ToolStatus.LIVE if live else ToolStatus.LOST

    def tip_to_reference(self, age: Age) -> np.ndarray | None:
        """(4, 4) from the tip's frame to Reference; None unless the tool is live."""
        pose = self._tool_to_reference
        if pose is None or self.status(age) is not ToolStatus.LIVE:
            return None
        return np.asarray(pose @ self.tip_to_tool)

    def tip_ras(self, age: Age) -> np.ndarray | None:
        """(3,) the tip in Reference mm; None unless the tool is live."""
        matrix = self.tip_to_reference(age)
        return None if matrix is None else matrix[:3, 3].copy()
