"""From the checked bytes of one message to the message, in pyigtl's form."""

from __future__ import annotations

import struct

from pyigtl import MessageBase

from .header import EXTENDED_HEADER, METADATA_ENTRY, Header, clean_name
from .messages import MESSAGE_CLASSES

_MOST_METADATA_ENTRIES = 256


def unpack_message(header: Header, body: bytes | memoryview) -> MessageBase:
    """The message of a checked body. Raises ValueError or struct.error when the body is not what the header says."""
    message = MESSAGE_CLASSES[header.kind]()
    message.header_version = header.version
    message.device_name = header.device_name
    message.timestamp = header.timestamp
    content = memoryview(body)
    if header.version > 1 and body:
        extended_bytes, index_bytes, metadata_bytes, message.message_id = EXTENDED_HEADER.unpack_from(body)
        end = len(body) - index_bytes - metadata_bytes
        if extended_bytes < EXTENDED_HEADER.size or end < extended_bytes:
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
    start = 2 + count * METADATA_ENTRY.size
    metadata = {}
    for number in range(count):
        key_bytes, _, value_bytes = METADATA_ENTRY.unpack_from(data, 2 + number * METADATA_ENTRY.size)
        if start + key_bytes + value_bytes > len(data):
            raise ValueError("metadata longer than the message")
        key = data[start : start + key_bytes].decode("utf8", errors="replace")
        start += key_bytes
        metadata[key] = data[start : start + value_bytes].decode("utf8", errors="replace")
        start += value_bytes
    return metadata
