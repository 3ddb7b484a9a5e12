"""Which sweep and which volume of a case is worked on, and which ones were before."""

from __future__ import annotations

from dataclasses import replace

from ...values import Volume
from ..recording import RecordingPart
from ..volume import VolumePart, VolumeStatus
from .case_tumor import CaseTumor, Scan


class Scans:
    """Numbers the sweeps of a case from 1, in the order in which volumes were made of them.

    volume, recording  of the session

    current    that is worked on; None while there is none
    newest     of the newest sweep, be it that an earlier one is worked on; None while that has no volume
    """

    def __init__(self, volume: VolumePart, recording: RecordingPart) -> None:
        self._volume, self._recording = volume, recording
        self.current: Scan | None = None
        self.newest: Scan | None = None
        # The one with the highest number so far, which is not given again.
        self._last: Scan | None = None

    def follow(self) -> tuple[Scan, Scan | None] | None:
        """Take what the volume is now for the current scan.

        Returns the scan that was current, and as which it is kept (None when somebody has deleted its volume); None
        when none was, or it still is.
        """
        before, volume = self.current, self._shown
        if (None if before is None else before.volume) is volume:
            return None
        is_deleted = self._volume.status is VolumeStatus.NONE
        self.current = None
        if volume is not None:
            self.current = Scan(self._number(before), volume, self._volume.sweep)
            if self._last is None or self.current.number >= self._last.number:
                self._last = self.current
            if self.newest is None or self.current.number >= self.newest.number:
                self.newest = self.current
        elif before is self.newest or not is_deleted:
            # What is being recorded, or has no volume yet, is newer than all that is known.
            self.newest = None
        if before is None:
            return None
        return before, None if is_deleted else self._kept(before)

    def can_show(self, scan: Scan | None) -> bool:
        """True when the volume of that scan can take the place of the one that is worked on, and is another one.

        A sweep that has no volume yet, or is still being recorded or written, would be lost by it.
        """
        if scan is None or scan.volume is None or self.current is None or scan is self.current:
            return False
        return not self._recording.is_at_work and not self._volume.is_being_made

    def show(self, scan: Scan) -> tuple[Scan, Scan]:
        """Work on that scan, for which can_show() holds. Returns the one that was current, and as which it is kept."""
        before = self.current
        assert before is not None and scan.volume is not None, "can_show() holds"
        kept = self._kept(before)
        if self.newest is before:
            self.newest = kept
        if self._last is before:
            self._last = kept
        self.current = scan
        self._recording.show_again(scan.sweep, scan.recording)
        self._volume.show_again(scan.volume, scan.sweep)
        return before, kept

    def restore(self, number: int, newest: Scan | None = None) -> None:
        """Take what the volume is now for the current scan, of the sweep of that number.

        newest  where that is another one
        """
        self.current = None if self._shown is None else Scan(number, self._shown, self._volume.sweep)
        self.newest = self._last = newest or self.current

    def forget(self) -> None:
        """As at the beginning."""
        self.current = self.newest = self._last = None

    @property
    def _shown(self) -> Volume | None:
        return self._volume.shown if self._volume.is_there else None

    def _kept(self, scan: Scan) -> Scan:
        return replace(scan, recording=self._recording.own_path)

    def _number(self, before: Scan | None) -> int:
        sweep, last = self._volume.sweep, self._last
        if sweep is None or (before is not None and before.sweep is sweep):
            same = before or last
            return 0 if same is None else same.number
        if last is None:
            return 1
        return last.number if last.sweep is sweep else last.number + 1


def moved(tumor: CaseTumor, before: Scan, kept: Scan | None) -> CaseTumor:
    """What was found in `before` was found in `kept` from now on; None: it is gone with its volume."""
    found = tumor.found
    if found is None or found.scan is not before:
        return tumor
    return replace(tumor, found=None if kept is None else replace(found, scan=kept))


def of_scan(tumor: CaseTumor, scan: Scan | None) -> CaseTumor:
    """What was found in the volume of `scan` was found in that scan."""
    found = tumor.found
    if scan is None or found is None or found.scan is None or found.scan.volume is not scan.volume:
        return tumor
    return replace(tumor, found=replace(found, scan=scan))
