"""The pixels of image messages, also of those that hold only the part of an image that has changed."""

from __future__ import annotations

import numpy as np

from ...words import tr
from ..openigtlink.conversion import pixels_of
from ..openigtlink.image_message import ImageMessage


class WholeImages:
    """Puts a part of an image into the whole one that came before it.

    keep_color  see conversion.pixels_of
    problem     why the last two-dimensional images could not be used; '' when none was of that kind
    """

    def __init__(self, keep_color: bool = False) -> None:
        self.problem = ""
        self._keep_color = keep_color
        self._whole: tuple[str, np.ndarray] | None = None

    def begin_anew(self) -> None:
        """What came before is no part of what comes."""
        self._whole = None

    def pixels(self, message: ImageMessage) -> np.ndarray | None:
        """The whole pixels; None when there are none, or the image they are a part of is not there."""
        name, pixels = message.device_name, pixels_of(message, self._keep_color)
        if pixels is None:
            slices = np.asarray(message.image).shape[0]
            if slices > 1:
                self.problem = tr(
                    "images of {slices} slices ({name}) cannot be used, only single ones", slices=slices, name=name
                )
            return None
        if getattr(message, "is_part", False):
            pixels = self._in_whole(message, name, pixels)
            if pixels is None:
                self.problem = tr("parts of images ({name}) came without the whole one, and cannot be used", name=name)
                return None
        self._whole = name, pixels
        return pixels

    def _in_whole(self, message: ImageMessage, name: str, part: np.ndarray) -> np.ndarray | None:
        width, height, depth = message.whole_size or (0, 0, 0)
        before = self._whole[1] if self._whole is not None and self._whole[0] == name else None
        if depth != 1 or before is None or before.shape != (height, width, *part.shape[2:]):
            return None
        if before.dtype != part.dtype:
            return None
        u, v, _ = message.part_offset
        whole = before.copy()
        whole[v : v + part.shape[0], u : u + part.shape[1]] = part
        return whole
