"""Pairs images with the transforms that were measured at the same time.

PLUS gives an image and the transforms of one moment one timestamp, sends them one after the other, and leaves out a
transform that was not valid (vtkPlusIgtlMessageFactory::PackMessages). So a frame whose transform is missing at its
timestamp has no pose: it is never given the pose of another time, unless interpolation was asked for because the
tracker runs at a rate of its own.
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
from .conversion import fields_in_metadata, pixels_of, pose_of_image, transforms_in_metadata
from .interpolation import interpolate_pose

# Timestamps travel with a resolution below a microsecond; frames are at least 5 ms apart.
TOLERANCE_S = 0.001
# An image whose transforms did not come is given up on after this long, and kept without a pose.
PATIENCE_S = 0.25
# What Reference, Probe and Image are in PLUS: their status decides on the pose that an image message carries.
_ON_THE_WAY = ("Image", "Probe", "Reference")
_KEPT_SAMPLES = 512
_MOST_TRANSFORMS = 64


@dataclass
class _Waiting:
    """An image that waits for its transforms; `arrived` is on the receiver's monotonic clock."""

    pixels: np.ndarray
    timestamp: float
    arrived: float
    embedded: tuple[str, Pose] | None
    ok: bool
    transforms: dict[str, Pose] = field(default_factory=dict)
    recorded: dict[str, Pose] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


