"""Pairs images with the transforms that were measured at the same time.

PLUS gives an image and the transforms of one moment one timestamp, and sends them one after the other in any order.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Mapping

import numpy as np

from ..geometry import as_affine
from ..sweep import Pose, TrackedFrame
from ..sweep.transforms import compose, is_transform_name
from .conversion import pixels_of, pose_of_image, pose_of_transform

# Timestamps travel with a resolution below a nanosecond; frames are at least 5 ms apart.
TOLERANCE_S = 0.001
# An image whose transforms did not come is given up on after this long, and kept without a pose.
PATIENCE_S = 0.25
_KEPT_TRANSFORMS = 512


@dataclass
class _Waiting:
    """An image that waits for its transforms; `arrived` is on the receiver's monotonic clock."""

    pixels: np.ndarray
    timestamp: float
    arrived: float
    pose: Pose | None
    transforms: dict[str, Pose] = field(default_factory=dict)


class FramePairing:
    """Takes messages in the order of arrival and gives tracked frames in the order of their images.

    calibration  (4, 4) by name, such as {'ImageToProbe': matrix}, for streams that carry ProbeToReference
    image_name   device name or its part before the last '_'; None takes the first image stream that comes
    """

    def __init__(self, calibration: Mapping[str, np.ndarray] | None = None, reference="Reference", image_name=None):
        self.reference = reference
        self.image_name = image_name
        self.other_images = 0
        self._calibration = {name: Pose(as_affine(matrix, name)) for name, matrix in (calibration or {}).items()}
        self._images: deque[_Waiting] = deque()
        self._transforms: deque[tuple[float, str, Pose]] = deque(maxlen=_KEPT_TRANSFORMS)
        self._usual_names: frozenset[str] = frozenset()

    def add_image(self, message, arrived: float) -> list[TrackedFrame]:
        """The frames that are complete once this image has come."""
        name, _, frame_of_image = message.device_name.rpartition("_")
        name = name or message.device_name
        if self.image_name is None:
            self.image_name = name
        if self.image_name not in (name, message.device_name):
            self.other_images += 1
            return []
        pixels = pixels_of(message)
        if pixels is None:
            self.other_images += 1
            return []
        timestamp = float(message.timestamp)
        pose = pose_of_image(message) if frame_of_image == self.reference else None
        image = _Waiting(pixels, timestamp, arrived, pose)
        image.transforms = {
            name: pose for when, name, pose in self._transforms if abs(when - timestamp) <= TOLERANCE_S
        }
        # A later image means that the transforms of the ones before have all been sent.
        done = self._release(lambda waiting: waiting.timestamp < timestamp - TOLERANCE_S or self._has_all(waiting))
        self._images.append(image)
        return done + self._release(self._has_all)

    def add_transform(self, message) -> list[TrackedFrame]:
        """The frames that are complete once this transform has come."""
        if not is_transform_name(message.device_name):
            return []
        timestamp, pose = float(message.timestamp), pose_of_transform(message)
        self._transforms.append((timestamp, message.device_name, pose))
        for image in self._images:
            if abs(image.timestamp - timestamp) <= TOLERANCE_S:
                image.transforms[message.device_name] = pose
        return self._release(self._has_all)

    def give_up_waiting(self, now: float) -> list[TrackedFrame]:
        """The frames whose transforms did not come in time; with now=infinity all that are left."""
        return self._release(lambda image: now - image.arrived > PATIENCE_S)

    def _has_all(self, image: _Waiting) -> bool:
        return bool(self._usual_names) and self._usual_names <= image.transforms.keys()

    def _release(self, is_done) -> list[TrackedFrame]:
        frames = []
        while self._images and is_done(self._images[0]):
            frames.append(self._frame(self._images.popleft()))
        return frames

    def _frame(self, image: _Waiting) -> TrackedFrame:
        # The set only grows: a frame never goes on before a pose that may still come, and a lost tool delays the
        # frames by one image.
        self._usual_names |= image.transforms.keys()
        pose = image.pose
        if pose is None:
            target = f"ImageTo{self.reference}"
            known = {**self._calibration, **image.transforms}
            pose = compose({target: known[target]} if target in known else known, "Image", self.reference)
        usable = pose is not None and np.isfinite(pose.matrix).all()
        return TrackedFrame(
            pixels=image.pixels,
            image_to_reference=pose.matrix if usable else None,
            timestamp=image.timestamp if math.isfinite(image.timestamp) else 0.0,
            valid=bool(usable and pose.valid),
            transforms={name: entry for name, entry in image.transforms.items() if name != f"ImageTo{self.reference}"},
        )
