"""Finding the part of the image that holds ultrasound, from the pixels alone.

The picture is framed by black that never changes. What lights up in any frame is the footprint: a rectangle for a
linear probe, a sector for a curved one. The sides of a sector are straight lines that meet above the image; its top
and bottom are arcs about that point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ..errors import ReconstructionError
from ..words import tr
from .settings import ClipRectangle, Fan

_LEAST_SIDE_DEG = 5.0  # sides steeper than this to the vertical make a sector; others are those of a rectangle
_LEAST_SHARE = 0.02  # of the image; less is not an ultrasound picture


def detect_footprint(frames: Sequence[np.ndarray], dark: float | None = None) -> tuple[ClipRectangle, Fan | None]:
    """The rectangle around what the frames show, and its fan for a curved probe (None for a linear one).

    frames  (v, u) arrays of one size, of which about 50 are examined
    dark    grey level up to which a pixel counts as black; by default 2 % of the brightest
    Raises ReconstructionError when nothing is to be seen.
    """
    frames = list(frames)
    if not frames:
        raise ReconstructionError(tr("There is no frame in which the fan could be searched for."))
    brightest = np.max(frames[:: 1 + len(frames) // 50], axis=0).astype(np.float64)
    dark = 0.02 * brightest.max() if dark is None else dark
    # closing bridges shadows, opening takes away text and marks beside the picture
    lit = ndimage.binary_opening(ndimage.binary_closing(np.pad(brightest > dark, 12), iterations=8), iterations=5)
    labels, count = ndimage.label(lit[12:-12, 12:-12])
    sizes = ndimage.sum_labels(labels > 0, labels, range(1, count + 1)) if count else np.zeros(0)
    if not count or sizes.max() < _LEAST_SHARE * labels.size:
        raise ReconstructionError(
            tr("The frames are almost black: no fan can be found in them; check the gain, or give the fan by hand.")
        )
    footprint = ndimage.binary_fill_holes(labels == 1 + int(sizes.argmax()))
    rows, columns = np.nonzero(footprint.any(axis=1))[0], np.nonzero(footprint.any(axis=0))[0]
    rectangle = ClipRectangle(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]), int(rows[-1] - rows[0]))
    return rectangle, _fan_of(footprint)


def _fan_of(footprint: np.ndarray) -> Fan | None:
    rows = np.nonzero(footprint.any(axis=1))[0]
    left = np.array([np.nonzero(footprint[row])[0][0] for row in rows])
    right = np.array([np.nonzero(footprint[row])[0][-1] for row in rows])
    widest = int((right - left).argmax())
    # the sides: from the corners of the transducer's arc down to where the bottom arc begins, without both ends
    first, last = int(0.1 * widest), int(0.9 * widest)
    if last - first < 20:
        return None
    left_slope, left_at = _line(rows[first:last], left[first:last])
    right_slope, right_at = _line(rows[first:last], right[first:last])
    angles = math.degrees(math.atan(left_slope)), math.degrees(math.atan(right_slope))
    if angles[1] - angles[0] < 2 * _LEAST_SIDE_DEG or left_slope >= 0 or right_slope <= 0:
        return None
    origin_v = (right_at - left_at) / (left_slope - right_slope)
    origin_u = left_at + left_slope * origin_v
    v, u = np.nonzero(footprint)
    distance = np.hypot(u - origin_u, v - origin_v)
    direction = np.degrees(np.arctan2(u - origin_u, v - origin_v))
    inner = (direction > 0.8 * angles[0]) & (direction < 0.8 * angles[1])
    # the arcs: nearest and farthest pixel in every degree, and of those the middle one
    sectors = np.floor(direction[inner]).astype(int)
    sectors -= sectors.min()
    nearest = ndimage.minimum(distance[inner], sectors, range(sectors.max() + 1))
    farthest = ndimage.maximum(distance[inner], sectors, range(sectors.max() + 1))
    return Fan((float(origin_u), float(origin_v)), angles, float(np.median(nearest)), float(np.median(farthest)))


def _line(rows: np.ndarray, columns: np.ndarray) -> tuple[float, float]:
    """Slope and column at row 0 of the line through most of the points (Theil and Sen's median of slopes)."""
    apart = len(rows) // 2
    slope = float(
        np.median((columns[apart:] - columns[: len(columns) - apart]) / (rows[apart:] - rows[: len(rows) - apart]))
    )
    return slope, float(np.median(columns - slope * rows))
