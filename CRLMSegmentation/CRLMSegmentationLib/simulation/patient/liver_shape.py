"""The liver's outside: a body under the diaphragm (right lobe, its lower end, left lobe), cut by the visceral surface
with the impressions of stomach, right kidney and colon, the fossa of the gallbladder, the groove of the vena cava and
the fissure of the round ligament; the caudate lobe beside the vena cava.

The frame is the patient's, RAS mm: x to the right, y to the front, z to the head; the vena cava runs through
(0, 0, z). Extents and volumes are those of adults: 1.0 to 2.2 L (mean 1.5, Heinemann et al., Liver Transpl Surg
1999), 20 to 23 cm from side to side, 15 to 20 cm from top to bottom in the right lobe.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...compilation.jit import compiled
from .implicit import ELLIPSOID_NUMBERS, common, ellipsoid, joined, outside_along, reach_along, turned

SMALLEST_ML, LARGEST_ML = 1000.0, 2200.0
_MEAN_ML, _SPREAD_ML = 1500.0, 280.0
_RIGHT, _LOWER_END, _LEFT, _STOMACH, _KIDNEY, _COLON, _CAUDATE, _FOSSA, _FISSURE = range(9)
_PARTS = {
    "stomach": _STOMACH, "kidney": _KIDNEY, "colon": _COLON, "caudate": _CAUDATE, "gallbladder": _FOSSA,
    "fissure": _FISSURE,
}  # fmt: skip
_CAVA_RADIUS_MM = 12.0
# Half edge of the grid on which the volume is measured when the shape is brought to size, and its step.
_HALF_MM, _STEP_MM = 180.0, 4.0


@dataclass(frozen=True, eq=False)
class LiverShape:
    """A liver of one patient.

    ellipsoids  (9, 15) float64, see implicit.ellipsoid, before scaling
    plane       (4,) float64: unit normal of the visceral surface's plane, outward, and its distance from the origin
    cava        (4,) float64: the vena cava's axis is (x, y + lean z), with x, y, lean; and its radius
    scale       lengths of all the above are multiplied by it
    """

    ellipsoids: np.ndarray
    plane: np.ndarray
    cava: np.ndarray
    scale: float

    def outside_mm(self, points: ArrayLike) -> np.ndarray:
        """(n,) float64: how far `points` (n, 3) RAS mm lie outside of the liver, nearly; negative inside."""
        return self._fields(points)[:, 0]

    def dome_and_visceral_mm(self, points: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """(n,) each: how far outside of the body under the diaphragm, and beyond the visceral surface; at the ridge,
        the liver's sharp lower border, both are 0.
        """
        fields = self._fields(points)
        return fields[:, 1], fields[:, 2]

    def field_on_grid(
        self, origin_ras: ArrayLike, step_mm: float, dimensions: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        """(k, j, i) float32 of outside_mm at origin + step (i, j, k); `dimensions` are numbers of points along
        i, j, k.
        """
        field = np.empty(tuple(int(n) for n in dimensions)[::-1], dtype=np.float32)
        _fill(field, np.asarray(origin_ras, dtype=np.float64), float(step_mm), *self._numbers)
        return field

    def cava_axis_ras(self, z_mm: ArrayLike) -> np.ndarray:
        """(n, 3) RAS mm: where the vena cava's axis is at heights `z_mm` (n,)."""
        z = np.asarray(z_mm, dtype=np.float64)
        x, y, lean = self.cava[0] * self.scale, self.cava[1] * self.scale, self.cava[2]
        return np.stack([np.full_like(z, x), y + lean * z, z], axis=-1)

    def center_of(self, part: str) -> np.ndarray:
        """(3,) RAS mm of the middle of 'stomach', 'kidney', 'colon', 'caudate', 'gallbladder' or 'fissure'."""
        row = _PARTS[part]
        return self.ellipsoids[row, :3] * self.scale

    @property
    def _numbers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        return self.ellipsoids, self.plane, self.cava, self.scale

    def _fields(self, points: ArrayLike) -> np.ndarray:
        places = np.array(np.asarray(points, dtype=np.float64).reshape(-1, 3).T, order="C")
        fields = np.empty(places.shape)
        liver_along(places, *self._numbers, np.empty((len(self.ellipsoids), places.shape[1])), fields)
        return fields.T


