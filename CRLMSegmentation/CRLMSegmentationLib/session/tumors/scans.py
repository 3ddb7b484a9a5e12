"""Which sweep and which volume of a case is worked on, and which ones were before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...values import Volume
from ..volume import VolumePart, VolumeStatus
from .case_tumor import Scan


class Scans:
    """Numbers the sweeps of a case from 1, in the order in which volumes were made of them.

    volume     of the session
    recording  gives the file of its sweep, as this program has written it; None where there is none

    current    that is worked on; None while there is none
    """

    def __init__(self, volume: VolumePart, recording: Callable[[], Path | None]) -> None:
        self._volume, self._recording = volume, recording
        self.current: Scan | None = None
        self._newest: Scan | None = None

    def follow(self) -> tuple[Scan, Scan | None] | None:
        """Take what the volume is now for the current scan.

        Returns the scan that was current, and as which it is kept (None when somebody has deleted its volume); None
        when none was, or it still is.
        """
        before, volume = self.current, self._shown
        if (None if before is None else before.volume) is volume:
            return None
        self.current = None
        if volume is not None:
            self.current = self._newest = Scan(self._number(), volume, self._volume.sweep)
        if before is None:
            return None
        is_deleted = self._volume.status is VolumeStatus.NONE
        return before, None if is_deleted else replace(before, recording=self._recording())

    def restore(self, number: int) -> None:
        """Take what the volume is now for the current scan, of the sweep of that number."""
        self.current = None if self._shown is None else Scan(number, self._shown, self._volume.sweep)
        self._newest = self.current

    def forget(self) -> None:
        """As at the beginning."""
        self.current = self._newest = None

    @property
    def _shown(self) -> Volume | None:
        return self._volume.shown if self._volume.is_there else None

    def _number(self) -> int:
        sweep, newest = self._volume.sweep, self._newest
        number = 0 if newest is None else newest.number
        return number + 1 if sweep is not None and (newest is None or newest.sweep is not sweep) else number
