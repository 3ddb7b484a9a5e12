"""The header of a message, and the layouts of what is around its content.

Specification: OpenIGTLink protocol version 3, 'Message structure'.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

HEADER_BYTES = 58
NAME_BYTES = 20
HEADER = struct.Struct("> H 12s 20s II Q Q")
# From header version 2 on: bytes of this header, of the index of the metadata, of the metadata; number of the message.
EXTENDED_HEADER = struct.Struct("> H H I I")
METADATA_ENTRY = struct.Struct("> H H I")
_VERSIONS = (1, 2, 3)
_KIND = re.compile(rb"([A-Za-z0-9_]{1,12})[\0 ]*\Z")


class Header(NamedTuple):
    """The generic header of a message; `timestamp` in seconds."""

    version: int
    kind: str
    device_name: str
    timestamp: float
    body_bytes: int
    crc: int


def parse_header(data: bytes | bytearray | memoryview) -> Header | None:
    """The header that `data` begins with (58 bytes at least); None when it makes no sense."""
    version, raw_kind, raw_name, seconds, fraction, body_bytes, crc = HEADER.unpack_from(data)
    kind = _KIND.match(raw_kind)
    if version not in _VERSIONS or kind is None:
        return None
    return Header(version, kind[1].decode(), clean_name(raw_name), seconds + fraction / 2**32, body_bytes, crc)


def clean_name(raw: bytes) -> str:
    """A name from the network as printable ASCII of one line."""
    text = raw.split(b"\0", 1)[0].decode("ascii", errors="replace").strip()
    return "".join(char if char.isascii() and char.isprintable() else "_" for char in text)
