"""From VIDEO messages to images, by PyAV (FFmpeg), one decoder for each device."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import StreamError
from ..words import tr
from .openigtlink.conversion import image_message
from .openigtlink.image_message import ImageMessage
from .openigtlink.video_message import VideoMessage

# FFmpeg's names of OpenIGTLink's codecs.
_DECODERS = {"H264": "h264", "VP90": "vp9", "X265": "hevc", "O265": "hevc", "AV10": "av1"}
# A picture that a decoder keeps back for so long has been lost.
_MOST_WAITING = 64
NO_DECODER = (
    "The server sends compressed video (VIDEO), which needs PyAV: pip install 'crlm-navigation[scope]' (or av)."
)


class VideoDecoder:
    """Decodes the pictures of one device, in their order.

    Pictures that need an earlier one that never came, as at the beginning, give nothing.
    """

    def __init__(self) -> None:
        self._codec = ""
        self._context: Any = None
        self._waiting: OrderedDict[int, VideoMessage] = OrderedDict()
        self._number = 0

    def images(self, message: VideoMessage) -> list[ImageMessage]:
        """IMAGE messages, (1, v, u, 3) uint8, with name and time of the VIDEO messages that they came with. Raises
        StreamError for a codec that is not known, or where PyAV is not installed.
        """
        av = _av()
        if message.codec != self._codec:
            self._begin(av, message.codec)
        self._number += 1
        self._waiting[self._number] = message
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)
        packet = av.Packet(message.data)
        packet.pts = packet.dts = self._number
        try:
            decoded = self._context.decode(packet)
        except av.FFmpegError:
            # It needs a picture that never came: from the next key frame on it goes.
            self._waiting.pop(self._number, None)
            return []
        images = []
        for frame in decoded:
            of = self._waiting.pop(frame.pts, None)
            if of is not None:
                pixels = frame.to_ndarray(format="rgb24")
                images.append(image_message(pixels, np.eye(4), of.device_name, float(of.timestamp)))
        return images

    def _begin(self, av: Any, codec: str) -> None:
        name = _DECODERS.get(codec)
        if name is None:
            known = ", ".join(_DECODERS)
            raise StreamError(
                tr(
                    "The server sends video compressed as '{codec}', and {known} are known.",
                    codec=codec[:8],
                    known=known,
                )
            )
        self._context = av.CodecContext.create(name, "r")
        # Each picture is wanted now, not when several threads have gathered some.
        self._context.thread_count = 1
        self._codec = codec
        self._waiting.clear()


class VideoDecoders:
    """Those of all devices of a server.

    is_wanted   (device name): whether anybody looks at it; the rest is not decoded
    on_problem  called with the sentence why something cannot be decoded
    """

    def __init__(self, is_wanted: Callable[[str], bool], on_problem: Callable[[str], None]) -> None:
        self._is_wanted, self._on_problem = is_wanted, on_problem
        self._decoders: dict[str, VideoDecoder] = {}

    def images(self, message: VideoMessage) -> list[ImageMessage]:
        """See VideoDecoder.images(); nothing for what cannot be decoded."""
        if not self._is_wanted(message.device_name):
            return []
        try:
            return self._decoders.setdefault(message.device_name, VideoDecoder()).images(message)
        except StreamError as error:
            self._on_problem(str(error))
            return []

    def begin_anew(self) -> None:
        """The sender was found again."""
        self._decoders.clear()


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise StreamError(NO_DECODER) from None
    return av
