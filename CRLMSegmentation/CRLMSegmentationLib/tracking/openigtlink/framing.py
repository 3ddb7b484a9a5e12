"""From a stream of bytes to whole OpenIGTLink messages, however the bytes arrive, and from messages to bytes.

Specification: OpenIGTLink protocol version 3, 'Message structure': a header of 58 bytes with the length and the CRC-64
of the body; from header version 2 on the body begins with an extended header and ends with metadata. pyigtl packs and
unpacks the contents; framing, CRC and the caps on lengths are here, because pyigtl's own connections have none.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from pyigtl import MessageBase

from ...errors import StreamError
from .crc import crc64
from .image_message import size_of_image_content
from .message_parts import encoding_of
from .messages import MESSAGE_CLASSES
from .request_messages import REQUEST_CLASSES

HEADER_BYTES = 58
NAME_BYTES = 20
_HEADER = struct.Struct("> H 12s 20s II Q Q")
_EXTENDED_HEADER = struct.Struct("> H H I I")
_METADATA_ENTRY = struct.Struct("> H H I")
_VERSIONS = (1, 2, 3)
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
_MOST_METADATA_ENTRIES = 256
# Bodies of more bytes are not copied out of the stream unless what follows them is longer.
_COPIED_BYTES = 1 << 16
_MOST_SKIPPED_KINDS = 64
# Beyond so many checked bytes for each received one, somebody makes us search for messages in rubbish.
_MOST_WASTED_CHECKS, _FREE_WASTED_BYTES = 4, 256 << 20

_KIND = re.compile(rb"([A-Za-z0-9_]{1,12})[\0 ]*\Z")
_START_OF_MESSAGE = re.compile(
    rb"\0[\x01-\x03](?:" + rb"|".join(re.escape(name.encode().ljust(12, b"\0")) for name in MESSAGE_CLASSES) + rb")"
)
_LONGEST_START = 13


class Header(NamedTuple):
    """The generic header of a message; `timestamp` in seconds."""

    version: int
    kind: str
    device_name: str
    timestamp: float
    body_bytes: int
    crc: int


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
    skipped: Counter = field(default_factory=Counter)


def parse_header(data) -> Header | None:
    """The header that `data` begins with (58 bytes at least); None when it makes no sense."""
    version, raw_kind, raw_name, seconds, fraction, body_bytes, crc = _HEADER.unpack_from(data)
    kind = _KIND.match(raw_kind)
    if version not in _VERSIONS or kind is None:
        return None
    return Header(version, kind[1].decode(), clean_name(raw_name), seconds + fraction / 2**32, body_bytes, crc)


def clean_name(raw: bytes) -> str:
    """A name from the network as printable ASCII of one line."""
    text = raw.split(b"\0", 1)[0].decode("ascii", errors="replace").strip()
    return "".join(char if char.isascii() and char.isprintable() else "_" for char in text)


class MessageParser:
    """Turns pieces of a byte stream into messages. Holds at most one message in memory.

    A message that is damaged is counted and dropped. When its length was wrong as well, or something else lies between
    the messages, the next message is searched for by its header, so that every whole message is delivered.
    """

    def __init__(self):
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
        messages = []
        while len(self._waiting) >= HEADER_BYTES and self._take_one(messages):
            pass
        return messages

    def _take_one(self, messages: list) -> bool:
        """Deal with what the waiting bytes begin with; False when more bytes are needed for that."""
        header = parse_header(self._waiting)
        if header is None:
            self._find_next_message()
            return True
        end = HEADER_BYTES + header.body_bytes
        known = header.kind in MESSAGE_CLASSES
        longest = LONGEST_BODY_BYTES.get(header.kind, LONGEST_OTHER_BODY_BYTES)
        if header.body_bytes > longest:
            # Its end is not where it says, or too far away to wait for: the next header is what counts.
            if known or header.body_bytes > LONGEST_SKIPPED_BODY_BYTES:
                self.counts.too_long += 1
            else:
                self._count_skipped(header.kind)
                self._in_step = False
            self._find_next_message()
            return True
        if len(self._waiting) < end:
            if not self._contradicts_itself(header):
                return False
            self.counts.malformed += 1
            self._find_next_message()
            return True
        rest = len(self._waiting) - end
        hand_over = header.body_bytes > max(rest, _COPIED_BYTES)
        body = memoryview(self._waiting)[HEADER_BYTES:end]
        if not hand_over:
            body = bytes(body)
        if crc64(body) != header.crc:
            del body
            self.counts.crc_errors += 1
            self._wasted_bytes += header.body_bytes
            if self._wasted_bytes > _FREE_WASTED_BYTES + _MOST_WASTED_CHECKS * self._fed_bytes:
                raise StreamError("Nearly everything that the OpenIGTLink peer sends is damaged.")
            # Its length may be wrong as well: then the next message begins within what seems to be its body.
            self._find_next_message(expected_at=end)
            return True
        if hand_over:
            # The message keeps the memory, and what comes behind it is copied: that is less.
            self._waiting = self._waiting[end:]
        else:
            del self._waiting[:end]
        self._in_step, self._expected_at = True, None
        self.highest_version = max(self.highest_version, min(header.version, 2))
        if not known:
            self._count_skipped(header.kind)
            return True
        try:
            messages.append(unpack_message(header, body))
            self.counts.received += 1
        except (ValueError, struct.error, IndexError, OverflowError, TypeError):
            self.counts.malformed += 1
        return True

    def _contradicts_itself(self, header: Header) -> bool:
        """True for a message whose length cannot be right, by its type or by its own header: nothing to wait for."""
        if header.kind == "TRANSFORM" and header.version == 1:
            return header.body_bytes != _TRANSFORM_BYTES
        if header.kind != "IMAGE":
            return False
        waiting = memoryview(self._waiting)[HEADER_BYTES:]
        content_bytes, start = header.body_bytes, 0
        if header.version > 1:
            if len(waiting) < _EXTENDED_HEADER.size:
                return False
            start, index_bytes, metadata_bytes, _ = _EXTENDED_HEADER.unpack_from(waiting)
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
            self._expected_at = None if found else self._expected_at - passed
        del self._waiting[:passed]

    def _count_skipped(self, kind: str) -> None:
        if kind in self.counts.skipped or len(self.counts.skipped) < _MOST_SKIPPED_KINDS:
            self.counts.skipped[kind] += 1


def unpack_message(header: Header, body: bytes | memoryview) -> MessageBase:
    """The message of a checked body. Raises ValueError or struct.error when the body is not what the header says."""
    message = MESSAGE_CLASSES[header.kind]()
    message.header_version = header.version
    message.device_name = header.device_name
    message.timestamp = header.timestamp
    content = memoryview(body)
    if header.version > 1 and body:
        extended_bytes, index_bytes, metadata_bytes, message.message_id = _EXTENDED_HEADER.unpack_from(body)
        end = len(body) - index_bytes - metadata_bytes
        if extended_bytes < _EXTENDED_HEADER.size or end < extended_bytes:
            raise ValueError("the parts of the body are longer than the body")
        message.metadata = _unpack_metadata(bytes(body[end:])) if index_bytes else {}
        content = content[extended_bytes:end]
    message._unpack_content(content)
    # PLUS cuts names to the 20 characters of the header and gives the whole name here.
    whole_name = message.metadata.get("IGTL_DEVICE_NAME", "")
    if whole_name.startswith(header.device_name) and len(whole_name) > len(header.device_name):
        message.device_name = clean_name(whole_name.encode("utf8"))
    return message


def _unpack_metadata(data: bytes) -> dict[str, str]:
    (count,) = struct.unpack_from("> H", data)
    if count > _MOST_METADATA_ENTRIES:
        raise ValueError("too many metadata")
    start = 2 + count * _METADATA_ENTRY.size
    metadata = {}
    for number in range(count):
        key_bytes, _, value_bytes = _METADATA_ENTRY.unpack_from(data, 2 + number * _METADATA_ENTRY.size)
        if start + key_bytes + value_bytes > len(data):
            raise ValueError("metadata longer than the message")
        key = data[start : start + key_bytes].decode("utf8", errors="replace")
        start += key_bytes
        metadata[key] = data[start : start + value_bytes].decode("utf8", errors="replace")
        start += value_bytes
    return metadata


def pack_message(message: MessageBase, version: int = 1) -> bytes:
    """The bytes of a message with a header of `version` 1 or 2; metadata travel in version 2 only.

    Raises ValueError for a name of more than 20 bytes in version 1, where it would be cut to another name.
    """
    name = message.device_name.encode("utf8")
    body = message._pack_content()
    if version == 1:
        if len(name) > NAME_BYTES:
            raise ValueError(f"'{message.device_name}' is longer than a device name can be")
    else:
        metadata = {str(key): str(value) for key, value in message.metadata.items()}
        if len(name) > NAME_BYTES:
            metadata["IGTL_DEVICE_NAME"] = message.device_name
        index, values = [struct.pack("> H", len(metadata))], []
        for key, value in metadata.items():
            raw_key, raw_value = key.encode("utf8"), value.encode("utf8")
            index.append(_METADATA_ENTRY.pack(len(raw_key), encoding_of(raw_value), len(raw_value)))
            values += [raw_key, raw_value]
        raw_index, raw_values = b"".join(index), b"".join(values)
        extended = _EXTENDED_HEADER.pack(
            _EXTENDED_HEADER.size, len(raw_index), len(raw_values), getattr(message, "message_id", 0)
        )
        body = b"".join((extended, body, raw_index, raw_values))
    return _pack_header(message, version, body) + body


def pack_announcement() -> bytes:
    """GET_STATUS with a header of version 2 and no body: it tells a server that version 2 is understood.

    PLUS speaks version 2 only to those who have shown it. A program that knows version 1 alone refuses such a header;
    as nothing follows it, that program stays in step (with an extended header behind it, it would not).
    """
    return _pack_header(MESSAGE_CLASSES["GET_STATUS"](), 2, b"")


def _pack_header(message: MessageBase, version: int, body: bytes) -> bytes:
    name = message.device_name.encode("utf8")[:NAME_BYTES]
    seconds, fraction = divmod(round(max(message.timestamp, 0.0) * 2**32), 2**32)
    return _HEADER.pack(version, message.message_type.encode(), name, seconds, fraction, len(body), crc64(body))
