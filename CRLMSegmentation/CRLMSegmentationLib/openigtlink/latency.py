"""How long a frame takes from the sender's timestamp to the screen."""

from __future__ import annotations

import math
import statistics
from collections import deque

_KEPT_FRAMES = 512
_WINDOW = 128
# Two clocks that differ by less, with the travel time in it, are taken for one and the same (one computer, or NTP).
_CLOCKS_AGREE_S = 2.0


class LatencyMeter:
    """Told when frames arrive and when they are shown; not safe for several threads at once.

    Where the clocks of sender and receiver do not agree (another computer, or a recording that is replayed), the frame
    that travelled fastest among the last ones counts as one that took no time: the latency is then that from arrival,
    plus what the network and the sender delayed it more than others. `clocks_agree` tells.
    """

    def __init__(self):
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=_KEPT_FRAMES)
        self._travels: deque[float] = deque(maxlen=_KEPT_FRAMES)
        self._latencies: deque[float] = deque(maxlen=_WINDOW)

    def arrived(self, timestamp: float, now: float) -> None:
        """A frame with the sender's `timestamp` is there; `now` is time.time()."""
        if self._arrivals and timestamp < self._arrivals[-1][0]:
            # The sender's clock went back, as when a replay starts again.
            self._travels.clear()
        self._arrivals.append((timestamp, now))
        self._travels.append(now - timestamp)

    def shown(self, timestamp: float, now: float) -> None:
        """The frame with this `timestamp` has reached the screen."""
        arrival = next((when for stamp, when in reversed(self._arrivals) if stamp == timestamp), None)
        if arrival is None:
            return
        difference = 0.0 if self.clocks_agree else min(self._travels)
        self._latencies.append(now - timestamp - difference)

    @property
    def clocks_agree(self) -> bool:
        """True when the sender's clock seems to be that of this computer."""
        return bool(self._travels) and -0.001 <= min(self._travels) < _CLOCKS_AGREE_S

    @property
    def latency_s(self) -> float:
        """Median over the last frames that were shown; NaN when none was."""
        return statistics.median(self._latencies) if self._latencies else math.nan

    @property
    def worst_s(self) -> float:
        """The longest of the same frames; NaN when none was shown."""
        return max(self._latencies, default=math.nan)
