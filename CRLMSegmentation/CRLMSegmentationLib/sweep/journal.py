"""A recording as it grows: an append-only file of frames that survives being cut off at any byte.

Layout: 8 bytes 'CRLMJRN1', then for each frame a 16 byte header (4 bytes 'FRME', length of the text, length of the
pixels, CRC-32 of both; big endian) followed by JSON text and raw pixels. A frame that is damaged costs that frame: the
next one is found again by its mark and proven by its checksum.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Callable, Iterator

import numpy as np

from ..errors import RecordingError
from .tracked_frame import Pose, TrackedFrame

MAGIC = b"CRLMJRN1"
_FRAME_MARK = b"FRME"
_FRAME_HEADER = struct.Struct("> 4s I I I")
_LARGEST_TEXT_BYTES = 1 << 24
_LARGEST_PIXEL_BYTES = 1 << 30
_SEARCH_BYTES = 1 << 20


def pack_frame(frame: TrackedFrame) -> bytes:
    """One record of the journal."""
    pixels = np.ascontiguousarray(frame.pixels)
    pose = frame.image_to_reference
    text = json.dumps(
        {
            "shape": pixels.shape,
            "dtype": pixels.dtype.str,
            "timestamp": float(frame.timestamp),
            "valid": bool(frame.valid),
            "image_to_reference": None if pose is None else np.asarray(pose).ravel().tolist(),
            "transforms": {
                name: [entry.matrix.ravel().tolist(), entry.valid, entry.status]
                for name, entry in frame.transforms.items()
            },
            "fields": {str(name): str(value) for name, value in frame.fields.items()},
        }
    ).encode()
    data = pixels.tobytes()
    checksum = zlib.crc32(data, zlib.crc32(text))
    return _FRAME_HEADER.pack(_FRAME_MARK, len(text), len(data), checksum) + text + data


def read_journal(path, on_position: Callable[[int], None] | None = None) -> Iterator[TrackedFrame]:
    """The whole frames in a journal, in order; those that were cut off or damaged are left out.

    on_position  told the byte that was reached, after each frame
    Raises RecordingError when `path` cannot be read or is no journal.
    """
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(len(MAGIC))
            if start != MAGIC and not MAGIC.startswith(start):
                raise RecordingError(f"{path} is not an interrupted recording of this program; nothing was changed.")
            position = stream.tell()
            while position + _FRAME_HEADER.size <= size:
                frame = _read_frame(stream, position, size)
                if frame is None:
                    position = _next_mark(stream, position + 1)
                    continue
                position = stream.tell()
                yield frame
                if on_position:
                    on_position(position)
    except OSError as error:
        raise RecordingError(f"The recording {path} cannot be read ({error.strerror}).") from None


def _read_frame(stream: BinaryIO, position: int, size: int) -> TrackedFrame | None:
    """The frame at `position`, None when there is no whole and undamaged one."""
    stream.seek(position)
    mark, text_bytes, data_bytes, checksum = _FRAME_HEADER.unpack(stream.read(_FRAME_HEADER.size))
    if mark != _FRAME_MARK or text_bytes > _LARGEST_TEXT_BYTES or data_bytes > _LARGEST_PIXEL_BYTES:
        return None
    if position + _FRAME_HEADER.size + text_bytes + data_bytes > size:
        return None
    text, data = stream.read(text_bytes), stream.read(data_bytes)
    if zlib.crc32(data, zlib.crc32(text)) != checksum:
        return None
    try:
        return _unpack(json.loads(text), data)
    except (ValueError, TypeError, KeyError):
        # The checksum fits but this program did not write it.
        return None


def _next_mark(stream: BinaryIO, position: int) -> int:
    """Where the next frame may begin from `position` on; the end of the file when there is none."""
    overlap = len(_FRAME_MARK) - 1
    while True:
        stream.seek(position)
        piece = stream.read(_SEARCH_BYTES)
        found = piece.find(_FRAME_MARK)
        if found >= 0:
            return position + found
        if len(piece) < _SEARCH_BYTES:
            return position + len(piece)
        position += len(piece) - overlap


def _unpack(text: dict, data: bytes) -> TrackedFrame:
    pose = text["image_to_reference"]
    return TrackedFrame(
        pixels=np.frombuffer(data, np.dtype(text["dtype"])).reshape(text["shape"]),
        image_to_reference=None if pose is None else np.array(pose, dtype=np.float64).reshape(4, 4),
        timestamp=float(text["timestamp"]),
        valid=bool(text["valid"]),
        transforms={name: Pose(matrix, valid, status) for name, (matrix, valid, status) in text["transforms"].items()},
        fields=text["fields"],
    )
