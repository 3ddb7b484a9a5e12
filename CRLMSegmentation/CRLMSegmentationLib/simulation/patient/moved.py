"""A patient who lies otherwise: the same liver, vessels, lesions and neighbours, carried by a posture.

Shapes are carried by looking where a point came from; vessels and surfaces by moving their points. A lesion is stiffer
than the liver: it is moved and turned, and keeps its form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ...compilation.jit import compiled
from ...geometry import corners_of_extent
from ...values.triangles import surface_points, with_points
from .couinaud import Planes
from .lesions import PatientLesion
from .liver_shape import LiverShape, liver_along
from .organs import Organ
from .patient import Patient
from .posture import Carrier, OneAfterAnother, Posture
from .vessel_tree import Vessels, VesselTree

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

# Where a point came from is worked out on a grid of this step and interpolated: good to 0.05 mm.
_COARSE_MM = 6.0
_MARGIN_MM = 8.0
# These are turned and shifted with the table, and do not breathe.
_STIFF = ("skin", "fat", "muscle", "abdominal fat", "bone")


@dataclass(frozen=True, eq=False, kw_only=True)
class MovedShape(LiverShape):
    """A liver carried by a posture; the other fields are those of the liver before."""

    posture: Carrier

    def field_on_grid(
        self, origin_ras: ArrayLike, step_mm: float, dimensions: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        origin, shape = np.asarray(origin_ras, dtype=np.float64), tuple(int(n) for n in dimensions)
        count = [max(2, int(np.ceil((n - 1) * step_mm / _COARSE_MM)) + 1) for n in shape]
        axes = [origin[axis] + np.arange(count[axis]) * _COARSE_MM for axis in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        came_from = self.posture.back(np.stack([x, y, z], axis=-1))
        field = np.empty(shape[::-1], dtype=np.float32)
        _fill_carried(field, float(step_mm), came_from, _COARSE_MM, *self._numbers)
        return field

    def cava_axis_ras(self, z_mm: ArrayLike) -> np.ndarray:
        return self.posture.there(super().cava_axis_ras(z_mm))

    def center_of(self, part: str) -> np.ndarray:
        return self.posture.there(super().center_of(part))

    def _fields(self, points: ArrayLike) -> np.ndarray:
        return super()._fields(self.posture.back(points))


@dataclass(frozen=True, eq=False, kw_only=True)
class MovedPlanes(Planes):
    """Planes between segments, carried by a posture; the other fields are those of the liver before."""

    posture: Carrier

    def segments(self, points: ArrayLike) -> np.ndarray:
        return super().segments(self.posture.back(points))


@dataclass(frozen=True, eq=False, kw_only=True)
class MovedPatient(Patient):
    """A patient as carried by a posture.

    still    the patient before
    posture  from the frame of `still` to this patient's own frame
    """

    still: Patient
    posture: Posture

    @cached_property
    def surface(self) -> vtkPolyData:
        """vtkPolyData, closed: the liver; its points are those of the liver before, in their order."""
        return with_points(self.still.surface, self.posture.there(surface_points(self.still.surface)))

    @cached_property
    def ridge(self) -> np.ndarray:
        """(n, 3): the lower border in front, from right to left."""
        return self.posture.there(self.still.ridge)

    @cached_property
    def falciform_ligament(self) -> np.ndarray:
        """(n, 3): from the fissure to the vena cava."""
        return self.posture.there(self.still.falciform_ligament)


def moved(patient: Patient, posture: Posture) -> MovedPatient:
    """The patient carried by `posture`, in the frame to which it leads."""
    so_far = patient.shape.posture if isinstance(patient.shape, MovedShape) else None
    whole = posture if so_far is None else OneAfterAnother(so_far, posture)
    shape = MovedShape(**{**_fields_of(patient.shape), "posture": whole})
    planes = MovedPlanes(**{**_fields_of(patient.planes), "posture": whole})
    extent = np.array(patient.outside_mm.shape[::-1]) - 1
    corners = posture.there(corners_of_extent(patient.grid_origin_ras, patient.grid_origin_ras + extent))
    lower, upper = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    outside = shape.field_on_grid(lower, 1.0, (upper - lower).astype(int) + 1)
    inside = np.argwhere(outside < 0)[:, ::-1]
    first = np.maximum(inside.min(axis=0) - int(_MARGIN_MM), 0)
    last = inside.max(axis=0) + int(_MARGIN_MM) + 1
    carried = {
        **_fields_of(patient),
        "shape": shape,
        "planes": planes,
        "vessels": Vessels(
            {name: _tree(tree, posture) for name, tree in patient.vessels.trees.items()}, patient.vessels.unreached
        ),
        "lesions": [_lesion(lesion, posture) for lesion in patient.lesions],
        "organs": [_organ(organ, posture) for organ in patient.organs],
        "cava": _tree(patient.cava, posture),
        "clips": _tubes(patient.clips, posture),
        "vanished": tuple(replace(one, center_ras=posture.there(one.center_ras)) for one in patient.vanished),
        "grid_origin_ras": lower + first,
        "outside_mm": outside[first[2] : last[2], first[1] : last[1], first[0] : last[0]].copy(),
        "still": patient,
        "posture": posture,
    }
    return MovedPatient(**carried)


def _fields_of(value: LiverShape | Planes | Patient) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _tree(tree: VesselTree, posture: Posture) -> VesselTree:
    return VesselTree(posture.there(tree.points_ras), tree.parent, tree.radius_mm, tree.straight)


def _tubes(tubes: np.ndarray, posture: Posture) -> np.ndarray:
    return np.column_stack([posture.there(tubes[:, :3]), posture.there(tubes[:, 3:6]), tubes[:, 6:]])


def _lesion(lesion: PatientLesion, posture: Posture) -> PatientLesion:
    shape = replace(
        lesion.shape,
        axes=posture.turned(lesion.shape.axes),
        bump_directions=posture.turned(lesion.shape.bump_directions),
    )
    return replace(lesion, center_ras=np.round(posture.there(lesion.center_ras), 4), shape=shape)


def _organ(organ: Organ, posture: Posture) -> Organ:
    if organ.name in _STIFF:
        posture = Posture(replace(posture.breathing, pushes=np.zeros((0, 7))), posture.rigid)
    rows = organ.ellipsoids.copy()
    rows[:, :3] = posture.there(rows[:, :3])
    rows[:, 6:] = posture.turned(rows[:, 6:].reshape(-1, 3, 3)).reshape(-1, 9)
    return Organ(organ.name, rows, _tubes(organ.tubes, posture))


@compiled
def _fill_carried(
    field: np.ndarray,
    step: float,
    came_from: np.ndarray,
    coarse: float,
    rows: np.ndarray,
    plane: np.ndarray,
    cava: np.ndarray,
    scale: float,
) -> None:
    """liver_along() at the points of a grid, whose origins are interpolated in `came_from` (k, j, i, 3), whose first
    point is the grid's.
    """
    count = field.shape[2]
    places, away, fields = np.empty((3, count)), np.empty((len(rows), count)), np.empty((3, count))
    for k in range(field.shape[0]):
        z = k * step / coarse
        c = min(int(z), came_from.shape[0] - 2)
        z -= c
        for j in range(field.shape[1]):
            y = j * step / coarse
            b = min(int(y), came_from.shape[1] - 2)
            y -= b
            for i in range(count):
                x = i * step / coarse
                a = min(int(x), came_from.shape[2] - 2)
                x -= a
                for n in range(3):
                    below = (came_from[c, b, a, n] * (1 - x) + came_from[c, b, a + 1, n] * x) * (1 - y) + (
                        came_from[c, b + 1, a, n] * (1 - x) + came_from[c, b + 1, a + 1, n] * x
                    ) * y
                    above = (came_from[c + 1, b, a, n] * (1 - x) + came_from[c + 1, b, a + 1, n] * x) * (1 - y) + (
                        came_from[c + 1, b + 1, a, n] * (1 - x) + came_from[c + 1, b + 1, a + 1, n] * x
                    ) * y
                    places[n, i] = below * (1 - z) + above * z
            liver_along(places, rows, plane, cava, scale, away, fields)
            field[k, j] = fields[0]
