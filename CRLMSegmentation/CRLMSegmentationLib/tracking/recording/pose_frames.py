"""Poses that come without images, put together as frames of their own: what a tracker alone sends is recorded
as well.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping

import numpy as np

from ...sweep import Pose, TrackedFrame
from ...sweep.transforms import is_transform_name
from ..pairing.frame_pairing import TOLERANCE_S

_NO_IMAGE = np.zeros((0, 0), np.uint8)
# A quarter of an hour at 100 a second; who waits longer for an image loses the first ones.
_MOST_FRAMES = 100_000


class PoseFrames:
    """Frames without an image, one for each time at which anything was measured. Thread-safe.

    first_came_s  on the monotonic clock; None when no pose came
    """

    def __init__(self) -> None:
        self.first_came_s: float | None = None
        self._frames: deque[TrackedFrame] = deque(maxlen=_MOST_FRAMES)
        self._time_s = float("nan")
        self._poses: dict[str, Pose] = {}
        self._is_wanted = True
        self._lock = threading.Lock()

    def add(self, timestamp: float, poses: Mapping[str, Pose]) -> None:
        """Take the poses of one message."""
        poses = {name: pose for name, pose in poses.items() if is_transform_name(name)}
        with self._lock:
            if not poses or not self._is_wanted:
                return
            self.first_came_s = self.first_came_s or time.monotonic()
            # A tool that comes again is of the next time, also from a sender whose times stand still.
            if not abs(timestamp - self._time_s) <= TOLERANCE_S or poses.keys() & self._poses.keys():
                self._end_frame()
                self._time_s = timestamp
            self._poses.update(poses)

    def take(self, with_last: bool = False) -> list[TrackedFrame]:
        """The frames since the last call; `with_last` also the one to which more poses might still come."""
        with self._lock:
            if with_last:
                self._end_frame()
            frames = list(self._frames)
            self._frames.clear()
            return frames

    def stop(self) -> None:
        """Images have come: they bring the poses."""
        with self._lock:
            self._is_wanted = False
            self._frames.clear()
            self._poses = {}

    def _end_frame(self) -> None:
        if self._poses:
            self._frames.append(TrackedFrame(_NO_IMAGE, None, self._time_s, False, self._poses))
            self._poses = {}
