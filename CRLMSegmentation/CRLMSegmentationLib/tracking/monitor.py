"""What a receiver knows of its stream: kept up by the receiving thread, read by any."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from dataclasses import replace

from ..sweep import TrackedFrame
from .age import TrackingClock
from .latency import LatencyMeter
from .openigtlink.framing import FramingCounts
from .status import Interruption, StreamStatus

_RATE_WINDOW = 32
_KEPT_INTERRUPTIONS = 100
_IMAGE, _ARRIVAL = "image", "arrival"
_COUNTS = ("crc_errors", "malformed", "too_long", "out_of_step")


class StreamMonitor:
    """Makes a StreamStatus of what it is told."""

    def __init__(self):
        self._status = StreamStatus()
        self._before_this_link = StreamStatus()
        # When frames arrived, and the sender's times of them.
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=_RATE_WINDOW)
        self._latency = LatencyMeter()
        # The newest frame by its stamp, and whenever one arrives, whatever its stamp.
        self._clock = TrackingClock()
        self._interruptions: deque[Interruption] = deque(maxlen=_KEPT_INTERRUPTIONS)
        self._last_byte = -math.inf
        self._lost_at: tuple[float, float] | None = None
        self._lock = threading.Lock()

    @property
    def connections(self) -> int:
        return self._status.connections

    @property
    def closures(self) -> int:
        return self._status.closures

    @property
    def header_version(self) -> int:
        return self._status.header_version

    @property
    def problem(self) -> str:
        return self._status.problem

    def status(self, queued: int) -> StreamStatus:
        """A copy of what is known now; `queued` frames wait to be taken."""
        now = time.monotonic()
        with self._lock:
            status = replace(
                self._status,
                skipped=Counter(self._status.skipped),
                interruptions=tuple(self._interruptions),
                queued=queued,
                silent_s=now - self._last_byte,
                latency_s=self._latency.latency_s,
                worst_latency_s=self._latency.worst_s,
                clocks_agree=self._latency.clocks_agree,
            )
            status.age = self._clock.age(_IMAGE, now)
            if not self._clock.age(_ARRIVAL, now).is_lost:
                status.frames_per_second = self._rate()
        return status

    def _rate(self) -> float:
        """Frames a second. A burst, such as what a sender's buffer held, does not come faster than it was measured."""
        if len(self._arrivals) < 2:
            return 0.0
        (first_s, first_stamp_s), (last_s, last_stamp_s) = self._arrivals[0], self._arrivals[-1]
        span_s = max(last_s - first_s, last_stamp_s - first_stamp_s)
        return (len(self._arrivals) - 1) / span_s if span_s > 0 else 0.0

    def connected(self) -> None:
        """A peer is there, again or for the first time."""
        with self._lock:
            self._last_byte = time.monotonic()
            self._before_this_link = replace(self._status, skipped=Counter(self._status.skipped))
            self._status.connected, self._status.problem = True, ""
            self._status.connections += 1
            self._status.header_version = 1

    def lost(self, reason: str, silent_s: float = 0.0) -> None:
        """The peer has gone, and had been silent for `silent_s` before. Nothing comes until received() is called again:
        a peer that is found anew and says nothing is still interrupted.
        """
        with self._lock:
            self._status.connected, self._status.problem = False, reason
            self._status.closures += 1
            if self._lost_at is None:
                self._lost_at = time.monotonic() - silent_s, time.time() - silent_s
                self._interruptions.append(Interruption(self._lost_at[1], math.inf, reason))

    def has_problem(self, sentence: str) -> None:
        """Something is wrong, or with '' nothing any more."""
        with self._lock:
            self._status.problem = sentence

    def stopped(self) -> None:
        """The connection was closed on purpose."""
        with self._lock:
            self._status.connected, self._status.problem = False, "stopped"

    def received(self, counts: FramingCounts, version: int) -> None:
        """Bytes came; `counts` and `version` are those of the connection that is open."""
        with self._lock:
            self._last_byte = time.monotonic()
            before = self._before_this_link
            for name in _COUNTS:
                setattr(self._status, name, getattr(before, name) + getattr(counts, name))
            if counts.skipped:
                self._status.skipped = before.skipped + counts.skipped
            self._status.header_version = version
            if self._lost_at is not None:
                monotonic, wall = self._lost_at
                reason = self._interruptions.pop().reason
                self._interruptions.append(Interruption(wall, time.monotonic() - monotonic, reason))
                self._lost_at = None

    def frame_arrived(self, frame: TrackedFrame) -> None:
        with self._lock:
            self._status.frames += 1
            self._status.invalid += not frame.valid
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
            self._status.dropped += 1

    def frame_shown(self, frame: TrackedFrame) -> None:
        now = time.time()
        with self._lock:
            self._latency.shown(frame.timestamp, now)
