"""What a network marks in one live frame, as outlines on that frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..geometry import occupied_extent
from ..sweep import TrackedFrame
from ..tracking.age import Age


@dataclass(frozen=True, eq=False)
class FrameOutline:
    """What was found in one frame. It holds for that frame only: another one was taken at another time and place.

    frame       the frame itself, with its timestamp and its pose
    polygons    closed outlines, (n, 2) float64 pixels (u, v) each with the first point again at the end; the middle of
                the first pixel is (0, 0). Borders of holes run the other way round. None when nothing was found
    area_mm2    within the outlines, holes left out; None where the size of a pixel is not known
    received_s  time.monotonic() from which the age of the frame counts
    latency_s   from handing the frame in to its outline
    """

    frame: TrackedFrame
    polygons: tuple[np.ndarray, ...]
    area_mm2: float | None
    received_s: float = -math.inf
    latency_s: float = math.nan

    @property
    def timestamp(self) -> float:
        """Of the frame, seconds on the recorder's clock."""
        return self.frame.timestamp

    @property
    def image_to_reference(self) -> np.ndarray | None:
        """(4, 4) of the frame, pixel (u, v, 0, 1) to mm; None when its pose was not measured."""
        return self.frame.image_to_reference if self.frame.valid else None

    def may_be_drawn(self, on: TrackedFrame | None, age: Age) -> bool:
        """True on its own frame, while that is young and has a pose.

        on   the frame that is shown
        age  of that frame, as the clock of its stream says
        """
        return on is self.frame and self.image_to_reference is not None and age.may_be_outlined


def outline_polygons(probability: np.ndarray, threshold: float, least_area_px: float = 0.0) -> tuple[np.ndarray, ...]:
    """The outlines of where `probability`, (v, u) float, is at least `threshold`; see FrameOutline.polygons.

    Between pixels the border is found by linear interpolation (marching squares, Lorensen & Cline 1987 in 2D); beyond
    the image the probability is 0, so that every outline is closed and reaches up to a pixel over its edge. What
    encloses less than `least_area_px` square pixels is left out, holes too.
    """
    block = occupied_extent(probability >= threshold)
    if block is None:
        return ()
    from skimage.measure import find_contours

    # The border lies less than a pixel beside what is above the threshold.
    first = [max(0, part.start - 1) for part in block]
    part = probability[first[0] : block[0].stop + 1, first[1] : block[1].stop + 1]
    found = find_contours(np.pad(part, 1), threshold, positive_orientation="high")
    polygons = (np.ascontiguousarray(one[:, ::-1] + (first[1] - 1, first[0] - 1)) for one in found)
    return tuple(one for one in polygons if abs(signed_area_px(one)) > least_area_px)


def signed_area_px(polygon: np.ndarray) -> float:
    """Square pixels within a closed (n, 2) polygon; negative for the border of a hole."""
    u, v = (polygon - polygon[0]).T
    return float(np.sum(u[1:] * v[:-1] - u[:-1] * v[1:]) / 2)


def pixel_area_mm2(image_to_reference: np.ndarray | None) -> float | None:
    """mm² of one pixel of an image under its pose, (4, 4) to mm, be it skewed or not; None without a pose."""
    if image_to_reference is None:
        return None
    area = float(np.linalg.norm(np.cross(image_to_reference[:3, 0], image_to_reference[:3, 1])))
    return area if math.isfinite(area) and area > 0 else None


def outlined(
    frame: TrackedFrame,
    probability: np.ndarray,
    threshold: float,
    least_area_mm2: float = 0.0,
    pixel_mm2: float | None = None,
) -> FrameOutline:
    """The outlines of `probability`, (v, u) on the pixels of `frame`.

    least_area_mm2  smaller ones are left out, where the size of a pixel is known
    pixel_mm2       of a frame whose own pose is not known, such as that of the frames before it
    """
    own_mm2 = pixel_area_mm2(frame.image_to_reference if frame.valid else None) or pixel_mm2
    polygons = outline_polygons(probability, threshold, least_area_mm2 / own_mm2 if own_mm2 else 0.0)
    area_mm2 = None if own_mm2 is None else own_mm2 * sum(signed_area_px(one) for one in polygons)
    return FrameOutline(frame, polygons, area_mm2)
