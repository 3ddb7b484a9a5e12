"""Where an image was, by its own message or the transforms of its time and the calibration; and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from ...geometry import as_affine
from ...sweep import Pose
from ...sweep.pose_path import compose_measured, passed_over_sentences, pose_path
from ...sweep.transforms import compose, split_transform_name
from ...words import tr
from .embedded_pose import lost_on_the_way
from .pose_causes import PoseCauses, cause_of_missing_pose, not_seen
from .transform_samples import TransformSamples
from .waiting_image import WaitingImage

# Of the valid frames, those at which the calibration is compared with what is measured.
_COMPARED_AT = frozenset({1, 10, 100, 1000, 10000})
_IMAGE_TO_PROBE = "ImageToProbe"


class ImagePoses:
    """Gives each image its ImageToReference.

    causes  why images have no valid pose
    notes   what of the calibration is not used
    """

    def __init__(
        self, calibration: Mapping[str, np.ndarray], reference: str, interpolation_gap_s: float | None
    ) -> None:
        self.causes = PoseCauses()
        self.notes: tuple[str, ...] = ()
        self._calibration = {name: Pose(as_affine(matrix, name)) for name, matrix in calibration.items()}
        self._given = self._calibration
        self._image_to_probe: Pose | None = None
        self._reference, self._interpolation_gap_s = reference, interpolation_gap_s
        self._valid_images = 0

    def calibrate(self, image_to_probe: np.ndarray | None) -> None:
        """Take this (4, 4), pixel to mm, for ImageToProbe from the next image on, whatever the sender says of its
        images; None for what the sender and the calibration say.
        """
        own = None if image_to_probe is None else Pose(as_affine(image_to_probe, _IMAGE_TO_PROBE))
        self._calibration = self._given if own is None else {**self._given, _IMAGE_TO_PROBE: own}
        self._image_to_probe = own

    def recorded(self, transforms: Mapping[str, Pose]) -> Mapping[str, Pose]:
        """The transforms that go with a frame: a sender's ImageToProbe that does not count is not among them."""
        own = self._image_to_probe
        return transforms if own is None or _IMAGE_TO_PROBE not in transforms else {**transforms, _IMAGE_TO_PROBE: own}

    def pose(self, image: WaitingImage, transforms: Mapping[str, Pose], measured_names: Set[str]) -> Pose | None:
        """ImageToReference of one image; None when nothing leads there.

        transforms      of its time
        measured_names  of all transforms that ever came
        """
        own = self._image_to_probe
        if own is not None:
            tracked = {name: pose for name, pose in transforms.items() if "Image" not in split_transform_name(name)}
            probe = compose(tracked, "Probe", self._reference)
            return None if probe is None else Pose(probe.matrix @ own.matrix, probe.valid, probe.status)
        given = image.pose_in(self._reference)
        if given is None:
            through = image.with_embedded(transforms, self._calibration)
            return compose_measured(through, self._calibration, "Image", self._reference, measured_names)
        # PLUS sends the image all the same, with the last matrix that it knew.
        lost = self._lost_on_the_way(image, measured_names)
        return given if lost is None else Pose(given.matrix, False, image.recorded[lost].status)

    def was_valid(self, transforms: Mapping[str, Pose]) -> None:
        """An image has got a valid pose through these transforms."""
        self.causes.valid()
        self._valid_images += 1
        if self._calibration and self._image_to_probe is None and self._valid_images in _COMPARED_AT:
            found = passed_over_sentences([transforms], self._calibration, "Image", self._reference)
            self.notes = tuple(found) or self.notes

    def was_invalid(
        self, image: WaitingImage, transforms: Mapping[str, Pose], can_pair: bool,
        samples: Mapping[str, TransformSamples], images: int, measured_names: Set[str],
        unusable_names: tuple[str, ...],
    ) -> None:  # fmt: skip
        """An image, the `images`-th, has got none: find out why.

        can_pair        False when the sender gives several images one time
        unusable_names  of transforms that came and are not called as PLUS calls them
        """
        if not image.ok:
            self.causes.invalid("image", tr("the sender marks its images as not good (ImageStatus)"))
        elif self._image_to_probe is None and image.pose_in(self._reference) is not None:
            lost = self._lost_on_the_way(image, measured_names)
            if lost is None:
                self.causes.invalid("matrix", tr("the images come with a pose that is no affine transform"))
            else:
                self.causes.invalid("lost", not_seen(f"{lost} is {image.recorded[lost].status}"))
        elif not can_pair:
            sentence = tr("the sender gives several images the same time, so that poses cannot be assigned to them")
            self.causes.invalid("times", sentence)
        else:
            measured = image.with_embedded(transforms, self._calibration)
            path = pose_path(measured.keys() | measured_names, self._calibration, "Image", self._reference)
            facts = {
                name: (one.apart_s(image.timestamp), one.is_still_sent(images), one.stamps.can_pair)
                for name, one in samples.items()
            }
            cause = cause_of_missing_pose(
                path, measured, facts, unusable_names, self._reference, self._interpolation_gap_s
            )
            self.causes.invalid(*cause)

    def _lost_on_the_way(self, image: WaitingImage, measured_names: Set[str]) -> str | None:
        return lost_on_the_way(image.recorded, self._reference, measured_names | self._calibration.keys())
