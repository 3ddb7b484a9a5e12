"""A laparoscope's picture as colours of 8 bits, whatever the camera writes."""

from __future__ import annotations

import numpy as np

from ..errors import LaparoscopeError
from ..words import mark, tr
from .camera.opencv import opencv

# Rows differ from their neighbours more than from those two rows away by this factor: two moments in one picture.
_COMBED = 1.3
_LEAST_DIFFERENCE = 1.0
_COLUMNS = 60
# Black bars have no pixel brighter than this but for text; a row or column with so many is a part of the picture.
_BLACK, _LIT_SHARE, _EVERY_LINE = 14, 0.05, 4
# Bars that leave more than these shares of height and width are narrow: networks have seen such pictures.
_LEAST_HEIGHT, _LEAST_WIDTH, _LEAST_SHARE = 0.85, 0.72, 0.3
# A picture whose brightest parts are darker than this shows nothing.
_DARK = 25
DARK = mark("The picture is dark: is the lamp off, or the lens covered?")
INTERLACED = mark(
    "The video is interlaced: of the two moments in a picture the first is taken; switch it off at the camera."
)
NO_LANDMARK = mark("No landmark is seen: is the liver in view?")


def check_picture(picture: np.ndarray) -> None:
    """Raises LaparoscopeError for what is no picture (v, u) or (v, u, 3), uint8 or uint16."""
    if picture.dtype not in (np.uint8, np.uint16) or picture.ndim not in (2, 3) or not picture.size:
        shape = " x ".join(map(str, picture.shape))
        raise LaparoscopeError(
            tr(
                "A picture of {shape} values of {dtype} cannot be shown: send 8 or 16 bits.",
                shape=shape,
                dtype=picture.dtype,
            )
        )


def as_colors(picture: np.ndarray) -> np.ndarray:
    """(v, u, 3) uint8 of `picture` (v, u) or (v, u, 3), uint8 or uint16. Raises LaparoscopeError for any other."""
    check_picture(picture)
    if picture.dtype == np.uint16:
        # Cameras of 10 and 12 bits write the same type as those of 16.
        bits = next(bits for bits in (8, 10, 12, 16) if int(picture.max()) < 2**bits)
        picture = (picture >> (bits - 8)).astype(np.uint8)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)


def netpbm_of(picture: np.ndarray, most: tuple[int, int]) -> bytes:
    """A file of the kind that Netpbm calls PPM, in memory, of `picture` (v, u, 3) uint8, scaled with its proportions so
    that it fits into `most` (width, height) pixels; what is smaller stays.
    """
    scale = min(1.0, most[0] / picture.shape[1], most[1] / picture.shape[0])
    if scale < 1:
        cv2 = opencv()
        size = tuple(max(1, round(scale * length)) for length in picture.shape[1::-1])
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return b"P6 %d %d 255\n" % picture.shape[1::-1] + np.ascontiguousarray(picture).tobytes()


def is_dark(picture: np.ndarray) -> bool:
    """True when nothing in `picture` (v, u[, 3]), uint8 or uint16, is bright: the lamp is off, or the lens covered."""
    return bool(np.percentile(as_colors(picture[::8, ::8]), 99) < _DARK)


def lit_part(picture: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of `picture` (v, u[, 3]), uint8 or uint16, without wide black bars around them: what another
    format, or a circle that is small in its frame, leaves black. All of it where the bars are narrow, as those beside a
    circle that is higher than the picture, and where it is dark altogether.
    """
    rows = _lit(as_colors(picture[::_EVERY_LINE, :: 4 * _EVERY_LINE]), 1, picture.shape[0], _LEAST_HEIGHT)
    columns = _lit(as_colors(picture[:: 4 * _EVERY_LINE, ::_EVERY_LINE]), 0, picture.shape[1], _LEAST_WIDTH)
    return rows, columns


def _lit(sample: np.ndarray, axis: int, size: int, least: float) -> slice:
    """The longest run of lit rows or columns, of which `sample` has every few and `size` are in the picture: text in a
    bar is another run. All of them where it is nearly all, or so little that it is no picture.
    """
    red, green, blue = np.moveaxis(sample, -1, 0)
    bright = np.maximum(np.maximum(red, green), blue) > _BLACK
    changes = np.flatnonzero(np.diff(bright.mean(axis=axis) > _LIT_SHARE, prepend=False, append=False))
    if not changes.size:
        return slice(0, size)
    begins, ends = changes[::2], changes[1::2]
    longest = int((ends - begins).argmax())
    first, last = int(begins[longest]) * _EVERY_LINE, min(int(ends[longest]) * _EVERY_LINE, size)
    return slice(first, last) if _LEAST_SHARE <= (last - first) / size < least else slice(0, size)


def is_interlaced(picture: np.ndarray) -> bool:
    """True when every other row of `picture` (v, u[, 3]) shows another moment, in which something has moved."""
    if picture.shape[0] < 16:
        return False
    every = max(1, picture.shape[1] // _COLUMNS)
    rows = (picture if picture.ndim == 2 else picture[..., 1])[:, ::every].astype(np.float32)
    beside = np.abs(2 * rows[2:-2] - rows[1:-3] - rows[3:-1]).mean()
    of_field = np.abs(2 * rows[2:-2] - rows[:-4] - rows[4:]).mean()
    return bool(beside > _LEAST_DIFFERENCE and beside > _COMBED * of_field)


def one_field(picture: np.ndarray) -> np.ndarray:
    """The even rows of `picture` (v, u[, 3]), those between them as the mean of their neighbours."""
    even = np.array(picture)
    odd = even[1::2]
    below = even[2::2] if len(picture) % 2 else np.concatenate([even[2::2], even[-2:-1]])
    odd[:] = ((even[::2][: len(odd)].astype(np.uint32) + below[: len(odd)]) // 2).astype(picture.dtype)
    return even
