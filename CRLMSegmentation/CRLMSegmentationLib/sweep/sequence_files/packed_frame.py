"""A frame as it goes into a sequence file: its text fields, and its pixels compressed by themselves.

The pieces of all frames, one behind the other, make one deflate stream: each ends on a whole byte and refers to no
other (RFC 1951; zlib's full flush). So pixels are compressed as the frames come, and a file is made later by copying
alone. Its checksum is put together from those of the frames, as zlib's adler32_combine and crc32_combine do.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...errors import SequenceFileError
from ...words import tr
from ..tracked_frame import TrackedFrame
from .frame_fields import frame_fields

_WRITABLE = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
_ADLER_BASE = 65521
_CRC_POLYNOMIAL = 0xEDB88320

# What all frames of one file have in common: size in pixels, dtype of the pixels, frame of reference.
FrameKind = tuple[tuple[int, int], str, str]


@dataclass(frozen=True)
class FrameFacts:
    """What is known of a frame besides its pixels.

    image_size  width and height in pixels
    dtype       little-endian, as in '<u1'; '3<u1' for red, green and blue
    fields      text fields without the Seq_Frame prefix
    raw_bytes, adler32, crc32   of the pixels before compression
    reference   the frame of reference
    fixed       transforms of a configuration, by name, as text of sixteen numbers
    """

    image_size: tuple[int, int]
    dtype: str
    fields: Mapping[str, str]
    raw_bytes: int
    adler32: int
    crc32: int
    reference: str = field(default="Reference", kw_only=True)
    fixed: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def kind(self) -> FrameKind:
        """What all frames of one file have in common: image size, dtype, frame of reference."""
        return self.image_size, self.dtype, self.reference


@dataclass(frozen=True)
class PackedFrame(FrameFacts):
    """One frame, ready to be written; `piece` is its pixels as a piece of a deflate stream."""

    piece: bytes


def pack_frame(
    frame: TrackedFrame,
    compressed: bool = True,
    reference: str = "Reference",
    fixed: Mapping[str, str] | None = None,
) -> PackedFrame:
    """`frame` ready to be written; `compressed` False takes a tenth of the time and three times the room.

    reference, fixed  see FrameFacts
    Raises SequenceFileError when sequence files cannot hold such pixels.
    """
    return pack_image(frame.pixels, frame_fields(frame, reference), compressed, reference, fixed)


def pack_image(
    pixels: np.ndarray,
    fields: Mapping[str, str],
    compressed: bool = True,
    reference: str = "Reference",
    fixed: Mapping[str, str] | None = None,
) -> PackedFrame:
    """(v, u[, 3]) pixels and the text fields that go with them, ready to be written. See pack_frame()."""
    data, dtype = little_endian_pixels(pixels)
    compressor = zlib.compressobj(1 if compressed else 0, zlib.DEFLATED, -15)
    piece = compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)
    return PackedFrame(
        image_size_of(pixels), dtype, fields, len(data), zlib.adler32(data), zlib.crc32(data), piece,
        reference=reference, fixed=fixed or {},
    )  # fmt: skip


def image_size_of(pixels: np.ndarray) -> tuple[int, int]:
    """Width and height; 0, 0 for a frame without an image."""
    return (pixels.shape[1], pixels.shape[0]) if pixels.size else (0, 0)


def little_endian_pixels(pixels: np.ndarray) -> tuple[bytes, str]:
    """The bytes of the pixels row by row, and their dtype. Raises SequenceFileError for pixels of no known kind."""
    pixels = np.asarray(pixels)
    is_image = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not is_image or pixels.dtype.str[1:] not in _WRITABLE:
        raise SequenceFileError(
            tr(
                "Frames of {dtype} {shape} cannot be written; convert them to uint8.",
                dtype=pixels.dtype,
                shape=pixels.shape,
            )
        )
    dtype = pixels.dtype.newbyteorder("<")
    colors = "3" if pixels.ndim == 3 else ""
    return pixels.astype(dtype, copy=False).tobytes(), f"{colors}<{dtype.str[1:]}"


class CompressedStream:
    """The frame around the pieces in a file: `start`, then pieces given to add(), then end().

    form  'zlib' (RFC 1950, MetaImage) or 'gzip' (RFC 1952, NRRD)
    """

    def __init__(self, form: str):
        self._gzip = form == "gzip"
        self.start = b"\x1f\x8b\x08" + bytes(6) + b"\xff" if self._gzip else b"\x78\x01"
        self._adler32, self._crc32, self._raw_bytes = 1, 0, 0

    def add(self, raw_bytes: int, adler32: int, crc32: int) -> None:
        """Say what the next piece holds."""
        if self._gzip:
            self._crc32 = combined_crc32(self._crc32, crc32, raw_bytes)
        else:
            self._adler32 = combined_adler32(self._adler32, adler32, raw_bytes)
        self._raw_bytes += raw_bytes

    def end(self) -> bytes:
        """An empty last block and the checksum."""
        if self._gzip:
            sizes = self._crc32.to_bytes(4, "little") + (self._raw_bytes & 0xFFFFFFFF).to_bytes(4, "little")
            return b"\x03\x00" + sizes
        return b"\x03\x00" + self._adler32.to_bytes(4, "big")


def combined_adler32(first: int, second: int, second_bytes: int) -> int:
    """The Adler-32 of two parts, of which the second has `second_bytes` bytes."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + second_bytes * ((first & 0xFFFF) - 1)
    return (high % _ADLER_BASE) << 16 | low % _ADLER_BASE


def combined_crc32(first: int, second: int, second_bytes: int) -> int:
    """The CRC-32 of two parts, of which the second has `second_bytes` bytes."""
    return _times(_after_zeros(second_bytes), first) ^ second


@functools.lru_cache(maxsize=64)
def _after_zeros(count: int) -> tuple[int, ...]:
    """The matrix over GF(2), by columns, that says what `count` zero bytes make of a CRC-32."""
    one_bit = (_CRC_POLYNOMIAL, *(1 << bit for bit in range(31)))
    step = one_bit
    for _ in range(3):
        step = _squared(step)
    result = tuple(1 << bit for bit in range(32))
    while count:
        if count & 1:
            result = tuple(_times(step, column) for column in result)
        step = _squared(step)
        count >>= 1
    return result


def _squared(matrix: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_times(matrix, column) for column in matrix)


def _times(matrix: tuple[int, ...], vector: int) -> int:
    total = 0
    for column in matrix:
        if not vector:
            break
        if vector & 1:
            total ^= column
        vector >>= 1
    return total
