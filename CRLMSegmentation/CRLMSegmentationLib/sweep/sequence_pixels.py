"""The images in a sequence file, one after another, in memory bounded by one of them."""

from __future__ import annotations

import zlib
from typing import Iterator

import numpy as np

from ..errors import SequenceFileError
from .sequence_header import SequenceHeader

_CHUNK_BYTES = 1 << 20


class SequencePixels:
    """Iterates over (v, u) grey images in working orientation MF, in the dtype of the file.

    Raises SequenceFileError at once when the file is too short for what its header announces, and while iterating
    when it is cut off or damaged.
    """

    def __init__(self, header: SequenceHeader):
        self.header = header
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

    def __iter__(self) -> Iterator[np.ndarray]:
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
