"""Which pixels of an image are used: the clip rectangle and the fan, as runs of columns in every row.

Two rules for the edge of a fan, both IGSIO's: its optimised insertion (settings 'full' and 'partial') works with runs
of columns and pulls every edge in by one pixel; its plain insertion ('none') tests each pixel's angle and distance. The
exact definition uses the plain rule.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import ReconstructionError
from ..words import tr
from .region import clipped_corners
from .settings import Fan, ReconstructionSettings

_FLOOR_OFFSET = 103079215104.0  # 1.5 * 2^36: adding it rounds a double to multiples of 2^-16, as vtkImageReslice does


def _floor(value: float) -> int:
    return int(value + _FLOOR_OFFSET) - int(_FLOOR_OFFSET)


def _ceil(value: float) -> int:
    return -_floor(-value)


def row_runs(image_size: tuple[int, int], settings: ReconstructionSettings) -> np.ndarray:
    """(height, runs, 2) int32: first and last column of every used run in every row; last < first where there is none.

    Raises ReconstructionError when no pixel is left.
    """
    first_u, last_u, first_v, last_v = clipped_corners(image_size, settings.clip_rectangle)
    fan = settings.fan
    if fan is None or (fan.angles_deg[0] == 0 and fan.angles_deg[1] == 0):
        runs = np.zeros((image_size[1], 1, 2), dtype=np.int32)
        runs[:, 0] = (first_u, last_u)
    elif settings.definition == "igsio" and settings.optimization != "none":
        runs = _runs_pulled_in(image_size, fan)
    else:
        runs = _runs_by_pixel(image_size, fan)
    np.maximum(runs[:, :, 0], first_u, out=runs[:, :, 0])
    np.minimum(runs[:, :, 1], last_u, out=runs[:, :, 1])
    runs[:first_v] = runs[last_v + 1 :] = (0, -1)
    if not (runs[:, :, 0] <= runs[:, :, 1]).any():
        raise ReconstructionError(
            tr(
                "The fan and the clip rectangle have no pixel of the image in common: nothing would be "
                "left of the sweep."
            )
        )
    return runs


def _edge_slopes(fan: Fan) -> tuple[float, float]:
    left, right = (math.tan(math.radians(angle)) for angle in fan.angles_deg)
    return min(left, right), max(left, right)


def _runs_pulled_in(image_size: tuple[int, int], fan: Fan) -> np.ndarray:
    """The rule of IGSIO's vtkOptimizedInsertSlice."""
    left_slope, right_slope = _edge_slopes(fan)
    origin_u, origin_v = fan.origin_px
    runs = np.zeros((image_size[1], 2, 2), dtype=np.int32)
    runs[:] = (0, -1)
    for row in range(image_size[1]):
        depth = row - origin_v
        to_stop = fan.radius_stop_px * fan.radius_stop_px - depth * depth
        if to_stop < 0:
            continue
        half_width = math.sqrt(to_stop)
        first = max(_ceil(left_slope * depth + origin_u + 1), _ceil(origin_u - half_width + 1))
        last = min(_floor(right_slope * depth + origin_u - 1), _floor(origin_u + half_width - 1))
        to_start = fan.radius_start_px * fan.radius_start_px - depth * depth
        if to_start > 0:
            gap = math.sqrt(to_start)
            runs[row, 0] = (first, min(last, _ceil(origin_u - gap + 1) - 1))
            runs[row, 1] = (max(first, _floor(origin_u + gap - 1) + 1), last)
        else:
            runs[row, 0] = (first, last)
    return runs


def _runs_by_pixel(image_size: tuple[int, int], fan: Fan) -> np.ndarray:
    """The rule of IGSIO's vtkUnoptimizedInsertSlice."""
    width, height = image_size
    left_slope, right_slope = _edge_slopes(fan)
    u = np.arange(width) - fan.origin_px[0]
    v = (np.arange(height) - fan.origin_px[1])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = u / v
    squared = u * u + v * v
    outside = (v < 0) | (slope < left_slope) | (slope > right_slope)
    outside |= squared < fan.radius_start_px * fan.radius_start_px
    outside |= squared > fan.radius_stop_px * fan.radius_stop_px
    edges = np.diff(np.pad(~outside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, firsts = np.nonzero(edges == 1)
    lasts = np.nonzero(edges == -1)[1] - 1
    runs = np.zeros((height, max(1, np.bincount(rows, minlength=1).max(initial=0)), 2), dtype=np.int32)
    runs[:] = (0, -1)
    place = np.arange(rows.size) - np.searchsorted(rows, rows)
    runs[rows, place] = np.stack([firsts, lasts], axis=1)
    return runs
