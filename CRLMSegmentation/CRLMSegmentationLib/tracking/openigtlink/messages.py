"""The OpenIGTLink messages that pyigtl 0.3.4 lacks, or reads otherwise than the specification, in pyigtl's form.

Specification: OpenIGTLink protocol version 3, pages STATUS, TDATA, POSITION, COMMAND; the C++ library's
igtlutil headers. TRANSFORM and STRING are pyigtl's; IMAGE, POLYDATA, PLUS's TRACKEDFRAME and the requests have files of
their own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence

import numpy as np
from pyigtl import MessageBase, StringMessage, TransformMessage

from .image_message import ImageMessage
from .message_parts import Content, MalformedMessage, encoding_of, text_of
from .polydata_message import PolyDataMessage
from .request_messages import REQUEST_CLASSES, RequestMessage
from .tracked_frame_message import TrackedFrameMessage
from .video_message import VideoMessage

STATUS_OK, STATUS_NOT_FOUND = 1, 4
_TDATA_ELEMENT = struct.Struct("> 20s B B 12f")
_COMMAND_HEADER = struct.Struct("> I 128s H I")
_STATUS_HEADER = struct.Struct("> H q 20s")
_TRACKED_IN_SIX_DEGREES = 2


class GetStatusMessage(RequestMessage):
    """GET_STATUS, which a server answers with STATUS: the question 'are you there?'."""


class StatusMessage(MessageBase):
    """STATUS: code 1 is 'OK'; PLUS sends it to keep a silent connection alive."""

    def __init__(
        self, code: int = STATUS_OK, subcode: int = 0, error_name: str = "", text: str = "",
        timestamp: float | None = None, device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(timestamp, device_name)
        self._message_type = "STATUS"
        self.code, self.subcode, self.error_name, self.text = code, subcode, error_name, text
        self._valid_message = True

    def content_asstring(self) -> str:
        return f"Code: {self.code} {self.error_name} {self.text}"

    def _pack_content(self) -> bytes:
        start = _STATUS_HEADER.pack(self.code, self.subcode, self.error_name.encode("utf8")[:20])
        return start + self.text.encode("utf8") + b"\0"

    def _unpack_content(self, content: Content) -> None:
        if len(content) < _STATUS_HEADER.size:
            raise MalformedMessage("a status without its header")
        self.code, self.subcode, name = _STATUS_HEADER.unpack_from(content)
        self.error_name, self.text = text_of(name), text_of(content[_STATUS_HEADER.size :])


class TrackingDataMessage(MessageBase):
    """TDATA: several tools at one time. elements: (name of at most 20 characters, (4, 4) float64), ..."""

    def __init__(
        self,
        elements: Sequence[tuple[str, np.ndarray]] = (),
        timestamp: float | None = None,
        device_name: str | None = None,
    ) -> None:
        super().__init__(timestamp, device_name)
        self._message_type = "TDATA"
        self.elements = [(name, np.asarray(matrix, dtype=np.float64)) for name, matrix in elements]
        self._valid_message = True

    def content_asstring(self) -> str:
        return ", ".join(name for name, _ in self.elements)

    def _pack_content(self) -> bytes:
        return b"".join(
            _TDATA_ELEMENT.pack(name.encode("utf8")[:20], _TRACKED_IN_SIX_DEGREES, 0, *matrix[:3].T.ravel())
            for name, matrix in self.elements
        )

    def _unpack_content(self, content: Content) -> None:
        if len(content) % _TDATA_ELEMENT.size:
            raise MalformedMessage("tracking data with a piece of an element")
        self.elements = []
        for name, _, _, *values in _TDATA_ELEMENT.iter_unpack(content):
            matrix = np.eye(4)
            matrix[:3] = np.array(values).reshape(4, 3).T
            self.elements.append((text_of(name), matrix))


class PositionMessage(MessageBase):
    """POSITION: a place and a unit quaternion (x, y, z, w), 12, 24 or 28 bytes (pyigtl's own is not the protocol's)."""

    def __init__(
        self, position: Sequence[float] = (0, 0, 0), quaternion: Sequence[float] = (0, 0, 0, 1),
        timestamp: float | None = None, device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(timestamp, device_name)
        self._message_type = "POSITION"
        self.position, self.quaternion = tuple(position), tuple(quaternion)
        self._valid_message = True

    def content_asstring(self) -> str:
        return f"Position: {self.position}, quaternion: {self.quaternion}"

    def _pack_content(self) -> bytes:
        return struct.pack("> 7f", *self.position, *self.quaternion)

    def _unpack_content(self, content: Content) -> None:
        if len(content) not in (12, 24, 28):
            raise MalformedMessage("a position of no known length")
        values = struct.unpack(f"> {len(content) // 4}f", content)
        quaternion = values[3:] or (0.0, 0.0, 0.0, 1.0)
        if len(quaternion) == 3:
            quaternion = (*quaternion, math.sqrt(max(0.0, 1.0 - sum(value * value for value in quaternion))))
        self.position, self.quaternion = values[:3], quaternion


class CommandMessage(MessageBase):
    """COMMAND: a command with a number of its own; the content is XML as a rule. RTS_COMMAND is the reply."""

    def __init__(
        self, command_id: int = 0, command_name: str = "", content: str = "", timestamp: float | None = None,
        device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(timestamp, device_name)
        self._message_type = "COMMAND"
        self.command_id, self.command_name, self.content = command_id, command_name, content
        self._valid_message = True

    def content_asstring(self) -> str:
        return f"Command {self.command_id} {self.command_name}: {self.content}"

    def _pack_content(self) -> bytes:
        content = self.content.encode("utf8")
        name = self.command_name.encode("utf8")[:128]
        return _COMMAND_HEADER.pack(self.command_id, name, encoding_of(content), len(content)) + content

    def _unpack_content(self, content: Content) -> None:
        if len(content) < _COMMAND_HEADER.size:
            raise MalformedMessage("a command without its header")
        self.command_id, name, _, length = _COMMAND_HEADER.unpack_from(content)
        if _COMMAND_HEADER.size + length > len(content):
            raise MalformedMessage("a command longer than its message")
        self.command_name = text_of(name)
        self.content = text_of(content[_COMMAND_HEADER.size : _COMMAND_HEADER.size + length])


class CommandReplyMessage(CommandMessage):
    """RTS_COMMAND: the reply to the COMMAND with the same command_id."""

    def __init__(
        self, command_id: int = 0, command_name: str = "", content: str = "", timestamp: float | None = None,
        device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(command_id, command_name, content, timestamp, device_name)
        self._message_type = "RTS_COMMAND"


class Utf8StringMessage(StringMessage):
    """STRING in ASCII or UTF-8, up to 65,535 bytes (pyigtl's own cannot send a letter outside of ASCII)."""

    def _pack_content(self) -> bytes:
        text = self.string.encode("utf8")
        return struct.pack("> H H", encoding_of(text), len(text)) + text

    def _unpack_content(self, content: Content) -> None:
        if len(content) < 4 or struct.unpack_from("> H", content, 2)[0] > len(content) - 4:
            raise MalformedMessage("a string longer than its message")
        self.string = text_of(content[4 : 4 + struct.unpack_from("> H", content, 2)[0]])


# What makes an empty message of each type.
MESSAGE_CLASSES: dict[str, Callable[..., MessageBase]] = {
    "IMAGE": ImageMessage,
    "TRANSFORM": TransformMessage,
    "POSITION": PositionMessage,
    "TDATA": TrackingDataMessage,
    "STRING": Utf8StringMessage,
    "STATUS": StatusMessage,
    "GET_STATUS": GetStatusMessage,
    "COMMAND": CommandMessage,
    "RTS_COMMAND": CommandReplyMessage,
    "POLYDATA": PolyDataMessage,
    "TRACKEDFRAME": TrackedFrameMessage,
    "VIDEO": VideoMessage,
    **REQUEST_CLASSES,
}
