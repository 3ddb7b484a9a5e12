"""A sweep and a place for the lesion that fit each other: the lesion is to be swept in full, with a margin."""

from __future__ import annotations

import math

import numpy as np

from ...errors import ConfigurationError
from ...geometry import corners_of_extent, transform_points
from ..lesion_shape import sphere_directions
from .lesion import Lesion
from .motion import ProbeMotion, draw_motion
from .probe import Probe
from .settings import LesionSettings, SweepSettings

SWEEPS_TRIED, PLACES_TRIED = 8, 300


def draw_sweep_over_lesion(
    motion_rng: np.random.Generator,
    place_rng: np.random.Generator,
    lesion: Lesion,
    probe: Probe,
    lesion_settings: LesionSettings,
    sweep_settings: SweepSettings,
) -> tuple[ProbeMotion, np.ndarray]:
    """A motion, and the lesion's center (3,) in the liver's frame, in mm.

    Raises ConfigurationError when the lesion does not fit the sweep that is asked for.
    """
    longest, margin = lesion.shape.longest_diameter_mm(), lesion_settings.margin_mm
    volume, shortest = motion_rng.uniform(165.0, 335.0), longest + 2 * max(margin, 0) + 2
    if sweep_settings.swept_volume_ml is not None:
        volume, shortest = sweep_settings.swept_volume_ml, 0.0
    for _ in range(SWEEPS_TRIED):
        motion = draw_motion(motion_rng, probe, volume, shortest)
        center = _draw_center(place_rng, lesion, motion, probe, margin)
        if center is not None:
            return motion, center
    raise ConfigurationError(
        f"A lesion of {longest:.0f} mm with {margin:g} mm to spare does not fit a sweep of "
        f"{motion.swept_volume_ml(probe):.0f} mL and {probe.depth_mm:g} mm depth; ask for a smaller lesion, a larger "
        "swept volume, or more depth."
    )


def _draw_center(
    rng: np.random.Generator, lesion: Lesion, motion: ProbeMotion, probe: Probe, margin_mm: float
) -> np.ndarray | None:
    """A center whose lesion, grown by `margin_mm`, is swept in full; None if none was found."""
    directions = sphere_directions(150)
    surface = directions * (lesion.shape.radius_mm(directions) + margin_mm)[:, None]
    liver_to_face = np.linalg.inv(motion.face_to_liver(np.linspace(0, 1, 61)))
    largest = lesion.shape.largest_radius_mm()
    for _ in range(PLACES_TRIED):
        depth = rng.uniform(min(largest + 6, probe.depth_mm / 2), max(probe.depth_mm - largest - 3, probe.depth_mm / 2))
        half_width = (depth + probe.radius_mm) * math.tan(probe.half_angle_rad)
        across = rng.uniform(-0.75, 0.75) * max(half_width - largest, 0.0)
        along = rng.uniform(-0.5, 0.5) * max(motion.travel_mm - 2 * largest, 0.0)
        center = np.round(np.array([across, along, depth]), 6)
        if is_swept(surface + center, liver_to_face, probe).all():
            return center
    return None


def is_swept(points: np.ndarray, liver_to_face: np.ndarray, probe: Probe) -> np.ndarray:
    """Boolean (n,): the image plane passes through each of the points (n, 3), which is within the fan at that moment.

    liver_to_face  (moments, 4, 4) from the liver's frame to the probe's imaging frame
    """
    local = np.einsum("nab,pb->npa", liver_to_face[:, :3, :3], points) + liver_to_face[:, None, :3, 3]
    elevation = local[..., 2]
    crossed = (elevation.min(axis=0) < 0) & (elevation.max(axis=0) > 0)
    nearest = np.abs(elevation).argmin(axis=0)
    at_crossing = local[nearest, np.arange(len(points))]
    swept: np.ndarray = crossed & probe.inside_fan(at_crossing[:, 0], at_crossing[:, 1])
    return swept


def swept_corners(motion: ProbeMotion, probe: Probe) -> np.ndarray:
    """(n, 3) corners of the fan along the sweep, in the liver's frame."""
    outline = corners_of_extent((-probe.half_width_mm, -probe.face_sag_mm, 0), (probe.half_width_mm, probe.depth_mm, 0))
    return np.concatenate([transform_points(pose, outline) for pose in motion.face_to_liver(np.linspace(0, 1, 61))])
