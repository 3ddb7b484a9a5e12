"""Reads a sequence file one frame at a time, in memory bounded by one frame."""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path
from typing import Iterator, Mapping

import numpy as np

from ..errors import CRLMError, SequenceFileError, TransformError
from ..geometry import as_affine
from .sequence_header import SequenceHeader, read_sequence_header
from .sweep import Sweep
from .tracked_frame import Pose, TrackedFrame
from .transforms import compose, is_transform_name, parse_matrix

_CHUNK_BYTES = 1 << 20
_TRANSFORM_FIELD = re.compile(r"^(\w+To\w+?)Transform$")
_STATUS_FIELD = re.compile(r"^(\w+To\w+?)TransformStatus$")
_IMAGE_STATUS_FIELDS = ("ImageStatus", "Status")


class SequenceReader:
    """The frames of a `.igs.mha`, `.mha`, `.mhd`, `.igs.nrrd`, `.nrrd` or `.nhdr` file, read as they are asked for.

    calibration  (4, 4) by name, such as {'ImageToProbe': matrix}: transforms that are not in the file
    reference    name of the coordinate frame that the volume is made in
    Raises SequenceFileError or TransformError when the file holds no sweep that can be placed in `reference`.
    """

    def __init__(self, path, calibration: Mapping[str, np.ndarray] | None = None, reference: str = "Reference"):
        self.header: SequenceHeader = read_sequence_header(path)
        self.reference = reference
        self._calibration = {
            name: Pose(as_affine(matrix, name)) for name, matrix in (calibration or {}).items()
        }
        self._check_size_of_data()
        self._check_that_a_pose_can_be_known()

    def __len__(self) -> int:
        return self.header.frame_count

    def __iter__(self) -> Iterator[TrackedFrame]:
        for fields, pixels in zip(self.header.frame_fields, self._images()):
            yield self._tracked_frame(fields, pixels)

    def transform_names(self) -> list[str]:
        """Names of the transforms that the file holds, such as 'ProbeToTracker'."""
        names = {}
        for fields in self.header.frame_fields:
            for name in fields:
                match = _TRANSFORM_FIELD.match(name)
                if match and is_transform_name(match.group(1)):
                    names[match.group(1)] = None
        return list(names)

    def _check_that_a_pose_can_be_known(self) -> None:
        target = f"ImageTo{self.reference}"
        recorded = self.transform_names()
        if not recorded:
            raise TransformError(
                f"{self.header.path} holds images without transforms: it is not a tracked sweep, "
                "and no volume can be made of it."
            )
        known = {name: Pose(np.eye(4)) for name in [*recorded, *self._calibration]}
        if target not in known and compose(known, "Image", self.reference) is None:
            raise TransformError(
                f"{self.header.path} holds {', '.join(recorded)}"
                + (f" and {', '.join(self._calibration)} was given" if self._calibration else "")
                + f", from which {target} cannot be found; give the missing calibration, such as ImageToProbe, "
                "with --image-to-probe or with a PLUS configuration (--plus-config)."
            )

    def _check_size_of_data(self) -> None:
        header = self.header
        try:
            stored = header.data_path.stat().st_size - header.data_offset
        except OSError as error:
            raise SequenceFileError(
                f"The pixels of {header.path} are in {header.data_path}, which cannot be read ({error.strerror})."
            ) from None
        expected = header.frame_bytes * header.frame_count
        if header.compression == "none" and stored < expected:
            raise SequenceFileError(
                f"{header.path} is cut off: it announces {header.frame_count} frames of "
                f"{header.image_size[0]} x {header.image_size[1]} pixels ({expected} bytes), but {max(stored, 0)} "
                "bytes are there."
            )
        # zlib never shrinks by more than about 1032 to 1: more than that is a damaged or hostile header.
        if header.compression != "none" and stored * 1100 < expected:
            raise SequenceFileError(
                f"{header.path} is cut off or damaged: {stored} compressed bytes cannot hold {header.frame_count} "
                f"frames of {header.image_size[0]} x {header.image_size[1]} pixels."
            )

    def _images(self) -> Iterator[np.ndarray]:
        header = self.header
        width, height = header.image_size
        pieces = self._raw_pieces()
        waiting = bytearray()
        for number in range(header.frame_count):
            while len(waiting) < header.frame_bytes:
                piece = next(pieces, b"")
                if not piece:
                    raise SequenceFileError(
                        f"{header.path} is cut off: the pixels end in frame {number} of {header.frame_count}."
                    )
                waiting += piece
            image = np.frombuffer(bytes(waiting[: header.frame_bytes]), dtype=header.dtype)
            del waiting[: header.frame_bytes]
            image = image.astype(header.dtype.newbyteorder("="), copy=False)
            image = image.reshape((height, width, header.channels) if header.channels > 1 else (height, width))
            if header.channels == 3:
                # ITU-R BT.601 luma, as ultrasound machines mix grey pictures with colored marks.
                image = np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(image.dtype)
            if header.flip_rows:
                image = image[::-1]
            if header.flip_columns:
                image = image[:, ::-1]
            yield np.ascontiguousarray(image)

    def _raw_pieces(self) -> Iterator[bytes]:
        """The pixel bytes in order, decompressed at most a chunk at a time."""
        header = self.header
        inflate = None
        if header.compression != "none":
            inflate = zlib.decompressobj(15 if header.compression == "zlib" else 31)
        with open(header.data_path, "rb") as stream:
            stream.seek(header.data_offset)
            while piece := stream.read(_CHUNK_BYTES):
                if inflate is None:
                    yield piece
                    continue
                while piece:
                    try:
                        data = inflate.decompress(piece, _CHUNK_BYTES)
                    except zlib.error as error:
                        raise SequenceFileError(
                            f"The compressed pixels of {header.path} are damaged ({error})."
                        ) from None
                    piece = inflate.unconsumed_tail
                    if data:
                        yield data

    def _tracked_frame(self, fields: Mapping[str, str], pixels: np.ndarray) -> TrackedFrame:
        matrices, statuses, others = {}, {}, {}
        for name, value in fields.items():
            if match := _STATUS_FIELD.match(name):
                statuses[match.group(1)] = value
            elif match := _TRANSFORM_FIELD.match(name):
                matrices[match.group(1)] = parse_matrix(value, f"{name} in {self.header.path}")
            else:
                others[name] = value
        transforms = {
            name: Pose(matrix, statuses.get(name, "OK").upper() == "OK", statuses.get(name, "OK"))
            for name, matrix in matrices.items()
            if is_transform_name(name)
        }
        target = f"ImageTo{self.reference}"
        known = {**self._calibration, **transforms}
        pose = compose({target: known[target]} if target in known else known, "Image", self.reference)
        image_ok = all(others.pop(name, "OK").upper() == "OK" for name in _IMAGE_STATUS_FIELDS)
        usable = pose is not None and np.isfinite(pose.matrix).all()
        return TrackedFrame(
            pixels=pixels,
            image_to_reference=pose.matrix if usable else None,
            timestamp=_seconds(others.pop("Timestamp", None), self.header.path),
            valid=bool(usable and pose.valid and image_ok),
            transforms={name: entry for name, entry in transforms.items() if name != target},
            fields=others,
        )


