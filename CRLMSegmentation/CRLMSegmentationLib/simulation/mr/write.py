"""An MR of a simulated patient as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...files import write_displacements, write_volume
from ..patient.operation import grid_around
from .scanner import MrScan

MR_FILES = ("mr.nrrd", "mr_labels.nrrd", "mr_deformation.nrrd")


def write_mr(scan: MrScan, folder: str | Path) -> dict[str, np.ndarray]:
    """Write MR_FILES into `folder`: the volume, its labels on the same grid, and where each point of the CT lies in the
    MR, as an ITK displacement field (all of it: breathing, then the rigid part).

    Returns what transforms.json says of it: PatientToMr, the rigid part.
    """
    folder = Path(folder)
    write_volume(scan.mr, folder / "mr.nrrd")
    write_volume(scan.labels, folder / "mr_labels.nrrd")
    write_displacements(*scan.posture.field(*grid_around(scan.patient.still)), folder / "mr_deformation.nrrd")
    return {"PatientToMr": scan.posture.rigid}
