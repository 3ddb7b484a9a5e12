"""The liver as an ultrasound beam meets it: strength of the scatterers and kind of tissue, on a grid at rest.

Levels are backscatter in dB against mean parenchyma. The grid is in the liver's frame (see motion.py), indexed
(x, y, z).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from ..lesion_shape import LesionShape, random_rotation
from .lesion import Lesion
from .vessels import draw_trees

SPACING_MM = 0.5
COARSE_STEP_MM = 2.0
PARENCHYMA, LUMEN, CYST, LESION, CALCIFICATION, BEYOND = range(6)
LUMEN_DB, CYST_DB = -30.0, -36.0


@dataclass(frozen=True, eq=False)
class Patch:
    """Something in the liver that is not a tumor: a cyst, or fat that is more or less than elsewhere."""

    kind: str
    center_liver_mm: np.ndarray
    shape: LesionShape
    level_db: float
    border_mm: float


@dataclass(frozen=True, eq=False)
class Liver:
    """amplitude (x, y, z) float32, kind (x, y, z) uint8, origin_mm (3,) center of voxel (0, 0, 0)."""

    amplitude: np.ndarray
    kind: np.ndarray
    origin_mm: np.ndarray
    attenuation_db_cm_mhz: np.ndarray
    summary: dict[str, Any] = field(default_factory=dict)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma_steps: float) -> np.ndarray:
    """Gaussian noise of unit variance, smoothed to a correlation length; float64."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), sigma_steps, mode="wrap", truncate=3.0)
    # The variance that white noise keeps under a sampled Gaussian, per axis 1 / (2 sqrt(pi) sigma).
    result: np.ndarray = noise * (2 * math.sqrt(math.pi) * sigma_steps) ** 1.5
    return result


