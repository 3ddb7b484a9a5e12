"""One image stream of a sender by its own name: its frames with their poses, and what is known of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from ..sweep import Pose, TrackedFrame
from .frame_monitor import FrameMonitor
from .frame_queue import FrameQueue
from .openigtlink.image_message import ImageMessage
from .pairing.frame_pairing import TOLERANCE_S, FramePairing
from .status import StreamStatus


@dataclass(frozen=True)
class StreamSettings:
    """Which images a stream takes, and how they are paired with poses.

    image_name    which of the sender's images, by device name or its part before the last '_'; None takes the first
                  that no other stream has asked for
    keep_color    frames have (rows, columns, 3) pixels, red, green, blue, as of a laparoscope; otherwise grey
    calibration   (4, 4) by name, for streams that carry ProbeToReference: {'ImageToProbe': pixel to mm}
    reference     the frame of reference
    queue_bytes   pixels kept until somebody takes them; beyond that new frames are dropped and counted
    tolerance_s, interpolation_gap_s, image_delay_s, keep_identifying   see FramePairing
    """

    image_name: str | None = None
    keep_color: bool = False
    calibration: Mapping[str, np.ndarray] = field(default_factory=dict)
    reference: str = "Reference"
    queue_bytes: int = 512 << 20
    tolerance_s: float = TOLERANCE_S
    interpolation_gap_s: float | None = None
    image_delay_s: float = 0.0
    keep_identifying: bool = False


class Reception(Protocol):
    """What a stream asks of its receiver.

    pumped    True while it has no thread of its own, and receives in pump()
    behind_s  how long what came last may have waited before it was read, in seconds
    """

    @property
    def pumped(self) -> bool: ...

    @property
    def behind_s(self) -> float: ...

    def link_status(self) -> StreamStatus: ...

    def pump(self) -> None: ...

    def wait_for(self, condition: Callable[[], bool], timeout_s: float | None) -> bool: ...


class ImageStream:
    """The frames of one stream, to be taken in the order of arrival.

    What begins with take_, add_, begin_ and give_up_ belongs to the receiving thread; the rest may be called from any.
    """

    def __init__(self, settings: StreamSettings, reception: Reception) -> None:
        self._reception = reception
        self._pairing = FramePairing(
            calibration=settings.calibration,
            reference=settings.reference,
            image_name=settings.image_name,
            tolerance_s=settings.tolerance_s,
            interpolation_gap_s=settings.interpolation_gap_s,
            image_delay_s=settings.image_delay_s,
            keep_identifying=settings.keep_identifying,
            keep_color=settings.keep_color,
        )
        self._queue = FrameQueue(settings.queue_bytes)
        self._monitor = FrameMonitor()
        self._requested_image: tuple[str | None] | None = None

    @property
    def status(self) -> StreamStatus:
        """A copy of what is known now. A frame that waited in the socket buffer is as old as `behind_s`."""
        status = self._monitor.added_to(self._reception.link_status(), len(self._queue))
        pairing = self._pairing
        return replace(
            status,
            age=status.age.at_least(self._reception.behind_s),
            problem=status.problem or (pairing.causes.lasting if status.connected else ""),
            other_images=pairing.other_images,
            image_name=pairing.image_name or "",
            image_names=pairing.names.seen,
            repeated=pairing.repeated,
            missing=pairing.missing,
            pose_problem=pairing.causes.now,
            usual_pose_problem=pairing.causes.usual,
            image_problem=pairing.image_problem,
            notes=pairing.notes,
        )

    def get(self, timeout_s: float | None = None) -> TrackedFrame | None:
        """The next frame; None when none came within `timeout_s`."""
        if self._reception.pumped:
            self._reception.wait_for(lambda: len(self._queue) > 0, timeout_s)
            timeout_s = 0
        return self._queue.get(timeout_s)

    def poll(self) -> list[TrackedFrame]:
        """All frames that wait; returns at once."""
        self._reception.pump()
        frames = []
        while (frame := self._queue.get(0)) is not None:
            frames.append(frame)
        return frames

    def shown(self, frame: TrackedFrame) -> None:
        """Say that a frame has reached the screen: what `status.latency_s` is made of."""
        self._monitor.frame_shown(frame)

    def choose_image(self, name: str | None) -> None:
        """Take these images from now on, by their device name or the part before the last '_'; None for the next that
        come. `status.image_names` are those that were seen.
        """
        self._requested_image = (name,)

    def calibrate(self, image_to_probe: np.ndarray | None) -> None:
        """Take this (4, 4), pixel to mm, for ImageToProbe from the next image on, whatever the sender says of its
        images; None for what the sender and the settings say. Raises GeometryError for what is no affine matrix.
        """
        self._pairing.calibrate(image_to_probe)

    def clear(self) -> None:
        """Throw away the frames that wait."""
        self._queue.clear()

    def has_asked_for(self, device_name: str) -> bool:
        """True when these images were asked for by name, or are those that were taken before."""
        return self._pairing.names.chosen is not None and self._pairing.names.may_take(device_name)

    def take_request(self) -> None:
        """Change over to the images that choose_image() asked for."""
        if self._requested_image is not None:
            (name,), self._requested_image = self._requested_image, None
            self._deliver(self._pairing.choose_image(name))

    def add_image(self, message: ImageMessage, now: float) -> None:
        self._deliver(self._pairing.add_image(message, now))

    def add_transforms(self, timestamp: float, poses: Mapping[str, Pose]) -> None:
        self._deliver(self._pairing.add_transforms(timestamp, poses))

    def begin_anew(self) -> None:
        """The sender was found again."""
        self._deliver(self._pairing.begin_anew())

    def give_up_waiting(self, now: float = math.inf) -> None:
        """Let frames go on whose poses did not come in time."""
        self._deliver(self._pairing.give_up_waiting(now))

    def _deliver(self, frames: Sequence[TrackedFrame]) -> None:
        for frame in frames:
            self._monitor.frame_arrived(frame)
            if not self._queue.put(frame):
                self._monitor.frame_dropped()
