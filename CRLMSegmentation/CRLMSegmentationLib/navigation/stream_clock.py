"""How old a tracked pose is.

Two clocks are there: the tracker's, which stamps every pose, and this computer's, which says when it arrived. They
need not agree, so they are never subtracted from each other. A pose is as old as the larger of two times:

- since it arrived here, where a pose that is sent again with the same stamp does not count as a new one;
- by which its stamp is behind the newest stamp of the same stream, which tells of a tool that lags.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

MAXIMUM_POSE_AGE_S = 0.5
# Stamps that differ by less are one stamp: PLUS writes six decimals or fewer.
_SAME_STAMP_S = 1e-6


@dataclass
class _Arrival:
    stamp_s: float | None
    received_s: float


class StreamClock:
    """Ages of the sources (images, tools) of one stream, in seconds.

    `received_s` and `now_s` are readings of this computer's monotonic clock (`time.monotonic()`, the default).
    """

    def __init__(self):
        self._arrivals: dict[str, _Arrival] = {}

    def note(self, source: str, stamp_s: float | None = None, received_s: float | None = None) -> None:
        """`source` sent something with this stamp of the tracker's clock (None when it has none)."""
        received_s = time.monotonic() if received_s is None else received_s
        stamp_s = None if stamp_s is None or not math.isfinite(stamp_s) else float(stamp_s)
        before = self._arrivals.get(source)
        frozen = (
            before is not None
            and stamp_s is not None
            and before.stamp_s is not None
            and abs(stamp_s - before.stamp_s) < _SAME_STAMP_S
        )
        if not frozen:
            self._arrivals[source] = _Arrival(stamp_s, received_s)

    def age_s(self, source: str, now_s: float | None = None) -> float:
        """Seconds; infinite for a source that never sent anything."""
        arrival = self._arrivals.get(source)
        if arrival is None:
            return math.inf
        now_s = time.monotonic() if now_s is None else now_s
        age_s = now_s - arrival.received_s
        if arrival.stamp_s is None:
            return age_s
        # A source that fell silent says nothing about the others: its last stamp may be of an earlier recording.
        live = [
            other.stamp_s
            for other in self._arrivals.values()
            if other.stamp_s is not None and now_s - other.received_s <= MAXIMUM_POSE_AGE_S
        ]
        return max([age_s, *(stamp_s - arrival.stamp_s for stamp_s in live)])

    def forget(self) -> None:
        """As when nothing was received yet."""
        self._arrivals.clear()
