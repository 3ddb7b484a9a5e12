"""What grows in the liver: metastases, and what is mistaken for them (cysts, hemangiomas, fat).

Metastases: one to eight (most patients have few), diameters about a median of 16 mm from 3 to 60 mm, lobed; one in
four touches the capsule, one in four a vessel's wall. Shapes are those of lesion.LesionShape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lesion_shape import LesionShape, random_rotation
from ..tubes import paint_tubes
from .vessel_growth import clearance_at

METASTASIS, CYST, HEMANGIOMA, FAT = "metastasis", "cyst", "hemangioma", "fat"
SMALLEST_MM, MEDIAN_MM, LARGEST_MM = 3.0, 16.0, 60.0
_LOG_SPREAD = 0.62
# Of 1, 2, ... 8 metastases.
_HOW_MANY = (0.34, 0.22, 0.14, 0.10, 0.08, 0.05, 0.04, 0.03)
_TRIES = 400
_LOOKED_AROUND_MM, _FAR_MM = 35.0, 99.0


@dataclass(frozen=True, eq=False)
class PatientLesion:
    """One lesion. center_ras (3,) mm; shape about it; place 'inside', 'capsule' or 'vessel'.

    identity    of this lesion at every date, from 1 on
    first_date  number of the date at which it was there first
    """

    kind: str
    center_ras: np.ndarray
    shape: LesionShape
    place: str
    identity: int = 0
    first_date: int = 0

    @property
    def equivalent_diameter_mm(self) -> float:
        """Of the ball of the same volume."""
        return float(2 * (self.shape.volume_ml() * 1000 * 3 / 4 / np.pi) ** (1 / 3))


@dataclass(frozen=True, eq=False)
class VanishedLesion:
    """One that is no more. center_ras (3,) mm: where it was; last_date: the last at which it was there;
    how: 'regressed' or 'resected'.
    """

    identity: int
    kind: str
    center_ras: np.ndarray
    last_date: int
    how: str


@dataclass(frozen=True, eq=False)
class Room:
    """Where a lesion fits, on a grid of 1 mm from origin_ras (3,).

    outside_mm     (k, j, i) float32, how far outside of the liver
    large_vessels  (n, 8) tubes, whose lumen no lesion fills
    """

    origin_ras: np.ndarray
    outside_mm: np.ndarray
    large_vessels: np.ndarray

    def depth_at(self, center_ras: np.ndarray) -> float:
        """How deep in the liver, mm; far below 0 beyond the grid."""
        index = center_ras - self.origin_ras
        if not ((index >= 0).all() and (index < np.array(self.outside_mm.shape[::-1]) - 1).all()):
            return -1e3
        return -float(clearance_at(self.outside_mm, self.origin_ras, 1.0, *center_ras))

    def to_vessel_at(self, center_ras: np.ndarray) -> float:
        """How far from the wall of a large vessel, mm: between the grid's points around it; 99 far away from all."""
        lower = self.origin_ras + np.floor(center_ras - self.origin_ras)
        corners = np.full((2, 2, 2), _FAR_MM, dtype=np.float32)
        paint_tubes(corners.T, lower, 1.0, self.large_vessels, _LOOKED_AROUND_MM)
        return float(clearance_at(corners, lower, 1.0, *center_ras))

    def find(
        self, rng: np.random.Generator, shape: LesionShape, place: str, lesions: list[PatientLesion]
    ) -> np.ndarray | None:
        """(3,) RAS mm of a center where the lesion fits beside the others; None when none was found."""
        radius, mean_radius = shape.largest_radius_mm(), mean_radius_mm(shape)
        extent = np.array(self.outside_mm.shape[::-1], dtype=np.float64) - 1
        for _ in range(_TRIES):
            center = self.origin_ras + rng.uniform(0, 1, 3) * extent
            depth = self.depth_at(center)
            if place == "capsule":
                fits = 0.75 * mean_radius < depth < 0.95 * mean_radius
            else:
                fits = depth > radius + 1.0
            if fits:
                to_wall = self.to_vessel_at(center)
                fits = 0.8 * mean_radius < to_wall < mean_radius + 1.0 if place == "vessel" else to_wall > radius
            if fits and is_apart(shape, center, lesions):
                return np.round(center, 4)
        return None


def draw_lesions(rng: np.random.Generator, room: Room) -> list[PatientLesion]:
    """Lesions that do not touch each other, the first of them a metastasis."""
    count = 1 + int(np.searchsorted(np.cumsum(_HOW_MANY), rng.uniform()))
    wanted = [(METASTASIS, _diameter(rng)) for _ in range(count)]
    wanted += [(CYST, rng.uniform(4, 25)) for _ in range(rng.poisson(0.7))]
    wanted += [(HEMANGIOMA, rng.uniform(6, 30)) for _ in range(rng.poisson(0.25))]
    wanted += [(FAT, rng.uniform(10, 30)) for _ in range(rng.poisson(0.3))]
    lesions: list[PatientLesion] = []
    for kind, diameter in wanted:
        draw = rng.uniform()
        place = "inside" if kind != METASTASIS or draw > 0.5 else "capsule" if draw < 0.25 else "vessel"
        # One that finds no room where it was to be becomes smaller; the first of them must find room.
        for diameter_mm in (diameter, 0.7 * diameter, max(SMALLEST_MM, 0.45 * diameter)):
            shape = draw_shape(rng, diameter_mm, 0.02 if kind == CYST else 0.10)
            center = room.find(rng, shape, place, lesions)
            if center is None:
                place = "inside"
                continue
            lesions.append(PatientLesion(kind, center, shape, place, identity=len(lesions) + 1))
            break
    return lesions


def mean_radius_mm(shape: LesionShape) -> float:
    """Of the ball of the same volume."""
    return float(np.cbrt(shape.volume_ml() * 1000 * 3 / 4 / np.pi))


def is_apart(shape: LesionShape, center_ras: np.ndarray, lesions: list[PatientLesion]) -> bool:
    """True when a lesion there would be 2 mm and more away from the others."""
    radius = shape.largest_radius_mm()
    return all(
        ((other.center_ras - center_ras) ** 2).sum() > (radius + other.shape.largest_radius_mm() + 2.0) ** 2
        for other in lesions
    )


def _diameter(rng: np.random.Generator) -> float:
    for _ in range(100):
        diameter = MEDIAN_MM * float(np.exp(_LOG_SPREAD * rng.standard_normal()))
        if SMALLEST_MM <= diameter <= LARGEST_MM:
            return round(diameter, 3)
    return MEDIAN_MM


def draw_shape(rng: np.random.Generator, diameter_mm: float, unevenness: float) -> LesionShape:
    """A lobed shape of a volume as that of the ball of that diameter."""
    semi_axes = np.array([1.0, rng.uniform(0.78, 1.0), rng.uniform(0.68, 0.95)])
    directions = rng.standard_normal((6, 3))
    directions /= np.sqrt((directions**2).sum(axis=1, keepdims=True))
    orders, heights = np.array([2, 3, 3, 3, 4, 4]), rng.uniform(-1, 1, 6) * unevenness
    axes = random_rotation(rng)
    unit = LesionShape(axes, semi_axes, directions, orders, heights)
    scale = diameter_mm / 2 / (unit.volume_ml() * 1000 * 3 / 4 / np.pi) ** (1 / 3)
    return LesionShape(axes, np.round(semi_axes * scale, 6), directions, orders, heights)
