"""A recording as it grows: an append-only file of frames that survives being cut off at any byte.

Layout: 8 bytes 'CRLMJRN1', then for each frame a 16 byte header (4 bytes 'FRME', length of the text, length of the
pixels, CRC-32 of both; big endian) followed by JSON text and raw pixels.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Iterator

import numpy as np

from ..errors import RecordingError
from .tracked_frame import Pose, TrackedFrame

MAGIC = b"CRLMJRN1"
_FRAME_MARK = b"FRME"
_FRAME_HEADER = struct.Struct("> 4s I I I")
_LARGEST_TEXT_BYTES = 1 << 24


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


def read_journal(path) -> Iterator[TrackedFrame]:
    """The whole frames in a journal, in order, up to the first that was cut off or damaged.

    Raises RecordingError when `path` is no journal.
    """
    path = Path(path)
    try:
        stream = open(path, "rb")
    except OSError as error:
        raise RecordingError(f"The recording {path} cannot be read ({error.strerror}).") from None
    with stream:
        start = stream.read(len(MAGIC))
        if start != MAGIC and not MAGIC.startswith(start):
            raise RecordingError(f"{path} is not an interrupted recording of this program; nothing was changed.")
        while True:
            header = stream.read(_FRAME_HEADER.size)
            if len(header) < _FRAME_HEADER.size:
                return
            mark, text_bytes, data_bytes, checksum = _FRAME_HEADER.unpack(header)
            if mark != _FRAME_MARK or text_bytes > _LARGEST_TEXT_BYTES:
                return
            text = stream.read(text_bytes)
            data = stream.read(data_bytes)
            if len(data) < data_bytes or zlib.crc32(data, zlib.crc32(text)) != checksum:
                return
            yield _unpack(json.loads(text), data)


def _unpack(text: dict, data: bytes) -> TrackedFrame:
    pose = text["image_to_reference"]
    return TrackedFrame(
        pixels=np.frombuffer(data, np.dtype(text["dtype"])).reshape(text["shape"]),
        image_to_reference=None if pose is None else np.array(pose).reshape(4, 4),
        timestamp=text["timestamp"],
        valid=text["valid"],
        transforms={name: Pose(matrix, valid, status) for name, (matrix, valid, status) in text["transforms"].items()},
        fields=text["fields"],
    )
