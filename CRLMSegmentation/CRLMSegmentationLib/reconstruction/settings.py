"""What a reconstruction is asked to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ReconstructionError
from ..values.defaults import DEFAULT_SPACING_MM

INTERPOLATIONS = ("nearest", "linear")
COMPOUNDINGS = ("latest", "maximum", "mean")
FILLS = ("none", "stick", "distance")
DEFINITIONS = ("igsio", "exact")
OPTIMIZATIONS = ("full", "partial", "none")
DEVICES = ("auto", "cpu", "cuda")
LONGEST_STICK_VOXELS = 64


@dataclass(frozen=True)
class ClipRectangle:
    """The part of every image that is used, in pixels: columns u to u + width and rows v to v + height, both ends
    included (as PLUS counts it: a width of 420 covers 421 columns).
    """

    u: int
    v: int
    width: int
    height: int


@dataclass(frozen=True)
class Fan:
    """The sector of every image that is used, in pixels and degrees.

    origin_px           (u, v) of the point where the edges of the sector meet; may lie outside the image
    angles_deg          left and right edge, measured from straight down, negative to the left
    radius_start_px     distance from the origin to the transducer's surface
    radius_stop_px      distance from the origin to the bottom of the image
    """

    origin_px: tuple[float, float]
    angles_deg: tuple[float, float]
    radius_start_px: float = 0.0
    radius_stop_px: float = 500.0


@dataclass(frozen=True)
class ReconstructionSettings:
    """How a sweep becomes a volume.

    spacing_mm      distance of voxel centres along i, j, k; one number stands for all three
    interpolation   'nearest': a pixel goes to the nearest voxel; 'linear': to the eight around it, by its weight
    compounding     which value a voxel takes when several pixels meet there: 'latest', 'maximum' or 'mean'
    definition      'exact': pixels placed to 1e-9 of a voxel, true mean, rounded once (for navigation);
                    'igsio': the arithmetic of IGSIO, byte for byte (for comparison with PLUS and SlicerIGSIO)
    optimization    which of IGSIO's arithmetics 'igsio' reproduces: 'full' (fixed point), 'partial', 'none' (doubles)
    fill            how voxels that no pixel reached are filled: 'none', 'stick' (IGSIO's), or 'distance' (from the
                    frames before and after, by the distance to them; see between.py)
    fill_radius_mm  reach of 'distance': no voxel takes a value from a frame farther away
    stick_length_voxels, sticks_used    limits of 'stick': the stick's length in voxels, and how many sticks are
                                        averaged
    clip_rectangle  the part of the image that is used; None for all of it
    fan             the sector of the image that is used; None for all of it
    origin_mm, dimensions   a region to use instead of the sweep's own extent: centre of voxel (0, 0, 0) in Reference,
                    and number of voxels along i, j, k; None for automatic
    skip_interval   every how many frames one is used
    pixel_rejection_threshold   pixels darker than this are left out; None to use all
    reject_jumps    leave out frames whose position is far off the line of their neighbours (see frame_selection)
    most_jitter_mm  poses that shake by more from frame to frame, as a standard deviation, are evened out over time (see
                    sweep/steadying.py); inf for never. The definition 'igsio' takes them as they are
    longest_gap_mm  frames that follow each other farther apart do not count as one sweep: what lies between is not
                    swept
    measure_holes   find the swept region and count its holes for the report even when nothing needs it
    memory_limit_bytes  the most that a volume may take; None for most of the memory that is free
    threads         number of threads; None for the number of cores. The volume does not depend on it
    device          where frames are inserted: 'cpu'; 'cuda' or 'auto', an NVIDIA GPU where torch finds one and it can
                    do it (see torch_insertion), else the CPU. The volume does not depend on it
    """

    spacing_mm: tuple[float, float, float] = (DEFAULT_SPACING_MM,) * 3
    interpolation: str = "nearest"
    compounding: str = "mean"
    definition: str = "exact"
    optimization: str = "full"
    fill: str = "none"
    fill_radius_mm: float = 5.0
    stick_length_voxels: int = 9
    sticks_used: int = 1
    clip_rectangle: ClipRectangle | None = None
    fan: Fan | None = None
    origin_mm: tuple[float, float, float] | None = None
    dimensions: tuple[int, int, int] | None = None
    skip_interval: int = 1
    pixel_rejection_threshold: float | None = None
    reject_jumps: bool = True
    most_jitter_mm: float = 0.5
    longest_gap_mm: float = 10.0
    measure_holes: bool = True
    memory_limit_bytes: int | None = None
    threads: int | None = None
    device: str = "auto"

    @property
    def evens_above_mm(self) -> float:
        """Poses that shake by more are evened out; inf where they are taken as they are."""
        return math.inf if self.definition == "igsio" else self.most_jitter_mm

    def __post_init__(self) -> None:
        spacing = np.atleast_1d(np.asarray(self.spacing_mm, dtype=np.float64))
        if spacing.size == 1:
            spacing = np.repeat(spacing, 3)
        if spacing.shape != (3,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
            raise ReconstructionError(
                f"The output spacing is {self.spacing_mm}; it must be one or three lengths in mm greater than 0."
            )
        object.__setattr__(self, "spacing_mm", tuple(float(value) for value in spacing))
        for name, allowed in (
            ("interpolation", INTERPOLATIONS),
            ("compounding", COMPOUNDINGS),
            ("fill", FILLS),
            ("definition", DEFINITIONS),
            ("optimization", OPTIMIZATIONS),
            ("device", DEVICES),
        ):
            if getattr(self, name) not in allowed:
                raise ReconstructionError(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(allowed)}.")
        for name in ("skip_interval", "stick_length_voxels", "sticks_used"):
            if getattr(self, name) < 1:
                raise ReconstructionError(f"{name} is {getattr(self, name)}; it must be 1 or more.")
        if self.stick_length_voxels > LONGEST_STICK_VOXELS:
            raise ReconstructionError(
                f"The stick length is {self.stick_length_voxels} voxels; at most {LONGEST_STICK_VOXELS} are possible."
            )
        if self.threads is not None and self.threads < 1:
            raise ReconstructionError(f"The number of threads is {self.threads}; it must be 1 or more.")
        for name, length_mm, is_right in (
            ("fill radius", self.fill_radius_mm, math.isfinite(self.fill_radius_mm) and self.fill_radius_mm > 0),
            ("most jitter", self.most_jitter_mm, self.most_jitter_mm > 0),
            ("longest gap", self.longest_gap_mm, self.longest_gap_mm > 0),
        ):
            if not is_right:
                raise ReconstructionError(f"The {name} is {length_mm} mm; it must be greater than 0.")
        if (self.origin_mm is None) != (self.dimensions is None):
            raise ReconstructionError("A region needs both its origin and its dimensions; only one of them is given.")
        if self.dimensions is not None and (len(self.dimensions) != 3 or min(self.dimensions) < 1):
            raise ReconstructionError(f"The region has {self.dimensions} voxels; it needs three counts of 1 or more.")

    def with_changes(self, **changes: Any) -> ReconstructionSettings:
        """A copy with some settings replaced."""
        return replace(self, **changes)
