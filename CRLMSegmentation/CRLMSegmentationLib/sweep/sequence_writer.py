"""Writes sequence files that PLUS, SlicerIGSIO and this project read back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Mapping

import numpy as np

from ..errors import SequenceFileError
from . import metaimage, nrrd
from .sweep import Sweep
from .tracked_frame import TrackedFrame

_WRITABLE = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")


class SequenceWriter:
    """Writes frames one by one to `path` (`.mha` or `.nrrd`), in memory bounded by one frame.

    The pixels grow in a hidden file beside `path`; `close()` puts the header before them and moves the whole into
    place at once, so that a file under `path` is always complete. Used as a context it drops what it has on an error.
    """

    def __init__(self, path, compressed: bool = True, fields: Mapping[str, str] | None = None):
        self.path = Path(path)
        suffix = self.path.suffix.lower()
        if suffix not in (".mha", ".nrrd"):
            raise SequenceFileError(
                f"{self.path} ends in '{suffix}'; a sweep is written as .igs.mha or .igs.nrrd."
            )
        self._format = metaimage if suffix == ".mha" else nrrd
        self._fields = {_clean(name): _clean(value) for name, value in (fields or {}).items()}
        self._frame_fields: list[dict[str, str]] = []
        self._image_size = None
        self._dtype = None
        self._compressor = self._format.compressor() if compressed else None
        self._pixel_path = self.path.with_name(f".{self.path.name}.{os.getpid()}.pixels")
        self._partial_path = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._pixels = open(self._pixel_path, "wb")
        except OSError as error:
            raise SequenceFileError(f"{self.path} cannot be written ({error.strerror}).") from None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
        else:
            self._remove_parts()

    def add(self, frame: TrackedFrame) -> None:
        """Append one frame. Raises SequenceFileError when its size or dtype differs from the first one's."""
        pixels = np.ascontiguousarray(frame.pixels)
        if self._image_size is None:
            if pixels.dtype.str[1:] not in _WRITABLE or pixels.ndim != 2:
                raise SequenceFileError(f"Frames of {pixels.dtype} {pixels.shape} cannot be written to {self.path}.")
            self._image_size, self._dtype = frame.image_size, pixels.dtype.newbyteorder("<")
        if frame.image_size != self._image_size or pixels.dtype != self._dtype.newbyteorder("="):
            raise SequenceFileError(
                f"Frame {len(self._frame_fields)} is {frame.image_size[0]} x {frame.image_size[1]} {pixels.dtype}, "
                f"but the frames before it are {self._image_size[0]} x {self._image_size[1]} {self._dtype.name}: "
                f"{self.path} holds one size only."
            )
        data = pixels.astype(self._dtype, copy=False).tobytes()
        self._pixels.write(self._compressor.compress(data) if self._compressor else data)
        self._frame_fields.append(frame_fields(frame))

    def close(self) -> None:
        """Finish the file. Raises SequenceFileError when there is no frame or no room on the disk."""
        try:
            if not self._frame_fields:
                raise SequenceFileError(f"There is no frame to write to {self.path}.")
            if self._compressor:
                self._pixels.write(self._compressor.flush())
            self._pixels.close()
            stored = self._pixel_path.stat().st_size if self._compressor else None
            text = self._format.header_text(self._image_size, self._frame_fields, self._dtype, stored, self._fields)
            with open(self._partial_path, "wb") as stream:
                stream.write(text.encode("utf-8"))
                with open(self._pixel_path, "rb") as pixels:
                    shutil.copyfileobj(pixels, stream, 1 << 20)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(self._partial_path, self.path)
        except OSError as error:
            raise SequenceFileError(f"{self.path} cannot be written ({error.strerror}).") from None
        finally:
            self._remove_parts()

    def _remove_parts(self) -> None:
        self._pixels.close()
        for path in (self._pixel_path, self._partial_path):
            path.unlink(missing_ok=True)


def frame_fields(frame: TrackedFrame) -> dict[str, str]:
    """The text fields that go with `frame` in a sequence file, without the Seq_Frame prefix."""
    fields = {}
    if frame.image_to_reference is not None:
        fields["ImageToReferenceTransform"] = format_matrix(frame.image_to_reference)
        fields["ImageToReferenceTransformStatus"] = "OK" if frame.valid else "INVALID"
    elif "ImageToReference" not in frame.transforms:
        # IGSIO knows no frame without a transform: an unknown pose is written as identity and marked.
        fields["ImageToReferenceTransform"] = format_matrix(np.eye(4))
        fields["ImageToReferenceTransformStatus"] = "INVALID"
    for name, pose in frame.transforms.items():
        if name == "ImageToReference":
            continue
        finite = np.isfinite(pose.matrix).all()
        fields[f"{name}Transform"] = format_matrix(pose.matrix if finite else np.eye(4))
        fields[f"{name}TransformStatus"] = pose.status if finite or not pose.valid else "INVALID"
    if np.isfinite(frame.timestamp):
        fields["Timestamp"] = repr(float(frame.timestamp))
    fields.update({_clean(name): _clean(value) for name, value in frame.fields.items()})
    return fields


def format_matrix(matrix) -> str:
    """Sixteen numbers, row by row, that read back to the same doubles."""
    return " ".join(f"{value:.17g}" for value in np.asarray(matrix, dtype=np.float64).ravel())


def _clean(text) -> str:
    """Text that cannot break out of its header line."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split()).replace("=", "-")


def write_sweep(sweep: Sweep, path, compressed: bool = True, progress=None) -> Path:
    """Write `sweep` to `path` (`.igs.mha` or `.igs.nrrd`) with its poses in Reference; returns the path."""
    with SequenceWriter(path, compressed, sweep.fields) as writer:
        for number, frame in enumerate(sweep.frames):
            writer.add(frame)
            if progress:
                progress((number + 1) / len(sweep), f"writing frame {number + 1} of {len(sweep)}")
    return Path(path)
