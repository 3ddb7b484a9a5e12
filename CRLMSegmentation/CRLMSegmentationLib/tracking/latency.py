"""How long a frame takes from the sender's timestamp to the screen."""

from __future__ import annotations

import math
import statistics
from collections import deque

from .sender_clock import SenderClock

_KEPT_FRAMES = 512
# Of the frames that were shown, those of the last seconds count: what waited before the start is soon forgotten.
_WINDOW_S, _WINDOW = 2.0, 128
# Two clocks that differ by less, with the travel time in it, are taken for one and the same (one computer, or NTP).
_CLOCKS_AGREE_S = 2.0


class LatencyMeter:
    """Informed when frames arrive and when they are shown; not safe for several threads at once.

    Where the clocks of sender and receiver do not agree (another computer, or a recording that is replayed), the frame
    that travelled fastest counts as one that took no time (see SenderClock): the latency is then that from arrival,
    plus what the network and the sender delayed it more than others. `clocks_agree` says which.
    """

    def __init__(self) -> None:
        self._arrivals: deque[float] = deque(maxlen=_KEPT_FRAMES)
        self._sender = SenderClock()
        self._latencies: deque[tuple[float, float]] = deque(maxlen=_WINDOW)

    def arrived(self, timestamp: float, now: float) -> None:
        """A frame with the sender's `timestamp` is there; `now` is time.time()."""
        if self._arrivals and timestamp < self._arrivals[-1]:
            # The sender's clock went back, as when a replay starts again.
            self._sender.restart()
        self._arrivals.append(timestamp)
        self._sender.arrived(timestamp, now)

    def shown(self, timestamp: float, now: float) -> None:
        """The frame with this `timestamp` has reached the screen."""
        if timestamp in self._arrivals:
            latency_s = now - timestamp if self.clocks_agree else self._sender.since_s(timestamp, now)
            self._latencies.append((now, latency_s))
            while self._latencies[0][0] < now - _WINDOW_S:
                self._latencies.popleft()

    @property
    def clocks_agree(self) -> bool:
        """True when the sender's clock seems to be that of this computer."""
        return -0.001 <= self._sender.offset_s < _CLOCKS_AGREE_S

    @property
    def latency_s(self) -> float:
        """Median over the frames that were shown last; NaN when none was."""
        return statistics.median(latency_s for _, latency_s in self._latencies) if self._latencies else math.nan

    @property
    def worst_s(self) -> float:
        """The longest of the same frames; NaN when none was shown."""
        return max((latency_s for _, latency_s in self._latencies), default=math.nan)
