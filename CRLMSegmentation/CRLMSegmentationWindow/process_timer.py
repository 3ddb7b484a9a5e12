"""The timers of the window: one that lets the session work, one that gives Python's background threads their time.

Slicer's main thread holds Python's global interpreter lock also while it waits for events, so a background thread (the
receiver, a reconstruction) stands still for as long as no Python code runs in the main thread. While there is such
work, the second timer lets the main thread sleep in Python for a moment whenever no event is waiting: sleeping gives
the lock away. An event waits for at most REST_S because of it, and the session for nothing: it is not rested beyond
the time of the next call.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import qt

PROCESS_EVERY_MS = 33
REST_S = 0.004


class ProcessTimer:
    """Calls `process()` about 30 times a second, and sleeps in between while `is_busy()`; on_pause() when it stops."""

    def __init__(
        self, process: Callable[[], None], is_busy: Callable[[], bool], on_pause: Callable[[], None] = lambda: None
    ):
        self._process, self._is_busy, self._on_pause = process, is_busy, on_pause
        self._timer, self._rest, self._due_s = qt.QTimer(), qt.QTimer(), 0.0
        self._timer.interval = PROCESS_EVERY_MS
        self._timer.connect("timeout()", self._tick)
        self._rest.interval = 0
        self._rest.connect("timeout()", self._sleep)

    def start(self) -> None:
        """Begin, or go on."""
        self._timer.start()

    def pause(self) -> None:
        """Neither timer runs until start()."""
        self._timer.stop()
        self._rest.stop()
        self._on_pause()

    def close(self) -> None:
        """End for good."""
        self.pause()
        for timer in (self._timer, self._rest):
            timer.disconnect("timeout()")

    @property
    def is_running(self) -> bool:
        """True between start() and pause()."""
        return bool(self._timer.active)

    def _tick(self) -> None:
        self._due_s = time.monotonic() + PROCESS_EVERY_MS / 1000
        self._process()
        busy = self.is_running and bool(self._is_busy())
        if busy != bool(self._rest.active):
            self._rest.start() if busy else self._rest.stop()

    def _sleep(self) -> None:
        time.sleep(min(REST_S, max(0.0, self._due_s - time.monotonic())))
