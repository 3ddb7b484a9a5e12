"""A frame whose pixels lie on disk and are read when they are asked for.

So a recording of any length takes little memory, while it goes on and when it is opened again, although every frame of
it can be looked at.
"""

from __future__ import annotations

import threading
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, overload

import numpy as np

from ..errors import SequenceFileError
from ..words import tr
from .sequence_files.pixels_on_demand import PixelsOnDemand
from .tracked_frame import Pose, TrackedFrame

_CACHE_BYTES = 64 << 20


@dataclass(frozen=True)
class PiecePlace:
    """Where the compressed pixels of one frame lie (see PackedFrame)."""

    path: Path
    piece_at: int
    piece_bytes: int

    def read(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Raises SequenceFileError."""
        try:
            with open(self.path, "rb") as stream:
                stream.seek(self.piece_at)
                data = zlib.decompressobj(-15).decompress(stream.read(self.piece_bytes))
            pixels = np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape)
        except OSError as error:
            raise SequenceFileError(
                tr(
                    "The pixels of a frame in {path} cannot be read any more ({strerror}); put the file back.",
                    path=self.path,
                    strerror=error.strerror,
                )
            ) from None
        except (zlib.error, ValueError):
            raise SequenceFileError(tr("The pixels of a frame in {path} are damaged.", path=self.path)) from None
        return pixels.astype(dtype, copy=False)


@dataclass(frozen=True, eq=False)
class ImagePlace:
    """One image of a sequence file."""

    images: PixelsOnDemand
    number: int

    def read(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Raises SequenceFileError."""
        return self.images.image(self.number)


Place = PiecePlace | ImagePlace


class _Storage:
    """The pixels of one frame, in memory or on disk."""

    def __init__(self, pixels: np.ndarray):
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self._kept: np.ndarray | Place = pixels

    @property
    def is_on_disk(self) -> bool:
        return not isinstance(self._kept, np.ndarray)

    def leave_to_disk(self, place: Place) -> None:
        self._kept = place

    def pixels(self) -> np.ndarray:
        kept = self._kept
        if isinstance(kept, np.ndarray):
            return kept
        try:
            return _cache.get(self, lambda: kept.read(self.shape, self.dtype))
        except SequenceFileError:
            if kept is self._kept:
                raise
            # The recording was finished in this very moment: it lies in its file now.
            return self.pixels()


class RecordedFrame(TrackedFrame):
    """A TrackedFrame whose pixels can be left to the disk; everything else stays in memory.

    `pixels` reads them again, a few are cached; raises SequenceFileError when the file is gone or damaged.
    """

    _storage: _Storage

    def __init__(
        self,
        pixels: np.ndarray | _Storage,
        image_to_reference: np.ndarray | None,
        timestamp: float,
        valid: bool = True,
        transforms: Mapping[str, Pose] | None = None,
        fields: Mapping[str, str] | None = None,
    ):
        storage = pixels if isinstance(pixels, _Storage) else _Storage(np.asarray(pixels))
        facts = dict(
            _storage=storage, image_to_reference=image_to_reference, timestamp=timestamp, valid=valid,
            transforms=transforms or {}, fields=fields or {},
        )  # fmt: skip
        # Frozen, as its class is.
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, frame: TrackedFrame) -> RecordedFrame:
        """`frame`, such that its pixels can be left to the disk."""
        pixels = frame._storage if isinstance(frame, RecordedFrame) else frame.pixels
        return cls(pixels, frame.image_to_reference, frame.timestamp, frame.valid, frame.transforms, frame.fields)

    @property
    def pixels(self) -> np.ndarray:
        return self._storage.pixels()

    @property
    def image_size(self) -> tuple[int, int]:
        return self._storage.shape[1], self._storage.shape[0]

    @property
    def dtype(self) -> np.dtype:
        return self._storage.dtype

    @property
    def is_on_disk(self) -> bool:
        """True when memory holds no pixels of it."""
        return self._storage.is_on_disk

    def leave_to_disk(self, place: Place) -> None:
        """The disk has the pixels there: memory releases them."""
        self._storage.leave_to_disk(place)

    def with_changes(self, **changes: Any) -> TrackedFrame:
        """A copy with some attributes replaced; its pixels stay where they are."""
        kept = {"pixels": self._storage, **{name: getattr(self, name) for name in _OTHER_ATTRIBUTES}}
        return RecordedFrame(**{**kept, **changes})


_OTHER_ATTRIBUTES = [field.name for field in fields(TrackedFrame) if field.name != "pixels"]


class ImagesOf(Sequence[np.ndarray]):
    """The pixels of frames, one after the other or in slices, read when they are asked for."""

    def __init__(self, frames: Sequence[TrackedFrame]):
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, number: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, number: slice) -> list[np.ndarray]: ...

    def __getitem__(self, number: int | slice) -> np.ndarray | list[np.ndarray]:
        if isinstance(number, slice):
            return [frame.pixels for frame in self._frames[number]]
        return self._frames[number].pixels


class _Cache:
    """The pixels that were read last, up to so many bytes, each for as long as a frame has them: nothing of a recording
    that was closed is kept. All methods may be called from any thread.
    """

    def __init__(self, most_bytes: int):
        self._most_bytes, self._bytes = most_bytes, 0
        self._pixels: OrderedDict[weakref.ref[_Storage], np.ndarray] = OrderedDict()
        # A storage may go, and be forgotten, in whatever line needs memory: in those below as well.
        self._lock = threading.RLock()

    def get(self, storage: _Storage, read: Callable[[], np.ndarray]) -> np.ndarray:
        key = weakref.ref(storage, self._forget)
        with self._lock:
            if key in self._pixels:
                self._pixels.move_to_end(key)
                return self._pixels[key]
        pixels = read()
        with self._lock:
            if key not in self._pixels:
                self._pixels[key] = pixels
                self._bytes += pixels.nbytes
            while self._bytes > self._most_bytes and len(self._pixels) > 1:
                self._bytes -= self._pixels.popitem(last=False)[1].nbytes
        return pixels

    def _forget(self, key: weakref.ref[_Storage]) -> None:
        with self._lock:
            pixels = self._pixels.pop(key, None)
            self._bytes -= 0 if pixels is None else pixels.nbytes


_cache = _Cache(_CACHE_BYTES)
