"""Writes sequence files that PLUS, SlicerIGSIO and this project read back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from ...errors import SequenceFileError
from ...geometry import as_affine
from ...values.progress import Progress
from ...words import tr
from ..sweep import Sweep
from ..tracked_frame import TrackedFrame
from ..transform_tree import DERIVED_FIELD, as_tree
from . import metaimage, nrrd
from .frame_fields import clean_field, frame_fields
from .packed_frame import CompressedStream, FrameFacts, FrameKind, image_size_of, little_endian_pixels, pack_image

_CHUNK_BYTES = 1 << 20


class SequenceWriter:
    """Writes frames one by one to `path` (`.mha` or `.nrrd`), in memory bounded by one frame.

    The pixels grow in a hidden file beside `path`; `close()` puts the header before them and moves the whole into
    place at once, so that a file under `path` is always complete. Used as a context it drops what it has on an error.

    reference    the frame of reference: what `image_to_reference` of the frames leads to
    calibration  (4, 4) by name: fixed transforms that go with the recording
    """

    def __init__(
        self,
        path: str | Path,
        compressed: bool = True,
        fields: Mapping[str, str] | None = None,
        reference: str = "Reference",
        calibration: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.path = Path(path)
        self._format = format_of(self.path)
        self._fields = dict(fields or {})
        self._reference = reference
        self._calibration = {name: as_affine(matrix, name) for name, matrix in (calibration or {}).items()}
        self._frame_fields: list[Mapping[str, str]] = []
        self._kind: FrameKind | None = None
        self._stream = CompressedStream(self._format.COMPRESSION) if compressed else None
        self._pixel_path = hidden_path(self.path, "pixels")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._pixels = open(self._pixel_path, "wb")
        except OSError as error:
            raise SequenceFileError(
                tr("{path} cannot be written ({strerror}).", path=self.path, strerror=error.strerror)
            ) from None
        self._pixels.write(self._stream.start if self._stream else b"")

    def __enter__(self) -> SequenceWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._remove_parts()

    def add(self, frame: TrackedFrame) -> None:
        """Append one frame. Raises SequenceFileError when its size or dtype differs from the first one's."""
        self.add_image(frame.pixels, frame_fields(frame, self._reference))

    def add_image(self, pixels: np.ndarray, fields: Mapping[str, str]) -> None:
        """Append (v, u[, 3]) pixels with the text fields that go with them, as frame_fields() makes them."""
        if self._stream:
            packed = pack_image(pixels, fields)
            self._check(packed.image_size, packed.dtype)
            self._stream.add(packed.raw_bytes, packed.adler32, packed.crc32)
            self._append(packed.piece, packed.fields)
        else:
            data, dtype = little_endian_pixels(pixels)
            self._check(image_size_of(pixels), dtype)
            self._append(data, fields)

    def close(self) -> None:
        """Finish the file. Raises SequenceFileError when there is no frame or no room on the disk."""
        try:
            if self._kind is None:
                raise SequenceFileError(tr("There is no frame to write to {path}.", path=self.path))
            if self._stream:
                self._pixels.write(self._stream.end())
            self._pixels.close()
            stored = self._pixel_path.stat().st_size if self._stream else None
            with open(self._pixel_path, "rb") as pixels:
                chunks = iter(lambda: pixels.read(_CHUNK_BYTES), b"")
                write_whole(self.path, self._kind, self._frame_fields, stored, chunks, self._fields, self._calibration)
        except OSError as error:
            raise SequenceFileError(
                tr("{path} cannot be written ({strerror}).", path=self.path, strerror=error.strerror)
            ) from None
        finally:
            self._remove_parts()

    def _check(self, image_size: tuple[int, int], dtype: str) -> None:
        if self._kind is None:
            self._kind = image_size, dtype, self._reference
        elif self._kind[:2] != (image_size, dtype):
            (width, height), first_dtype, _ = self._kind
            raise SequenceFileError(
                tr(
                    "Frame {frame_fields} is {image_size} x {image_size_2} {dtype}, but the frames before it "
                    "are {width} x {height} {dtype_2}: {path} holds one size only.",
                    frame_fields=len(self._frame_fields),
                    image_size=image_size[0],
                    image_size_2=image_size[1],
                    dtype=np.dtype(dtype),
                    width=width,
                    height=height,
                    dtype_2=np.dtype(first_dtype),
                    path=self.path,
                )
            )

    def _append(self, data: bytes, fields: Mapping[str, str]) -> None:
        self._pixels.write(data)
        self._frame_fields.append(fields)

    def _remove_parts(self) -> None:
        self._pixels.close()
        self._pixel_path.unlink(missing_ok=True)


