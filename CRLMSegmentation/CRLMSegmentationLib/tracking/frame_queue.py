"""Frames between two threads, in order, with a bound on the memory that they take."""

from __future__ import annotations

import threading
from collections import deque

from ..sweep import TrackedFrame


class FrameQueue:
    """put() never waits: beyond `longest_bytes` of pixels it refuses the frame."""

    def __init__(self, longest_bytes: int):
        self._longest_bytes = longest_bytes
        self._frames: deque[TrackedFrame] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._frames)

    def clear(self) -> None:
        """Throw away what waits."""
        with self._changed:
            self._frames.clear()
            self._bytes = 0

    def put(self, frame: TrackedFrame) -> bool:
        """True when the frame was taken. One frame is always taken, whatever its size."""
        with self._changed:
            if self._frames and self._bytes + frame.pixels.nbytes > self._longest_bytes:
                return False
            self._frames.append(frame)
            self._bytes += frame.pixels.nbytes
            self._changed.notify()
            return True

    def get(self, timeout_s: float | None = None) -> TrackedFrame | None:
        """The oldest frame; None when none came in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._frames, timeout_s):
                return None
            frame = self._frames.popleft()
            self._bytes -= frame.pixels.nbytes
            return frame
