"""From messages to bytes."""

from __future__ import annotations

import struct

from pyigtl import MessageBase

from .crc import crc64
from .header import EXTENDED_HEADER, HEADER, METADATA_ENTRY, NAME_BYTES
from .message_parts import encoding_of
from .messages import MESSAGE_CLASSES


def pack_message(message: MessageBase, version: int = 1) -> bytes:
    """The bytes of a message with a header of `version` 1 or 2; metadata travel in version 2 only.

    Raises ValueError for a name of more than 20 bytes in version 1, where it would be cut to another name.
    """
    name = message.device_name.encode("utf8")
    body: bytes = message._pack_content()
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
            index.append(METADATA_ENTRY.pack(len(raw_key), encoding_of(raw_value), len(raw_value)))
            values += [raw_key, raw_value]
        raw_index, raw_values = b"".join(index), b"".join(values)
        extended = EXTENDED_HEADER.pack(
            EXTENDED_HEADER.size, len(raw_index), len(raw_values), getattr(message, "message_id", 0)
        )
        body = b"".join((extended, body, raw_index, raw_values))
    return _pack_header(message, version, body) + body


def pack_announcement() -> bytes:
    """GET_STATUS with a header of version 2 and no body: it shows a server that version 2 is understood.

    PLUS speaks version 2 only to those who have shown it. A program that knows version 1 alone refuses such a header;
    as nothing follows it, that program stays in step (with an extended header behind it, it would not).
    """
    return _pack_header(MESSAGE_CLASSES["GET_STATUS"](), 2, b"")


def _pack_header(message: MessageBase, version: int, body: bytes) -> bytes:
    name = message.device_name.encode("utf8")[:NAME_BYTES]
    seconds, fraction = divmod(round(max(message.timestamp, 0.0) * 2**32), 2**32)
    return HEADER.pack(version, message.message_type.encode(), name, seconds, fraction, len(body), crc64(body))
