"""A recording as it grows: an append-only file of frames that survives being cut off at any byte.

Layout: 8 bytes 'CRLMJRN2', then for each frame a 16 byte header (4 bytes 'FRME', length of the text, length of the
piece, CRC-32 of both; big endian), JSON text, and the compressed pixels. A frame that is damaged costs that frame: the
next one is found again by its mark and proven by its checksum.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .sequence_files.packed_frame import FrameFacts, PackedFrame

MAGIC = b"CRLMJRN2"
_FRAME_MARK = b"FRME"
_FRAME_HEADER = struct.Struct("> 4s I I I")
_LARGEST_TEXT_BYTES = 1 << 24
_LARGEST_PIECE_BYTES = 1 << 30
_SEARCH_BYTES = 1 << 20


@dataclass(frozen=True)
class JournalEntry(FrameFacts):
    """A whole frame in a journal; its piece begins at byte `piece_at`."""

    piece_at: int
    piece_bytes: int


def journal_record(frame: PackedFrame) -> bytes:
    """One record of the journal."""
    text = json.dumps(
        {
            "size": frame.image_size,
            "dtype": frame.dtype,
            "raw": (frame.raw_bytes, frame.adler32, frame.crc32),
            "fields": frame.fields,
            "reference": frame.reference,
            "fixed": frame.fixed,
        }
    ).encode()
    checksum = zlib.crc32(frame.piece, zlib.crc32(text))
    return b"".join((_FRAME_HEADER.pack(_FRAME_MARK, len(text), len(frame.piece), checksum), text, frame.piece))


def journal_entries(stream: BinaryIO, on_position: Callable[[int], None] | None = None) -> Iterator[JournalEntry]:
    """The whole frames of an open journal, in order; those that were cut off or damaged are left out.

    on_position  called with the byte that was reached, after each frame
    Raises ValueError when the file is no journal.
    """
    stream.seek(0)
    start = stream.read(len(MAGIC))
    if not MAGIC.startswith(start):
        raise ValueError("no journal")
    size = stream.seek(0, 2)
    position = len(start)
    while position + _FRAME_HEADER.size <= size:
        entry = _entry_at(stream, position, size)
        if entry is None:
            position = _next_mark(stream, position + 1)
            continue
        position = entry.piece_at + entry.piece_bytes
        yield entry
        if on_position:
            on_position(position)


def _entry_at(stream: BinaryIO, position: int, size: int) -> JournalEntry | None:
    """The frame at `position`, None when there is no whole and undamaged one."""
    stream.seek(position)
    mark, text_bytes, piece_bytes, checksum = _FRAME_HEADER.unpack(stream.read(_FRAME_HEADER.size))
    if mark != _FRAME_MARK or text_bytes > _LARGEST_TEXT_BYTES or piece_bytes > _LARGEST_PIECE_BYTES:
        return None
    piece_at = position + _FRAME_HEADER.size + text_bytes
    if piece_at + piece_bytes > size:
        return None
    text = stream.read(text_bytes)
    if zlib.crc32(stream.read(piece_bytes), zlib.crc32(text)) != checksum:
        return None
    try:
        values = json.loads(text)
        width, height = values["size"]
        raw_bytes, adler32, crc32 = values["raw"]
        fields, fixed = (
            {str(name): str(value) for name, value in found.items()}
            for found in (values["fields"], values.get("fixed", {}))
        )
        return JournalEntry(
            (width, height), values["dtype"], fields, raw_bytes, adler32, crc32, piece_at, piece_bytes,
            reference=str(values.get("reference", "Reference")), fixed=fixed,
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError):
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
