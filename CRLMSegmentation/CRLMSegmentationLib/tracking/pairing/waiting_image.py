"""An image that waits for the transforms of its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...sweep import Pose
from ...sweep.transforms import is_transform_name
from ..openigtlink.conversion import fields_in_metadata, pose_of_image, transforms_in_metadata
from ..openigtlink.image_message import ImageMessage


@dataclass
class WaitingImage:
    """An image with what came in its own message.

    timestamp   the sender's time at which it was taken, in seconds
    arrived     on the receiver's monotonic clock
    embedded    name and pose of the place that the message gives it, if it gives one
    ok          False when the sender marks it as not good
    recorded    raw transforms in its metadata
    fields      other text in its metadata
    candidates  transform name to (distance in time, pose): the nearest that came
    shared      another image has the same time
    """

    device_name: str
    pixels: np.ndarray
    timestamp: float
    arrived: float
    embedded: tuple[str, Pose] | None
    ok: bool
    recorded: dict[str, Pose] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    candidates: dict[str, tuple[float, Pose]] = field(default_factory=dict)
    shared: bool = False

    @classmethod
    def of(
        cls, message: ImageMessage, pixels: np.ndarray, timestamp: float, arrived: float, keep_identifying: bool
    ) -> WaitingImage:
        base, _, frame_of_image = message.device_name.rpartition("_")
        embedded = None
        if frame_of_image and frame_of_image != base and is_transform_name(f"ImageTo{frame_of_image}"):
            embedded = f"ImageTo{frame_of_image}", pose_of_image(message)
        ok = message.metadata.get("ImageStatus", "OK").upper() == "OK"
        image = cls(message.device_name, pixels, timestamp, arrived, embedded, ok)
        if message.metadata:
            image.recorded = transforms_in_metadata(message.metadata)
            image.fields = fields_in_metadata(message.metadata, keep_identifying)
        return image

    def pose_in(self, reference: str) -> Pose | None:
        """The pose that the message itself gives the image in `reference`."""
        return self.embedded[1] if self.embedded is not None and self.embedded[0] == f"ImageTo{reference}" else None

    def with_embedded(self, transforms: Mapping[str, Pose], calibrated: Mapping[str, Pose]) -> Mapping[str, Pose]:
        """`transforms` and the embedded one, unless it is measured or calibrated besides."""
        if self.embedded is None or self.embedded[0] in calibrated or self.embedded[0] in transforms:
            return transforms
        return {**transforms, self.embedded[0]: self.embedded[1]}

    def is_repeated_by(self, image: WaitingImage) -> bool:
        """True when `image` is the same with the same pose once more."""
        if (self.embedded is None) != (image.embedded is None):
            return False
        if (
            self.embedded is not None
            and image.embedded is not None
            and not is_same(self.embedded[1], image.embedded[1])
        ):
            return False
        return self.pixels.dtype == image.pixels.dtype and np.array_equal(self.pixels, image.pixels)


def is_same(one: Pose, other: Pose) -> bool:
    """The same measurement, though it may have travelled in another kind of message."""
    return one.valid == other.valid and np.allclose(one.matrix, other.matrix, rtol=1e-4, atol=1e-3, equal_nan=True)
