"""Images out to a worker and probabilities back, in one block of shared memory that is used again and again."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from .image import Image, all_known
from .shared_block import SharedBlock

_MIB = 1 << 20


class BlockClosed(Exception):
    """The block has been given back: its process has gone."""


class ReusedBlock:
    """The block of the side that asks. It grows when an image needs more room, and stays until close()."""

    def __init__(self) -> None:
        self._block: SharedBlock | None = None
        self._size = 0
        self._closed = False
        self._lock = threading.Lock()

    def put(self, image: Image, labels: int) -> dict[str, Any]:
        """Copy `image` into the block; returns what the other side needs to find it (see read_image).

        The probabilities of so many `labels` will take the place of the channels. Raises SegmentationError when there
        is no room, BlockClosed after close().
        """
        channels = np.ascontiguousarray(image.channels)
        room = _aligned(max(channels.nbytes, math.prod(image.shape) * labels * 4))
        # Of a frame all is known, and where the values that are not 0 say the same, nothing more is sent.
        known, is_all = image.known, image.known is not None and bool(image.known.all())
        if known is not None and (is_all or np.array_equal(known, (channels != 0).any(axis=0))):
            known = None
        with self._lock:
            block = self._with_room_for(room + (known.nbytes if known is not None else 0))
            block.array(channels.shape, channels.dtype)[...] = channels
            if known is not None:
                block.array(known.shape, bool, room)[...] = known
            return {
                "block": block.name,
                "shape": channels.shape,
                "dtype": channels.dtype.str,
                "spacing_mm": list(image.spacing_mm),
                "all_known": is_all,
                "known_at": None if known is None else room,
            }

    def probabilities(self, labels: int, shape: tuple[int, int, int]) -> np.ndarray:
        """A copy of what the other side has answered, float32 (labels, k, j, i). Raises BlockClosed after close()."""
        with self._lock:
            if self._block is None:
                raise BlockClosed
            return self._block.array((labels, *shape), np.float32).copy()

    def close(self) -> None:
        """Can be called twice, and while another thread copies."""
        with self._lock:
            self._closed = True
            if self._block is not None:
                self._block.close()
            self._block = None

    def _with_room_for(self, size: int) -> SharedBlock:
        if self._closed:
            raise BlockClosed
        if self._block is None or self._size < size:
            if self._block is not None:
                self._block.close()
                self._block = None
            # Whole MiB, so that a box that is drawn a little larger fits too.
            self._size = -(-size // _MIB) * _MIB
            self._block = SharedBlock.create(self._size)
        return self._block


class OpenedBlock:
    """The other side's view of a ReusedBlock."""

    def __init__(self) -> None:
        self._block: SharedBlock | None = None

    def read_image(self, message: dict[str, Any]) -> Image:
        """A copy of the image that put() described. Raises FileNotFoundError when its block is no longer there."""
        if self._block is None or self._block.name != message["block"]:
            self.close()
            self._block = SharedBlock.open(message["block"])
        shape = tuple(message["shape"])
        known = None
        if message["all_known"]:
            known = all_known(shape[1:])
        elif message["known_at"] is not None:
            known = self._block.array(shape[1:], bool, message["known_at"]).copy()
        channels = self._block.array(shape, np.dtype(message["dtype"])).copy()
        return Image(channels, message["spacing_mm"], known)

    def write(self, probabilities: np.ndarray) -> None:
        """float32 (n, k, j, i), in place of the image that was read last."""
        assert self._block is not None, "no image was read"
        self._block.array(probabilities.shape, np.float32)[...] = probabilities

    def close(self) -> None:
        """Give the memory back; can be called twice."""
        if self._block is not None:
            self._block.close()
        self._block = None


def _aligned(size: int) -> int:
    return -(-size // 64) * 64
