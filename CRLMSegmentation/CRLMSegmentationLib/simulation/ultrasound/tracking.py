"""What the tracker and the recorder make of the probe's motion: poses with error and latency, some of them lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import ConfigurationError
from ...geometry import transform_points
from .motion import ProbeMotion, draw_tracker_errors, rigid, rotation_about, small_rotation
from .probe import Probe
from .settings import SweepSettings

# The liver's x, y (sweep) and z (depth) along R, S and P when the reference sensor sits straight.
LIVER_TO_RAS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class Tracking:
    """One recording by the tracker; n frames.

    liver_to_reference   (4, 4) where the reference sensor is
    image_to_probe       (4, 4) pixel (u, v, 0, 1) to the probe's sensor in mm
    probe_to_reference   (n, 4, 4) as measured
    stylus_to_reference  (n, 4, 4) as measured: the stylus lies beside the liver
    timestamps_s         (n,)
    lost_frames          numbers of the frames whose pose was not measured
    latency_s            the poses are this late against the images
    position_error_mm    (n, 3) error in the measured position of the probe's sensor
    """

    liver_to_reference: np.ndarray
    image_to_probe: np.ndarray
    probe_to_reference: np.ndarray
    stylus_to_reference: np.ndarray
    timestamps_s: np.ndarray
    lost_frames: frozenset[int]
    latency_s: float
    position_error_mm: np.ndarray


def draw_tracking(
    rng: np.random.Generator,
    motion: ProbeMotion,
    probe: Probe,
    moments: np.ndarray,
    rate_hz: float,
    settings: SweepSettings,
    liver_to_reference: np.ndarray | None = None,
) -> Tracking:
    """The recording of `motion` at `moments` (n,), 0 to 1, with `rate_hz` frames per second.

    liver_to_reference  (4, 4) rigid, where the reference sensor is; drawn when it is None

    Raises ConfigurationError when more poses are to be lost than there are frames between the first and the last.
    """
    frames = len(moments)
    turn = small_rotation(np.radians(np.clip(rng.normal(0, 9, 3), -20, 20)))
    drawn = np.round(rigid(turn @ LIVER_TO_RAS, rng.uniform(-80, 80, 3)), 6)
    liver_to_reference = drawn if liver_to_reference is None else liver_to_reference
    sensor_to_face = rigid(
        rotation_about(2, np.radians(rng.uniform(-180, 180))) @ small_rotation(np.radians(rng.uniform(-15, 15, 3))),
        np.array([rng.uniform(-10, 10), rng.uniform(-45, -25), rng.uniform(-10, 10)]),
    )
    latency = float(np.clip(rng.normal(0, 0.015), -0.04, 0.04))
    if settings.latency_s is not None:
        latency = float(settings.latency_s)
    duration = (frames - 1) / rate_hz
    timestamps = np.round(100 + rng.uniform(0, 100) + moments * duration, 4)
    errors = draw_tracker_errors(rng, moments, settings.tracking_noise_mm, settings.tracking_noise_deg)

    lost = int(rng.choice([0, 1, 2, 3, 4], p=[0.5, 0.2, 0.15, 0.1, 0.05]))
    # The first and the last frame stay, so that the recorded region is the one that was swept.
    between = rng.permutation(np.arange(1, frames - 1))
    if settings.lost_poses is not None:
        lost = int(settings.lost_poses)
    if lost > len(between):
        raise ConfigurationError(f"{lost} lost poses are too many for a sweep of {frames} frames.")

    late = motion.face_to_liver(np.clip(moments - latency / max(duration, 1e-6), 0, 1))
    probe_to_reference = liver_to_reference @ late @ sensor_to_face
    probe_to_reference[:, :3, :3] = small_rotation(errors.angles_rad) @ probe_to_reference[:, :3, :3]
    probe_to_reference[:, :3, 3] += errors.offsets_mm

    stylus = rigid(
        small_rotation(rng.uniform(-0.6, 0.6, 3)),
        transform_points(liver_to_reference, [rng.uniform(40, 70), 0, -60]),
    )
    stylus_to_reference = np.repeat(stylus[None], frames, axis=0)
    stylus_to_reference[:, :3, 3] += 0.1 * rng.standard_normal((frames, 3)) * min(settings.tracking_noise_mm, 1)
    return Tracking(
        liver_to_reference=liver_to_reference,
        image_to_probe=np.round(np.linalg.inv(sensor_to_face) @ probe.image_to_face(), 8),
        probe_to_reference=np.round(probe_to_reference, 6),
        stylus_to_reference=np.round(stylus_to_reference, 6),
        timestamps_s=timestamps,
        lost_frames=frozenset(between[:lost].tolist()),
        latency_s=latency,
        position_error_mm=errors.offsets_mm,
    )
