"""The beams of a picture: straight lines from the transducer, side by side or spread like a fan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ReconstructionError
from ...reconstruction import Fan
from ...reconstruction.fan_detection import detect_footprint

# Of the beams' area, this much has to show something in some frame, and of what shows something, this much lies in it.
LEAST_FILLED, LEAST_COVERED = 0.8, 0.95
BLACK = 0.02


@dataclass(frozen=True)
class Beams:
    """Places in a picture as (depth, across).

    pixel_mm   size of a pixel along u and v
    origin_mm  of a fan: where its beams meet; of a linear probe: (0, 0). In mm from the middle of pixel (0, 0)
    depth_mm   first and last; of a fan measured from its origin
    across     first and last: radians from straight down for a fan, mm along u for a linear probe
    is_fan     whether the beams spread
    """

    pixel_mm: tuple[float, float]
    origin_mm: tuple[float, float]
    depth_mm: tuple[float, float]
    across: tuple[float, float]
    is_fan: bool

    def place(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(depth, across) of pixel coordinates, any shape."""
        x, y = u * self.pixel_mm[0] - self.origin_mm[0], v * self.pixel_mm[1] - self.origin_mm[1]
        return (np.hypot(x, y), np.arctan2(x, y)) if self.is_fan else (y, x)

    def pixel(self, depth: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(u, v) of places."""
        depth, across = np.broadcast_arrays(depth, across)
        x, y = (depth * np.sin(across), depth * np.cos(across)) if self.is_fan else (across, depth)
        return (x + self.origin_mm[0]) / self.pixel_mm[0], (y + self.origin_mm[1]) / self.pixel_mm[1]

    def width_mm(self, depth: float) -> float:
        """Length in mm of one unit of across at that depth."""
        return depth if self.is_fan else 1.0

    def footprint(self, image_size: tuple[int, int]) -> np.ndarray:
        """(v, u) boolean: the pixels that hold ultrasound."""
        v, u = np.indices(image_size[::-1])
        depth, across = self.place(u, v)
        within: np.ndarray = (
            (depth >= self.depth_mm[0]) & (depth <= self.depth_mm[1])
            & (across >= self.across[0]) & (across <= self.across[1])
        )  # fmt: skip
        return within


def beams_of(frames: Sequence[np.ndarray], pixel_mm: tuple[float, float], fan: Fan | None = None) -> Beams:
    """The beams of the frames, (v, u) arrays of one size: of the `fan` that is given, or else found in them.

    Raises ReconstructionError where the picture is neither a fan nor the rectangle of a linear probe.
    """
    if fan is not None:
        return _of_fan(fan, pixel_mm)
    rectangle, fan = detect_footprint(frames)
    if fan is not None:
        beams = _of_fan(fan, pixel_mm)
    else:
        u, v = rectangle.u * pixel_mm[0], rectangle.v * pixel_mm[1]
        across = (u, u + rectangle.width * pixel_mm[0])
        beams = Beams(pixel_mm, (0.0, 0.0), (v, v + rectangle.height * pixel_mm[1]), across, False)
    _check(beams, frames)
    return beams


def _of_fan(fan: Fan, pixel_mm: tuple[float, float]) -> Beams:
    # Angles are of the picture in pixels, which need not be square.
    left, right = (
        math.atan(math.tan(math.radians(angle)) * pixel_mm[0] / pixel_mm[1]) for angle in sorted(fan.angles_deg)
    )
    origin = (fan.origin_px[0] * pixel_mm[0], fan.origin_px[1] * pixel_mm[1])
    depth = (fan.radius_start_px * pixel_mm[1], fan.radius_stop_px * pixel_mm[1])
    if not (left < right and 0 <= depth[0] < depth[1]):
        raise ReconstructionError(
            "The fan has no area: give origin, left and right edge, first and last radius in this order."
        )
    return Beams(pixel_mm, origin, depth, (left, right), True)


def _check(beams: Beams, frames: Sequence[np.ndarray]) -> None:
    frames = list(frames)
    brightest = np.max(frames[:: 1 + len(frames) // 50], axis=0)
    lit = brightest > BLACK * brightest.max()
    within = beams.footprint((lit.shape[1], lit.shape[0]))
    filled, covered = (lit & within).sum() / max(within.sum(), 1), (lit & within).sum() / max(lit.sum(), 1)
    if filled < LEAST_FILLED or covered < LEAST_COVERED:
        raise ReconstructionError(
            "The picture's fan cannot be told (it is neither a sector nor a rectangle): give it by hand with --fan."
        )
