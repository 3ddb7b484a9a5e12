"""What is known of a connection: kept up by the receiving thread, read by any."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from dataclasses import replace

from .openigtlink.framing import FramingCounts
from .status import Interruption, StreamStatus

_KEPT_INTERRUPTIONS = 100
_COUNTS = ("crc_errors", "malformed", "too_long", "out_of_step")


class LinkMonitor:
    """Counts connections, interruptions and messages that could not be used."""

    def __init__(self) -> None:
        self._status = StreamStatus()
        self._before_this_link = StreamStatus()
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

    def status(self) -> StreamStatus:
        """A copy of what is known of the connection now; of frames it says nothing."""
        with self._lock:
            return replace(
                self._status,
                skipped=Counter(self._status.skipped),
                interruptions=tuple(self._interruptions),
                silent_s=time.monotonic() - self._last_byte,
            )

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
