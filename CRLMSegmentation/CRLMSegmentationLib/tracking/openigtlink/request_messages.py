"""Requests of OpenIGTLink: GET_ asks for one message, STT_ and STP_ start and stop a stream of them, RTS_
says whether that was done.

Specification: OpenIGTLink protocol version 3, 'Querying mechanism', TDATA and POLYDATA; the C++ library's
igtl_tdata.h and igtl_polydata.h. In pyigtl's form.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable

from pyigtl import MessageBase

from .message_parts import Content, MalformedMessage, text_of

_START_TRACKING_DATA = struct.Struct("> i 32s")
# The types that consist of a header only. TRANSFORM is cut to TRANS, so that prefix and name fit twelve characters.
_HEADER_ONLY = ("GET_IMAGE", "GET_TRANS", "GET_POSITION", "GET_TDATA", "GET_STRING", "GET_POLYDATA", "GET_CAPABIL",
                "STP_TDATA", "STP_POLYDATA")  # fmt: skip
# What is asked for by its short name.
_WHOLE_NAMES = {"TRANS": "TRANSFORM"}


class RequestMessage(MessageBase):
    """A message without content, such as GET_IMAGE; the device name says which one is meant, '' any."""

    def __init__(
        self, message_type: str = "GET_STATUS", timestamp: float | None = None, device_name: str | None = None
    ) -> None:
        super().__init__(timestamp, device_name)
        self._message_type = message_type
        self._valid_message = True

    @property
    def wanted_type(self) -> str:
        """The type of the message that is asked for, such as 'TRANSFORM'."""
        name: str = self.message_type.partition("_")[2]
        return _WHOLE_NAMES.get(name, name)


class StartTrackingDataMessage(MessageBase):
    """STT_TDATA: 'send me TDATA', at most one every `interval_ms` (0: all), in the frame called `coordinate_name`."""

    def __init__(
        self, interval_ms: int = 0, coordinate_name: str = "", timestamp: float | None = None,
        device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(timestamp, device_name)
        self._message_type = "STT_TDATA"
        self.interval_ms, self.coordinate_name = int(interval_ms), coordinate_name
        self._valid_message = True

    def content_asstring(self) -> str:
        return f"Every {self.interval_ms} ms in {self.coordinate_name}"

    def _pack_content(self) -> bytes:
        return _START_TRACKING_DATA.pack(self.interval_ms, self.coordinate_name.encode("utf8")[:32])

    def _unpack_content(self, content: Content) -> None:
        if len(content) < _START_TRACKING_DATA.size:
            raise MalformedMessage("a request for tracking data without its content")
        self.interval_ms, name = _START_TRACKING_DATA.unpack_from(content)
        self.coordinate_name = text_of(name)


class RequestReplyMessage(MessageBase):
    """RTS_TDATA or RTS_POLYDATA: what became of a request; `status` 0 is success, 1 failure."""

    def __init__(
        self, message_type: str = "RTS_TDATA", status: int = 0, timestamp: float | None = None,
        device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(timestamp, device_name)
        self._message_type = message_type
        self.status = status
        self._valid_message = True

    def content_asstring(self) -> str:
        return f"Status: {self.status}"

    def _pack_content(self) -> bytes:
        return struct.pack("> b", self.status)

    def _unpack_content(self, content: Content) -> None:
        if len(content) < 1:
            raise MalformedMessage("a reply without its status")
        (self.status,) = struct.unpack_from("> b", content)


REQUEST_CLASSES: dict[str, Callable[..., MessageBase]] = {
    name: functools.partial(RequestMessage, name) for name in _HEADER_ONLY
}
REQUEST_CLASSES["STT_TDATA"] = StartTrackingDataMessage
REQUEST_CLASSES["RTS_TDATA"] = functools.partial(RequestReplyMessage, "RTS_TDATA")
REQUEST_CLASSES["RTS_POLYDATA"] = functools.partial(RequestReplyMessage, "RTS_POLYDATA")
