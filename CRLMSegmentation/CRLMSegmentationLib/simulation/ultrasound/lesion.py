"""The metastasis: an irregular closed surface around a center, and what it looks like.

The surface is a star-shaped perturbed ellipsoid, r(n) = R e(n) (1 + sum_k a_k P_l(n . d_k)), with Legendre polynomials
P_2..P_4 about random directions d_k, scaled so that the enclosed volume is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..settings import NEAR_ISOECHOIC_DB, LesionSettings

# Median volume 2.7 mL, as in the prospective set of Natali et al. (arXiv 2511.05253): a sphere of 17.3 mm.
MEDIAN_DIAMETER_MM = 17.3
DIAMETER_LOG_SPREAD = 0.40
SMALLEST_DIAMETER_MM, LARGEST_DIAMETER_MM = 9.8, 41.0


@lru_cache(maxsize=8)
def sphere_directions(count: int) -> np.ndarray:
    """(count, 3) unit vectors spread evenly over the sphere (Fibonacci lattice): equal solid angle each."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    azimuth = math.pi * (1 + 5**0.5) * index
    ring = np.sqrt(1 - z * z)
    directions = np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), z], axis=1)
    directions.flags.writeable = False
    return directions


@dataclass(frozen=True, eq=False)
class LesionShape:
    """A star-shaped surface about the origin, in mm along the liver's axes.

    axes             (3, 3) rows are the ellipsoid's directions
    semi_axes_mm     (3,)
    bump_directions  (m, 3) unit vectors;  bump_orders (m,) 2 to 4;  bump_heights (m,)
    """

    axes: np.ndarray
    semi_axes_mm: np.ndarray
    bump_directions: np.ndarray
    bump_orders: np.ndarray
    bump_heights: np.ndarray

    def radius_mm(self, directions: np.ndarray) -> np.ndarray:
        """(...) distance of the surface from the center along unit `directions` (..., 3)."""
        along = directions @ self.axes.T / self.semi_axes_mm
        ellipsoid = 1 / np.sqrt((along**2).sum(axis=-1))
        c = directions @ self.bump_directions.T
        square = c * c
        legendre = np.empty_like(c)
        for order, polynomial in (
            (2, lambda c, s: 1.5 * s - 0.5),
            (3, lambda c, s: (2.5 * s - 1.5) * c),
            (4, lambda c, s: (4.375 * s - 3.75) * s + 0.375),
        ):
            bumps = self.bump_orders == order
            legendre[..., bumps] = polynomial(c[..., bumps], square[..., bumps])
        return ellipsoid * (1 + legendre @ self.bump_heights)

    def radial_distance_mm(self, points: np.ndarray) -> np.ndarray:
        """(...) how far `points` (..., 3), relative to the center, lie outside the surface; negative inside."""
        length = np.sqrt((points**2).sum(axis=-1))
        directions = points / np.maximum(length, 1e-9)[..., None]
        return length - self.radius_mm(directions)

    def volume_ml(self) -> float:
        return float((self.radius_mm(sphere_directions(20000)) ** 3).mean() * 4 / 3 * math.pi / 1000)

    def longest_diameter_mm(self) -> float:
        directions = sphere_directions(2000)
        return float((self.radius_mm(directions) + self.radius_mm(-directions)).max())

    def largest_radius_mm(self) -> float:
        return float(self.radius_mm(sphere_directions(2000)).max())


