"""Size and pixel type of images: those of one volume have the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..sweep import TrackedFrame

_OTHERS_IN_A_ROW = 10  # images of another kind, and more than were used: then they are the sweep


@dataclass(frozen=True)
class ImageKind:
    """size: (width, height) in pixels; dtype of the pixels."""

    size: tuple[int, int]
    dtype: np.dtype

    @classmethod
    def of(cls, frame: TrackedFrame) -> ImageKind:
        return cls(frame.image_size, frame.dtype)

    def unlike(self, usual: ImageKind) -> str:
        """Why an image of this kind does not go with the `usual` ones; empty when it does."""
        if self.size != usual.size:
            sizes = [f"{width} x {height}" for width, height in (self.size, usual.size)]
            return f"image of another size: {sizes[0]} pixels instead of {sizes[1]}"
        return "" if self.dtype == usual.dtype else f"image of another type: {self.dtype} instead of {usual.dtype}"


class UsualKind:
    """The kind of images that come one at a time: that of the first one, until many of another kind have come."""

    def __init__(self) -> None:
        self._usual: ImageKind | None = None
        self._others = 0  # in a row

    def take(self, frame: TrackedFrame, used: int) -> tuple[str, str]:
        """Why this image is left out, and why all `used` ones before it are left out from now on: mostly both empty."""
        kind = ImageKind.of(frame)
        if self._usual is None:
            self._usual = kind
        reason = kind.unlike(self._usual)
        self._others = self._others + 1 if reason else 0
        if self._others <= max(_OTHERS_IN_A_ROW, used):
            return reason, ""
        before, self._usual, self._others = self._usual, kind, 0
        return "", before.unlike(kind)
