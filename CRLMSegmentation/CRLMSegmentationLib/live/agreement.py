"""Whether what a frame shows agrees with the known tumor, and whether the tumor has moved against its model."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry import transform_points
from ..words import mark, tr
from .outline import pixel_area_mm2

# An outline farther from the cut than this is taken for another tumor, and is not compared with it.
SAME_TUMOR_WITHIN_MM = 15.0
# The rule by which a tumor counts as moved. A cut below the least area says little: the plane grazes the tumor there.
MOVED_MM = 3.0
MOVED_LEAST_AREA_MM2 = 35.0
MOVED_FRAMES, MOVED_OF_FRAMES = 8, 10
MOVED = mark(
    "The tumor seems to have moved against its model: in the live image it lies {distance:.0f} mm from where the model "
    "is cut. Sweep again before you rely on the distances."
)
_STEP_MM = 0.25
_LONGEST_RASTER = 512


@dataclass(frozen=True)
class Agreement:
    """Of the outlines in one frame with the cut of the known tumor by its plane.

    dice         of the two areas, 0 to 1; NaN when neither is there
    distance_mm  mean distance of the outlines, both ways (average symmetric surface distance, in the plane); NaN when
                 one of them is missing
    cut_mm2      area of the cut
    outline_mm2  area of the outlines that were compared
    """

    dice: float
    distance_mm: float
    cut_mm2: float
    outline_mm2: float


def agreement(outlines: Sequence[np.ndarray], cut: Sequence[np.ndarray], image_to_reference: np.ndarray) -> Agreement:
    """How well `outlines` and `cut`, closed polygons (n, 2) of pixels (u, v) of one image, agree.

    image_to_reference  (4, 4), pixel (u, v, 0, 1) to mm
    """
    near = _near(outlines, cut, image_to_reference) if len(cut) else tuple(outlines)
    if not len(near) and not len(cut):
        return Agreement(math.nan, math.nan, 0.0, 0.0)
    (outline_mask, cut_mask), place_px = _rasters(near, cut)
    place_mm2 = place_px * (pixel_area_mm2(image_to_reference) or math.nan)
    outline_count, cut_count = int(np.count_nonzero(outline_mask)), int(np.count_nonzero(cut_mask))
    dice = 2 * int(np.count_nonzero(outline_mask & cut_mask)) / max(1, outline_count + cut_count)
    distance_mm = math.nan
    if len(near) and len(cut):
        distance_mm = _mean_distance(_points_mm(near, image_to_reference), _points_mm(cut, image_to_reference))
    return Agreement(dice, distance_mm, cut_count * place_mm2, outline_count * place_mm2)


class MovedWatch:
    """Watches frame by frame whether a tumor has moved against its model.

    It counts as moved when in 8 of the last 10 frames whose plane cuts the model by 35 mm² or more the outlines lie
    more than 3 mm apart. Frames in which the network marks nothing there say nothing.
    """

    def __init__(self) -> None:
        self._distances_mm: deque[float] = deque(maxlen=MOVED_OF_FRAMES)

    def note(self, found: Agreement) -> None:
        """The next frame."""
        if found.cut_mm2 >= MOVED_LEAST_AREA_MM2 and math.isfinite(found.distance_mm):
            self._distances_mm.append(found.distance_mm)

    def forget(self) -> None:
        """Another tumor, or another sweep: what was seen so far does not count any more."""
        self._distances_mm.clear()

    @property
    def has_moved(self) -> bool:
        return sum(one > MOVED_MM for one in self._distances_mm) >= MOVED_FRAMES

    @property
    def sentence(self) -> str:
        """The warning for people; '' while the tumor has not moved."""
        if not self.has_moved:
            return ""
        return tr(MOVED, distance=float(np.median(self._distances_mm)))


def _near(
    outlines: Sequence[np.ndarray], cut: Sequence[np.ndarray], image_to_reference: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The outlines that may be of the tumor that is cut."""
    from scipy.spatial import cKDTree

    there = cKDTree(_points_mm(cut, image_to_reference))
    return tuple(
        one for one in outlines
        if np.min(there.query(_points_mm([one], image_to_reference))[0]) <= SAME_TUMOR_WITHIN_MM
    )  # fmt: skip


def _points_mm(polygons: Sequence[np.ndarray], image_to_reference: np.ndarray) -> np.ndarray:
    """(n, 3) mm along all outlines, no farther apart than _STEP_MM."""
    points = []
    for polygon in polygons:
        corners = transform_points(image_to_reference, np.column_stack([polygon, np.zeros(len(polygon))]))
        lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(lengths)])
        places = np.linspace(0, along[-1], max(2, math.ceil(along[-1] / _STEP_MM)), endpoint=False)
        points.append(np.column_stack([np.interp(places, along, corners[:, axis]) for axis in range(3)]))
    return np.concatenate(points)


def _mean_distance(one: np.ndarray, other: np.ndarray) -> float:
    from scipy.spatial import cKDTree

    there, back = cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]
    return float(np.concatenate([there, back]).mean())


def _rasters(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> tuple[tuple[np.ndarray, np.ndarray], float]:
    """Boolean masks of what two sets of closed polygons enclose, holes left out, on one grid around both; and the
    square pixels of one place of it.
    """
    from skimage.draw import polygon2mask

    corners = np.concatenate([*one, *other])
    lower, size = corners.min(axis=0), np.ptp(corners, axis=0)
    step = max(0.25, float(size.max()) / _LONGEST_RASTER)
    shape = tuple(int(count) for count in np.ceil(size[::-1] / step) + 1)

    def mask(polygons: Sequence[np.ndarray]) -> np.ndarray:
        inside = np.zeros(shape, dtype=bool)
        for polygon in polygons:
            inside ^= polygon2mask(shape, (polygon - lower)[:, ::-1] / step)
        return inside

    return (mask(one), mask(other)), step * step
