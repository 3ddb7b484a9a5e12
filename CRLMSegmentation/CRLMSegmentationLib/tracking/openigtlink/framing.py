"""From a stream of bytes to whole OpenIGTLink messages, however the bytes arrive.

Specification: OpenIGTLink protocol version 3, 'Message structure': a header of 58 bytes with the length and the CRC-64
of the body; from header version 2 on the body begins with an extended header and ends with metadata. pyigtl packs and
unpacks the contents; framing, CRC and the caps on lengths are here, because pyigtl's own connections have none.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from dataclasses import dataclass, field

from pyigtl import MessageBase

from ...errors import StreamError
from ...words import tr
from .crc import crc64
from .header import EXTENDED_HEADER, HEADER_BYTES, Header, parse_header
from .image_message import size_of_image_content
from .messages import MESSAGE_CLASSES
from .request_messages import REQUEST_CLASSES
from .unpacking import unpack_message

_TRANSFORM_BYTES = 48
_IMAGE_HEADER_BYTES = 72

# The longest body that is believed. A 4096 x 4096 image of 32 bit has 64 MiB.
LONGEST_BODY_BYTES = {"IMAGE": 64 << 20, "TRACKEDFRAME": 64 << 20, "POLYDATA": 32 << 20, "COMMAND": 4 << 20,
                      "RTS_COMMAND": 4 << 20, "STRING": 256 << 10, "TDATA": 256 << 10, "TRANSFORM": 64 << 10,
                      "POSITION": 64 << 10, "STATUS": 64 << 10,
                      **dict.fromkeys(REQUEST_CLASSES, 64 << 10), "GET_STATUS": 64 << 10}  # fmt: skip
LONGEST_OTHER_BODY_BYTES = 1 << 20
# Types that nothing here understands may be longer: they are passed over without being kept.
LONGEST_SKIPPED_BODY_BYTES = 256 << 20
# Bodies of more bytes are not copied out of the stream unless what follows them is longer.
_COPIED_BYTES = 1 << 16
_MOST_SKIPPED_KINDS = 64
# Beyond so many checked bytes for each received one, somebody makes us search for messages in rubbish.
_MOST_WASTED_CHECKS, _FREE_WASTED_BYTES = 4, 256 << 20

_START_OF_MESSAGE = re.compile(
    rb"\0[\x01-\x03](?:" + rb"|".join(re.escape(name.encode().ljust(12, b"\0")) for name in MESSAGE_CLASSES) + rb")"
)
_LONGEST_START = 13


@dataclass
class FramingCounts:
    """What became of the messages.

    received       messages that were delivered
    crc_errors     with a wrong checksum
    malformed      with a good checksum and a body that is not what the header says
    too_long       announced longer than is believed
    out_of_step    times that the stream was lost and had to be found again; `rubbish_bytes` were passed over for it
    skipped        number of messages of each type that nothing here understands
    """

    received: int = 0
    crc_errors: int = 0
    malformed: int = 0
    too_long: int = 0
    out_of_step: int = 0
    rubbish_bytes: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class MessageParser:
    """Turns pieces of a byte stream into messages. Holds at most one message in memory.

    A message that is damaged is counted and dropped. When its length was wrong as well, or something else lies between
    the messages, the next message is searched for by its header, so that every whole message is delivered.
    """

    def __init__(self) -> None:
        self.counts = FramingCounts()
        self.highest_version = 1
        self._waiting = bytearray()
        self._in_step = True
        self._expected_at: int | None = None
        self._fed_bytes = 0
        self._wasted_bytes = 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes of a message that is not whole yet."""
        return len(self._waiting)

    def feed(self, piece: bytes) -> list[MessageBase]:
        """The messages that `piece` completes, in order.

        Raises StreamError when so much of the stream is damaged that looking for messages in it is a waste.
        """
        self._fed_bytes += len(piece)
        self._waiting += piece
        messages: list[MessageBase] = []
        while len(self._waiting) >= HEADER_BYTES and self._take_one(messages):
            pass
        return messages

    def _take_one(self, messages: list[MessageBase]) -> bool:
        """Deal with what the waiting bytes begin with; False when more bytes are needed for that."""
        header = parse_header(self._waiting)
        if header is None or self._is_too_long(header):
            self._find_next_message()
            return True
        if len(self._waiting) < HEADER_BYTES + header.body_bytes:
            if not self._contradicts_itself(header):
                return False
            self.counts.malformed += 1
            self._find_next_message()
            return True
        body = self._checked_body(header)
        if body is None:
            return True
        self._in_step, self._expected_at = True, None
        self.highest_version = max(self.highest_version, min(header.version, 2))
        if header.kind not in MESSAGE_CLASSES:
            self._count_skipped(header.kind)
            return True
        try:
            messages.append(unpack_message(header, body))
            self.counts.received += 1
        except (ValueError, struct.error, IndexError, OverflowError, TypeError):
            self.counts.malformed += 1
        return True

    def _is_too_long(self, header: Header) -> bool:
        """True for a message whose end is too far away to wait for, or not where it says; counts it."""
        if header.body_bytes <= LONGEST_BODY_BYTES.get(header.kind, LONGEST_OTHER_BODY_BYTES):
            return False
        if header.kind in MESSAGE_CLASSES or header.body_bytes > LONGEST_SKIPPED_BODY_BYTES:
            self.counts.too_long += 1
        else:
            self._count_skipped(header.kind)
            self._in_step = False
        return True

    def _checked_body(self, header: Header) -> bytes | memoryview | None:
        """Take the body of a whole message out of the waiting bytes; None when its checksum is wrong.

        Raises StreamError when nearly everything is damaged.
        """
        end = HEADER_BYTES + header.body_bytes
        hand_over = header.body_bytes > max(len(self._waiting) - end, _COPIED_BYTES)
        body: bytes | memoryview = memoryview(self._waiting)[HEADER_BYTES:end]
        if not hand_over:
            body = bytes(body)
        if crc64(body) != header.crc:
            del body
            self.counts.crc_errors += 1
            self._wasted_bytes += header.body_bytes
            if self._wasted_bytes > _FREE_WASTED_BYTES + _MOST_WASTED_CHECKS * self._fed_bytes:
                raise StreamError(tr("Nearly everything that the OpenIGTLink peer sends is damaged."))
            # Its length may be wrong as well: then the next message begins within what seems to be its body.
            self._find_next_message(expected_at=end)
            return None
        if hand_over:
            # The message keeps the memory, and what comes behind it is copied: that is less.
            self._waiting = self._waiting[end:]
        else:
            del self._waiting[:end]
        return body

    def _contradicts_itself(self, header: Header) -> bool:
        """True for a message whose length cannot be right, by its type or by its own header: nothing to wait for."""
        if header.kind == "TRANSFORM" and header.version == 1:
            return header.body_bytes != _TRANSFORM_BYTES
        if header.kind != "IMAGE":
            return False
        waiting = memoryview(self._waiting)[HEADER_BYTES:]
        content_bytes, start = header.body_bytes, 0
        if header.version > 1:
            if len(waiting) < EXTENDED_HEADER.size:
                return False
            start, index_bytes, metadata_bytes, _ = EXTENDED_HEADER.unpack_from(waiting)
            content_bytes -= start + index_bytes + metadata_bytes
        if len(waiting) < start + _IMAGE_HEADER_BYTES:
            return False
        return size_of_image_content(waiting[start:]) != content_bytes

    def _find_next_message(self, expected_at: int | None = None) -> None:
        """Go on to the next header, or to where one may have begun at the end of what is there.

        expected_at  where it is if the message that is left was as long as it said: then nothing was lost but that one
        """
        if expected_at is not None:
            self._expected_at = expected_at
        found = _START_OF_MESSAGE.search(self._waiting, 1)
        passed = found.start() if found else len(self._waiting) - _LONGEST_START
        lost = self._expected_at is None or passed > self._expected_at or (found and passed < self._expected_at)
        if lost:
            self._expected_at = None
            self.counts.rubbish_bytes += passed
            self.counts.out_of_step += self._in_step
            self._in_step = False
        else:
            self._expected_at = None if found or self._expected_at is None else self._expected_at - passed
        del self._waiting[:passed]

    def _count_skipped(self, kind: str) -> None:
        if kind in self.counts.skipped or len(self.counts.skipped) < _MOST_SKIPPED_KINDS:
            self.counts.skipped[kind] += 1
