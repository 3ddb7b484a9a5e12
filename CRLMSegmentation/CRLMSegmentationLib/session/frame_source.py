"""Where live frames come from, as the session sees it: a source that is asked for what has arrived."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..sweep import Pose, TrackedFrame
from ..tracking import Receiver, StreamStatus
from ..values.defaults import DEFAULT_PORT

# The STRING with that device name asks for an action of the session, such as of a foot switch.
ACTION_DEVICE = "Action"

_THIS_COMPUTER = ("localhost", "127.0.0.1", "::1", "[::1]")


@dataclass(frozen=True, eq=False)
class ReceivedPose:
    """A transform as it came last.

    stamp_s     the sender's time of it; None when unknown
    received_s  time.monotonic() when it came
    """

    pose: Pose
    stamp_s: float | None
    received_s: float


class FrameSource(Protocol):
    """A source of tracked frames. All calls come from the session's thread and return at once.

    name      where the frames come from, for people
    origin    'live', 'replayed' or 'simulated'
    identity  tells one source from another: host:port, or the file; two sources of one identity are the same
    status    what is known of the stream
    """

    name: str
    origin: str
    identity: str

    @property
    def status(self) -> StreamStatus: ...

    def start(self) -> None:
        """Begin to receive."""

    def stop(self) -> None:
        """End; nothing is left behind."""

    def poll(self) -> list[TrackedFrame]:
        """The frames that have arrived since the last call, in their order."""

    def shown(self, frame: TrackedFrame) -> None:
        """`frame` has reached the screen; for the latency in `status`."""

    def transforms(self) -> dict[str, ReceivedPose]:
        """The newest of every transform, by its PLUS name."""


def with_origin(source: FrameSource) -> FrameSource:
    """The source; one that does not say where its frames are from counts as live, and is told from others by
    its name.
    """
    if not hasattr(source, "origin"):
        source.origin = "live"
    if not hasattr(source, "identity"):
        source.identity = str(getattr(source, "name", type(source).__name__))
    return source


def server_identity(host: str, port: int) -> str:
    """host:port; this computer's own names are one."""
    return f"{'localhost' if host.lower() in _THIS_COMPUTER else host.lower()}:{port}"


class NetworkSource:
    """PLUS, or anything that speaks as it does, over the project's own OpenIGTLink client.

    own_thread  False to receive in poll(), where Python's threads starve
    options     of tracking.Receiver
    """

    def __init__(
        self, host: str = "localhost", port: int = DEFAULT_PORT, calibration: Mapping[str, np.ndarray] | None = None,
        own_thread: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        self.name, self.identity = f"{host}:{port}", server_identity(host, port)
        self.origin = "live"
        self._own_thread = own_thread
        self._receiver = Receiver(host, port, calibration, **options)
        self._asked: object = None

    @property
    def status(self) -> StreamStatus:
        return self._receiver.status

    def start(self) -> None:
        self._receiver.start(self._own_thread)

    def stop(self) -> None:
        self._receiver.stop()

    def poll(self) -> list[TrackedFrame]:
        return self._receiver.poll()

    def choose_image(self, name: str | None) -> None:
        """Take this one of the image streams that come; see ImageStream.choose_image."""
        self._receiver.ultrasound.choose_image(name)

    def calibrate_image(self, image_to_probe: np.ndarray | None) -> None:
        """Take this for ImageToProbe; see ImageStream.calibrate."""
        self._receiver.ultrasound.calibrate(image_to_probe)

    def shown(self, frame: TrackedFrame) -> None:
        self._receiver.ultrasound.shown(frame)

    def asked_action(self) -> str:
        """What the newest STRING called ACTION_DEVICE says, once; '' when none has come since the last call."""
        found = self._receiver.latest.message("STRING", ACTION_DEVICE)
        if found is None or found[0] is self._asked:
            return ""
        self._asked = found[0]
        return str(found[0].string)

    def transforms(self) -> dict[str, ReceivedPose]:
        now = time.monotonic()
        found = {}
        for name in self._receiver.latest.transform_names():
            latest = self._receiver.latest.transform(name)
            if latest is not None:
                found[name] = ReceivedPose(latest.pose, latest.stamp_s, now - latest.age.seconds)
        return found
