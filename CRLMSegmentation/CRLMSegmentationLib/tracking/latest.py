"""The newest of everything that comes beside the frames: transforms by name, surfaces, texts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from pyigtl import MessageBase

from ..sweep import Pose

_MOST_TRANSFORMS = 256
_MOST_OTHERS = 16


class LatestMessages:
    """Kept up by one thread, read by any. However many names a peer makes up, it does not grow without end."""

    def __init__(self):
        self._transforms: dict[str, tuple[Pose, float, float]] = {}
        self._others: dict[tuple[str, str], tuple[MessageBase, float]] = {}
        self._lock = threading.Lock()

    def add_transforms(self, poses: Mapping[str, Pose], timestamp: float) -> None:
        """Take poses by name with the sender's `timestamp`; names beyond the first 256 are not taken."""
        now = time.monotonic()
        with self._lock:
            for name, pose in poses.items():
                if name in self._transforms or len(self._transforms) < _MOST_TRANSFORMS:
                    self._transforms[name] = pose, now, timestamp

    def add(self, message: MessageBase) -> None:
        """Take any other message; the sixteen newest are kept."""
        key = message.message_type, message.device_name
        with self._lock:
            # The newest goes to the end, so that the oldest is thrown out first.
            self._others.pop(key, None)
            self._others[key] = message, time.monotonic()
            if len(self._others) > _MOST_OTHERS:
                del self._others[next(iter(self._others))]

    def transform(self, name: str) -> tuple[Pose, float, float] | None:
        """(pose, seconds since it came, the sender's timestamp), or None."""
        with self._lock:
            entry = self._transforms.get(name)
        return None if entry is None else (entry[0], time.monotonic() - entry[1], entry[2])

    def transform_names(self) -> list[str]:
        with self._lock:
            return sorted(self._transforms)

    def message(self, kind: str, name: str) -> tuple[MessageBase, float] | None:
        """(message, seconds since it came), or None."""
        with self._lock:
            entry = self._others.get((kind, name))
        return None if entry is None else (entry[0], time.monotonic() - entry[1])

    def message_names(self, kind: str) -> list[str]:
        with self._lock:
            return sorted(name for each, name in self._others if each == kind)
