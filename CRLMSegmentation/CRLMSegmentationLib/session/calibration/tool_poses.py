"""The poses of one tool out of a live stream, each taken once."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...sweep import Pose
from ...sweep.transforms import compose

# A time that goes back by more is of a clock that began anew, and is told as lost; others came in another order.
_LATER_S = 2.0

TimedPoseOfTool = tuple[Pose, float]


class LivePoses:
    """Takes what arrives, in the session's thread.

    tool    as PLUS names it
    frames  that its poses may lead to, the preferred one first; the first that comes stays
    """

    def __init__(self, tool: str, frames: tuple[str, ...]) -> None:
        self.tool = tool
        self._frames = frames
        self._newest_s = -math.inf
        self._marks: set[bytes] = set()

    def pose_of(self, transforms: Mapping[str, Pose], time_s: float) -> TimedPoseOfTool | None:
        """What of the transforms of one time is of this tool; None when nothing is, or it came already."""
        if self._newest_s - _LATER_S <= time_s <= self._newest_s:
            return None
        for frame in self._frames:
            pose = compose(transforms, self.tool, frame)
            if pose is not None:
                self._frames, self._newest_s = (frame,), time_s
                return (pose, time_s) if self._is_different(pose) else None
        return None

    def _is_different(self, pose: Pose) -> bool:
        """False for a pose that came before: once more in a replay it tells nothing new, and would be counted."""
        mark = pose.matrix.tobytes()
        is_new = not pose.valid or mark not in self._marks
        self._marks.add(mark)
        return is_new