class FramePairing:
    """Takes messages in the order of arrival and gives tracked frames in the order of their images.

    calibration   (4, 4) by name, such as {'ImageToProbe': matrix}, for streams that carry ProbeToReference
    image_name    device name or its part before the last '_'; None takes the first image stream that comes
    tolerance_s   timestamps that differ by no more are the same time
    interpolation_gap_s   None pairs equal times only. Otherwise a transform that has no measurement at the time of the
                  image is interpolated between the two neighbours (slerp and lerp), if both are valid and no more
                  than this apart
    image_delay_s the images show what was so many seconds before their timestamp; needs interpolation (PLUS calls its
                  negative LocalTimeOffsetSec of the video device)
    keep_identifying   record fields that can tell who the patient is as well
    """

    def __init__(
        self,
        calibration: Mapping[str, np.ndarray] | None = None,
        reference: str = "Reference",
        image_name: str | None = None,
        tolerance_s: float = TOLERANCE_S,
        interpolation_gap_s: float | None = None,
        image_delay_s: float = 0.0,
        keep_identifying: bool = False,
    ):
        self.reference = reference
        self.image_name = image_name
        self.tolerance_s = tolerance_s
        self.interpolation_gap_s = interpolation_gap_s
        self.image_delay_s = image_delay_s
        self.keep_identifying = keep_identifying
        self.other_images = 0
        self.without_transforms = 0
        self._calibration = {name: Pose(as_affine(matrix, name)) for name, matrix in (calibration or {}).items()}
        self._images: deque[_Waiting] = deque()
        self._samples: dict[str, deque[tuple[float, Pose]]] = {}
        self._usual_names: frozenset[str] = frozenset()
        self._newest_image = -math.inf
        self._begun_since_image: set[str] = set()
        self._whole: dict[str, np.ndarray] = {}

    def add_image(self, message, arrived: float) -> list[TrackedFrame]:
        """The frames that are complete once this image has come."""
        name, _, frame_of_image = message.device_name.rpartition("_")
        name = name or message.device_name
        if self.image_name is None:
            self.image_name = name
        pixels = self._whole_pixels(message) if self.image_name in (name, message.device_name) else None
        if pixels is None:
            self.other_images += 1
            return []
        timestamp = float(message.timestamp) - self.image_delay_s
        embedded = None
        if frame_of_image and frame_of_image != name and is_transform_name(f"ImageTo{frame_of_image}"):
            embedded = f"ImageTo{frame_of_image}", pose_of_image(message)
        image_ok = message.metadata.get("ImageStatus", "OK").upper() == "OK"
        image = _Waiting(pixels, timestamp, arrived, embedded, image_ok)
        if message.metadata:
            image.recorded = transforms_in_metadata(message.metadata)
            image.fields = fields_in_metadata(message.metadata, self.keep_identifying)
        self._forget_what_was_before(timestamp)
        for transform, samples in self._samples.items():
            pose = self._measured_at(timestamp, samples)
            if pose is not None:
                image.transforms[transform] = pose
        # An image of another time means that the transforms of the ones before have all been sent.
        done = self._release(lambda waiting: self._has_all(waiting) or self._is_over(waiting, timestamp))
        self._images.append(image)
        return done + self._release(self._has_all)

    def add_transforms(self, timestamp: float, poses: Mapping[str, Pose]) -> list[TrackedFrame]:
        """The frames that are complete once these transforms, measured at `timestamp`, have come."""
        for name, pose in poses.items():
            if not is_transform_name(name):
                continue
            if name not in self._samples and len(self._samples) >= _MOST_TRANSFORMS:
                continue
            samples = self._samples.setdefault(name, deque(maxlen=_KEPT_SAMPLES))
            if not samples or timestamp < samples[-1][0] - self.tolerance_s:
                # The clock of the sender went back, as when a replay starts again: what was is no neighbour.
                samples.clear()
                self._begun_since_image.add(name)
            samples.append((timestamp, pose))
            for image in self._images:
                if self._same(image.timestamp, timestamp):
                    image.transforms[name] = pose
        return self._release(self._has_all)

    def give_up_waiting(self, now: float) -> list[TrackedFrame]:
        """The frames whose transforms did not come in time; with now=infinity all that are left."""
        return self._release(lambda image: now - image.arrived > PATIENCE_S)

    def _forget_what_was_before(self, timestamp: float) -> None:
        """When the images start again at an earlier time, transforms of the earlier turn must not fit them."""
        if timestamp < self._newest_image - self.tolerance_s:
            for name, samples in self._samples.items():
                if name not in self._begun_since_image:
                    samples.clear()
        self._newest_image = timestamp
        self._begun_since_image.clear()

    def _same(self, one: float, other: float) -> bool:
        return abs(one - other) <= self.tolerance_s

    def _measured_at(self, timestamp: float, samples: deque[tuple[float, Pose]]) -> Pose | None:
        """The newest of the samples of that time; looks at those that are no older, and one or two more."""
        for when, pose in reversed(samples):
            if self._same(when, timestamp):
                return pose
            # Samples are kept in their order, but for one tolerance by which a time may lie before that of the last.
            if when < timestamp - 2 * self.tolerance_s:
                return None
        return None

    def _is_over(self, image: _Waiting, newest: float) -> bool:
        return self.interpolation_gap_s is None and not self._same(image.timestamp, newest)

    def _has_all(self, image: _Waiting) -> bool:
        if not self._usual_names:
            return False
        missing = self._usual_names - image.transforms.keys()
        if self.interpolation_gap_s is None:
            return not missing
        return all(self._samples[name] and self._samples[name][-1][0] > image.timestamp for name in missing)

    def _release(self, is_done) -> list[TrackedFrame]:
        frames = []
        while self._images and is_done(self._images[0]):
            frames.append(self._frame(self._images.popleft()))
        return frames

    def _frame(self, image: _Waiting) -> TrackedFrame:
        if self.interpolation_gap_s is not None:
            for name, samples in self._samples.items():
                if name not in image.transforms:
                    pose = interpolate_pose(samples, image.timestamp, self.interpolation_gap_s)
                    if pose is not None:
                        image.transforms[name] = pose
            self._usual_names = frozenset(self._samples)
        # The set only grows: a frame never goes on before a pose that may still come, and a lost tool delays the
        # frames by one image.
        self._usual_names |= image.transforms.keys()
        transforms = {**image.recorded, **image.transforms}
        target = f"ImageTo{self.reference}"
        pose = self._pose(image, transforms)
        usable = pose is not None and bool(np.isfinite(pose.matrix).all())
        if not usable:
            self.without_transforms += 1
        return TrackedFrame(
            pixels=image.pixels,
            image_to_reference=pose.matrix if usable else None,
            timestamp=image.timestamp if math.isfinite(image.timestamp) else 0.0,
            valid=bool(usable and pose.valid and image.ok),
            transforms={name: entry for name, entry in transforms.items() if name != target},
            fields=image.fields,
        )

    def _pose(self, image: _Waiting, transforms: Mapping[str, Pose]) -> Pose | None:
        """ImageToReference of one frame, from the message itself or through its transforms and the calibration."""
        target = f"ImageTo{self.reference}"
        if image.embedded is not None and image.embedded[0] == target:
            pose = image.embedded[1]
            lost = next((entry for name, entry in image.recorded.items()
                         if not entry.valid and name.split("To")[0] in _ON_THE_WAY), None)  # fmt: skip
            # PLUS sends the image all the same, with the last matrix that it knew.
            return pose if lost is None else Pose(pose.matrix, False, lost.status)
        known = {**self._calibration, **transforms}
        if image.embedded is not None:
            known.setdefault(*image.embedded)
        return compose({target: known[target]} if target in known else known, "Image", self.reference)

    def _whole_pixels(self, message) -> np.ndarray | None:
        """(v, u) pixels; a part of an image is put into the whole one that came before it."""
        pixels = pixels_of(message)
        if pixels is None:
            return None
        if not getattr(message, "is_part", False):
            self._whole = {message.device_name: pixels}
            return pixels
        width, height, depth = message.whole_size
        before = self._whole.get(message.device_name)
        if depth != 1 or before is None or before.shape != (height, width) or before.dtype != pixels.dtype:
            return None
        u, v, _ = message.part_offset
        whole = before.copy()
        whole[v : v + pixels.shape[0], u : u + pixels.shape[1]] = pixels
        self._whole = {message.device_name: whole}
        return whole
