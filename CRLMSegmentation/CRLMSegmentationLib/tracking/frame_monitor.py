"""What is known of the frames of one image stream: kept up by the receiving thread, read by any."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace

from ..sweep import TrackedFrame
from .age import TrackingClock
from .latency import LatencyMeter
from .status import StreamStatus

_RATE_WINDOW = 32
_IMAGE, _ARRIVAL = "image", "arrival"


class FrameMonitor:
    """Counts frames as they arrive, are dropped and are shown."""

    def __init__(self) -> None:
        self._frames = self._invalid = self._dropped = 0
        # When frames arrived, and the sender's times of them.
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=_RATE_WINDOW)
        self._latency = LatencyMeter()
        # The newest frame by its stamp, and whenever one arrives, whatever its stamp.
        self._clock = TrackingClock()
        self._lock = threading.Lock()

    def added_to(self, link: StreamStatus, queued: int) -> StreamStatus:
        """A copy of what is known of the link, with what is known of the frames now; `queued` wait to be taken."""
        now = time.monotonic()
        with self._lock:
            comes = not self._clock.age(_ARRIVAL, now).is_lost
            return replace(
                link,
                frames=self._frames,
                invalid=self._invalid,
                dropped=self._dropped,
                queued=queued,
                age=self._clock.age(_IMAGE, now),
                frames_per_second=self._rate() if comes else 0.0,
                latency_s=self._latency.latency_s,
                worst_latency_s=self._latency.worst_s,
                clocks_agree=self._latency.clocks_agree,
            )

    def _rate(self) -> float:
        """Frames a second. A burst, such as what a sender's buffer held, does not come faster than it was measured."""
        if len(self._arrivals) < 2:
            return 0.0
        (first_s, first_stamp_s), (last_s, last_stamp_s) = self._arrivals[0], self._arrivals[-1]
        span_s = max(last_s - first_s, last_stamp_s - first_stamp_s)
        return (len(self._arrivals) - 1) / span_s if span_s > 0 else 0.0

    def frame_arrived(self, frame: TrackedFrame) -> None:
        with self._lock:
            self._frames += 1
            self._invalid += not frame.valid
            if self._arrivals and frame.timestamp < self._arrivals[-1][1]:
                # A replay begins again.
                self._arrivals.clear()
            now = time.monotonic()
            self._arrivals.append((now, frame.timestamp))
            # A message whose time nobody set bears 0.
            self._clock.note(_IMAGE, frame.timestamp if frame.timestamp > 0 else None, now)
            self._clock.note(_ARRIVAL, None, now)
            self._latency.arrived(frame.timestamp, time.time())

    def frame_dropped(self) -> None:
        """A frame that arrived found no room to wait in."""
        with self._lock:
            self._dropped += 1

    def frame_shown(self, frame: TrackedFrame) -> None:
        now = time.time()
        with self._lock:
            self._latency.shown(frame.timestamp, now)
