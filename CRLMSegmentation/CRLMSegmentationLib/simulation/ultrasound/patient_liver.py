"""The piece of a patient's liver under the probe, as an ultrasound beam meets it: shape, vessels and lesions as in
the patient's CT, deformed as in the operation, on the grid that the painter reads (liver.Liver).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ...geometry import invert_affine, transform_points
from ..patient.implicit import outside_ellipsoid_of
from ..patient.lesions import CYST, HEMANGIOMA, METASTASIS, PatientLesion
from ..patient.operation import Operation
from .capsule import Capsule
from .lesion import Lesion, draw_lesion
from .liver import (
    BEYOND,
    COARSE_STEP_MM,
    CYST_DB,
    LESION,
    LUMEN,
    PARENCHYMA,
    SPACING_MM,
    Liver,
    Patch,
    lay_lesion,
    lay_patch,
    lay_tubes,
    region_around,
    smooth_noise,
)  # fmt: skip
from .liver import CYST as CYST_KIND
from .settings import LesionSettings

_POINTS_STEP_MM = 1.0
# The soft liver wraps the face: within this much of the capsule nothing is seen of what lies beside it.
_CLINGS_MM = 9.0
_THINNEST_MM = 0.8
_HEPATIC, _WITH_BRIGHT_WALLS = ("hepatic",), ("portal", "artery", "bile")


@dataclass(frozen=True, eq=False)
class SweepPlace:
    """A sweep's frame on a patient in the operation.

    liver_to_patient  (4, 4) rigid, from the sweep's frame (motion.py) to the patient's frame in the operation
    """

    operation: Operation
    liver_to_patient: np.ndarray

    def to_ct(self, points: ArrayLike) -> np.ndarray:
        """(..., 3) which points of the CT lie at `points` (..., 3) of the sweep's frame."""
        return self.operation.deformation.to_ct(transform_points(self.liver_to_patient, points))

    def from_ct(self, points_ras: ArrayLike) -> np.ndarray:
        """(..., 3) where points of the CT lie in the sweep's frame."""
        in_operation = self.operation.deformation.to_operation(points_ras)
        return transform_points(invert_affine(self.liver_to_patient), in_operation)

    def outside_mm(self, points: np.ndarray) -> np.ndarray:
        """(n,) how far points (n, 3) of the sweep's frame lie outside of the liver; negative inside."""
        return self.operation.patient.shape.outside_mm(self.to_ct(points))

    @property
    def liver_to_reference(self) -> np.ndarray:
        matrix: np.ndarray = self.operation.patient_to_reference @ self.liver_to_patient
        return matrix


def build_patient_liver(
    rng: np.random.Generator, place: SweepPlace, capsule: Capsule, lower: ArrayLike, upper: ArrayLike
) -> tuple[Liver, list[Lesion]]:
    """The liver within the box lower..upper (3,) each of the sweep's frame, and how each metastasis of the patient
    looks, in their order.
    """
    from .kernels.tissue import to_amplitude

    grid = _Grid(place, np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64))
    texture_db, level = _parenchyma(rng, grid)
    kind = np.full(grid.shape, PARENCHYMA, dtype=np.uint8)
    outside = grid.filled(place.operation.patient.shape.outside_mm(grid.ct_points.reshape(-1, 3)))
    lesions = place.operation.patient.lesions
    for lesion in lesions:
        if lesion.kind != METASTASIS:
            _lay_within(rng, grid, level, kind, outside, lesion, None)
    wall_mm, wall_db = rng.uniform(0.5, 1.0), rng.uniform(6.0, 10.0)
    lay_tubes(level, kind, grid.lower, grid.tubes(_HEPATIC), grid.tubes(_WITH_BRIGHT_WALLS), wall_mm, wall_db)
    looks = []
    for lesion in lesions:
        if lesion.kind == METASTASIS:
            looks.append(_look_of(rng, lesion))
            _lay_within(rng, grid, level, kind, outside, lesion, looks[-1])
    _lay_surroundings(grid, level, kind, outside, capsule)
    attenuation = np.zeros(6)
    attenuation[[LUMEN, CYST_KIND]] = -0.35
    attenuation[BEYOND] = 0.4
    attenuation[LESION] = max((look.attenuation_excess_db_cm_mhz for look in looks), key=abs, default=0.0)
    to_amplitude(level)
    return Liver(level, kind, grid.lower, attenuation, {"texture_db": texture_db, "portal_wall_db": wall_db}), looks


