"""The newest of everything that comes beside the frames: transforms of every tracker by name, surfaces, texts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyigtl import MessageBase

from ..sweep import Pose
from ..values import TimedPose
from .age import Age, TrackingClock

_MOST_TRANSFORMS = 256
_MOST_OTHERS = 16


@dataclass(frozen=True, eq=False)
class LatestTransform:
    """A transform as it came last.

    stamp_s  the sender's time of it
    age      how old it is now. PLUS stops sending a tool that it does not see: check it as well as `pose.valid`
    """

    pose: Pose
    stamp_s: float
    age: Age


class LatestMessages:
    """Kept up by one thread, read by any. However many names a peer makes up, it does not grow without end.

    sender    the name of the sender's clock
    behind_s  how long what came last may have waited before it was read, in seconds
    """

    def __init__(self, sender: str = "sender", behind_s: Callable[[], float] = lambda: 0.0) -> None:
        self._sender, self._behind_s = sender, behind_s
        self._transforms: dict[str, tuple[Pose, float]] = {}
        self._clock = TrackingClock()
        self._others: dict[tuple[str, str], tuple[MessageBase, float]] = {}
        self._lock = threading.Lock()

    def add_transforms(self, poses: Mapping[str, Pose], timestamp: float) -> None:
        """Take poses by name with the sender's `timestamp`; names beyond the first 256 are not taken."""
        now = time.monotonic()
        with self._lock:
            for name, pose in poses.items():
                if name in self._transforms or len(self._transforms) < _MOST_TRANSFORMS:
                    self._transforms[name] = pose, timestamp
                    # A message whose time nobody set bears 0.
                    self._clock.note(name, timestamp if timestamp > 0 else None, now)

    def add(self, message: MessageBase) -> None:
        """Take any other message; the sixteen newest are kept."""
        key = message.message_type, message.device_name
        with self._lock:
            # The newest goes to the end, so that the oldest is thrown out first.
            self._others.pop(key, None)
            self._others[key] = message, time.monotonic()
            if len(self._others) > _MOST_OTHERS:
                del self._others[next(iter(self._others))]

    def transform(self, name: str) -> LatestTransform | None:
        """The newest transform called `name`; None when it never came."""
        behind_s = self._behind_s()
        with self._lock:
            entry = self._transforms.get(name)
            return None if entry is None else LatestTransform(*entry, self._clock.age(name).at_least(behind_s))

    def timed_pose(self, name: str) -> TimedPose | None:
        """The same with its time on the sender's clock; None when it never came, or has no time."""
        with self._lock:
            pose, stamp_s = self._transforms.get(name, (None, 0.0))
        return None if pose is None or not stamp_s > 0 else TimedPose(pose.matrix, stamp_s, pose.valid, self._sender)

    def transform_names(self) -> list[str]:
        """Names of the transforms that came."""
        with self._lock:
            return sorted(self._transforms)

    def message(self, kind: str, name: str) -> tuple[MessageBase, Age] | None:
        """The newest message of type `kind` ('POLYDATA', 'STRING', 'STATUS') called `name`, and since when it is here.

        Images, transforms and replies to commands are not among them.
        """
        with self._lock:
            entry = self._others.get((kind, name))
        return None if entry is None else (entry[0], Age(time.monotonic() - entry[1]))

    def message_names(self, kind: str) -> list[str]:
        """Names of the messages of type `kind` that message() can give."""
        with self._lock:
            return sorted(name for each, name in self._others if each == kind)
