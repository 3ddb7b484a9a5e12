"""The warning sound, repeated while a tool tip is within the margin and faster inside the tumor."""

from __future__ import annotations

import time
from collections.abc import Iterable

import qt

_PERIOD_S = {"warn": 1.0, "bad": 0.35}


class WarningSound:
    """Beeps by Qt's own means, so that nothing has to be installed."""

    def __init__(self) -> None:
        self._last_s = 0.0
        self.beeps = 0

    def update(self, kinds: Iterable[str]) -> None:
        """`kinds`: of the read-outs that are live and measured; the most urgent one decides."""
        periods = [_PERIOD_S[kind] for kind in kinds if kind in _PERIOD_S]
        now_s = time.monotonic()
        if periods and now_s - self._last_s >= min(periods):
            self._last_s = now_s
            self.beeps += 1
            qt.QApplication.beep()
