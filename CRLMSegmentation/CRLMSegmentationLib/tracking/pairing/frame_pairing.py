"""Pairs images with the transforms that were measured at the same time.

PLUS gives an image and the transforms of one moment one timestamp, sends them one after the other, and leaves out a
transform that was not valid (vtkPlusIgtlMessageFactory::PackMessages). So a frame whose transform is missing at its
timestamp has no pose: it is never given the pose of another time, unless interpolation was asked for because the
tracker runs at a rate of its own. Times that several measurements share pair nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise

import numpy as np

from ...geometry import as_affine
from ...sweep import Pose, TrackedFrame
from ...sweep.missing_frames import MISSING_FIELD, MissingFrames
from ...sweep.pose_path import compose_measured, passed_over_sentences, pose_path
from ...sweep.transforms import is_transform_name
from ..openigtlink.conversion import fields_in_metadata, pixels_of, pose_of_image, transforms_in_metadata
from ..openigtlink.stamps import Stamps
from .embedded_pose import lost_on_the_way
from .image_names import ImageStreams
from .interpolation import interpolate_pose
from .pose_causes import PoseCauses, cause_of_missing_pose, not_seen

# Timestamps travel with a resolution below a microsecond; frames are at least 5 ms apart as a rule.
TOLERANCE_S = 0.001
# Where they are closer, times must differ by less than this part of the interval to be the same time.
_TOLERANCE_SHARE = 0.25
# An image whose transforms did not come is given up on after this long, and kept without a pose.
PATIENCE_S = 0.25
_GAP_WITH_DELAY_S = 0.2
_KEPT_SAMPLES, _LOOKED_AT = 512, 8
_MOST_TRANSFORMS = 64
_MOST_UNUSABLE_NAMES = 8
# Of the valid frames, those at which the calibration is compared with what is measured.
_COMPARED_AT = frozenset({1, 10, 100, 1000, 10000})


@dataclass
class _Waiting:
    """An image that waits for its transforms; `arrived` is on the receiver's monotonic clock.

    candidates  transform name to (distance in time, pose): the nearest that came
    shared      another image has the same time
    """

    device_name: str
    pixels: np.ndarray
    timestamp: float
    arrived: float
    embedded: tuple[str, Pose] | None
    ok: bool
    candidates: dict[str, tuple[float, Pose]] = field(default_factory=dict)
    recorded: dict[str, Pose] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    shared: bool = False


class _Samples:
    """The measurements of one transform, in the order of arrival: (time, pose), ..."""

    def __init__(self):
        self.stamps = Stamps()
        self.poses: deque[tuple[float, Pose]] = deque(maxlen=_KEPT_SAMPLES)
        self._images: deque[int] = deque(maxlen=_LOOKED_AT)

    def add(self, timestamp: float, pose: Pose, images: int) -> Pose:
        """Keep a pose that came after so many `images`; returns it as it may be used: not valid when it shares its time
        with another one.
        """
        self._images.append(images)
        if self.poses and self.stamps.is_last(timestamp):
            before = self.poses.pop()[1]
            if not _is_same(before, pose):
                self.stamps.share()
        else:
            self.stamps.take(timestamp)
        if not self.stamps.can_pair:
            pose = Pose(pose.matrix, False, "INVALID")
        self.poses.append((timestamp, pose))
        return pose

    def is_still_sent(self, images: int) -> bool:
        """False when it is overdue after so many images."""
        usual = max((after - before for before, after in pairwise(self._images)), default=0)
        return images - self._images[-1] <= 2 * usual + 2

    def apart_s(self, timestamp: float) -> float:
        """How far the nearest of the last measurements lies from this time."""
        newest = islice(reversed(self.poses), _LOOKED_AT)
        return min((abs(when - timestamp) for when, _ in newest), default=math.inf)


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
    keep_identifying   record fields that can tell who the patient is as well

    streams       the image streams that were seen, and which is taken
    causes        why frames have no valid pose
    notes         what of the calibration is not used
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
    ):
        self.reference = reference
        self.tolerance_s = tolerance_s
        if image_delay_s and interpolation_gap_s is None:
            interpolation_gap_s = _GAP_WITH_DELAY_S
        self.interpolation_gap_s = interpolation_gap_s
        self.image_delay_s = image_delay_s
        self.keep_identifying = keep_identifying
        self.streams = ImageStreams(image_name, reference)
        self.causes = PoseCauses()
        self.notes: tuple[str, ...] = ()
        self.other_images = 0
        self.image_problem = ""
        self.repeated = 0
        self.missing = 0
        self.without_transforms = 0
        self._valid_frames = 0
        self._calibration = {name: Pose(as_affine(matrix, name)) for name, matrix in (calibration or {}).items()}
        self._forget_all()

    def _forget_all(self) -> None:
        self._images: deque[_Waiting] = deque()
        self._samples: dict[str, _Samples] = {}
        self._recorded_names: set[str] = set()
        self._unusable_names: dict[str, None] = {}
        self._usual_names: frozenset[str] = frozenset()
        self._newest_image = -math.inf
        self._begun_since_image: set[str] = set()
        self._whole: dict[str, np.ndarray] = {}
        self._image_count = 0
        self._stamps = Stamps()
        self._gaps = MissingFrames()
        self._previous: _Waiting | None = None

    @property
    def image_name(self) -> str | None:
        """The image stream that is taken; None before the first."""
        return self.streams.chosen

    def begin_anew(self) -> list[TrackedFrame]:
        """The sender was found again: what waits, given up. The stream that was chosen stays chosen."""
        frames = self.give_up_waiting(math.inf)
        self._forget_all()
        self.streams.begin_anew()
        return frames

    def choose_image(self, name: str | None) -> list[TrackedFrame]:
        """Take this image stream from now on (None: the next that comes); the frames that waited."""
        frames = self.give_up_waiting(math.inf)
        self.streams.choose(name)
        self._previous, self._stamps, self._gaps = None, Stamps(), MissingFrames()
        self._newest_image = -math.inf
        return frames

    def add_image(self, message, arrived: float) -> list[TrackedFrame]:
        """The frames that are complete once this image has come."""
        pixels = self._whole_pixels(message)
        if pixels is None:
            self.other_images += 1
            return []
        name, stamp = message.device_name, float(message.timestamp)
        self.streams.see(name)
        is_taken, takes_place = self.streams.take(name, stamp)
        if not is_taken:
            self.other_images += 1
            return []
        if takes_place:
            self._drop_other_embeddings(name, stamp - self.image_delay_s)
        image = self._waiting(message, pixels, stamp - self.image_delay_s, arrived)
        if self._previous is not None and self._stamps.is_last(image.timestamp):
            # A message whose time nobody set bears 0: that says nothing about the one before.
            if stamp > 0 and _is_repeated(self._previous, image):
                self.repeated += 1
                return []
            self._stamps.share()
            image.shared = True
            for waiting in self._images:
                waiting.shared |= self._stamps.is_last(waiting.timestamp)
        else:
            self._stamps.take(image.timestamp)
        self._previous = image
        self._image_count += 1
        missing = self._gaps.before(image.timestamp)
        if missing:
            self.missing += missing
            image.fields = {**image.fields, MISSING_FIELD: str(missing)}
        self._forget_what_was_before(image.timestamp)
        for transform, samples in self._samples.items():
            nearest = self._nearest(image.timestamp, samples.poses)
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
            samples = self._samples.setdefault(name, _Samples())
            if not samples.poses or timestamp < samples.poses[-1][0] - self.tolerance_s:
                # The clock of the sender went back, as when a replay starts again: what was is no neighbour.
                samples.poses.clear()
                self._begun_since_image.add(name)
            pose = samples.add(timestamp, pose, self._image_count)
            for image in self._images:
                apart = abs(image.timestamp - timestamp)
                if apart <= self._same_s and apart <= image.candidates.get(name, (math.inf,))[0]:
                    image.candidates[name] = apart, pose
        return self._release(self._has_all)

    def give_up_waiting(self, now: float) -> list[TrackedFrame]:
        """The frames whose transforms did not come in time; with now=infinity all that are left."""
        return self._release(lambda image: now - image.arrived > PATIENCE_S)

    @property
    def _same_s(self) -> float:
        """Times that differ by no more are the same."""
        return min(self.tolerance_s, _TOLERANCE_SHARE * self._stamps.shortest_interval_s)

    def _waiting(self, message, pixels: np.ndarray, timestamp: float, arrived: float) -> _Waiting:
        base, _, frame_of_image = message.device_name.rpartition("_")
        embedded = None
        if frame_of_image and frame_of_image != base and is_transform_name(f"ImageTo{frame_of_image}"):
            embedded = f"ImageTo{frame_of_image}", pose_of_image(message)
        image_ok = message.metadata.get("ImageStatus", "OK").upper() == "OK"
        image = _Waiting(message.device_name, pixels, timestamp, arrived, embedded, image_ok)
        if message.metadata:
            image.recorded = transforms_in_metadata(message.metadata)
            image.fields = fields_in_metadata(message.metadata, self.keep_identifying)
            if len(self._recorded_names) < _MOST_TRANSFORMS:
                self._recorded_names.update(image.recorded)
        return image

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

    def _nearest(self, timestamp: float, samples: deque[tuple[float, Pose]]) -> tuple[float, Pose] | None:
        """The sample nearest to that time, as (distance, pose), if it is of the same time; of two the newer one."""
        same_s, nearest = self._same_s, None
        for when, pose in reversed(samples):
            apart = abs(when - timestamp)
            if apart <= same_s and (nearest is None or apart < nearest[0]):
                nearest = apart, pose
            # Samples are kept in their order, but for one tolerance by which a time may lie before that of the last.
            if when < timestamp - 2 * self.tolerance_s:
                break
        return nearest

    def _is_over(self, image: _Waiting, newest: float) -> bool:
        return self.interpolation_gap_s is None and abs(image.timestamp - newest) > self._same_s

    def _has_all(self, image: _Waiting) -> bool:
        if not self._usual_names:
            return False
        missing = self._usual_names - image.candidates.keys()
        if self.interpolation_gap_s is None:
            return not missing
        return all(self._samples[name].poses and self._samples[name].poses[-1][0] > image.timestamp for name in missing)

    def _release(self, is_done) -> list[TrackedFrame]:
        frames = []
        while self._images and is_done(self._images[0]):
            frames.append(self._frame(self._images.popleft()))
        return frames

    def _frame(self, image: _Waiting) -> TrackedFrame:
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
        can_pair = self._stamps.can_pair and not image.shared
        if not can_pair:
            paired = {name: Pose(pose.matrix, False, "INVALID") for name, pose in paired.items()}
        transforms = {**image.recorded, **paired}
        target = f"ImageTo{self.reference}"
        pose = self._pose(image, transforms)
        usable = pose is not None and bool(np.isfinite(pose.matrix).all())
        valid = bool(usable and pose.valid and image.ok)
        if not usable:
            self.without_transforms += 1
        if valid:
            self.causes.valid()
            self._compare_calibration(transforms)
        else:
            self.causes.invalid(*self._cause(image, transforms, can_pair))
        return TrackedFrame(
            pixels=image.pixels,
            image_to_reference=pose.matrix if usable else None,
            timestamp=image.timestamp if math.isfinite(image.timestamp) else 0.0,
            valid=valid,
            transforms={name: entry for name, entry in transforms.items() if name != target},
            fields=image.fields,
        )

    @property
    def _measured_names(self) -> set[str]:
        return self._samples.keys() | self._recorded_names

    def _pose(self, image: _Waiting, transforms: Mapping[str, Pose]) -> Pose | None:
        """ImageToReference of one frame, from the message itself or through its transforms and the calibration."""
        target = f"ImageTo{self.reference}"
        if image.embedded is not None and image.embedded[0] == target:
            pose = image.embedded[1]
            lost = lost_on_the_way(image.recorded, self.reference, self._measured_names | self._calibration.keys())
            # PLUS sends the image all the same, with the last matrix that it knew.
            return pose if lost is None else Pose(pose.matrix, False, image.recorded[lost].status)
        return compose_measured(
            self._with_embedded(image, transforms), self._calibration, "Image", self.reference, self._measured_names
        )

    def _with_embedded(self, image: _Waiting, transforms: Mapping[str, Pose]) -> Mapping[str, Pose]:
        if image.embedded is None or image.embedded[0] in self._calibration or image.embedded[0] in transforms:
            return transforms
        return {**transforms, image.embedded[0]: image.embedded[1]}

    def _compare_calibration(self, transforms: Mapping[str, Pose]) -> None:
        self._valid_frames += 1
        if self._calibration and self._valid_frames in _COMPARED_AT:
            found = passed_over_sentences([transforms], self._calibration, "Image", self.reference)
            self.notes = tuple(found) or self.notes

    def _cause(self, image: _Waiting, transforms: Mapping[str, Pose], can_pair: bool) -> tuple[str, str]:
        """Why this frame has no valid pose: a word for the kind, and a sentence."""
        if not image.ok:
            return "image", "the sender marks its images as not good (ImageStatus)"
        if image.embedded is not None and image.embedded[0] == f"ImageTo{self.reference}":
            lost = lost_on_the_way(image.recorded, self.reference, self._measured_names | self._calibration.keys())
            if lost is None:
                return "matrix", "the images come with a pose that is no affine transform"
            return "lost", not_seen(f"{lost} is {image.recorded[lost].status}")
        if not can_pair:
            return "times", "the sender gives several images the same time, so that poses cannot be assigned to them"
        measured = self._with_embedded(image, transforms)
        path = pose_path(measured.keys() | self._measured_names, self._calibration, "Image", self.reference)
        samples = {
            name: (one.apart_s(image.timestamp), one.is_still_sent(self._image_count), one.stamps.can_pair)
            for name, one in self._samples.items()
        }
        return cause_of_missing_pose(
            path, measured, samples, tuple(self._unusable_names), self.reference, self.interpolation_gap_s
        )

    def _whole_pixels(self, message) -> np.ndarray | None:
        """(v, u) pixels; a part of an image is put into the whole one that came before it."""
        name = message.device_name
        if not self.streams.may_take(name):
            if pixels_of(message) is not None:
                self.streams.see(name)
            return None
        pixels = pixels_of(message)
        if pixels is None:
            slices = np.asarray(message.image).shape[0]
            if slices > 1:
                self.image_problem = f"images of {slices} slices ({name}) cannot be used, only single ones"
            return None
        if not getattr(message, "is_part", False):
            self._whole = {name: pixels}
            return pixels
        width, height, depth = message.whole_size
        before = self._whole.get(name)
        if depth != 1 or before is None or before.shape != (height, width) or before.dtype != pixels.dtype:
            self.image_problem = f"parts of images ({name}) came without the whole one, and cannot be used"
            return None
        u, v, _ = message.part_offset
        whole = before.copy()
        whole[v : v + pixels.shape[0], u : u + pixels.shape[1]] = pixels
        self._whole = {name: whole}
        return whole


def _is_same(one: Pose, other: Pose) -> bool:
    """The same measurement, though it may have travelled in another kind of message."""
    return one.valid == other.valid and np.allclose(one.matrix, other.matrix, rtol=1e-4, atol=1e-3, equal_nan=True)


def _is_repeated(before: _Waiting, image: _Waiting) -> bool:
    """The same image with the same pose once more."""
    if (before.embedded is None) != (image.embedded is None):
        return False
    if image.embedded is not None and not _is_same(before.embedded[1], image.embedded[1]):
        return False
    return before.pixels.dtype == image.pixels.dtype and np.array_equal(before.pixels, image.pixels)
