"""VIDEO: one compressed picture of a video. What it shows is known once it is decoded, see video_decoder.py.

Specification: OpenIGTLink protocol version 3.1, page VIDEO, and the C++ library's igtl_video.h (a header of 76 bytes).
"""

from __future__ import annotations

import struct

from pyigtl import MessageBase

from .message_parts import Content, MalformedMessage

_HEADER = struct.Struct("> H B 4s H B 3H 12f 6H")
_VERSION, _LITTLE_ENDIAN, _RAS = 1, 2, 1
_KEY_FRAME = 1
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
_LARGEST_EDGE = 8192


class VideoMessage(MessageBase):
    """VIDEO.

    codec       four letters: 'H264', 'VP90', 'X265', 'O265', 'AV10', 'I420'
    image_size  width and height in pixels
    frame_type  1 for a key frame; times 256 for a grey one
    data        the compressed picture
    """

    def __init__(
        self, codec: str = "H264", image_size: tuple[int, int] = (0, 0), data: bytes = b"",
        frame_type: int = _KEY_FRAME, timestamp: float | None = None, device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(timestamp, device_name)
        self._message_type = "VIDEO"
        self.codec, self.image_size, self.data, self.frame_type = codec, image_size, data, frame_type
        self._valid_message = True

    def content_asstring(self) -> str:
        return f"{self.codec} of {self.image_size[0]} x {self.image_size[1]} pixels, {len(self.data)} bytes"

    def _pack_content(self) -> bytes:
        size = (*self.image_size, 1)
        head = _HEADER.pack(
            _VERSION, _LITTLE_ENDIAN, self.codec.encode("ascii")[:4], self.frame_type, _RAS, *size, *_IDENTITY, 0, 0, 0,
            *size,
        )  # fmt: skip
        return head + self.data

    def _unpack_content(self, content: Content) -> None:
        if len(content) < _HEADER.size:
            raise MalformedMessage("a video without its header")
        version, _, codec, self.frame_type, _, width, height, *_ = _HEADER.unpack_from(content)
        if version != _VERSION:
            raise MalformedMessage(f"a video of version {version}")
        if not (0 < width <= _LARGEST_EDGE and 0 < height <= _LARGEST_EDGE):
            raise MalformedMessage(f"a video of {width} x {height} pixels")
        self.codec = codec.decode("ascii", errors="replace").strip("\0 ")
        self.image_size, self.data = (width, height), bytes(content[_HEADER.size :])
