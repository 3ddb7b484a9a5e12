"""How far each source errs in a simulated chain."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from ...calibration.accuracy.error_model import SOURCES
from ...errors import ConfigurationError
from ..calibration.pivoting import TrackerErrors

ALL = frozenset(SOURCES)


@dataclass(frozen=True)
class ChainSettings:
    """Standard deviations, along or about each axis.

    tracker        of each sensor, the one on the liver included. By default 0.36 mm and 0.12 degrees, mostly a smooth
                   function of the place: a tool's pose in Reference is then 0.9 mm and 0.3 degrees off (root mean
                   square length), as in the simulated sweeps
    touch_mm       how far beside a landmark of the phantom the stylus is held
    point_pixels   of a wire in an image of the N-wire phantom
    delay_s        of the images' delay that is left after its measurement
    spacing_mm     of the voxels
    outline_mm     how far the segmentation's surface lies beside the tumor's: by default from the mean surface distance
                   on 25 simulated livers, 0.71 mm (docs/study/results.json), times sqrt(pi / 2)
    outline_length_mm  over which that changes
    tips           places at which a tip is held, for each phantom
    farthest_mm    of these from the tumor's surface
    """

    tracker: TrackerErrors = field(default_factory=lambda: TrackerErrors(0.1, 0.03, 0.35, 0.116, 150.0))
    touch_mm: float = 0.3
    point_pixels: float = 0.7
    delay_s: float = 0.003
    spacing_mm: float = 0.5
    outline_mm: float = 0.89
    outline_length_mm: float = 8.0
    tips: int = 24
    farthest_mm: float = 30.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, (int, float)) and (not math.isfinite(value) or value < 0):
                raise ConfigurationError(f"{one.name} is {value!r}; it must be a number of at least 0.")
        if not 0.1 <= self.spacing_mm <= 3:
            raise ConfigurationError(f"The voxels are {self.spacing_mm:g} mm; they must be 0.1 to 3 mm.")

    @property
    def tracking_mm(self) -> float:
        """Of a sensor's position along each axis, as a user would state it."""
        return math.hypot(self.tracker.noise_mm, self.tracker.field_mm)

    @property
    def tracking_deg(self) -> float:
        """Of a sensor's orientation about each axis."""
        return math.hypot(self.tracker.noise_deg, self.tracker.field_deg)
