"""How far off simulated calibrations are, and how well they know it: one figure for each calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...calibration.accuracy.error_model import IMAGE, STYLUS
from ..calibration.pivoting import TrackerField
from .calibrations import Tracked
from .chain import World, calibrated, streams_of
from .settings import ChainSettings

# 95 % of squared lengths are below, in units of their covariance: chi squared with three degrees of freedom.
_WITHIN_95 = 7.815


@dataclass(frozen=True, eq=False)
class PlaceErrors:
    """Of n calibrations: a place as they have it, less the true one.

    off_mm         (n, 3);  covariance_mm2 (n, 3, 3) as they state it
    """

    off_mm: np.ndarray
    covariance_mm2: np.ndarray

    @property
    def is_within(self) -> np.ndarray:
        """(n,) bool: the true place lies within the ellipsoid that is stated to hold it with 95 %."""
        solved = np.linalg.solve(self.covariance_mm2, self.off_mm[..., np.newaxis])[..., 0]
        return np.asarray((self.off_mm * solved).sum(axis=1) <= _WITHIN_95)

    @property
    def rms_mm(self) -> float:
        """Root mean square length of the errors."""
        return float(np.sqrt((self.off_mm**2).sum(axis=1).mean()))

    @property
    def stated_mm(self) -> float:
        """The same as stated."""
        return float(np.sqrt(np.trace(self.covariance_mm2, axis1=1, axis2=2).mean()))


def simulate_calibration_errors(seeds: Sequence[int], settings: ChainSettings | None = None) -> dict[str, PlaceErrors]:
    """The tip, the middle of the image and its lower right corner, of the operations number `seeds`.

    Raises CalibrationError when a calibration is refused.
    """
    settings = settings or ChainSettings()
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"tip": [], "middle of the image": [], "its corner": []}
    for seed in seeds:
        streams = streams_of(seed)
        world = World.drawn(streams[0], streams[1], settings)
        noisy = Tracked(TrackerField(settings.tracker, streams[2]), world.reference_to_tracker)
        made = calibrated(world, noisy, settings, streams[3], (STYLUS, IMAGE))
        found["tip"].append((made.tip_mm - world.tip_mm, made.tip_covariance_mm2))
        width, height = world.image_size
        for name, u, v in (("middle of the image", width / 2, height / 2), ("its corner", width - 1, height - 1)):
            off = (made.image_to_probe - world.image_to_probe)[:3] @ np.array([u, v, 0, 1])
            at_pixel = np.kron(np.eye(3), [u, v, 1.0])
            found[name].append((off, at_pixel @ made.image_covariance @ at_pixel.T))
    return {
        name: PlaceErrors(np.array([off for off, _ in rows]), np.array([covariance for _, covariance in rows]))
        for name, rows in found.items()
    }
