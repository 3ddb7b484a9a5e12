"""The live ultrasound image: the newest frame, where it was taken, and whether it is live."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..navigation.tool_transforms import is_affine
from ..sweep import TrackedFrame
from ..tracking.age import NEVER, Age, TrackingClock
from ..values import ImagePlane
from .event import Event

_NAME = "Image_Image"  # on the clock, as PLUS calls the stream


class LiveImage:
    """The newest image of a stream. Times are readings of time.monotonic().

    may_be_live  False while what is known of the stream cannot be trusted
    on_error     called with what a handler of an event raises

    frame        the newest one; None before the first
    plane        where it was taken; None while that is not known
    frame_shown  event: there is another frame
    refreshed    event: whether the image is live at this moment
    """

    def __init__(
        self, clock: TrackingClock, may_be_live: Callable[[], bool] = lambda: True,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        self.frame: TrackedFrame | None = None
        self.plane: ImagePlane | None = None
        self.frame_shown: Event[[TrackedFrame]] = Event(on_error)
        self.refreshed: Event[[bool]] = Event(on_error)
        self._clock, self._may_be_live = clock, may_be_live

    def show(self, frame: TrackedFrame, received_s: float | None = None, read_s: float | None = None) -> None:
        """Take a frame as the newest one. Without a valid pose it is known, and is shown nowhere in space.

        received_s, read_s   see TrackingClock.note
        """
        self.frame = frame
        self.plane = frame.plane if frame.valid and is_affine(frame.image_to_reference) else None
        self._clock.note(_NAME, frame.timestamp, received_s, read_s)
        self.frame_shown(frame)

    def refresh(self, now_s: float | None = None) -> bool:
        """Say to who shows it whether the image is live; returns that."""
        live = self.is_live(now_s)
        self.refreshed(live)
        return live

    @property
    def image_to_reference(self) -> np.ndarray | None:
        """(4, 4) of the live image, pixel to mm; None while it is not live."""
        return self.frame.image_to_reference if self.frame is not None and self.is_live() else None

    def age(self, now_s: float | None = None) -> Age:
        """Of the newest frame."""
        return NEVER if self.frame is None else self._clock.age(_NAME, now_s)

    def is_live(self, now_s: float | None = None) -> bool:
        """True while the pose is known and young."""
        return self.plane is not None and self._may_be_live() and self.age(now_s).is_live

    def lose(self) -> None:
        """What was shown so far is not live any more; the next frame may be."""
        self.plane = None
        self.refreshed(False)