class _Grid:
    """The painter's grid, and for a coarser one of 1 mm which points of the CT lie there."""

    def __init__(self, place: SweepPlace, lower: np.ndarray, upper: np.ndarray):
        self.place, self.lower, self.upper = place, lower, upper
        self.shape = tuple((np.ceil((upper - lower) / SPACING_MM).astype(int) + 1).tolist())
        count = np.ceil((upper - lower) / _POINTS_STEP_MM).astype(int) + 3
        self._first = lower - _POINTS_STEP_MM / 2
        axes = [self._first[axis] + np.arange(count[axis]) * _POINTS_STEP_MM for axis in range(3)]
        self.ct_points = place.to_ct(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))

    def filled(self, values: np.ndarray) -> np.ndarray:
        """float32 on the painter's grid: `values`, one for each of ct_points, interpolated."""
        from .kernels.tissue import fill_from_coarse

        full = np.empty(self.shape, dtype=np.float32)
        coarse = np.ascontiguousarray(values, dtype=np.float64).reshape(self.ct_points.shape[:3])
        fill_from_coarse(full, self.lower, SPACING_MM, coarse, self._first, _POINTS_STEP_MM)
        return full

    def tubes(self, names: tuple[str, ...]) -> np.ndarray:
        """(n, 8) tubes of the trees `names` as they lie in the operation, near the grid."""
        trees = self.place.operation.patient.vessels.trees
        tubes = np.concatenate([trees[name].tubes() for name in names])
        tubes = tubes[tubes[:, 7] >= _THINNEST_MM]
        moved = np.column_stack([self.place.from_ct(tubes[:, :3]), self.place.from_ct(tubes[:, 3:6]), tubes[:, 6:8]])
        reach = moved[:, 6:].max(axis=1, keepdims=True) + 3.0
        over = np.minimum(moved[:, :3], moved[:, 3:6]) - reach < self.upper
        under = np.maximum(moved[:, :3], moved[:, 3:6]) + reach > self.lower
        near: np.ndarray = moved[(over & under).all(axis=1)]
        return near


def _parenchyma(rng: np.random.Generator, grid: _Grid) -> tuple[float, np.ndarray]:
    """How uneven it is, and the level in dB on the painter's grid; as in liver.build_liver."""
    from .kernels.tissue import fill_from_coarse

    texture_db, texture_mm, zones_db = rng.uniform(0.6, 1.4), rng.uniform(3.0, 6.0), rng.uniform(0.5, 1.2)
    count = tuple((np.ceil((grid.upper - grid.lower) / COARSE_STEP_MM).astype(int) + 3).tolist())
    coarse = texture_db * smooth_noise(rng, count, texture_mm / 2 / COARSE_STEP_MM)
    coarse += zones_db * smooth_noise(rng, count, 12.0 / COARSE_STEP_MM)
    level = np.empty(grid.shape, dtype=np.float32)
    fill_from_coarse(level, grid.lower, SPACING_MM, coarse, grid.lower - COARSE_STEP_MM / 2, COARSE_STEP_MM)
    return texture_db, level


def _look_of(rng: np.random.Generator, lesion: PatientLesion) -> Lesion:
    """How a metastasis of the patient looks to ultrasound."""
    drawn, diameter = draw_lesion(rng, LesionSettings()), lesion.equivalent_diameter_mm
    halo_mm = drawn.halo_thickness_mm * diameter / drawn.equivalent_diameter_mm
    return replace(drawn, shape=lesion.shape, equivalent_diameter_mm=diameter, halo_thickness_mm=halo_mm)


def _lay_within(
    rng: np.random.Generator,
    grid: _Grid,
    level: np.ndarray,
    kind: np.ndarray,
    outside: np.ndarray,
    lesion: PatientLesion,
    look: Lesion | None,
) -> None:
    """What of a lesion lies in the liver, in place. `look` is that of a metastasis."""
    # Deformed, it may be longer than its own largest radius: the field's slope stays below 0.7.
    where, around = region_around(
        grid.lower, level.shape, grid.place.from_ct(lesion.center_ras), 1.3 * lesion.shape.largest_radius_mm() + 5
    )
    level_there, kind_there = level[where].copy(), kind[where].copy()
    if level_there.size == 0:
        return
    points = grid.place.to_ct(around + grid.place.from_ct(lesion.center_ras)) - lesion.center_ras
    if look is not None:
        lay_lesion(rng, level_there, kind_there, look, points)
    elif lesion.kind == CYST:
        lay_patch(level_there, kind_there, Patch("cyst", lesion.center_ras, lesion.shape, CYST_DB, 0.5), points)
    else:
        level_db, border_mm = (rng.uniform(4, 8), 1.0) if lesion.kind == HEMANGIOMA else (rng.uniform(2, 4), 3.0)
        lay_patch(
            level_there, kind_there, Patch(lesion.kind, lesion.center_ras, lesion.shape, level_db, border_mm), points
        )
    inside = outside[where] <= 0
    level[where][inside], kind[where][inside] = level_there[inside], kind_there[inside]


def _lay_surroundings(grid: _Grid, level: np.ndarray, kind: np.ndarray, outside: np.ndarray, capsule: Capsule) -> None:
    """The liver's surface, bright but for the part under the face, what lies beyond it, and the gallbladder."""
    x, y, z = (grid.lower[axis] + np.arange(grid.shape[axis]) * SPACING_MM for axis in range(3))
    under_face = z[None, None, :] - capsule.depth_of(x[:, None], y[None, :])[:, :, None] < _CLINGS_MM
    away = ~(under_face & (outside < _CLINGS_MM))
    # The vena cava and the trunks run beside the liver, too: they stay what they are.
    beyond = (outside > 0) & away & (kind != LUMEN)
    level[beyond] -= 7.0
    kind[beyond] = BEYOND
    level[beyond & (outside < 1.0)] = 15.0
    rows = grid.place.operation.patient.organ("gallbladder").ellipsoids
    points = grid.ct_points.reshape(-1, 3)
    from_bladder = np.min([outside_ellipsoid_of(row, points) for row in rows], axis=0)
    if from_bladder.min() < 0:
        bladder = grid.filled(from_bladder)
        wall, lumen = (np.abs(bladder) < 0.8) & (outside > -1), (bladder < -0.4) & (outside > -1)
        level[wall] = 6.0
        level[lumen], kind[lumen] = CYST_DB, CYST_KIND