def _seconds(text: str | None, path: Path) -> float:
    if text is None:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise SequenceFileError(f"{path} has a timestamp that is not a number: '{text[:40]}'.") from None


def read_sweep(
    path, calibration: Mapping[str, np.ndarray] | None = None, reference: str = "Reference", progress=None
) -> Sweep:
    """Read a whole recording into memory.

    calibration  (4, 4) float64 by name: transforms missing from the file, such as {'ImageToProbe': pixel to mm}
    reference    name of the frame of reference of the result
    progress     called with (fraction done, text)
    Raises SequenceFileError, TransformError or GeometryError with one sentence.
    """
    reader = SequenceReader(path, calibration, reference)
    frames = []
    for frame in reader:
        frames.append(frame)
        if progress:
            progress(len(frames) / len(reader), f"reading frame {len(frames)} of {len(reader)}")
    sweep = Sweep(frames, Path(path).name.split(".")[0], reader.header.fields)
    return sweep


def describe_sequence(path) -> dict:
    """What is in a sequence file, without its pixels: size, frames, transforms with their share of OK, times."""
    header = read_sequence_header(path)
    valid: dict[str, int] = {}
    for fields in header.frame_fields:
        for name in fields:
            match = _TRANSFORM_FIELD.match(name)
            if match:
                status = fields.get(f"{name}Status", "OK").upper()
                valid[match.group(1)] = valid.get(match.group(1), 0) + (status == "OK")
    times = [_seconds(fields.get("Timestamp"), header.path) for fields in header.frame_fields]
    duration = times[-1] - times[0]
    try:
        SequenceReader(path)
        complete = True
    except CRLMError:
        complete = False
    return {
        "file": str(header.path),
        "image_size": list(header.image_size),
        "frames": header.frame_count,
        "dtype": header.dtype.name,
        "compression": header.compression,
        "duration_s": duration,
        "frames_per_second": (header.frame_count - 1) / duration if duration > 0 else math.nan,
        "valid_frames_by_transform": valid,
        "holds_image_to_reference": complete,
        "fields": header.fields,
    }
