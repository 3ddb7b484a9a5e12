"""A patient from a seed: liver, vessels, lesions, neighbours and the curves on the liver, all in one frame.

The frame is the patient's own, RAS mm, with the vena cava through the origin. The same seed gives the same patient on
any machine. Nothing of it is a person: every number is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from . import lesions as lesions_module
from .couinaud import Planes, planes_of
from .lesions import PatientLesion, Room, VanishedLesion, draw_lesions
from .liver_shape import LiverShape, draw_liver_shape
from .organs import Organ, cava_tree, draw_organs
from .surface_curves import falciform_ligament, liver_surface, ridge
from .vessel_tree import Vessels, VesselTree
from .vessels import grow_vessels

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_MARGIN_MM = 8.0
_LARGE_VESSEL_MM = 2.2


@dataclass(frozen=True, eq=False)
class Patient:
    """One simulated patient, in RAS mm.

    outside_mm  (k, j, i) float32, how far outside of the liver, on a grid of 1 mm whose first voxel is at
                grid_origin_ras
    date, days  number of the date, 0 for the first, and days since then (see follow_up.py)
    vanished    lesions of earlier dates that are no more
    clips       (n, 8) surgical clips, tubes as those of vessels
    """

    seed: int
    shape: LiverShape
    planes: Planes
    vessels: Vessels
    lesions: list[PatientLesion]
    organs: list[Organ]
    cava: VesselTree
    grid_origin_ras: np.ndarray
    outside_mm: np.ndarray = field(repr=False)
    date: int = 0
    days: int = 0
    vanished: tuple[VanishedLesion, ...] = ()
    clips: np.ndarray = field(default_factory=lambda: np.zeros((0, 8)))

    @cached_property
    def surface(self) -> vtkPolyData:
        """vtkPolyData, closed: the liver."""
        return liver_surface(self.grid_origin_ras, self.outside_mm)

    @cached_property
    def ridge(self) -> np.ndarray:
        """(n, 3): the lower border in front, from right to left."""
        return ridge(self.shape, self.surface)

    @cached_property
    def falciform_ligament(self) -> np.ndarray:
        """(n, 3): from the fissure to the vena cava."""
        return falciform_ligament(self.shape, self.planes, self.surface)

    def organ(self, name: str) -> Organ:
        """The neighbour of that name; the first of several."""
        return next(organ for organ in self.organs if organ.name == name)

    def seeds(self, room: int) -> list[int]:
        """For a SeedSequence: of one part of the simulation, of this patient, at this date."""
        return [room, self.seed] if self.date == 0 else [room, self.seed, self.date]

    @property
    def metastases(self) -> list[PatientLesion]:
        return [lesion for lesion in self.lesions if lesion.kind == lesions_module.METASTASIS]

    @property
    def liver_ml(self) -> float:
        """Volume of the liver, its vessels and lesions included, as counted on the grid."""
        return float((self.outside_mm < 0).sum() / 1000)


def draw_patient(seed: int) -> Patient:
    """The patient of that number. Raises ConfigurationError when it is below 0."""
    if seed < 0:
        raise ConfigurationError(f"The patient's number is {seed}; it must be 0 or more.")
    # Each part has random numbers of its own, so that a change of one leaves the others as they are.
    for_shape, for_vessels, for_lesions, for_organs = (
        np.random.default_rng(one) for one in np.random.SeedSequence([20261, seed]).spawn(4)
    )
    shape = draw_liver_shape(for_shape)
    planes = planes_of(shape)
    origin, dimensions = _grid_around(shape)
    outside = shape.field_on_grid(origin, 1.0, dimensions)
    vessels = grow_vessels(for_vessels, shape, planes, origin, outside)
    lesions = draw_lesions(for_lesions, room_in_liver(origin, outside, vessels))
    inside = np.argwhere(outside < 0)[:, ::-1]
    organs = draw_organs(for_organs, shape, origin + inside.min(axis=0), origin + inside.max(axis=0))
    return Patient(seed, shape, planes, vessels, lesions, organs, cava_tree(shape), origin, outside)


def room_in_liver(origin_ras: np.ndarray, outside_mm: np.ndarray, vessels: Vessels) -> Room:
    """Where lesions fit. outside_mm (k, j, i) on a grid of 1 mm from origin_ras (3,)."""
    tubes = np.concatenate([tree.tubes() for tree in vessels.trees.values()])
    return Room(origin_ras, outside_mm, tubes[tubes[:, 7] > _LARGE_VESSEL_MM])


def _grid_around(shape: LiverShape) -> tuple[np.ndarray, np.ndarray]:
    """Origin (3,) and numbers of voxels (3,) of a grid of 1 mm with a margin around the liver."""
    step, first = 6.0, np.array([-180.0, -90.0, -180.0])
    coarse = shape.field_on_grid(first, step, [61, 51, 61])
    inside = np.argwhere(coarse < step)[:, ::-1]
    lower = np.floor(first + inside.min(axis=0) * step - _MARGIN_MM)
    upper = np.ceil(first + inside.max(axis=0) * step + _MARGIN_MM)
    return lower, (upper - lower).astype(int) + 1
