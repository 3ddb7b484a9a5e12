"""How old a tracked pose is: the one place that says so.

A pose is as old as the larger of two times:

- since it arrived here, where a pose that is sent again with the same stamp does not count as a new one;
- since it was measured, by the sender's clock: what it took longer than the quickest message of the stream (see
  tracking/sender_clock.py). That tells of a queue that builds up somewhere, and of a tool that lags behind.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from .sender_clock import SenderClock

MAXIMUM_POSE_AGE_S = 0.5
# Stamps that differ by less are one stamp: PLUS writes six decimals or fewer.
_SAME_STAMP_S = 1e-6
# A source whose own stamp goes back by more has another clock now, as when a recording begins again.
_WENT_BACK_S = 0.25


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
        self._sender = SenderClock()

    def note(
        self, source: str, stamp_s: float | None = None, received_s: float | None = None, read_s: float | None = None
    ) -> None:
        """`source` sent something with this stamp of the tracker's clock (None when it has none).

        received_s  since when it may have been here: its age counts from then
        read_s      when it was really taken, where it may have waited unread; received_s by default. NaN for what was
                    handed over, and not received: its stamp does not say that it is late
        """
        received_s = time.monotonic() if received_s is None else received_s
        read_s = received_s if read_s is None else read_s
        stamp_s = None if stamp_s is None or not math.isfinite(stamp_s) else float(stamp_s)
        before = self._arrivals.get(source)
        if stamp_s is not None and before is not None and before.stamp_s is not None:
            if abs(stamp_s - before.stamp_s) < _SAME_STAMP_S:
                return
            if stamp_s < before.stamp_s - _WENT_BACK_S:
                self._sender.restart()
        if math.isnan(read_s):
            self._sender.restart()
            read_s = received_s
        if stamp_s is not None:
            self._sender.arrived(stamp_s, read_s)
        self._arrivals[source] = _Arrival(stamp_s, received_s)

    def age_s(self, source: str, now_s: float | None = None) -> float:
        """Seconds; infinite for a source that never sent anything."""
        arrival = self._arrivals.get(source)
        if arrival is None:
            return math.inf
        now_s = time.monotonic() if now_s is None else now_s
        age_s = now_s - arrival.received_s
        return age_s if arrival.stamp_s is None else max(age_s, self._sender.age_s(arrival.stamp_s, now_s))

    def forget(self) -> None:
        """As when nothing was received yet."""
        self._arrivals.clear()
        self._sender.restart()
