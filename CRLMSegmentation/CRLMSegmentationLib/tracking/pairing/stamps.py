"""Whether the times that a sender gives its messages distinguish one measurement from the next.

A clock that stands still, a time of 0 (which a message has when nobody sets it) and times cut to whole seconds give
several measurements one time: which pose belongs to which image is then not known.
"""

from __future__ import annotations

import math
from collections import deque

# Timestamps travel with a resolution of 0.2 ns, and PLUS writes six decimals: closer ones are one time.
_SAME_S = 1e-6
# So many different times in a row, and the clock is believed again.
_BELIEVED_AFTER = 8
_KEPT_INTERVALS = 16


class Stamps:
    """The times of one stream, an image's or a transform's, in the order of arrival."""

    def __init__(self) -> None:
        self.last_s = -math.inf
        self._different_in_a_row = _BELIEVED_AFTER
        self._intervals: deque[float] = deque(maxlen=_KEPT_INTERVALS)

    def is_last(self, stamp_s: float) -> bool:
        """True for the time that the newest measurement has."""
        return abs(stamp_s - self.last_s) < _SAME_S

    def take(self, stamp_s: float) -> None:
        """A measurement of a time of its own has come."""
        if stamp_s > self.last_s > -math.inf:
            self._intervals.append(stamp_s - self.last_s)
        self.last_s = stamp_s
        self._different_in_a_row += 1

    def share(self) -> None:
        """Another measurement has come with the time of the newest."""
        self._different_in_a_row = 0

    @property
    def can_pair(self) -> bool:
        """False while different measurements bear the same time."""
        return self._different_in_a_row >= _BELIEVED_AFTER

    @property
    def shortest_interval_s(self) -> float:
        """Of the last measurements; infinite when there is none."""
        return min(self._intervals, default=math.inf)
