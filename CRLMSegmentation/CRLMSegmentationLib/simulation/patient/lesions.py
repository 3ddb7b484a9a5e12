"""What grows in the liver: metastases, and what is mistaken for them (cysts, hemangiomas, fat).

Metastases: one to eight (most patients have few), diameters about a median of 16 mm from 3 to 60 mm, lobed; one in
four touches the capsule, one in four a vessel's wall. Shapes are those of lesion.LesionShape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lesion_shape import LesionShape, random_rotation
from .vessel_growth import clearance_at

METASTASIS, CYST, HEMANGIOMA, FAT = "metastasis", "cyst", "hemangioma", "fat"
SMALLEST_MM, MEDIAN_MM, LARGEST_MM = 3.0, 16.0, 60.0
_LOG_SPREAD = 0.62
# Of 1, 2, ... 8 metastases.
_HOW_MANY = (0.34, 0.22, 0.14, 0.10, 0.08, 0.05, 0.04, 0.03)
_TRIES = 400


@dataclass(frozen=True, eq=False)
class PatientLesion:
    """One lesion. center_ras (3,) mm; shape about it; place 'inside', 'capsule' or 'vessel'."""

    kind: str
    center_ras: np.ndarray
    shape: LesionShape
    place: str

    @property
    def equivalent_diameter_mm(self) -> float:
        """Of the ball of the same volume."""
        return float(2 * (self.shape.volume_ml() * 1000 * 3 / 4 / np.pi) ** (1 / 3))


def draw_lesions(
    rng: np.random.Generator, origin_ras: np.ndarray, outside_mm: np.ndarray, vessel_clearance_mm: np.ndarray
) -> list[PatientLesion]:
    """Lesions that do not touch each other, the first of them a metastasis.

    outside_mm           (k, j, i) float32, how far outside of the liver, on a grid of 1 mm from origin_ras (3,)
    vessel_clearance_mm  the same grid: distance to the wall of the nearest large vessel, whose
                         lumen no lesion fills
    """
    count = 1 + int(np.searchsorted(np.cumsum(_HOW_MANY), rng.uniform()))
    wanted = [(METASTASIS, _diameter(rng)) for _ in range(count)]
    wanted += [(CYST, rng.uniform(4, 25)) for _ in range(rng.poisson(0.7))]
    wanted += [(HEMANGIOMA, rng.uniform(6, 30)) for _ in range(rng.poisson(0.25))]
    wanted += [(FAT, rng.uniform(10, 30)) for _ in range(rng.poisson(0.3))]
    origin = np.asarray(origin_ras, dtype=np.float64)
    lesions: list[PatientLesion] = []
    for kind, diameter in wanted:
        draw = rng.uniform()
        place = "inside" if kind != METASTASIS or draw > 0.5 else "capsule" if draw < 0.25 else "vessel"
        # One that finds no room where it was to be becomes smaller; the first of them must find room.
        for diameter_mm in (diameter, 0.7 * diameter, max(SMALLEST_MM, 0.45 * diameter)):
            shape = _shape(rng, diameter_mm, 0.02 if kind == CYST else 0.10)
            center = _room_for(rng, shape, place, lesions, origin, outside_mm, vessel_clearance_mm)
            if center is None:
                place = "inside"
                continue
            lesions.append(PatientLesion(kind, center, shape, place))
            break
    return lesions


def _diameter(rng: np.random.Generator) -> float:
    for _ in range(100):
        diameter = MEDIAN_MM * float(np.exp(_LOG_SPREAD * rng.standard_normal()))
        if SMALLEST_MM <= diameter <= LARGEST_MM:
            return round(diameter, 3)
    return MEDIAN_MM


def _shape(rng: np.random.Generator, diameter_mm: float, unevenness: float) -> LesionShape:
    semi_axes = np.array([1.0, rng.uniform(0.78, 1.0), rng.uniform(0.68, 0.95)])
    directions = rng.standard_normal((6, 3))
    directions /= np.sqrt((directions**2).sum(axis=1, keepdims=True))
    orders, heights = np.array([2, 3, 3, 3, 4, 4]), rng.uniform(-1, 1, 6) * unevenness
    axes = random_rotation(rng)
    unit = LesionShape(axes, semi_axes, directions, orders, heights)
    scale = diameter_mm / 2 / (unit.volume_ml() * 1000 * 3 / 4 / np.pi) ** (1 / 3)
    return LesionShape(axes, np.round(semi_axes * scale, 6), directions, orders, heights)


def _room_for(
    rng: np.random.Generator,
    shape: LesionShape,
    place: str,
    lesions: list[PatientLesion],
    origin: np.ndarray,
    outside_mm: np.ndarray,
    vessel_clearance_mm: np.ndarray,
) -> np.ndarray | None:
    """(3,) RAS mm of a center where the lesion fits; None when none was found."""
    radius, mean_radius = shape.largest_radius_mm(), float(np.cbrt(shape.volume_ml() * 1000 * 3 / 4 / np.pi))
    extent = np.array(outside_mm.shape[::-1], dtype=np.float64) - 1
    for _ in range(_TRIES):
        center = origin + rng.uniform(0, 1, 3) * extent
        depth = -clearance_at(outside_mm, origin, 1.0, *center) if _is_in(outside_mm, origin, center) else -1e3
        if place == "capsule":
            fits = 0.75 * mean_radius < depth < 0.95 * mean_radius
        else:
            fits = depth > radius + 1.0
        if fits:
            to_wall = clearance_at(vessel_clearance_mm, origin, 1.0, *center)
            fits = 0.8 * mean_radius < to_wall < mean_radius + 1.0 if place == "vessel" else to_wall > radius
        if fits and all(
            ((other.center_ras - center) ** 2).sum() > (radius + other.shape.largest_radius_mm() + 2.0) ** 2
            for other in lesions
        ):
            return np.round(center, 4)
    return None


def _is_in(grid: np.ndarray, origin: np.ndarray, center: np.ndarray) -> bool:
    index = center - origin
    return bool((index >= 0).all() and (index < np.array(grid.shape[::-1]) - 1).all())
