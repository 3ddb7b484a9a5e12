"""The tumor that is implanted: its lobed shape and what it looks like, drawn from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...simulation.lesion_shape import LesionShape, random_rotation
from ...values import Volume
from .lattice import Lumps
from .settings import BRIGHTER_SHARE, CONTRAST_DB, KINDS, PLACES, TEXTURES, ImplantSettings

TRUTH_SPACING_MM = 0.5


@dataclass(frozen=True, eq=False)
class Tumor:
    """What is implanted.

    kind, place       see ImplantSettings; what was asked for or drawn
    texture           see ImplantSettings
    shape             about its own middle, mm along Reference's axes
    diameter_mm       of the sphere of the same volume
    contrast_db       mean level against the tissue around
    heterogeneity_db  standard deviation of the level inside, in lumps of about grain_mm
    border_mm         width over which tissue becomes tumor
    rough_mm          standard deviation by which the surface leaves the lobed shape, in lumps of about grain_mm
    halo_mm, halo_db  a rim inside the border, and its level against the tissue around; 0 mm for none
    behind_db_per_cm  what a beam gains (above 0) or loses on its way through
    """

    kind: str
    place: str
    texture: str
    shape: LesionShape
    diameter_mm: float
    contrast_db: float
    heterogeneity_db: float
    grain_mm: float
    border_mm: float
    rough_mm: float
    halo_mm: float
    halo_db: float
    behind_db_per_cm: float


class Body:
    """Where `tumor` is, with its middle at `middle` (3,) mm in Reference: the same for its picture and its truth."""

    def __init__(self, tumor: Tumor, middle: np.ndarray, seed: int):
        self.tumor, self.middle = tumor, middle
        # Beyond this from the middle there is nothing of it.
        self.reach_mm = tumor.shape.largest_radius_mm() + 3 * tumor.rough_mm + tumor.border_mm / 2
        # Up to this from the middle there is nothing else.
        self.core_mm = tumor.shape.smallest_radius_mm() - 3 * tumor.rough_mm - tumor.border_mm / 2
        self.edge = Lumps(np.random.default_rng([seed, 3]), middle, self.reach_mm + 1.0, 0.7 * tumor.grain_mm)

    def distance_mm(self, points: np.ndarray) -> np.ndarray:
        """(...) how far `points` (..., 3) in Reference lie outside its surface; negative inside."""
        smooth = self.tumor.shape.radial_distance_mm(points - self.middle)
        distance: np.ndarray = smooth + self.tumor.rough_mm * np.clip(self.edge.at(points), -3, 3)
        return distance

    def mask(self) -> Volume:
        """uint8 [k, j, i], 1 inside, on a grid along the axes of Reference that just holds it."""
        half = int(np.ceil((self.reach_mm + 1.0) / TRUTH_SPACING_MM))
        axis = (np.arange(-half, half) + 0.5) * TRUTH_SPACING_MM
        z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
        inside = self.distance_mm(np.stack([x, y, z], axis=-1) + self.middle) <= 0
        ijk_to_ras = np.diag([TRUTH_SPACING_MM] * 3 + [1.0])
        ijk_to_ras[:3, 3] = self.middle + axis[0]
        return Volume(inside.astype(np.uint8), ijk_to_ras)


def draw_tumor(random: np.random.Generator, settings: ImplantSettings) -> Tumor:
    """A tumor as the settings say; every number is drawn whether used or not, so that fixing one leaves the others."""
    kind, place, texture = (str(random.choice(known)) for known in (KINDS, PLACES, TEXTURES))
    smallest, largest = settings.diameters_mm
    diameter = smallest * (largest / smallest) ** random.uniform()
    kind, place, texture = settings.kind or kind, settings.place or place, settings.texture or texture
    diameter = settings.diameter_mm or diameter
    shape_seed, strength, bright = random.integers(2**32), random.uniform(), random.uniform()
    least, most = CONTRAST_DB[kind]
    contrast = least + strength * (most - least)
    if bright < BRIGHTER_SHARE.get(kind, 0.0):
        contrast = -contrast
    heterogeneity, grain = random.uniform(0.5, 2.0), max(2.0, diameter * random.uniform(0.1, 0.2))
    border = float(np.exp(random.uniform(math.log(0.5), math.log(3.0))))
    rough = min(random.uniform(0.03, 0.10) * diameter / 2, 1.2)
    has_halo, halo, halo_level = random.uniform() < 0.3, random.uniform(0.10, 0.20), random.uniform(-6.0, -3.0)
    behind_kind, behind = random.uniform(), random.uniform(1.0, 3.5)
    behind = 0.0 if behind_kind < 0.4 else -behind if behind_kind < 0.75 else 0.7 * behind
    return Tumor(
        kind, place, texture, lobed_shape(np.random.default_rng(shape_seed), diameter), diameter, contrast,
        heterogeneity, grain, border, rough, halo * diameter / 2 if has_halo else 0.0,
        min(contrast, 0.0) + halo_level, behind,
    )  # fmt: skip


def lobed_shape(random: np.random.Generator, diameter_mm: float) -> LesionShape:
    """An ellipsoid with lobes, its volume that of the sphere of `diameter_mm`."""
    axes = random_rotation(random)
    semi_axes = np.array([1.0, random.uniform(0.75, 1.0), random.uniform(0.65, 1.0)])
    lobes = 9
    directions = random.standard_normal((lobes, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    orders = np.array([2, 3, 3, 3, 4, 4, 4, 4, 4])
    heights = random.uniform(-1, 1, lobes) * random.uniform(0.06, 0.20)
    shape = LesionShape(axes, semi_axes, directions, orders, heights)
    scale = diameter_mm / 2 / (shape.volume_ml() * 1000 * 3 / 4 / math.pi) ** (1 / 3)
    return LesionShape(axes, semi_axes * scale, directions, orders, heights)
