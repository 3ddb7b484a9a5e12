"""The images of a sequence file in any order, without keeping them in memory.

A compressed stream can only be read from its beginning, or from where a copy of the decompressor was kept while it was
read before: such copies are kept every few megabytes.
"""

from __future__ import annotations

import threading
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ...errors import SequenceFileError
from ...words import tr
from .sequence_pixels import SequencePixels, new_inflater

_CHUNK_BYTES = 1 << 18
_CHECKPOINT_BYTES = 4 << 20


@dataclass(frozen=True, eq=False)
class _Position:
    """A place in the pixels from which reading can go on.

    at        bytes of pixels before it
    stored_at byte of the file that is read next
    inflate   decompressor; None when the pixels are stored as they are
    rest      bytes that were read of the file and not used
    """

    at: int
    stored_at: int
    inflate: Any
    rest: bytes = b""

    def copy(self) -> _Position:
        return _Position(self.at, self.stored_at, self.inflate and self.inflate.copy(), self.rest)


class PixelsOnDemand:
    """Gives any image of a sequence file, (v, u) grey and in orientation MF. May be called from any thread.

    Reading all of them once in their order makes the later ones quick.
    """

    def __init__(self, pixels: SequencePixels):
        self._pixels, self._header = pixels, pixels.header
        compressed = self._header.compression != "none"
        start = _Position(0, pixels.first_stored_byte(), new_inflater() if compressed else None)
        self._kept = [start.copy()]
        self._here = start
        self._skip = pixels.skipped_bytes()
        self._lock = threading.Lock()

    @staticmethod
    def can_read(pixels: SequencePixels) -> bool:
        """False when the images lie across each other in the file."""
        return pixels.header.stored_axes.endswith("n")

    def image(self, number: int) -> np.ndarray:
        """Raises SequenceFileError when the file is gone, cut off or damaged."""
        begin = self._skip + number * self._header.frame_bytes
        path = self._header.data_path
        with self._lock:
            if begin < self._here.at or begin - self._here.at > _CHECKPOINT_BYTES:
                nearest = max((one for one in self._kept if one.at <= begin), key=lambda one: one.at)
                if not nearest.at <= self._here.at <= begin:
                    self._here = nearest.copy()
            try:
                with open(path, "rb") as stream:
                    self._read(stream, begin - self._here.at, is_wanted=False)
                    block = self._read(stream, self._header.frame_bytes)
            except OSError as error:
                self._here = self._kept[0].copy()
                raise SequenceFileError(
                    tr(
                        "The pixels of a frame in {path} cannot be read any more ({strerror}); put the file back.",
                        path=path,
                        strerror=error.strerror,
                    )
                ) from None
            except zlib.error as error:
                self._here = self._kept[0].copy()
                path = self._header.path
                raise SequenceFileError(
                    tr("The compressed pixels of {path} are damaged ({error}).", path=path, error=error)
                ) from None
        if len(block) < self._header.frame_bytes:
            raise SequenceFileError(
                tr(
                    "{path} is cut off: the pixels end in frame {number} of {frame_count}.",
                    path=self._header.path,
                    number=number,
                    frame_count=self._header.frame_count,
                )
            )
        return self._pixels.image_of(block)

    def _read(self, stream: BinaryIO, count: int, is_wanted: bool = True) -> bytes:
        """The next `count` bytes of pixels, fewer at the end; b'' when they are not wanted."""
        here = self._here
        if here.inflate is None:
            stream.seek(here.stored_at + (0 if is_wanted else count))
            data = stream.read(count) if is_wanted else b""
            self._here = _Position(here.at + count, here.stored_at + count, None)
            return data
        stream.seek(here.stored_at)
        inflate, rest, stored_at, at, parts = here.inflate, here.rest, here.stored_at, here.at, []
        end = at + count
        while at < end:
            if inflate.eof:
                # PLUS appends to its NRRD in several gzip members.
                inflate = new_inflater()
            if not rest:
                rest = stream.read(_CHUNK_BYTES)
                stored_at += len(rest)
                if not rest:
                    break
            data = inflate.decompress(rest, min(end - at, _CHUNK_BYTES))
            rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            at += len(data)
            if is_wanted:
                parts.append(data)
            if at - self._kept[-1].at >= _CHECKPOINT_BYTES:
                self._kept.append(_Position(at, stored_at, inflate.copy(), rest))
        self._here = _Position(at, stored_at, inflate, rest)
        return b"".join(parts)
