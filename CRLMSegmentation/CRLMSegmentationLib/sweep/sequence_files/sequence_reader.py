"""Reads a sequence file one frame at a time, in memory bounded by one frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import SequenceFileError, TransformError
from ...geometry import as_affine
from ...values.progress import Progress
from ...words import tr
from ..pose_path import compose_measured, passed_over_sentences, pose_path
from ..recorded_frame import ImagePlace, RecordedFrame
from ..sweep import Sweep
from ..tracked_frame import Pose, TrackedFrame
from ..transform_tree import DERIVED_FIELD, REFERENCE_FIELD, STATUS_FIELD, TRANSFORM_FIELD, aside_transforms
from ..transforms import compose, is_transform_name, parse_matrix, parse_number, split_transform_name
from .pixels_on_demand import PixelsOnDemand
from .sequence_formats import read_sequence_header
from .sequence_header import SequenceHeader
from .sequence_pixels import SequencePixels

_MOST_BYTES_IN_MEMORY = 1 << 30
_IMAGE_STATUS_FIELDS = ("ImageStatus", "Status")


class SequenceReader:
    """The frames of a `.igs.mha`, `.mha`, `.mhd`, `.igs.nrrd`, `.nrrd` or `.nhdr` file, read as they are asked for.

    calibration  (4, 4) by name, such as {'ImageToProbe': matrix}: transforms that are not in the file
    reference    name of the coordinate frame that the volume is made in; None for the one that the file was recorded
                 in (Reference when it does not say)
    keep_color   a video: colors stay, and a frame needs no pose
    Raises SequenceFileError or TransformError when the file holds no sweep that can be placed in `reference`.
    """

    def __init__(
        self,
        path: str | Path,
        calibration: Mapping[str, np.ndarray] | None = None,
        reference: str | None = None,
        keep_color: bool = False,
    ) -> None:
        self.header: SequenceHeader = read_sequence_header(path)
        recorded_in = self.header.fields.pop(REFERENCE_FIELD, "Reference")
        self.reference = reference or recorded_in
        self._derived = [name for name in self.header.fields.pop(DERIVED_FIELD, "").split() if is_transform_name(name)]
        self._calibration = {name: Pose(as_affine(matrix, name)) for name, matrix in (calibration or {}).items()}
        self._pixels = SequencePixels(self.header, keep_color)
        self._recorded = self.transform_names()
        if not keep_color:
            self._check_that_a_pose_can_be_known()

    def __len__(self) -> int:
        return self.header.frame_count

    def __iter__(self) -> Iterator[TrackedFrame]:
        for fields, pixels in zip(self.header.frame_fields, self._pixels):
            yield self._tracked_frame(fields, pixels)

    def frames(self, in_memory: bool | None = None) -> Iterator[TrackedFrame]:
        """All of them; `in_memory` see read_sweep()."""
        if in_memory is None:
            in_memory = self.header.frame_bytes * self.header.frame_count <= _MOST_BYTES_IN_MEMORY
        if in_memory or not PixelsOnDemand.can_read(self._pixels):
            yield from self
            return
        images = PixelsOnDemand(self._pixels)
        for number, fields in enumerate(self.header.frame_fields):
            # Read once, so that a damaged file is reported when it is opened.
            frame = RecordedFrame.of(self._tracked_frame(fields, images.image(number)))
            frame.leave_to_disk(ImagePlace(images, number))
            yield frame

    def frames_without_pixels(self) -> Iterator[TrackedFrame]:
        """The frames with one and the same black image, which takes no memory: what is asked of poses and times."""
        black = np.broadcast_to(np.zeros((), self.header.dtype.newbyteorder("=")), self.header.image_size[::-1])
        for fields in self.header.frame_fields:
            yield self._tracked_frame(fields, black)

    def sweep(self, frames: Sequence[TrackedFrame]) -> Sweep:
        """All the frames of this file as one sweep."""
        notes = self.notes([frame for frame in frames if frame.valid])
        name = self.header.path.name.split(".")[0]
        return Sweep(frames, name, self.header.fields, self.reference, tuple(notes))

    def transform_names(self) -> list[str]:
        """Names of the transforms that the file holds, such as 'ProbeToTracker'."""
        return list(frames_by_transform(self.header))

    def notes(self, frames: Sequence[TrackedFrame]) -> list[str]:
        """What of the calibration is not used, as the first, a middle and the last of `frames` show: for people."""
        measured = []
        for frame in frames[:: max(1, len(frames) // 2)]:
            measured.append(dict(frame.transforms))
            if f"ImageTo{self.reference}" in self._recorded and frame.image_to_reference is not None:
                measured[-1][f"ImageTo{self.reference}"] = Pose(frame.image_to_reference, frame.valid)
        return passed_over_sentences(measured, self._calibration, "Image", self.reference)

    def _check_that_a_pose_can_be_known(self) -> None:
        target = f"ImageTo{self.reference}"
        recorded = self._recorded
        if not recorded:
            raise TransformError(
                tr(
                    "{path} holds images without transforms: it is not a tracked sweep, and no volume can be "
                    "made of it.",
                    path=self.header.path,
                )
            )
        path = pose_path(recorded, self._calibration, "Image", self.reference)
        if path is not None and not path.measured:
            raise TransformError(
                tr(
                    "{path} holds {recorded}, and only fixed transforms ({names}) lead from Image to "
                    "{reference}: where the images were taken was not measured, and no volume can be made of "
                    "them.",
                    path=self.header.path,
                    recorded=", ".join(recorded),
                    names=", ".join((name for name, _, _ in path.steps)),
                    reference=self.reference,
                )
            )
        if path is None:
            raise TransformError(
                f"{self.header.path} holds {', '.join(recorded)}"
                + (
                    tr(" and {calibration} was given", calibration=", ".join(self._calibration))
                    if self._calibration
                    else ""
                )
                + tr(
                    ", from which {target} cannot be found; give the missing calibration, such as "
                    "ImageToProbe, with --image-to-probe or with a PLUS configuration (--plus-config).",
                    target=target,
                )
            )

    def _tracked_frame(self, fields: Mapping[str, str], pixels: np.ndarray) -> TrackedFrame:
        matrices, statuses, others = {}, {}, {}
        aside, fields = aside_transforms(fields)
        for name, value in fields.items():
            if match := STATUS_FIELD.match(name):
                statuses[match.group(1)] = value
            elif match := TRANSFORM_FIELD.match(name):
                matrices[match.group(1)] = parse_matrix(value, f"{name} in {self.header.path}")
            else:
                others[name] = value
        transforms = {
            name: Pose(matrix, statuses.get(name, "OK").upper() == "OK", statuses.get(name, "OK"))
            for name, matrix in matrices.items()
            if is_transform_name(name)
        }
        target = f"ImageTo{self.reference}"
        pose = compose_measured(transforms, self._calibration, "Image", self.reference, self._recorded)
        image_ok = all(others.pop(name, "OK").upper() == "OK" for name in _IMAGE_STATUS_FIELDS)
        if pose is not None and not np.isfinite(pose.matrix).all():
            pose = None
        derived = {name: compose(transforms, *split_transform_name(name)) for name in self._derived}
        more = {name: entry for name, entry in {**derived, **aside}.items() if entry is not None}
        return TrackedFrame(
            pixels=pixels,
            image_to_reference=pose.matrix if pose is not None else None,
            timestamp=seconds(others.pop("Timestamp", None), self.header.path),
            valid=pose is not None and pose.valid and image_ok,
            transforms={name: entry for name, entry in {**transforms, **more}.items() if name != target},
            fields=others,
        )


def frames_by_transform(header: SequenceHeader) -> dict[str, int]:
    """Every transform that the file holds, with the number of frames in which its status is OK."""
    valid: dict[str, int] = {}
    for fields in header.frame_fields:
        for name in fields:
            match = TRANSFORM_FIELD.match(name)
            if match and is_transform_name(match.group(1)):
                status = fields.get(f"{name}Status", "OK").upper()
                valid[match.group(1)] = valid.get(match.group(1), 0) + (status == "OK")
    return valid


def seconds(text: str | None, path: Path) -> float:
    """A timestamp as it stands in `path`; NaN when there is none. Raises SequenceFileError when it is no number."""
    if text is None:
        return math.nan
    try:
        return parse_number(text)
    except ValueError:
        raise SequenceFileError(
            tr("{path} has a timestamp that is not a number: '{text}'.", path=path, text=text[:40])
        ) from None


def read_sweep(
    path: str | Path,
    calibration: Mapping[str, np.ndarray] | None = None,
    reference: str | None = None,
    progress: Progress | None = None,
    in_memory: bool | None = None,
) -> Sweep:
    """Read a whole recording.

    calibration  (4, 4) float64 by name: transforms missing from the file, such as {'ImageToProbe': pixel to mm}
    reference    name of the frame of reference of the result; None for the one that the file was recorded in
    progress     called with (fraction done, text)
    in_memory    False leaves the pixels in the file and reads them when they are asked for; None does so where they are
                 more than a gigabyte
    Raises SequenceFileError, TransformError or GeometryError with one sentence.
    """
    reader = SequenceReader(path, calibration, reference)
    frames = []
    for frame in reader.frames(in_memory):
        frames.append(frame)
        if progress:
            progress(len(frames) / len(reader), f"reading frame {len(frames)} of {len(reader)}")
    return reader.sweep(frames)


def read_poses(
    path: str | Path, calibration: Mapping[str, np.ndarray] | None = None, reference: str | None = None
) -> Sweep:
    """A recording of any length without its pixels: every image is black. Otherwise as read_sweep()."""
    reader = SequenceReader(path, calibration, reference)
    return reader.sweep(list(reader.frames_without_pixels()))
