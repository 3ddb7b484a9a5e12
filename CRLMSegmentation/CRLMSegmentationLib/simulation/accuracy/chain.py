"""One simulated operation with known truth: calibrate, sweep a tumor, find it, and hold a tip beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...calibration.accuracy.budget import DEVIATIONS_OF_95
from ...calibration.accuracy.error_model import (
    IMAGE,
    OUTLINE,
    STYLUS,
    TIME,
    TRACKING,
    VOXELS,
    ErrorModel,
    distance_budget,
    surface_covariances,
    tip_covariances,
)
from ...geometry import transform_points
from ...navigation.distance import TumorDistance
from ..calibration.pivoting import SmoothField, TrackerErrors, TrackerField
from ..lesion_shape import random_rotation
from ..ultrasound.lesion import draw_lesion
from ..ultrasound.motion import ProbeMotion, rigid, small_rotation
from ..ultrasound.placement import draw_sweep_over_lesion
from ..ultrasound.probe import Probe, draw_probe
from ..ultrasound.settings import LesionSettings, ProbeSettings, SweepSettings
from .calibrations import Calibrated, Tracked, calibrate_image, calibrate_stylus
from .found_surface import Sweeping, TrueTumor, found_surface
from .settings import ALL, ChainSettings

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_PERFECT = TrackerErrors(0.0, 0.0, 0.0, 0.0)
_RATE_HZ = 12.0
_LEAN_DEG = 50.0


@dataclass(frozen=True, eq=False)
class Distances:
    """What one simulated operation gives at n places of the tip.

    true_mm, found_mm   (n,) from the tip to the surface of the tumor: as it is, and as the navigation says
    stated_mm           (n,) one standard deviation of found_mm by its own error model
    depth_mm            (n,) of the nearest place of the tumor below the probe's face
    """

    true_mm: np.ndarray
    found_mm: np.ndarray
    stated_mm: np.ndarray
    depth_mm: np.ndarray

    @property
    def error_mm(self) -> np.ndarray:
        """(n,) found less true."""
        return np.asarray(self.found_mm - self.true_mm)

    @property
    def is_within(self) -> np.ndarray:
        """(n,) bool: the true distance lies within the stated 95 %."""
        return np.asarray(np.abs(self.error_mm) <= DEVIATIONS_OF_95 * self.stated_mm)


def simulate_distances(seed: int, settings: ChainSettings | None = None, sources: Collection[str] = ALL) -> Distances:
    """Operation number `seed`, with the errors of these `sources` only; the same seed has the same truth for any.

    Without voxels the surface is that of the tumor, each of its points where the image that shows it puts it; with
    them it goes through frames, reconstruction, mask and surface. Raises CalibrationError when a calibration fails.
    """
    settings = settings or ChainSettings()
    streams = streams_of(seed)
    world = World.drawn(streams[0], streams[1], settings)
    noisy = Tracked(TrackerField(settings.tracker, streams[2]), world.reference_to_tracker)
    exact = Tracked(TrackerField(_PERFECT, streams[2]), world.reference_to_tracker)
    made = calibrated(world, noisy, settings, streams[3], sources)
    delay_s = streams[4].normal(0, settings.delay_s) if TIME in sources else 0.0
    tracked = noisy if TRACKING in sources else exact
    sweeping = world.swept(tracked, made.image_to_probe, delay_s)
    outline = SmoothField(settings.outline_length_mm, settings.outline_mm, streams[5]) if OUTLINE in sources else None
    spacing_mm = settings.spacing_mm if VOXELS in sources else None
    surface = found_surface(world.tumor, sweeping, outline, spacing_mm)
    return _measured(world, surface, sweeping, made, tracked, _model(made, settings, sources), settings, streams[6])


def streams_of(seed: int) -> list[np.random.Generator]:
    """Of operation number `seed`: for the tumor, its place, the tracker, calibrations, delay, outline and tips."""
    return [np.random.default_rng(child) for child in np.random.SeedSequence([seed, 2168]).spawn(7)]


@dataclass(frozen=True, eq=False)
class World:
    """What is really there; everything in Reference."""

    tumor: TrueTumor
    probe: Probe
    motion: ProbeMotion
    duration_s: float
    image_to_probe: np.ndarray
    sensor_to_face: np.ndarray
    reference_to_tracker: np.ndarray
    tip_mm: np.ndarray

    @classmethod
    def drawn(cls, random: np.random.Generator, place: np.random.Generator, settings: ChainSettings) -> World:
        lesion = draw_lesion(random, LesionSettings())
        looks = ProbeSettings(image_width_px=320, image_height_px=240)
        probe = draw_probe(random, looks, lesion.shape.longest_diameter_mm() + 16)
        motion, center = draw_sweep_over_lesion(random, place, lesion, probe, LesionSettings(), SweepSettings())
        sensor_to_face = rigid(
            random_rotation(random), np.array([random.uniform(-10, 10), random.uniform(-60, -35), 10.0])
        )
        away = np.array([random.uniform(-80, 80), random.uniform(-80, 80), random.uniform(-350, -250)])
        tip = np.array([*random.uniform(-2, 2, 2), -random.uniform(120, 160)])
        return cls(
            TrueTumor(lesion.shape, center), probe, motion, motion.travel_mm / random.uniform(6.0, 14.0),
            np.linalg.inv(sensor_to_face) @ probe.image_to_face(), sensor_to_face,
            rigid(random_rotation(random), away), tip,
        )  # fmt: skip

    @property
    def image_size(self) -> tuple[int, int]:
        return self.probe.image_width_px, self.probe.image_height_px

    def probe_to_reference(self, times_s: np.ndarray) -> np.ndarray:
        """(n, 4, 4) where the probe's sensor is at these times of the sweep, from 0 to duration_s."""
        moments = np.clip(times_s / self.duration_s, 0, 1)
        return np.asarray(self.motion.face_to_liver(moments) @ self.sensor_to_face)

    def swept(self, tracked: Tracked, image_to_probe: np.ndarray, delay_s: float) -> Sweeping:
        """The sweep as it was, and as it is said to have been."""
        times = np.arange(int(self.duration_s * _RATE_HZ) + 1) / _RATE_HZ
        said = tracked.measured(self.probe_to_reference(times + delay_s))
        true = self.probe_to_reference(times) @ self.image_to_probe
        return Sweeping(times, true, said, said @ image_to_probe, self.image_size)


