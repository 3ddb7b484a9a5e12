"""A patient as files that other programs open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import FileFormatError
from ...files import write_displacements, write_surface, write_volume
from ...files.whole_file import written_whole
from ...values import Volume
from ...values.progress import Progress
from ...values.triangles import surface_points
from ..tubes import paint_tubes
from .deformation import Deformation
from .labels import LABELS, patient_labels
from .lesions import PatientLesion
from .moved import MovedPatient
from .operation import Operation, draw_operation, grid_around
from .patient import Patient
from .posture import Posture
from .surface_curves import surface_at_zero
from .vessel_tree import VesselTree

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

LABELS_FILE, CURVES_FILE, PARAMETERS_FILE, SURFACES_FOLDER = "labels.nrrd", "curves.json", "parameters.json", "surfaces"
DEFORMATION_FILE, TRANSFORMS_FILE, POSTURE_FILE = "deformation.nrrd", "transforms.json", "posture.nrrd"
SURFACES = ("liver", "portal", "hepatic", "artery", "bile", "lesions")
PATIENT_FILES = (
    LABELS_FILE, CURVES_FILE, DEFORMATION_FILE, PARAMETERS_FILE, *(f"{SURFACES_FOLDER}/{name}.vtp" for name in SURFACES)
)  # fmt: skip
# With a later date than the first.
LATER_FILES = (*PATIENT_FILES, POSTURE_FILE)
# Thin vessels need a finer grid than the liver.
_VESSEL_STEP_MM = 0.6
_AROUND_MM = 30.0


def write_patient(
    patient: Patient, folder: str | Path, spacing_mm: float = 1.0, progress: Progress | None = None
) -> Path:
    """Write PATIENT_FILES, of a later date LATER_FILES, into `folder`, made when it is not there, and return it.

    labels.nrrd      uint8 voxels of spacing_mm, the liver with 30 mm around it; numbers in parameters.json
    surfaces/*.vtp   closed surfaces, RAS mm
    curves.json      ridge and falciform ligament, points (n, 3) in RAS mm
    deformation.nrrd displacement of every point from the CT to the operation, as an ITK displacement field
    posture.nrrd     the same from the CT of date 0 to the CT of this date
    parameters.json  what was drawn: seed, date, volumes, segments, lesions, vanished ones; and that it is simulated
    progress         called with (share, text)
    Raises FileFormatError when the disk refuses.
    """
    folder = Path(folder)
    report = progress or (lambda share, text: None)
    try:
        (folder / SURFACES_FOLDER).mkdir(parents=True, exist_ok=True)
        report(0.1, "labels")
        lower = patient.grid_origin_ras - _AROUND_MM
        extent = np.array(patient.outside_mm.shape[::-1]) - 1 + 2 * _AROUND_MM
        labels = patient_labels(patient, lower, spacing_mm, np.floor(extent / spacing_mm).astype(int) + 1)
        write_volume(labels, folder / LABELS_FILE)
        for number, name in enumerate(SURFACES):
            report(0.3 + 0.6 * number / len(SURFACES), f"surface of {name}")
            write_surface(surface_of(patient, name), folder / SURFACES_FOLDER / f"{name}.vtp")
        curves = {"ridge": patient.ridge, "falciform_ligament": patient.falciform_ligament}
        text = {
            "coordinate_system": "RAS",
            "unit": "mm",
            **{name: line.round(3).tolist() for name, line in curves.items()},
        }
        (folder / CURVES_FILE).write_text(json.dumps(text, indent=1, allow_nan=False), encoding="utf-8")
        operation = draw_operation(patient)
        write_displacements(*operation.displacements(), folder / DEFORMATION_FILE)
        if isinstance(patient, MovedPatient):
            write_displacements(*patient.posture.field(*grid_around(patient.still)), folder / POSTURE_FILE)
        (folder / PARAMETERS_FILE).write_text(
            json.dumps(
                {**parameters(patient, labels), "deformation": _deformation_parameters(operation)},
                indent=1,
                allow_nan=False,
            ),
            encoding="utf-8",
        )
    except OSError as error:
        raise FileFormatError(f"The patient cannot be written into {folder} ({error.strerror or error}).") from None
    return folder


def write_transforms(transforms: dict[str, np.ndarray], folder: str | Path) -> None:
    """Write transforms.json: name (as PLUS names them) to a (4, 4), or one for each frame or view; RAS, mm.

    Raises FileFormatError when the disk refuses.
    """
    text = {"coordinate_system": "RAS", "unit": "mm", **{name: matrix.tolist() for name, matrix in transforms.items()}}
    with written_whole(Path(folder) / TRANSFORMS_FILE) as place:
        place.write_text(json.dumps(text, allow_nan=False), encoding="utf-8")


def parameters(patient: Patient, labels: Volume) -> dict[str, Any]:
    """What parameters.json says."""
    inside = np.argwhere(patient.outside_mm < 0)[:, ::-1]
    segments = np.bincount(patient.planes.segments(patient.grid_origin_ras + inside), minlength=9)
    return {
        "simulated": True,
        "seed": patient.seed,
        "date": {"number": patient.date, "days": patient.days},
        "liver_ml": round(patient.liver_ml, 1),
        "segments_ml": {str(number): round(float(segments[number]) / 1000, 1) for number in range(1, 9)},
        "labels": LABELS,
        "labels_ml": {
            name: round(float((labels.voxels == number).sum() * labels.voxel_volume_mm3 / 1000), 2)
            for name, number in LABELS.items()
        },
        "lesions": [
            {
                "identity": lesion.identity,
                "new": patient.date > 0 and lesion.first_date == patient.date,
                "kind": lesion.kind,
                "center_ras_mm": lesion.center_ras.tolist(),
                "volume_ml": round(lesion.shape.volume_ml(), 4),
                "volume_in_liver_ml": round(volume_in_liver_ml(patient, lesion), 3),
                "equivalent_diameter_mm": round(lesion.equivalent_diameter_mm, 2),
                "longest_diameter_mm": round(lesion.shape.longest_diameter_mm(), 2),
                "place": lesion.place,
                "segment": int(patient.planes.segments(lesion.center_ras[None])[0]),
            }
            for lesion in patient.lesions
        ],
        "new": [one.identity for one in patient.lesions if 0 < patient.date == one.first_date],
        "vanished": [
            {
                "identity": one.identity,
                "kind": one.kind,
                "center_ras_mm": one.center_ras.tolist(),
                "last_date": one.last_date,
                "how": one.how,
            }
            for one in patient.vanished
        ],
        "clips_ras_mm": patient.clips.tolist(),
        **({"posture": posture_parameters(patient.posture)} if isinstance(patient, MovedPatient) else {}),
        "vessels": {
            name: {
                "branches_end": int(len(tree.ends)),
                "length_mm": round(float(_lengths(tree).sum()), 1),
                "thickest_mm": round(2 * float(tree.radius_mm.max()), 2),
                "thinnest_mm": round(2 * float(tree.radius_mm.min()), 2),
                "unreached_share": round(patient.vessels.unreached[name], 4),
            }
            for name, tree in patient.vessels.trees.items()
        },
    }


def volume_in_liver_ml(patient: Patient, lesion: PatientLesion) -> float:
    """What of a lesion lies in the liver, and so in the labels: one at the capsule may reach beyond. Counted."""
    reach = lesion.shape.largest_radius_mm()
    step = max(0.5, reach / 25)
    axis = np.arange(-reach, reach + step, step) + step / 3
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[lesion.shape.radial_distance_mm(points) < 0]
    return float((patient.shape.outside_mm(lesion.center_ras + points) < 0).sum() * step**3 / 1000)


def posture_parameters(posture: Posture) -> dict[str, Any]:
    """A posture: first breathing, then the rigid part."""
    return {"breathing": _pushes(posture.breathing), "rigid": posture.rigid.tolist()}


def _pushes(deformation: Deformation) -> list[dict[str, Any]]:
    return [
        {"center_ras_mm": row[:3], "reach_mm": row[3], "displacement_mm": row[4:]}
        for row in deformation.pushes.tolist()
    ]


def _deformation_parameters(operation: Operation) -> dict[str, Any]:
    """How far the liver's surface moved, and the pushes that moved it."""
    moved = operation.deformation.displacements_mm(surface_points(operation.patient.surface))
    length = np.sqrt((moved**2).sum(axis=1))
    return {
        "mean_at_surface_mm": round(float(length.mean()), 2),
        "largest_at_surface_mm": round(float(length.max()), 2),
        "pushes": _pushes(operation.deformation),
    }


def _lengths(tree: VesselTree) -> np.ndarray:
    tubes = tree.tubes()
    lengths: np.ndarray = np.sqrt(((tubes[:, 3:6] - tubes[:, :3]) ** 2).sum(axis=1))
    return lengths


def surface_of(patient: Patient, name: str) -> vtkPolyData:
    """vtkPolyData, RAS mm: one of SURFACES."""
    if name == "liver":
        return patient.surface
    if name == "lesions":
        return _lesion_surface(patient)
    tubes = patient.vessels.trees[name].tubes()
    widest = tubes[:, 6:8].max() + 2 * _VESSEL_STEP_MM
    ends = np.vstack([tubes[:, :3], tubes[:, 3:6]])
    lower = ends.min(axis=0) - widest
    count = np.ceil((ends.max(axis=0) + widest - lower) / _VESSEL_STEP_MM).astype(int) + 1
    distance = np.full(tuple(count[::-1]), 2 * _VESSEL_STEP_MM, dtype=np.float32)
    paint_tubes(distance.transpose(2, 1, 0), lower, _VESSEL_STEP_MM, tubes, 2 * _VESSEL_STEP_MM)
    return surface_at_zero(distance, lower, _VESSEL_STEP_MM)


def _lesion_surface(patient: Patient) -> vtkPolyData:
    """All lesions as one vtkPolyData of closed parts."""
    from vtkmodules.vtkFiltersCore import vtkAppendPolyData

    together = vtkAppendPolyData()
    for lesion in patient.lesions:
        step = max(0.4, lesion.equivalent_diameter_mm / 40)
        reach = lesion.shape.largest_radius_mm() + 2 * step
        axis = np.arange(-reach, reach + step, step)
        z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
        distance = lesion.shape.radial_distance_mm(np.stack([x, y, z], axis=-1)).astype(np.float32)
        together.AddInputData(surface_at_zero(distance, lesion.center_ras - reach, step))
    together.Update()
    surfaces: vtkPolyData = together.GetOutput()
    return surfaces
