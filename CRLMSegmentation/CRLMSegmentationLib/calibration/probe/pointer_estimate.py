"""The image of a probe calibrated with a tracked pointer: refused where it cannot be right, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import CalibrationError
from ...words import tr
from .checks import check_upright
from .image_to_probe import ImageToProbe
from .pointer_calibration import image_axes, solve_pointer
from .pointer_points import PointerPoints

WANTED_POINTS, WANTED_SHARE, WANTED_CORNER_MM = 20, 0.5, 1.0
_LARGEST_ERROR_MM, _LARGEST_ASPECT = 4.0, 1.5
# Two calibrations of one probe are not turned against each other like this; a mirrored one is by 180 degrees.
_TURNED_DEG = 90.0


@dataclass(frozen=True, eq=False)
class PointerEstimate:
    """A calibration of the image, and what it was made of.

    image_to_probe  see ImageToProbe; its errors and what is used are (n, 1)
    points          all that have a pose
    image_size      width and height in pixels
    """

    image_to_probe: ImageToProbe
    points: PointerPoints
    image_size: tuple[int, int]

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) pixel (u, v, 0, 1) to mm in Probe."""
        return self.image_to_probe.matrix

    @property
    def used(self) -> np.ndarray:
        """(n,) bool: the points that were not left out."""
        return self.image_to_probe.used[:, 0]

    @property
    def error_mm(self) -> float:
        """Root mean square distance of the used points from where the tracker has the tip."""
        return float(np.sqrt((self.image_to_probe.errors_mm[self.used] ** 2).mean()))

    @property
    def corner_deviation_mm(self) -> np.ndarray:
        """(4,) how well each corner of the image is known: standard deviation in its worst direction."""
        return self.image_to_probe.corner_deviation_mm(self.image_size)

    @property
    def covered(self) -> tuple[float, float]:
        """The parts of the image's width and height that the used points span, 0 to 1."""
        span = np.ptp(self.points.pixels[self.used], axis=0) / np.array(self.image_size)
        return float(span[0]), float(span[1])

    @property
    def missing(self) -> list[str]:
        """What more would make it better, each a few words for people."""
        used, (across, down), worst = int(self.used.sum()), self.covered, float(self.corner_deviation_mm.max())
        wanted = {
            tr("{used} of {wanted_points} points", used=used, wanted_points=WANTED_POINTS): used < WANTED_POINTS,
            tr(
                "points over {across:.0%} of the image's width, {wanted_share:.0%} wanted",
                across=across,
                wanted_share=WANTED_SHARE,
            ): across < WANTED_SHARE,
            tr(
                "points over {down:.0%} of the image's depth, {wanted_share:.0%} wanted",
                down=down,
                wanted_share=WANTED_SHARE,
            ): down < WANTED_SHARE,
            tr(
                "corners of the image known to {worst:.1f} of {wanted_corner_mm:g} mm",
                worst=worst,
                wanted_corner_mm=WANTED_CORNER_MM,
            ): worst > WANTED_CORNER_MM,
        }
        return [text for text, is_missing in wanted.items() if is_missing]


def estimate_with_pointer(
    points: PointerPoints, image_size: tuple[int, int], tip_covariance_mm2: np.ndarray | None = None,
    former: np.ndarray | None = None,
) -> PointerEstimate:  # fmt: skip
    """The calibration from places of the tip in the image and beside the probe.

    former  (4, 4) an earlier ImageToProbe of the same probe, however rough: a mirrored image can only be told by it,
            since the points of one plane fit both sides of it alike
    Raises CalibrationError when they are too few, too alike, contradict each other or fit no image.
    """
    width, height = image_size
    outside = (points.pixels < -0.5).any(axis=1) | (points.pixels > [width - 0.5, height - 0.5]).any(axis=1)
    if outside.any():
        u, v = points.pixels[outside][0]
        raise CalibrationError(
            tr(
                "{sum} points lie outside the image of {width} x {height} pixels, such as {u:g}, {v:g}: "
                "give u and v in pixels of this recording's images.",
                sum=outside.sum(),
                width=width,
                height=height,
                u=u,
                v=v,
            )
        )
    found = solve_pointer(points, tip_covariance_mm2)
    estimate = PointerEstimate(found, points, image_size)
    sizes = np.linalg.norm(found.matrix[:3, :2], axis=0)
    if estimate.error_mm > _LARGEST_ERROR_MM or max(sizes) / min(sizes) > _LARGEST_ASPECT:
        raise CalibrationError(
            tr(
                "The points do not fit: the tip lies {error_mm:.1f} mm from where it is seen, with "
                "pixels of {sizes:.3f} x {sizes_2:.3f} mm; check the tip's calibration, the delay of the "
                "images, and that u and v are not exchanged.",
                error_mm=estimate.error_mm,
                sizes=sizes[0],
                sizes_2=sizes[1],
            )
        )
    check_upright(found.matrix, image_size)
    if former is not None:
        _check_side(found.matrix, former)
    return estimate


def _check_side(matrix: np.ndarray, former: np.ndarray) -> None:
    turned = image_axes(matrix).T @ image_axes(former)
    angle = np.degrees(np.arccos(np.clip((np.trace(turned) - 1) / 2, -1, 1)))
    if angle > _TURNED_DEG:
        raise CalibrationError(
            tr(
                "The image is turned by {angle:.0f} degrees against the ImageToProbe of the "
                "configuration: it is mirrored (such as UF for MF), or the sensor was fixed elsewhere; "
                "set UltrasoundImageOrientation, or leave the old ImageToProbe out.",
                angle=angle,
            )
        )
