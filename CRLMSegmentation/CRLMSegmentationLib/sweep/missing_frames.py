"""Frames that a sender skipped without a word, estimated from the gaps between the times of those that came.

PLUS leaves out frames when it falls behind (MaxNumberOfIgtlMessagesToSend, a slow client); only the times show it.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable

# The field of a frame in a recording that says how many are missing before it.
MISSING_FIELD = "FramesMissingBefore"
_WINDOW, _FEWEST = 32, 8
# A gap of so many usual intervals is one in which a frame is missing, and not a frame that came late.
_GAP = 1.75
# A sender that was paused, or whose clock was set, has not skipped the frames of that time.
_LONGEST_S = 60.0


class MissingFrames:
    """Told about the time of every frame, in the order of arrival."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._intervals: deque[float] = deque(maxlen=_WINDOW)

    def before(self, stamp_s: float) -> int:
        """About how many frames are missing between the frame before and this one."""
        last_s, self._last_s = self._last_s, stamp_s
        if last_s is None or not 0 < stamp_s - last_s < _LONGEST_S:
            return 0
        interval_s = stamp_s - last_s
        usual_s = statistics.median(self._intervals) if len(self._intervals) >= _FEWEST else interval_s
        self._intervals.append(interval_s)
        return round(interval_s / usual_s) - 1 if interval_s > _GAP * usual_s else 0


def missing_before(stamps_s: Iterable[float]) -> list[int]:
    """For each time of a recording, in order, about how many frames are missing before it."""
    missing = MissingFrames()
    return [missing.before(stamp_s) for stamp_s in stamps_s]
