"""The patient on the operating table: deformed, with a tracked sensor on the liver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ...geometry import invert_affine, transform_points
from ...values.triangles import surface_points, with_points
from ..lesion_shape import random_rotation
from .deformation import Deformation, draw_deformation
from .patient import Patient

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_AROUND_MM = 30.0


@dataclass(frozen=True, eq=False)
class Operation:
    """Where everything of a CT lies in the operation.

    deformation           of everything in the CT, in the patient's frame
    patient_to_reference  (4, 4) rigid, from the patient's frame to Reference, the tracked sensor on the liver
    """

    patient: Patient
    deformation: Deformation
    patient_to_reference: np.ndarray

    def ct_to_reference(self, points_ras: ArrayLike) -> np.ndarray:
        """(..., 3) where points of the CT (..., 3) lie in Reference."""
        return transform_points(self.patient_to_reference, self.deformation.to_operation(points_ras))

    def reference_to_ct(self, points: ArrayLike) -> np.ndarray:
        """(..., 3) which points of the CT lie at `points` (..., 3) of Reference."""
        return self.deformation.to_ct(transform_points(invert_affine(self.patient_to_reference), points))

    def in_reference(self, surface: vtkPolyData) -> vtkPolyData:
        """A surface of the CT as it lies in Reference."""
        return with_points(surface, self.ct_to_reference(surface_points(surface)))

    def displacements(self) -> tuple[np.ndarray, np.ndarray]:
        """(k, j, i, 3) float32 mm along R, A, S, and the (4, 4) ijk_to_ras of a grid around the liver of the CT."""
        return self.deformation.field(*grid_around(self.patient))


def grid_around(patient: Patient) -> tuple[np.ndarray, np.ndarray]:
    """The corners (3,) RAS mm of a box with 30 mm around the liver, in which displacements are given."""
    lower = patient.grid_origin_ras - _AROUND_MM
    return lower, lower + np.array(patient.outside_mm.shape[::-1]) - 1 + 2 * _AROUND_MM


def draw_operation(patient: Patient) -> Operation:
    """The operation of that patient: always the same one."""
    for_deformation, for_sensor = (
        np.random.default_rng(one) for one in np.random.SeedSequence(patient.seeds(20263)).spawn(2)
    )
    deformation = draw_deformation(for_deformation, surface_points(patient.surface), patient.ridge)
    patient_to_reference = np.eye(4)
    patient_to_reference[:3, :3] = random_rotation(for_sensor)
    # The sensor is fixed somewhere on the front of the liver.
    place = deformation.to_operation(patient.ridge[len(patient.ridge) // 2]) + for_sensor.uniform(-15.0, 15.0, 3)
    patient_to_reference[:3, 3] = -(patient_to_reference[:3, :3] * place).sum(axis=1)
    return Operation(patient, deformation, np.round(patient_to_reference, 9))
