"""How long the surgeon waits: from the end of the recording to the tumor on the screen, corrections included."""

from __future__ import annotations

import time


class CaseClock:
    """Starts with stop_recording, and stands whenever the tumor on the screen is the one to work with."""

    def __init__(self) -> None:
        self._started_s: float | None = None
        self._stopped_s: float | None = None

    @property
    def seconds(self) -> float | None:
        """None before the first recording has ended; runs until the tumor is on the screen."""
        if self._started_s is None:
            return None
        return (time.monotonic() if self._stopped_s is None else self._stopped_s) - self._started_s

    @property
    def is_running(self) -> bool:
        """True from the end of the recording until the tumor is on the screen."""
        return self._started_s is not None and self._stopped_s is None

    def start(self) -> None:
        """The recording has ended."""
        self._started_s, self._stopped_s = time.monotonic(), None

    def stop(self) -> None:
        """The tumor, or a correction of it, is on the screen."""
        if self._started_s is not None:
            self._stopped_s = time.monotonic()

    def go_on(self) -> None:
        """It is being corrected, or is gone again."""
        self._stopped_s = None

    def forget(self) -> None:
        """As at the beginning."""
        self._started_s = self._stopped_s = None
