"""The last measurements of each transform that came, whatever tracker it is of."""

from __future__ import annotations

import math
from collections import deque
from itertools import islice, pairwise

from ...sweep import Pose
from .stamps import Stamps
from .waiting_image import is_same

_KEPT_SAMPLES, _CHECKED = 512, 8


class TransformSamples:
    """The measurements of one transform, in the order of arrival: (time, pose), ..."""

    def __init__(self) -> None:
        self.stamps = Stamps()
        self.poses: deque[tuple[float, Pose]] = deque(maxlen=_KEPT_SAMPLES)
        self._images: deque[int] = deque(maxlen=_CHECKED)

    def add(self, timestamp: float, pose: Pose, images: int) -> Pose:
        """Keep a pose that came after so many `images`; returns it as it may be used: not valid when it shares its time
        with another one.
        """
        self._images.append(images)
        if self.poses and self.stamps.is_last(timestamp):
            before = self.poses.pop()[1]
            if not is_same(before, pose):
                self.stamps.share()
        else:
            self.stamps.take(timestamp)
        if not self.stamps.can_pair:
            pose = Pose(pose.matrix, False, "INVALID")
        self.poses.append((timestamp, pose))
        return pose

    def is_still_sent(self, images: int) -> bool:
        """False when it is overdue after so many images."""
        usual = max((after - before for before, after in pairwise(self._images)), default=0)
        return images - self._images[-1] <= 2 * usual + 2

    def apart_s(self, timestamp: float) -> float:
        """How far the nearest of the last measurements lies from this time."""
        newest = islice(reversed(self.poses), _CHECKED)
        return min((abs(when - timestamp) for when, _ in newest), default=math.inf)

    def nearest(self, timestamp: float, same_s: float, tolerance_s: float) -> tuple[float, Pose] | None:
        """The measurement nearest to that time, as (distance, pose), if it is no more than `same_s` away; of two the
        newer one.

        tolerance_s  measurements are in the order of time, but for so much
        """
        nearest = None
        for when, pose in reversed(self.poses):
            apart = abs(when - timestamp)
            if apart <= same_s and (nearest is None or apart < nearest[0]):
                nearest = apart, pose
            if when < timestamp - 2 * tolerance_s:
                break
        return nearest
