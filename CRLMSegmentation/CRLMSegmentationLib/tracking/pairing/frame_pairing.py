"""Pairs images with the transforms that were measured at the same time.

PLUS gives an image and the transforms of one moment one timestamp, sends them one after the other, and leaves out a
transform that was not valid (vtkPlusIgtlMessageFactory::PackMessages). So a frame whose transform is missing at its
timestamp has no pose: it is never given the pose of another time, unless interpolation was asked for because the
tracker runs at a rate of its own. Times that several measurements share pair nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from ...sweep import Pose, TrackedFrame
from ...sweep.missing_frames import MISSING_FIELD, MissingFrames
from ...sweep.transforms import is_transform_name
from ..openigtlink.conversion import is_picture
from ..openigtlink.image_message import ImageMessage
from .image_names import ImageNames
from .image_pose import ImagePoses
from .interpolation import interpolate_pose
from .pose_causes import PoseCauses
from .stamps import Stamps
from .transform_samples import TransformSamples
from .waiting_image import WaitingImage
from .whole_images import WholeImages

# Timestamps travel with a resolution below a microsecond; frames are at least 5 ms apart as a rule.
TOLERANCE_S = 0.001
# Where they are closer, times must differ by less than this part of the interval to be the same time.
_TOLERANCE_SHARE = 0.25
# An image whose transforms did not come is given up on after this long, and kept without a pose.
PATIENCE_S = 0.25
_GAP_WITH_DELAY_S = 0.2
_MOST_TRANSFORMS = 64
_MOST_UNUSABLE_NAMES = 8


class FramePairing:
    """Takes messages in the order of arrival and gives tracked frames in the order of their images.

    calibration   (4, 4) by name, such as {'ImageToProbe': matrix}, for streams that carry ProbeToReference
    image_name    device name or its part before the last '_'; None takes the first image stream that comes
    tolerance_s   timestamps that differ by no more are the same time, unless images come so quickly that a transform
                  would fit a neighbour as well; the nearest is taken
    interpolation_gap_s   None pairs equal times only. Otherwise a transform that has no measurement at the time of the
                  image is interpolated between the two neighbours (slerp and lerp), if both are valid and no more
                  than this apart
    image_delay_s the images show what was so many seconds before their timestamp (PLUS calls its negative
                  LocalTimeOffsetSec of the video device). No pose was measured then as a rule: where interpolation was
                  not asked for, poses are interpolated between measurements that are no more than 0.2 s apart
    keep_identifying   record fields that can identify the patient as well
    keep_color    frames have (rows, columns, 3) pixels; otherwise grey

    names         of the images that were seen, and which are taken
    other_images  images that were not taken; `image_problem` says why the last two-dimensional ones could not be
    repeated      images that came again with the same time and the same pixels, and were dropped
    missing       about how many images the sender skipped, by their times
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
        keep_color: bool = False,
    ) -> None:
        self.reference = reference
        self.tolerance_s = tolerance_s
        if image_delay_s and interpolation_gap_s is None:
            interpolation_gap_s = _GAP_WITH_DELAY_S
        self.interpolation_gap_s = interpolation_gap_s
        self.image_delay_s = image_delay_s
        self.keep_identifying = keep_identifying
        self.names = ImageNames(image_name, reference)
        self.other_images = 0
        self.repeated = 0
        self.missing = 0
        self.without_transforms = 0
        self._poses = ImagePoses(calibration or {}, reference, interpolation_gap_s)
        self._whole = WholeImages(keep_color)
        self._forget_all()

    def _forget_all(self) -> None:
        self._images: deque[WaitingImage] = deque()
        self._samples: dict[str, TransformSamples] = {}
        self._recorded_names: set[str] = set()
        self._unusable_names: dict[str, None] = {}
        self._usual_names: frozenset[str] = frozenset()
        self._newest_image = -math.inf
        self._begun_since_image: set[str] = set()
        self._whole.begin_anew()
        self._image_count = 0
        self._stamps = Stamps()
        self._gaps = MissingFrames()
        self._previous: WaitingImage | None = None

    @property
    def image_name(self) -> str | None:
        """The image stream that is taken; None before the first."""
        return self.names.chosen

    @property
    def image_problem(self) -> str:
        return self._whole.problem

    @property
    def causes(self) -> PoseCauses:
        """Why frames have no valid pose."""
        return self._poses.causes

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the calibration is not used."""
        return self._poses.notes

    def begin_anew(self) -> list[TrackedFrame]:
        """The sender was found again: what waits, given up. The stream that was chosen stays chosen."""
        frames = self.give_up_waiting(math.inf)
        self._forget_all()
        self.names.begin_anew()
        return frames

    def calibrate(self, image_to_probe: np.ndarray | None) -> None:
        """See ImagePoses.calibrate()."""
        self._poses.calibrate(image_to_probe)

    def choose_image(self, name: str | None) -> list[TrackedFrame]:
        """Take this image stream from now on (None: the next that comes); the frames that waited."""
        frames = self.give_up_waiting(math.inf)
        self.names.choose(name)
        self._previous, self._stamps, self._gaps = None, Stamps(), MissingFrames()
        self._newest_image = -math.inf
        return frames

    def add_image(self, message: ImageMessage, arrived: float) -> list[TrackedFrame]:
        """The frames that are complete once this image has come."""
        name, stamp = message.device_name, float(message.timestamp)
        pixels = self._pixels(message)
        is_taken, takes_place = self.names.take(name, stamp) if pixels is not None else (False, False)
        if pixels is None or not is_taken:
            self.other_images += 1
            return []
        if takes_place:
            self._drop_other_embeddings(name, stamp - self.image_delay_s)
        image = WaitingImage.of(message, pixels, stamp - self.image_delay_s, arrived, self.keep_identifying)
        if len(self._recorded_names) < _MOST_TRANSFORMS:
            self._recorded_names.update(image.recorded)
        if self._is_repeated(image, stamp):
            self.repeated += 1
            return []
        self._previous = image
        self._image_count += 1
        missing = self._gaps.before(image.timestamp)
        if missing:
            self.missing += missing
            image.fields = {**image.fields, MISSING_FIELD: str(missing)}
        self._forget_what_was_before(image.timestamp)
        for transform, samples in self._samples.items():
            nearest = samples.nearest(image.timestamp, self._same_s, self.tolerance_s)
            if nearest is not None:
                image.candidates[transform] = nearest
        # An image of another time means that the transforms of the ones before have all been sent.
        done = self._release(lambda waiting: self._has_all(waiting) or self._is_over(waiting, image.timestamp))
        self._images.append(image)
        return done + self._release(self._has_all)

    def add_transforms(self, timestamp: float, poses: Mapping[str, Pose]) -> list[TrackedFrame]:
        """The frames that are complete once these transforms, measured at `timestamp`, have come."""
        for name, pose in poses.items():
            if not is_transform_name(name):
                if len(self._unusable_names) < _MOST_UNUSABLE_NAMES:
                    self._unusable_names.setdefault(name)
                continue
            if name not in self._samples and len(self._samples) >= _MOST_TRANSFORMS:
                continue
            samples = self._samples.setdefault(name, TransformSamples())
            if not samples.poses or timestamp < samples.poses[-1][0] - self.tolerance_s:
                # The clock of the sender went back, as when a replay starts again: what was is no neighbour.
                samples.poses.clear()
                self._begun_since_image.add(name)
            usable = samples.add(timestamp, pose, self._image_count)
            for image in self._images:
                apart = abs(image.timestamp - timestamp)
                if apart <= self._same_s and apart <= image.candidates.get(name, (math.inf,))[0]:
                    image.candidates[name] = apart, usable
        return self._release(self._has_all)

    def give_up_waiting(self, now: float) -> list[TrackedFrame]:
        """The frames whose transforms did not come in time; with now=infinity all that are left."""
        return self._release(lambda image: now - image.arrived > PATIENCE_S)

    @property
    def _same_s(self) -> float:
        """Times that differ by no more are the same."""
        return min(self.tolerance_s, _TOLERANCE_SHARE * self._stamps.shortest_interval_s)

    @property
    def _measured_names(self) -> set[str]:
        return self._samples.keys() | self._recorded_names

    def _pixels(self, message: ImageMessage) -> np.ndarray | None:
        """The pixels of an image that may be taken; None for others."""
        is_ours = self.names.may_take(message.device_name)
        pixels = self._whole.pixels(message) if is_ours else None
        if pixels is not None or (not is_ours and is_picture(message)):
            self.names.see(message.device_name)
        return pixels

    def _is_repeated(self, image: WaitingImage, stamp: float) -> bool:
        """True for the image before once more; otherwise one that shares the time of another is marked so."""
        if self._previous is None or not self._stamps.is_last(image.timestamp):
            self._stamps.take(image.timestamp)
            return False
        # A message whose time nobody set bears 0: that says nothing about the one before.
        if stamp > 0 and self._previous.is_repeated_by(image):
            return True
        self._stamps.share()
        image.shared = True
        for waiting in self._images:
            waiting.shared |= self._stamps.is_last(waiting.timestamp)
        return False

    def _drop_other_embeddings(self, name: str, timestamp: float) -> None:
        """The same image under another name waits, unless it went on already."""
        others = [one for one in self._images if one.device_name != name and one.timestamp == timestamp]
        for other in others:
            self._images.remove(other)
            self.other_images += 1
            if self._previous is other:
                self._previous = None

    def _forget_what_was_before(self, timestamp: float) -> None:
        """When the images start again at an earlier time, transforms of the earlier turn must not fit them."""
        if timestamp < self._newest_image - self.tolerance_s:
            for name, samples in self._samples.items():
                if name not in self._begun_since_image:
                    samples.poses.clear()
        self._newest_image = timestamp
        self._begun_since_image.clear()

    def _is_over(self, image: WaitingImage, newest: float) -> bool:
        return self.interpolation_gap_s is None and abs(image.timestamp - newest) > self._same_s

    def _has_all(self, image: WaitingImage) -> bool:
        if not self._usual_names:
            return False
        missing = self._usual_names - image.candidates.keys()
        if self.interpolation_gap_s is None:
            return not missing
        return all(self._samples[name].poses and self._samples[name].poses[-1][0] > image.timestamp for name in missing)

    def _release(self, is_done: Callable[[WaitingImage], bool]) -> list[TrackedFrame]:
        frames = []
        while self._images and is_done(self._images[0]):
            frames.append(self._frame(self._images.popleft()))
        return frames

    def _paired(self, image: WaitingImage) -> dict[str, Pose]:
        """The transforms of the time of the image."""
        same_s = self._same_s
        paired = {name: pose for name, (apart, pose) in image.candidates.items() if apart <= same_s}
        if self.interpolation_gap_s is not None:
            for name, samples in self._samples.items():
                if name not in paired:
                    pose = interpolate_pose(samples.poses, image.timestamp, self.interpolation_gap_s)
                    if pose is not None:
                        paired[name] = pose
            self._usual_names = frozenset(self._samples)
        # The set only grows: a frame never goes on before a pose that may still come, and a lost tool delays the
        # frames by one image.
        self._usual_names |= paired.keys()
        return paired

    def _frame(self, image: WaitingImage) -> TrackedFrame:
        paired = self._paired(image)
        can_pair = self._stamps.can_pair and not image.shared
        if not can_pair:
            paired = {name: Pose(pose.matrix, False, "INVALID") for name, pose in paired.items()}
        transforms = {**image.recorded, **paired}
        pose = self._poses.pose(image, transforms, self._measured_names)
        if pose is not None and not np.isfinite(pose.matrix).all():
            pose = None
        valid = pose is not None and pose.valid and image.ok
        if pose is None:
            self.without_transforms += 1
        if valid:
            self._poses.was_valid(transforms)
        else:
            unusable = tuple(self._unusable_names)
            self._poses.was_invalid(
                image, transforms, can_pair, self._samples, self._image_count, self._measured_names, unusable
            )
        target = f"ImageTo{self.reference}"
        return TrackedFrame(
            pixels=image.pixels,
            image_to_reference=None if pose is None else pose.matrix,
            timestamp=image.timestamp if math.isfinite(image.timestamp) else 0.0,
            valid=valid,
            transforms={name: entry for name, entry in self._poses.recorded(transforms).items() if name != target},
            fields=image.fields,
        )