def draw_liver_shape(rng: np.random.Generator) -> LiverShape:
    """A liver of the population above."""

    def about(*values: float, spread: float) -> list[float]:
        return [value + spread * rng.uniform(-1, 1) for value in values]

    target_ml = float(np.clip(_MEAN_ML + _SPREAD_ML * rng.standard_normal(), SMALLEST_ML + 40, LARGEST_ML - 40))
    rows = np.zeros((9, ELLIPSOID_NUMBERS))
    rows[_RIGHT] = ellipsoid(
        about(48, 44, 4, spread=4), about(64, 80, 84, spread=5), turned(0, about(-0.10, spread=0.05)[0])
    )
    rows[_LOWER_END] = ellipsoid(
        about(56, 58, -48, spread=7), about(40, 56, 60, spread=7), turned(0, about(-0.09, spread=0.07)[0])
    )
    rows[_LEFT] = ellipsoid(
        about(-34, 84, 30, spread=6), about(86, 48, 36, spread=6),
        turned(1, about(-0.12, spread=0.05)[0]) @ turned(2, about(0.09, spread=0.05)[0]),
    )  # fmt: skip
    normal = np.array(about(-0.52, -0.52, -0.68, spread=0.05))
    normal /= np.sqrt((normal * normal).sum())
    plane = np.concatenate([normal, about(-16, spread=4)])
    # How deep each neighbour presses into the plane of the visceral surface, and where.
    for row, place, radii, depth, axes in (
        (_STOMACH, about(-62, 30, spread=6), about(64, 66, 54, spread=5), about(22, spread=5)[0], np.eye(3)),
        (_KIDNEY, about(52, -14, spread=5), about(36, 36, 56, spread=4), about(9, spread=3)[0], turned(0, 0.12)),
        (_COLON, about(34, 74, spread=6), about(46, 36, 42, spread=4), about(9, spread=3)[0], np.eye(3)),
        (_FOSSA, about(26, 72, spread=4), about(14, 31, 15, spread=2), about(6, spread=2)[0], turned(0, -0.32)),
    ):
        rows[row] = _pressed(place, radii, axes, plane, depth)
    rows[_CAUDATE] = ellipsoid(about(0, 18, 14, spread=3), about(24, 20, 34, spread=3))
    notch = about(-14, 112, -14, spread=4)
    rows[_FISSURE] = ellipsoid(notch, [about(3.5, spread=1)[0], 32, 24], turned(0, -0.3))
    cava = np.array([0.0, 0.0, about(0.10, spread=0.04)[0], _CAVA_RADIUS_MM + about(0, spread=2)[0]])
    unscaled = LiverShape(rows, plane, cava, 1.0)
    count = int(2 * _HALF_MM / _STEP_MM) + 1
    field = unscaled.field_on_grid([-_HALF_MM + 20, -_HALF_MM + 60, -_HALF_MM], _STEP_MM, [count] * 3)
    volume_ml = int((field < 0).sum()) * _STEP_MM**3 / 1000
    # Rounded, since a cube root may differ in its last digit between machines.
    return LiverShape(rows, plane, cava, round((target_ml / volume_ml) ** (1 / 3), 6))


def _pressed(
    place_xy: Sequence[float], radii: Sequence[float], axes: np.ndarray, plane: np.ndarray, depth_mm: float
) -> np.ndarray:
    """An ellipsoid beyond the visceral plane that presses `depth_mm` into it above the place (x, y)."""
    normal, distance = plane[:3], plane[3]
    x, y = place_xy
    z = (distance - normal[0] * x - normal[1] * y) / normal[2]
    row = ellipsoid([x, y, z], radii, axes)
    row[:3] += normal * (reach_along(row, normal) - depth_mm)
    return row


@compiled
def liver_along(
    places: np.ndarray, rows: np.ndarray, plane: np.ndarray, cava: np.ndarray, scale: float,
    away: np.ndarray, fields: np.ndarray,
) -> None:  # fmt: skip
    """Write into `fields` (3, n), for n places, how far outside of the liver they are, of the body under the diaphragm,
    and beyond the visceral surface; mm.

    places (3, n) float64 are changed: they become those of the unscaled liver. away (9, n) is room to work in. Each
    loop does one thing to all places, so that several of them are computed at a time.
    """
    x, y, z = places[0], places[1], places[2]
    for n in range(len(x)):
        x[n], y[n], z[n] = x[n] / scale, y[n] / scale, z[n] / scale
    for part in range(rows.shape[0]):
        outside_along(rows[part], x, y, z, away[part])
    body_along, dome_along, visceral_along = fields[0], fields[1], fields[2]
    for n in range(len(x)):
        dome = joined(away[0, n], away[2, n], 40.0)
        dome = joined(dome, away[1, n], 45.0)
        visceral = x[n] * plane[0] + y[n] * plane[1] + z[n] * plane[2] - plane[3]
        visceral = common(visceral, -away[3, n], 16.0)
        visceral = common(visceral, -away[4, n], 14.0)
        visceral = common(visceral, -away[5, n], 16.0)
        caudate = common(away[6, n], dome, 4.0)
        body = joined(common(dome, visceral, 5.0), caudate, 14.0)
        body = common(body, -away[7, n], 7.0)
        body = common(body, -away[8, n], 4.0)
        across, along = x[n] - cava[0], y[n] - cava[1] - cava[2] * z[n]
        tube = math.sqrt(across * across + along * along) - cava[3]
        body = common(body, -tube, 6.0)
        body_along[n], dome_along[n], visceral_along[n] = body * scale, dome * scale, visceral * scale


@compiled
def _fill(
    field: np.ndarray,
    origin: np.ndarray,
    step: float,
    rows: np.ndarray,
    plane: np.ndarray,
    cava: np.ndarray,
    scale: float,
) -> None:
    count = field.shape[2]
    places, away, fields = np.empty((3, count)), np.empty((len(rows), count)), np.empty((3, count))
    for k in range(field.shape[0]):
        for j in range(field.shape[1]):
            for i in range(count):
                places[0, i], places[1, i], places[2, i] = (
                    origin[0] + i * step, origin[1] + j * step, origin[2] + k * step,
                )  # fmt: skip
            liver_along(places, rows, plane, cava, scale, away, fields)
            field[k, j] = fields[0]
