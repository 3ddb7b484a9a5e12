"""Where a tool stands against the plane of the live image: below its tip, and where its path meets the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import ImagePlane
from ..words import tr

# A path that is flatter against the plane than this (its sine, 3 degrees) meets it nowhere that helps anybody.
_LEAST_SLOPE = 0.05
_NEAR_MM = 0.5


@dataclass(frozen=True, eq=False)
class ImageCrossing:
    """Of one tool and one image; places are pixels (u, v) of the image, and may lie beside it.

    tip_px         (2,) below the tip, along the normal of the plane
    tip_off_mm     how far the tip is from the plane, always positive
    meets_px       (2,) where the straight line through the tool meets the plane; None when it is parallel to it
    ahead_mm       from the tip to that place, along the tool; negative where the shaft has passed the plane already
    is_in_image    True when that place lies within the image
    """

    tip_px: np.ndarray
    tip_off_mm: float
    meets_px: np.ndarray | None
    ahead_mm: float
    is_in_image: bool

    @property
    def text(self) -> str:
        """For people: 'tip 7 mm beside the image, its path meets it in 12 mm'."""
        if self.tip_off_mm < _NEAR_MM:
            return tr("tip in the image")
        off = tr("tip {tip_off_mm:.0f} mm beside the image", tip_off_mm=self.tip_off_mm)
        if self.meets_px is None or not self.is_in_image:
            return tr("{off}, its path does not meet it", off=off)
        if self.ahead_mm >= 0:
            return tr("{off}, its path meets it in {ahead_mm:.0f} mm", off=off, ahead_mm=self.ahead_mm)
        return tr("{off}, it has passed it {ahead_mm:.0f} mm ago", off=off, ahead_mm=-self.ahead_mm)


def image_crossing(tip_to_reference: np.ndarray, plane: ImagePlane) -> ImageCrossing | None:
    """Of a tool that points along its own -z, as a stylus does; None for a pose that is not finite.

    tip_to_reference  (4, 4), its origin is the tip, mm
    """
    tip, pointing = tip_to_reference[:3, 3], -tip_to_reference[:3, 2]
    length = float(np.linalg.norm(pointing))
    if not np.isfinite(tip_to_reference).all() or length == 0:
        return None
    pointing, normal = pointing / length, plane.toward_viewer
    off_mm = float((tip - plane.middle) @ normal)
    slope = float(pointing @ normal)
    meets, ahead_mm = None, np.inf
    if abs(slope) >= _LEAST_SLOPE:
        ahead_mm = -off_mm / slope
        meets = _pixel(plane, tip + ahead_mm * pointing)
    within = meets is not None and bool(((meets >= -0.5) & (meets <= np.array(plane.size) - 0.5)).all())
    return ImageCrossing(_pixel(plane, tip - off_mm * normal), abs(off_mm), meets, float(ahead_mm), within)


def _pixel(plane: ImagePlane, place_ras: np.ndarray) -> np.ndarray:
    """(2,) of a place in the plane; the image may be skewed by a little."""
    across = plane.image_to_reference[:3, :2]
    pixel: np.ndarray = np.linalg.lstsq(across, place_ras - plane.image_to_reference[:3, 3], rcond=None)[0]
    return pixel