def format_of(path: Path) -> ModuleType:
    """The module that writes files with the ending of `path`. Raises SequenceFileError for any other."""
    suffix = path.suffix.lower()
    if suffix not in (".mha", ".nrrd"):
        raise SequenceFileError(
            tr("{path} ends in '{suffix}'; a sweep is written as .igs.mha or .igs.nrrd.", path=path, suffix=suffix)
        )
    return metaimage if suffix == ".mha" else nrrd


def hidden_path(path: Path, ending: str) -> Path:
    """Where a part of `path` lies until it is whole, for this process alone."""
    return path.with_name(f".{path.name}.{os.getpid()}.{ending}")


def write_whole(
    path: Path,
    kind: FrameKind,
    all_frame_fields: Sequence[Mapping[str, str]],
    stored_bytes: int | None,
    chunks: Iterable[bytes],
    fields: Mapping[str, str] | None = None,
    fixed: Mapping[str, np.ndarray] | None = None,
) -> int:
    """Write header and pixels and move them into place at once, kept by the disk before they bear the name `path`.

    Returns the byte at which the pixels begin.

    kind          image size, dtype and frame of reference of all frames
    fixed         (4, 4) by name: transforms of a configuration (see as_tree)
    stored_bytes  length of the compressed pixels; None when `chunks` are not compressed
    Raises OSError; nothing is left behind then.
    """
    image_size, dtype, reference = kind
    tree = as_tree(all_frame_fields, image_size, reference, fixed)
    header = {**(fields or {}), **tree.header_fields}
    if fields and DERIVED_FIELD in fields:
        # What was left out before, in a file that is written anew.
        names = f"{fields[DERIVED_FIELD]} {tree.header_fields.get(DERIVED_FIELD, '')}".split()
        header[DERIVED_FIELD] = " ".join(dict.fromkeys(names))
    cleaned = {clean_field(name): clean_field(value) for name, value in header.items()}
    header_text = format_of(path).header_text
    text = header_text(image_size, tree.frame_fields, np.dtype(dtype), stored_bytes, cleaned).encode("utf-8")
    partial = hidden_path(path, "partial")
    try:
        with open(partial, "wb") as stream:
            stream.write(text)
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return len(text)


def compressed_chunks(path: Path, frames: Iterable[FrameFacts], pieces: Iterable[bytes]) -> Iterable[bytes]:
    """The compressed pixels of `path`: `pieces` in the order of `frames`, and what goes around them."""
    stream = CompressedStream(format_of(path).COMPRESSION)
    yield stream.start
    for frame, piece in zip(frames, pieces):
        stream.add(frame.raw_bytes, frame.adler32, frame.crc32)
        yield piece
    yield stream.end()


def first_piece_at(path: Path) -> int:
    """How many bytes of compressed_chunks() come before the first piece."""
    return len(CompressedStream(format_of(path).COMPRESSION).start)


def compressed_bytes(path: Path, piece_bytes: int) -> int:
    """How long compressed_chunks() are whose pieces have so many bytes together."""
    stream = CompressedStream(format_of(path).COMPRESSION)
    return len(stream.start) + piece_bytes + len(stream.end())


def write_sweep(sweep: Sweep, path: str | Path, compressed: bool = True, progress: Progress | None = None) -> Path:
    """Write `sweep` to `path` (`.igs.mha` or `.igs.nrrd`) with its poses; returns the path."""
    with SequenceWriter(path, compressed, sweep.fields, sweep.reference) as writer:
        for number, frame in enumerate(sweep.frames):
            writer.add(frame)
            if progress:
                progress((number + 1) / len(sweep), f"writing frame {number + 1} of {len(sweep)}")
    return Path(path)
