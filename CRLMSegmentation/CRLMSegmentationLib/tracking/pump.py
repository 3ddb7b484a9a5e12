"""Receiving without a thread of its own: from a timer, with a bound on the time that it takes.

For a program whose threads starve, such as 3D Slicer while its window waits for events. The system's socket buffer
holds what comes between two calls; how long it may have waited there is known.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# A timer that is late is a program that is busy: the stream gets this share of the time that went by to catch up.
_SHARE = 0.25


class Pump:
    """Calls `step` until there is no more to do or the time is over.

    step  does what can be done at once; True when there may be more
    """

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._is_on = False
        self._pumping = threading.Lock()
        self._pumped_at = self._up_to_date_at = time.monotonic()

    @property
    def is_on(self) -> bool:
        """True between start() and stop()."""
        return self._is_on

    @property
    def behind_s(self) -> float:
        """How old what came last may be because it waited in the system's socket buffer; 0 while it is off.

        Nothing was waiting when a call last read to the end: what comes later is not older than that moment.
        """
        if not self._is_on or self._up_to_date_at >= self._pumped_at:
            return 0.0
        return time.monotonic() - self._up_to_date_at

    def start(self) -> None:
        self._pumped_at = self._up_to_date_at = time.monotonic()
        self._is_on = True

    def stop(self, close: Callable[[], None]) -> None:
        """End, and call `close` when no other thread pumps any more."""
        self._is_on = False
        with self._pumping:
            close()

    def pump(self, longest_s: float) -> None:
        """Do what there is to do, for `longest_s` at most, or a quarter of the time that went by where that is more."""
        # Two at a time would mix up the stream; the second one has nothing to do.
        if not self._is_on or not self._pumping.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            end = now + max(longest_s, _SHARE * (now - self._pumped_at))
            more = True
            while self._is_on and more and time.monotonic() < end:
                more = self._step()
            self._pumped_at = time.monotonic()
            if not more:
                self._up_to_date_at = self._pumped_at
        finally:
            self._pumping.release()