def calibrated(
    world: World, noisy: Tracked, settings: ChainSettings, random: np.random.Generator, sources: Collection[str]
) -> Calibrated:
    """With the tracker's errors; what is switched off is known exactly."""
    tip, tip_covariance = world.tip_mm, np.zeros((3, 3))
    image, image_covariance = world.image_to_probe, np.zeros((9, 9))
    for_stylus, for_image = random.spawn(2)
    if STYLUS in sources or IMAGE in sources:
        tip, tip_covariance = calibrate_stylus(noisy, world.tip_mm, for_stylus)
    if IMAGE in sources:
        touches = (world.tip_mm, tip)
        image, image_covariance = calibrate_image(
            noisy, world.image_to_probe, world.image_size, touches, settings, for_image
        )
    if STYLUS not in sources:
        tip, tip_covariance = world.tip_mm, np.zeros((3, 3))
    return Calibrated(tip, tip_covariance, image, image_covariance)


def _model(made: Calibrated, settings: ChainSettings, sources: Collection[str]) -> ErrorModel:
    """What a user would know of the sources that are on; the others do not err."""
    is_on = {source: float(source in sources) for source in ALL}
    return ErrorModel(
        is_on[TRACKING] * settings.tracking_mm, is_on[TRACKING] * settings.tracking_deg, made.tip_covariance_mm2,
        made.image_covariance, is_on[TIME] * settings.delay_s, is_on[VOXELS] * settings.spacing_mm,
        is_on[OUTLINE] * settings.outline_mm,
    )  # fmt: skip


def _measured(
    world: World, surface: vtkPolyData, sweeping: Sweeping, made: Calibrated, tracked: Tracked, model: ErrorModel,
    settings: ChainSettings, random: np.random.Generator,
) -> Distances:  # fmt: skip
    """Tips around the tumor, measured to its true surface and to the one that was found."""
    tips, hands = _hands(world, settings, random)
    true, found = TumorDistance(world.tumor.surface()), TumorDistance(surface)
    rows = []
    for tip, said in zip(tips, tracked.measured(hands)):
        said_tip = transform_points(said, made.tip_mm)
        nearest = found.closest_point(said_tip)
        seen = sweeping.seen(nearest.point_ras)
        budget = distance_budget(
            model, surface_covariances(model, seen), tip_covariances(model, said, said_tip),
            nearest.point_ras - said_tip,
        )  # fmt: skip
        rows.append(
            (true.signed_distance_mm(tip), nearest.signed_distance_mm, budget.deviation_mm, nearest.point_ras[2])
        )
    return Distances(*np.array(rows).T)


def _hands(world: World, settings: ChainSettings, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) tips around the tumor and (n, 4, 4) poses of the stylus that hold it there."""
    directions = random.normal(size=(settings.tips, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = world.tumor.shape.radius_mm(directions) + random.uniform(0, settings.farthest_mm, settings.tips)
    tips = world.tumor.center + directions * radii[:, np.newaxis]
    # The shaft stands up out of the liver (its depth is z), whatever the tip points at.
    upright = np.diag([1.0, -1.0, -1.0])
    leans = small_rotation(np.radians(_LEAN_DEG) * random.uniform(-1, 1, (settings.tips, 3)))
    hands = rigid(leans @ upright, np.zeros((settings.tips, 3)))
    hands[:, :3, 3] = tips - hands[:, :3, :3] @ world.tip_mm
    return tips, hands
