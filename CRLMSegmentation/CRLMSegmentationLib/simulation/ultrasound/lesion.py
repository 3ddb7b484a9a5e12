"""The metastasis: its shape, and what it looks like to ultrasound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..lesion_shape import LesionShape, random_rotation
from .settings import NEAR_ISOECHOIC_DB, LesionSettings

# Median volume 2.7 mL, as in the prospective set of Natali et al. (arXiv 2511.05253): a sphere of 17.3 mm.
MEDIAN_DIAMETER_MM = 17.3
DIAMETER_LOG_SPREAD = 0.40
SMALLEST_DIAMETER_MM, LARGEST_DIAMETER_MM = 9.8, 41.0


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