def _round_shape(rng: np.random.Generator, diameter_mm: float, unevenness: float) -> LesionShape:
    axes = random_rotation(rng)
    semi_axes = diameter_mm / 2 * np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.65, 1.0)])
    directions = rng.standard_normal((5, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return LesionShape(axes, semi_axes, directions, np.array([2, 3, 3, 4, 4]), rng.uniform(-1, 1, 5) * unevenness)


def draw_patches(
    rng: np.random.Generator, lower: np.ndarray, upper: np.ndarray, lesion_center: np.ndarray, lesion_radius_mm: float
) -> list[Patch]:
    """Zero to three distractors, none of them touching the lesion."""
    patches = []
    for kind, chance in (("cyst", 0.35), ("fatty patch", 0.35), ("fatty sparing", 0.25)):
        wanted = rng.uniform() < chance
        diameter = rng.uniform(5.0, 13.0) if kind == "cyst" else rng.uniform(9.0, 20.0)
        shape = _round_shape(rng, diameter, 0.03 if kind == "cyst" else 0.16)
        level = {"cyst": CYST_DB, "fatty patch": rng.uniform(2.0, 4.0), "fatty sparing": rng.uniform(-4.0, -2.0)}[kind]
        border = 0.5 if kind == "cyst" else rng.uniform(2.5, 5.0)
        for _ in range(20):
            center = rng.uniform(lower + [25, 6, 12], upper - [25, 6, 10])
            apart = math.sqrt(((center - lesion_center) ** 2).sum())
            if wanted and apart > lesion_radius_mm + shape.largest_radius_mm() + border + 2.0:
                patches.append(Patch(kind, center, shape, level, border))
                break
    return patches


def region_around(
    origin: np.ndarray, shape: tuple[int, ...], center: np.ndarray, reach_mm: float
) -> tuple[tuple[slice, ...], np.ndarray]:
    """Slices of the grid around `center`, and the positions (x, y, z, 3) of its voxels relative to `center`."""
    first = np.maximum(np.floor((center - reach_mm - origin) / SPACING_MM).astype(int), 0)
    last = np.minimum(np.ceil((center + reach_mm - origin) / SPACING_MM).astype(int) + 1, shape)
    axes = [origin[a] + np.arange(first[a], max(last[a], first[a])) * SPACING_MM - center[a] for a in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return tuple(slice(first[a], max(last[a], first[a])) for a in range(3)), points


def _inside_share(distance_mm: np.ndarray, border_mm: float) -> np.ndarray:
    """1 well inside, 0 well outside, one half on the surface; a smooth step `border_mm` wide."""
    t = np.clip(0.5 - distance_mm / max(border_mm, 1e-3), 0, 1)
    return t * t * (3 - 2 * t)


def lesion_level_db(
    lesion: Lesion, distance_mm: np.ndarray, relative_radius: np.ndarray, noise: np.ndarray, blobs: np.ndarray
) -> np.ndarray:
    """Level inside the lesion.

    distance_mm, relative_radius  signed distance to its surface (negative inside); 0 at the center, 1 on the surface
    noise, blobs                  unit-variance fields, fine and coarse
    """
    level = np.full(distance_mm.shape, lesion.contrast_db)
    if lesion.echogenicity == "mixed":
        # Bright and dark nodules side by side, softly parted.
        level += lesion.heterogeneity_db * np.clip(1.4 * blobs, -1.3, 1.3) + noise
    else:
        level += lesion.heterogeneity_db * (0.8 * blobs + 0.6 * noise)
    if lesion.core_fraction > 0:
        share = np.clip((lesion.core_fraction + 0.08 * blobs - relative_radius) / 0.15 + 0.5, 0, 1)
        level += share * (lesion.core_db - level)
    if lesion.halo_thickness_mm > 0:
        share = np.clip((distance_mm + lesion.halo_thickness_mm * (1 + 0.25 * noise)) / 0.8 + 0.5, 0, 1)
        level += share * (lesion.halo_db - level)
    return level


def lay_patch(level: np.ndarray, kind: np.ndarray, patch: Patch, points: np.ndarray) -> None:
    """A cyst or fat into a region of the grid, in place; points (x, y, z, 3) mm relative to its center."""
    distance = patch.shape.radial_distance_mm(points)
    if patch.kind == "cyst":
        level += _inside_share(distance - 0.4, patch.border_mm) * (4.0 - level)
        level += _inside_share(distance + 0.2, patch.border_mm) * (patch.level_db - level)
        kind[distance < 0] = CYST
    else:
        level += _inside_share(distance, patch.border_mm) * patch.level_db


def _lay_deep_surface(
    level: np.ndarray,
    kind: np.ndarray,
    lower: np.ndarray,
    height_mm: float,
    slopes: np.ndarray,
    curvature_per_mm: float,
) -> None:
    """The far surface of the liver, bright against the diaphragm, and what lies beyond, in place."""
    x = (lower[0] + np.arange(level.shape[0]) * SPACING_MM)[:, None]
    y = (lower[1] + np.arange(level.shape[1]) * SPACING_MM)[None, :]
    surface = height_mm + slopes[0] * x + slopes[1] * y - curvature_per_mm * (x * x + y * y)
    below = (lower[2] + np.arange(level.shape[2]) * SPACING_MM)[None, None, :] - surface[:, :, None]
    beyond = below > 0
    level[beyond] -= 7.0
    kind[beyond] = BEYOND
    level += np.where(np.abs(below) < 0.8, 15.0 - level, 0.0).astype(np.float32)


def lay_lesion(
    rng: np.random.Generator, level: np.ndarray, kind: np.ndarray, lesion: Lesion, points: np.ndarray
) -> tuple[float, int]:
    """The lesion over everything else in a region of the grid, in place; points (x, y, z, 3) mm of its voxels relative
    to the lesion's center. Returns its mean level in dB and how many calcifications it holds.
    """
    distance = lesion.shape.radial_distance_mm(points)
    length = np.sqrt((points**2).sum(axis=-1))
    grain_mm = rng.uniform(1.0, 1.8)
    fine = smooth_noise(rng, distance.shape, grain_mm / SPACING_MM)
    coarse = smooth_noise(rng, distance.shape, max(0.14 * lesion.equivalent_diameter_mm, 1.5) / SPACING_MM)
    inside = lesion_level_db(lesion, distance, length / np.maximum(length - distance, 1e-3), fine, coarse)
    level += _inside_share(distance, lesion.border_mm) * (inside - level)
    kind[distance < 0] = LESION

    has_calcium, count = rng.uniform() < 0.12, int(rng.integers(1, 4))
    for _ in range(count):
        spot = rng.uniform(-0.3, 0.3, 3) * lesion.equivalent_diameter_mm
        size = rng.uniform(0.5, 0.9)
        if has_calcium:
            grain = ((points - spot) ** 2).sum(axis=-1) < size * size
            level[grain] = 14.0
            kind[grain] = CALCIFICATION
    core = inside[distance < -lesion.border_mm / 2]  # nothing of it where the region shows a border alone
    return float(core.mean()) if core.size else math.nan, count if has_calcium else 0


def _lay_vessel_trees(
    rng: np.random.Generator, level: np.ndarray, kind: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> tuple[dict[str, int], float]:
    """Hepatic and portal veins into the grid, in place; how many trees of each, and the level of the portal walls."""
    trees = {"hepatic": int(rng.integers(1, 3)), "portal": int(rng.integers(1, 3))}
    wall_mm, wall_db = rng.uniform(0.5, 1.0), rng.uniform(6.0, 10.0)
    tubes = {name: draw_trees(rng, count, lower, upper) for name, count in trees.items()}
    lay_tubes(level, kind, lower, tubes["hepatic"], tubes["portal"], wall_mm, wall_db)
    return trees, wall_db


def lay_tubes(
    level: np.ndarray,
    kind: np.ndarray,
    lower: np.ndarray,
    hepatic: np.ndarray,
    portal: np.ndarray,
    wall_mm: float,
    wall_db: float,
) -> None:
    """Veins into the grid that begins at `lower` (3,), in place: tubes (n, 8) as in tubes.paint_tubes; the portal ones
    have bright walls.
    """
    from ..tubes import paint_tubes
    from .kernels.tissue import lay_vessels

    distances = []
    for tubes in (hepatic, portal):
        distances.append(np.full(level.shape, 99.0, dtype=np.float32))
        paint_tubes(distances[-1], lower, SPACING_MM, tubes, wall_mm + 1.0)
    lay_vessels(level, kind, distances[0], distances[1], wall_mm, wall_db, LUMEN_DB, LUMEN)


def build_liver(
    rng: np.random.Generator, lower: ArrayLike, upper: ArrayLike, lesion: Lesion, lesion_center: np.ndarray
) -> Liver:
    """The liver within the box lower..upper (3,) each, in mm of its own frame, with `lesion` at `lesion_center`."""
    from .kernels.tissue import fill_from_coarse, to_amplitude

    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    shape = tuple((np.ceil((upper - lower) / SPACING_MM).astype(int) + 1).tolist())
    coarse_shape = tuple((np.ceil((upper - lower) / COARSE_STEP_MM).astype(int) + 3).tolist())

    texture_db, texture_mm, zones_db = rng.uniform(0.6, 1.4), rng.uniform(3.0, 6.0), rng.uniform(0.5, 1.2)
    coarse = texture_db * smooth_noise(rng, coarse_shape, texture_mm / 2 / COARSE_STEP_MM)
    coarse += zones_db * smooth_noise(rng, coarse_shape, 12.0 / COARSE_STEP_MM)
    level = np.empty(shape, dtype=np.float32)
    fill_from_coarse(level, lower, SPACING_MM, coarse, lower - COARSE_STEP_MM / 2, COARSE_STEP_MM)
    kind = np.zeros(shape, dtype=np.uint8)

    patches = draw_patches(rng, lower, upper, lesion_center, lesion.shape.largest_radius_mm())
    for patch in patches:
        where, points = region_around(lower, shape, patch.center_liver_mm, patch.shape.largest_radius_mm() + 5)
        lay_patch(level[where], kind[where], patch, points)

    trees, wall_db = _lay_vessel_trees(rng, level, kind, lower, upper)

    deep_draw, clearance = rng.uniform(), rng.uniform(6.0, 30.0)
    slopes, curvature = rng.uniform(-0.15, 0.15, 2), rng.uniform(0.0, 0.002)
    deepest = lesion_center[2] + lesion.shape.largest_radius_mm()
    height = deepest + clearance + 0.15 * (abs(lesion_center[0]) + abs(lesion_center[1])) + 0.002 * 900
    shows_deep_surface = deep_draw < 0.4 and height < upper[2]
    if shows_deep_surface:
        _lay_deep_surface(level, kind, lower, height, slopes, curvature)

    where, points = region_around(lower, shape, lesion_center, lesion.shape.largest_radius_mm() + lesion.border_mm + 1)
    mean_level, calcifications = lay_lesion(rng, level[where], kind[where], lesion, points)
    attenuation = np.zeros(6)
    attenuation[[LUMEN, CYST]] = -0.35
    attenuation[LESION], attenuation[CALCIFICATION] = lesion.attenuation_excess_db_cm_mhz, 12.0
    attenuation[BEYOND] = 0.4
    to_amplitude(level)
    summary = {
        "texture_db": texture_db,
        "vessel_trees": trees,
        "portal_wall_db": wall_db,
        "deep_surface_mm": height if shows_deep_surface else None,
        "lesion_mean_level_db": mean_level,
        "lesion_calcifications": calcifications,
        "distractors": [
            {
                "kind": patch.kind,
                "center_liver_mm": patch.center_liver_mm.round(3).tolist(),
                "volume_ml": round(patch.shape.volume_ml(), 4),
                "level_db": patch.level_db,
            }
            for patch in patches
        ],
    }
    return Liver(level, kind, lower, attenuation, summary)
