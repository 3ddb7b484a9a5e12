"""Leaves out what a server sends from before a recording was begun.

PLUS begins with what its buffer holds, up to five seconds (PlusOpenIGTLinkServer). Those frames come in a burst, faster
than their times go by; once images come as fast as they are measured, the quickest one shows how the sender's clock
stands to ours, and so which of them were measured before the start.
"""

from __future__ import annotations

from collections import deque

from ...sweep import TrackedFrame
from ..sender_clock import SenderClock

# Frames are held back until they have come in step with their times for so long, but no longer and no more than this.
_IN_STEP_S, _LONGEST_S, _MOST_FRAMES = 0.25, 2.0, 320
# Times that go by more than so much faster than ours are those of a burst, or of a replay that is made fast.
_STEP = 1.5
# What the quickest message took on its way, and a little more.
_TOLERANCE_S = 0.05


class FromItsStart:
    """Takes frames as they arrive and gives those that were measured after `started_s` (time.monotonic()).

    When the frames never come in step with their times, as when a recording is replayed as fast as it goes, all are
    given.

    left_out  frames from before the start
    """

    def __init__(self, started_s: float) -> None:
        self.left_out = 0
        self._started_s = started_s
        self._held: list[TrackedFrame] | None = []
        self._newest: deque[tuple[float, float]] = deque()
        self._sender = SenderClock()
        self._first_s = 0.0

    def take(self, frame: TrackedFrame, arrived_s: float) -> list[TrackedFrame]:
        """The frames that are known to belong to the recording now that this one has come."""
        if self._held is None:
            return [frame]
        if not self._held:
            self._first_s = arrived_s
        self._held.append(frame)
        self._sender.arrived(frame.timestamp, arrived_s)
        self._newest.append((frame.timestamp, arrived_s))
        while len(self._newest) > 2 and self._newest[1][1] <= arrived_s - _IN_STEP_S:
            self._newest.popleft()
        if self._is_in_step():
            return self._release(only_after_start=True)
        if arrived_s - self._first_s > _LONGEST_S or len(self._held) >= _MOST_FRAMES:
            return self.remaining()
        return []

    def remaining(self) -> list[TrackedFrame]:
        """What is still held back, when nothing more comes: all of it belongs to the recording."""
        return self._release(only_after_start=False)

    def _is_in_step(self) -> bool:
        (first_stamp_s, first_s), (stamp_s, arrived_s) = self._newest[0], self._newest[-1]
        since_s = arrived_s - first_s
        return since_s >= _IN_STEP_S and 0 < stamp_s - first_stamp_s < _STEP * since_s

    def _release(self, only_after_start: bool) -> list[TrackedFrame]:
        held, self._held = self._held or [], None
        if not only_after_start:
            return held
        start_s = self._started_s - self._sender.offset_s - _TOLERANCE_S
        kept = [frame for frame in held if frame.timestamp >= start_s]
        self.left_out = len(held) - len(kept)
        return kept
