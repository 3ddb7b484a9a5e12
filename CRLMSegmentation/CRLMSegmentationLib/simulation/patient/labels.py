"""The patient as voxels: for every voxel what it is made of, by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...compilation.jit import compiled
from ...values import Volume
from ..tubes import paint_tubes
from .implicit import outside_along, reach_along
from .lesions import PatientLesion
from .patient import Patient

# In the order in which they are laid, but for the last: where two overlap, the later one is seen.
NAMES = (
    "air", "skin", "fat", "muscle", "abdominal fat", "bowel", "lung", "heart", "spleen", "stomach", "colon", "kidney",
    "pancreas", "aorta", "bone", "vena cava", "gallbladder", "liver", "bile duct", "artery", "hepatic vein",
    "portal vein", "fat in the liver", "hemangioma", "cyst", "metastasis", "surgical clip",
    # Numbered last, as the others keep the numbers that they had; laid before the heart, which is the blood in it.
    "myocardium",
)  # fmt: skip
LABELS = {name: number for number, name in enumerate(NAMES)}
_TREES = {"bile": "bile duct", "artery": "artery", "hepatic": "hepatic vein", "portal": "portal vein"}
_LESIONS = {"fat": "fat in the liver", "hemangioma": "hemangioma", "cyst": "cyst", "metastasis": "metastasis"}


def patient_labels(
    patient: Patient, origin_ras: ArrayLike, spacing_mm: float, dimensions: Sequence[int] | np.ndarray
) -> Volume:
    """uint8 labels (see LABELS) on a grid along R, A, S: origin_ras (3,) mm is the center of its first voxel,
    `dimensions` are the numbers of voxels along i, j, k. A voxel is what its center lies in.
    """
    canvas = _Canvas(np.zeros(tuple(int(n) for n in dimensions)[::-1], dtype=np.uint8), origin_ras, float(spacing_mm))
    for organ in patient.organs:
        canvas.lay_ellipsoids(organ.ellipsoids, LABELS[organ.name])
        canvas.lay_tubes(organ.tubes, LABELS[organ.name])
    canvas.lay_tubes(patient.cava.tubes(), LABELS["vena cava"])
    canvas.lay_liver(patient, LABELS["liver"])
    for tree, name in _TREES.items():
        canvas.lay_tubes(patient.vessels.trees[tree].tubes(), LABELS[name])
    for lesion in patient.lesions:
        canvas.lay_lesion(patient, lesion, LABELS[_LESIONS[lesion.kind]])
    canvas.lay_tubes(patient.clips, LABELS["surgical clip"])
    matrix = np.diag([canvas.spacing, canvas.spacing, canvas.spacing, 1.0])
    matrix[:3, 3] = canvas.origin
    return Volume(canvas.labels, matrix)


class _Canvas:
    """Voxels that are painted on, thing after thing, each within its own block only."""

    def __init__(self, labels: np.ndarray, origin_ras: ArrayLike, spacing_mm: float):
        self.labels, self.origin, self.spacing = labels, np.asarray(origin_ras, dtype=np.float64), spacing_mm

    def lay_ellipsoids(self, rows: np.ndarray, number: int) -> None:
        for row in rows:
            reach = np.array([reach_along(row, direction) for direction in np.eye(3)])
            if (block := self._block(row[:3] - reach, row[:3] + reach)) is not None:
                _fill_ellipsoid(self.labels[block.slices], block.origin, self.spacing, row, number)

    def lay_tubes(self, tubes: np.ndarray, number: int) -> None:
        # Long trees in parts, so that a grid that shows a few branches pays for a few.
        for part in np.array_split(tubes, max(1, len(tubes) // 400)):
            if len(part) == 0:
                continue
            ends, widest = np.vstack([part[:, :3], part[:, 3:6]]), part[:, 6:8].max()
            block = self._block(ends.min(axis=0) - widest, ends.max(axis=0) + widest)
            if block is not None:
                distance = np.full(self.labels[block.slices].shape, 99.0, dtype=np.float32)
                paint_tubes(distance.transpose(2, 1, 0), block.origin, self.spacing, part, 0.0)
                self.labels[block.slices][distance < 0] = number

    def lay_liver(self, patient: Patient, number: int) -> None:
        lower = patient.grid_origin_ras
        block = self._block(lower, lower + np.array(patient.outside_mm.shape[::-1]) - 1)
        if block is not None:
            part = self.labels[block.slices]
            part[patient.shape.field_on_grid(block.origin, self.spacing, part.shape[::-1]) < 0] = number

    def lay_lesion(self, patient: Patient, lesion: PatientLesion, number: int) -> None:
        """What of it lies in the liver."""
        reach = lesion.shape.largest_radius_mm()
        block = self._block(lesion.center_ras - reach, lesion.center_ras + reach)
        if block is None:
            return
        part = self.labels[block.slices]
        axes = [
            block.origin[a] + np.arange(n) * self.spacing - lesion.center_ras[a] for a, n in enumerate(part.shape[::-1])
        ]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        inside = lesion.shape.radial_distance_mm(np.stack([x, y, z], axis=-1)) < 0
        part[inside & (patient.shape.field_on_grid(block.origin, self.spacing, part.shape[::-1]) < 0)] = number

    def _block(self, lower_ras: np.ndarray, upper_ras: np.ndarray) -> _Block | None:
        """The voxels from one corner to the other, and one more around; None when none of them is on the grid."""
        first = np.maximum(np.floor((lower_ras - self.origin) / self.spacing).astype(int) - 1, 0)
        last = np.minimum(np.ceil((upper_ras - self.origin) / self.spacing).astype(int) + 2, self.labels.shape[::-1])
        if (last <= first).any():
            return None
        i, j, k = (slice(int(first[a]), int(last[a])) for a in range(3))
        return _Block((k, j, i), self.origin + first * self.spacing)


@dataclass(frozen=True)
class _Block:
    """slices along k, j, i, and origin (3,) RAS mm of the first voxel."""

    slices: tuple[slice, slice, slice]
    origin: np.ndarray


@compiled
def _fill_ellipsoid(labels: np.ndarray, origin: np.ndarray, spacing: float, row: np.ndarray, number: int) -> None:
    count = labels.shape[2]
    x, y, z, outside = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    for i in range(count):
        x[i] = origin[0] + i * spacing
    for k in range(labels.shape[0]):
        z[:] = origin[2] + k * spacing
        for j in range(labels.shape[1]):
            y[:] = origin[1] + j * spacing
            outside_along(row, x, y, z, outside)
            for i in range(count):
                if outside[i] < 0.0:
                    labels[k, j, i] = number
