"""From a stream of bytes to whole OpenIGTLink messages, however the bytes arrive.

Specification: OpenIGTLink protocol version 3, 'Message structure' (58 byte header, CRC-64 ECMA-182 over the body).
pyigtl unpacks the bodies; the framing, the check of the CRC and the cap on lengths are here, because pyigtl's own
connections have none.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field

from pyigtl import messages as pyigtl_messages

from ..errors import StreamError

HEADER_BYTES = 58
_HEADER = struct.Struct("> H 12s 20s II Q Q")
# Longest body that is believed. A longer one that is still thinkable is skipped; beyond that the stream is lost.
_LARGEST_BODY_BYTES = {"IMAGE": 256 << 20, "POLYDATA": 256 << 20}
_LARGEST_OTHER_BODY_BYTES = 1 << 20
_LARGEST_SKIPPED_BYTES = 1 << 30
UNDERSTOOD_TYPES = frozenset({"IMAGE", "TRANSFORM", "STRING", "POSITION"})


@dataclass
class FramingCounts:
    """What became of the messages.

    received, crc_errors, malformed, too_long   numbers of messages
    skipped                                     number of messages of each type that nothing here understands
    """

    received: int = 0
    crc_errors: int = 0
    malformed: int = 0
    too_long: int = 0
    skipped: Counter = field(default_factory=Counter)


class MessageParser:
    """Turns pieces of a byte stream into pyigtl messages. Holds at most one message in memory."""

    def __init__(self):
        self.counts = FramingCounts()
        self._waiting = bytearray()
        self._to_skip = 0

    def feed(self, piece: bytes) -> list:
        """The messages that `piece` completes, in order.

        A message with a wrong CRC or body is counted and dropped, and the stream goes on. Raises StreamError when the
        header itself cannot be believed: without a mark between messages the stream cannot be found again.
        """
        if self._to_skip:
            skipped = min(self._to_skip, len(piece))
            self._to_skip -= skipped
            piece = piece[skipped:]
        self._waiting += piece
        complete = []
        while len(self._waiting) >= HEADER_BYTES:
            version, raw_type, raw_name, seconds, fraction, body_bytes, crc = _HEADER.unpack_from(self._waiting)
            kind = _text(raw_type)
            if version not in (1, 2, 3) or not kind.isascii() or not kind.replace("_", "").isalnum():
                raise StreamError("The OpenIGTLink stream is out of step (a header makes no sense); reconnecting.")
            if body_bytes > _LARGEST_BODY_BYTES.get(kind, _LARGEST_OTHER_BODY_BYTES):
                if body_bytes > _LARGEST_SKIPPED_BYTES:
                    raise StreamError(f"A {kind} message announces {body_bytes} bytes, which is not believable.")
                self.counts.too_long += 1
                self._skip(HEADER_BYTES + body_bytes)
                continue
            if len(self._waiting) < HEADER_BYTES + body_bytes:
                break
            body = bytes(self._waiting[HEADER_BYTES : HEADER_BYTES + body_bytes])
            del self._waiting[: HEADER_BYTES + body_bytes]
            if kind not in UNDERSTOOD_TYPES:
                self.counts.skipped[kind] += 1
                continue
            if pyigtl_messages.CRC64(body) != crc:
                self.counts.crc_errors += 1
                continue
            header = {
                "header_version": version,
                "message_type": kind,
                "device_name": _text(raw_name),
                "timestamp": seconds + fraction / 2**32,
                "body_size": body_bytes,
            }
            message = pyigtl_messages.MessageBase.create_message(kind)
            try:
                message.unpack(header, body)
            except Exception:
                # pyigtl raises whatever numpy, struct or codecs raise on a body that is not what its header says.
                self.counts.malformed += 1
                continue
            self.counts.received += 1
            complete.append(message)
        return complete

    def _skip(self, count: int) -> None:
        here = min(count, len(self._waiting))
        del self._waiting[:here]
        self._to_skip = count - here


def _text(raw: bytes) -> str:
    """A name from the network as printable ASCII."""
    text = raw.split(b"\0", 1)[0].decode("ascii", errors="replace").strip()
    return "".join(char if char.isprintable() and char.isascii() else "_" for char in text)
