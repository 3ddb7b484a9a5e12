"""The images in a sequence file, one after another, in memory bounded by one of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ...errors import NoImagesError, SequenceFileError
from ...words import tr
from .sequence_header import SequenceHeader

_CHUNK_BYTES = 1 << 20
_ZLIB_OR_GZIP = 15 + 32  # window bits: by the bytes that it begins with


class SequencePixels:
    """Iterates over (v, u) grey images in working orientation MF, in the dtype of the file.

    keep_color  colored ones are (v, u, 3), red, green and blue

    Raises SequenceFileError at once when the file holds no images or is too short for what its header announces, and
    while iterating when it is cut off or damaged.
    """

    def __init__(self, header: SequenceHeader, keep_color: bool = False):
        self.header, self._keep_color = header, keep_color
        if not header.has_images:
            raise NoImagesError(
                tr(
                    "{path} holds tracking data without images ({frame_count} times): no volume can be made "
                    "of it; give a recording of the ultrasound images with their poses.",
                    path=header.path,
                    frame_count=header.frame_count,
                )
            )
        try:
            stored = header.data_path.stat().st_size - self.first_stored_byte()
        except OSError as error:
            raise SequenceFileError(
                tr(
                    "The pixels of {path} are in {data_path}, which cannot be read ({strerror}).",
                    path=header.path,
                    data_path=header.data_path,
                    strerror=error.strerror,
                )
            ) from None
        expected = header.frame_bytes * header.frame_count + max(header.skipped_bytes, 0)
        if header.compression == "none" and stored < expected:
            raise SequenceFileError(
                tr(
                    "{path} is cut off: it announces {frame_count} frames of {image_size} x {image_size_2} "
                    "pixels ({expected} bytes), but {stored} bytes are there.",
                    path=header.path,
                    frame_count=header.frame_count,
                    image_size=header.image_size[0],
                    image_size_2=header.image_size[1],
                    expected=expected,
                    stored=max(stored, 0),
                )
            )
        # zlib never shrinks by more than about 1032 to 1: more than that is a damaged or hostile header.
        if header.compression != "none" and stored * 1100 < expected:
            raise SequenceFileError(
                tr(
                    "{path} is cut off or damaged: {stored} compressed bytes cannot hold {frame_count} "
                    "frames of {image_size} x {image_size_2} pixels.",
                    path=header.path,
                    stored=stored,
                    frame_count=header.frame_count,
                    image_size=header.image_size[0],
                    image_size_2=header.image_size[1],
                )
            )

    def __iter__(self) -> Iterator[np.ndarray]:
        for stored in self._stored_images():
            yield self._oriented(stored)

    def image_of(self, block: bytes) -> np.ndarray:
        """(v, u) of the bytes of one image, where images follow each other in the file."""
        return self._oriented(self._as_image(block, self.header.stored_axes[:-1]))

    def _oriented(self, stored: np.ndarray) -> np.ndarray:
        image = stored.astype(self.header.dtype.newbyteorder("="), copy=False)
        if image.ndim == 3 and self._keep_color:
            image = image[..., :3]
        elif image.ndim == 3:
            # ITU-R BT.601 luma, as ultrasound machines mix grey pictures with colored marks; a fourth value is
            # transparency.
            image = np.rint(image[..., :3] @ np.array([0.299, 0.587, 0.114])).astype(image.dtype)
        if self.header.flip_rows:
            image = image[::-1]
        if self.header.flip_columns:
            image = image[:, ::-1]
        return np.ascontiguousarray(image)

    def _stored_images(self) -> Iterator[np.ndarray]:
        """Every image as (v, u) or (v, u, color), in the file's byte order."""
        header = self.header
        if header.stored_axes.endswith("n"):
            blocks = self._blocks(header.frame_bytes, header.frame_count)
            yield from (self._as_image(block, header.stored_axes[:-1]) for block in blocks)
            return
        # The frames lie across each other: one is only whole when all have been read.
        (block,) = self._blocks(header.frame_bytes * header.frame_count, 1)
        yield from self._as_image(block, header.stored_axes)

    def _as_image(self, block: bytes, stored_axes: str) -> np.ndarray:
        """The bytes as an array whose axes are n, v, u, c, those of them that `stored_axes` names, fastest first."""
        header = self.header
        sizes = dict(zip("uvcn", (*header.image_size, header.channels, header.frame_count)))
        array = np.frombuffer(block, dtype=header.dtype).reshape([sizes[axis] for axis in reversed(stored_axes)])
        slowest_first = stored_axes[::-1]
        array = array.transpose([slowest_first.index(axis) for axis in "nvuc" if axis in stored_axes])
        return array[..., 0] if "c" in stored_axes and header.channels == 1 else array

    def _blocks(self, size: int, count: int) -> Iterator[bytes]:
        """The pixel bytes, cut into `count` blocks of `size`."""
        pieces = self._raw_pieces()
        waiting = bytearray()
        skip = self.skipped_bytes()
        for number in range(count):
            while len(waiting) < skip + size:
                piece = next(pieces, b"")
                if not piece:
                    frame = len(waiting) // self.header.frame_bytes if count == 1 else number
                    raise SequenceFileError(
                        tr(
                            "{path} is cut off: the pixels end in frame {frame} of {frame_count}.",
                            path=self.header.path,
                            frame=frame,
                            frame_count=self.header.frame_count,
                        )
                    )
                waiting += piece
            block = bytes(waiting[skip : skip + size])
            del waiting[: skip + size]
            skip = 0
            yield block

    def skipped_bytes(self) -> int:
        """How many bytes lie before the first pixel, counted after decompression."""
        header = self.header
        if header.skipped_bytes >= 0:
            return header.skipped_bytes
        if header.compression == "none":
            there = header.data_path.stat().st_size - self.first_stored_byte()
        else:
            there = sum(len(piece) for piece in self._raw_pieces())
        return max(0, there - header.frame_bytes * header.frame_count)

    def first_stored_byte(self) -> int:
        """Where the lines end that are to be skipped. Raises OSError."""
        header = self.header
        if not header.skipped_lines:
            return header.data_offset
        with open(header.data_path, "rb") as stream:
            stream.seek(header.data_offset)
            for _ in range(header.skipped_lines):
                stream.readline()
            return stream.tell()

    def _raw_pieces(self) -> Iterator[bytes]:
        """The pixel bytes in order, decompressed at most a chunk at a time."""
        header = self.header
        with open(header.data_path, "rb") as stream:
            stream.seek(self.first_stored_byte())
            if header.compression == "none":
                while piece := stream.read(_CHUNK_BYTES):
                    yield piece
                return
            try:
                yield from _inflated(stream)
            except zlib.error as error:
                raise SequenceFileError(
                    tr("The compressed pixels of {path} are damaged ({error}).", path=header.path, error=error)
                ) from None


def _inflated(stream: BinaryIO) -> Iterator[bytes]:
    """What `stream` holds as zlib or gzip, also as several of them one after another, as PLUS appends to its NRRD."""
    inflate = new_inflater()
    while piece := stream.read(_CHUNK_BYTES):
        while piece:
            if inflate.eof:
                if not piece.startswith((b"\x1f", b"\x78")):
                    return  # something else follows
                inflate = new_inflater()
            data = inflate.decompress(piece, _CHUNK_BYTES)
            piece = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if data:
                yield data


def new_inflater() -> zlib._Decompress:
    """A decompressor of zlib or gzip."""
    return zlib.decompressobj(_ZLIB_OR_GZIP)