@dataclass(frozen=True, eq=False)
class Lesion:
    """Shape and appearance. Levels are in dB against mean parenchyma, lengths in mm."""

    shape: LesionShape
    equivalent_diameter_mm: float
    echogenicity: str
    contrast_db: float
    heterogeneity_db: float
    halo_thickness_mm: float
    halo_db: float
    core_fraction: float
    core_db: float
    border_mm: float
    attenuation_excess_db_cm_mhz: float

    @property
    def near_isoechoic(self) -> bool:
        return self.echogenicity != "mixed" and abs(self.contrast_db) < NEAR_ISOECHOIC_DB


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) uniformly distributed rotation, from a random unit quaternion."""
    q = rng.standard_normal(4)
    w, x, y, z = q / math.sqrt((q**2).sum())
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _draw_shape(rng: np.random.Generator, diameter_mm: float) -> LesionShape:
    axes = random_rotation(rng)
    semi_axes = np.array([1.0, rng.uniform(0.78, 1.0), rng.uniform(0.65, 0.95)])
    bumps = 7
    directions = rng.standard_normal((bumps, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    orders = np.array([2, 3, 3, 3, 4, 4, 4])
    heights = rng.uniform(-1, 1, bumps) * rng.uniform(0.05, 0.13)
    shape = LesionShape(axes, semi_axes, directions, orders, heights)
    scale = diameter_mm / 2 / (shape.volume_ml() * 1000 * 3 / 4 / math.pi) ** (1 / 3)
    return LesionShape(axes, np.round(semi_axes * scale, 9), directions, orders, heights)


def draw_lesion(rng: np.random.Generator, settings: LesionSettings) -> Lesion:
    """A lesion of the population described in the module's constants, or as `settings` says.

    Every number is drawn whether it is used or not, so that fixing one setting leaves the others as they were.
    """
    diameter = MEDIAN_DIAMETER_MM
    for _ in range(100):
        diameter = MEDIAN_DIAMETER_MM * math.exp(DIAMETER_LOG_SPREAD * rng.standard_normal())
        if SMALLEST_DIAMETER_MM <= diameter <= LARGEST_DIAMETER_MM:
            break
    if settings.equivalent_diameter_mm is not None:
        diameter = settings.equivalent_diameter_mm

    kind_draw = rng.uniform()
    strength = rng.uniform()
    weakest = 0.0 if settings.allow_near_isoechoic else NEAR_ISOECHOIC_DB
    echogenicity = settings.echogenicity
    if echogenicity is None and settings.contrast_db is not None:
        echogenicity = "hypoechoic" if settings.contrast_db < 0 else "hyperechoic"
    if echogenicity is None:
        echogenicity = "hypoechoic" if kind_draw < 0.5 else "hyperechoic" if kind_draw < 0.8 else "mixed"
    contrast = {
        "hypoechoic": -(weakest + 0.7 + strength * 6.8),
        "hyperechoic": weakest + 0.5 + strength * 5.0,
        "mixed": -1.0 - 3.0 * strength,
    }[echogenicity]
    if settings.contrast_db is not None:
        contrast = float(settings.contrast_db)

    mixed = echogenicity == "mixed"
    heterogeneity = rng.uniform(3.0, 4.5) if mixed else rng.uniform(0.8, 2.2)
    halo_draw, halo_share, halo_level = rng.uniform(), rng.uniform(0.10, 0.22), rng.uniform(-7.0, -4.0)
    has_halo = halo_draw < {"hypoechoic": 0.2, "hyperechoic": 0.5, "mixed": 0.6}[echogenicity]
    if settings.halo is not None:
        has_halo = settings.halo
    core_draw, core_fraction, core_level = rng.uniform(), rng.uniform(0.25, 0.45), rng.uniform(-6.0, 5.0)
    has_core = core_draw < (0.5 if mixed else 0.2)
    border = rng.uniform(0.6, 2.2)
    behind_draw, behind = rng.uniform(), rng.uniform(0.15, 0.5)
    excess = 0.0 if behind_draw < 0.4 else (-0.7 * behind if behind_draw < 0.65 else behind)
    return Lesion(
        shape=_draw_shape(rng, diameter),
        equivalent_diameter_mm=diameter,
        echogenicity=echogenicity,
        contrast_db=contrast,
        heterogeneity_db=heterogeneity,
        halo_thickness_mm=halo_share * diameter / 2 if has_halo else 0.0,
        halo_db=min(contrast, 0.0) + halo_level if not mixed else halo_level,
        core_fraction=core_fraction if has_core else 0.0,
        core_db=contrast + core_level,
        border_mm=border,
        attenuation_excess_db_cm_mhz=excess,
    )
