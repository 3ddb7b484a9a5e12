"""All that is simulated of one patient, as one folder: what was asked for, and what was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError
from ..files import write_volume
from ..values.progress import Progress
from .ct import CtSettings, scan
from .ct.dicom import date_after, write_dicom_series
from .laparoscope import draw_views, views_files, write_views
from .laparoscope.looks import draw_pictures
from .mr import MR_FILES, acquire_mr, write_mr
from .patient import PATIENT_FILES, Patient, at_date, draw_operation, draw_patient, write_patient
from .patient.export import LATER_FILES, TRANSFORMS_FILE, write_transforms
from .patient.follow_up import LAST_DATE
from .patient.moved import MovedPatient
from .tools import SCOPE_FILE, STYLUS_FILES, record_tools, write_tools
from .ultrasound.patient_sweep import SWEEP_FILES, PatientSweep, simulate_patient_sweep, write_patient_sweep

MOST_VIEWS = 1000


@dataclass(frozen=True)
class PatientRequest:
    """What is wanted of a patient.

    seed, date  number of the patient, and of the date, 0 for the first
    cts         CTs, each of another phase
    mr, sweep   whether there is an MR, and a tracked ultrasound sweep
    views       of a laparoscope, 0 to 1000
    """

    seed: int
    date: int = 0
    cts: tuple[CtSettings, ...] = ()
    mr: bool = False
    sweep: bool = False
    views: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigurationError(f"The patient's number is {self.seed}; it must be 0 or more.")
        if not 0 <= self.date <= LAST_DATE:
            raise ConfigurationError(f"The date is {self.date}; it must be from 0, the first, to {LAST_DATE}.")
        if not 0 <= self.views <= MOST_VIEWS:
            raise ConfigurationError(f"{self.views} views are not offered: choose 0 to {MOST_VIEWS}.")

    @property
    def files(self) -> list[str]:
        """Names of what will be written, but for the single slices of the DICOM series."""
        names = [*(PATIENT_FILES if self.date == 0 else LATER_FILES)]
        names += [f"ct/{ct.phase}.nrrd" for ct in self.cts] + ["ct/labels.nrrd"] * bool(self.cts)
        names += [*(MR_FILES if self.mr else ()), *(SWEEP_FILES if self.sweep else ())]
        names += STYLUS_FILES if self.sweep else ()
        names += [SCOPE_FILE] * bool(self.sweep and self.views)
        names += views_files(self.views) if self.views else []
        if (self.date or self.mr or self.views) and TRANSFORMS_FILE not in names:
            names.append(TRANSFORMS_FILE)
        return names


@dataclass(frozen=True, eq=False)
class SimulatedPatient:
    """The patient at the date, and the sweep where one was asked for."""

    patient: Patient
    sweep: PatientSweep | None


def simulate_patient(request: PatientRequest, folder: str | Path, progress: Progress | None = None) -> SimulatedPatient:
    """Simulate what was asked for and write it into `folder` (see PatientRequest.files).

    Raises FileFormatError when the disk refuses, ConfigurationError when no metastasis can be swept or seen.
    """
    folder, report = Path(folder), progress or (lambda share, text: None)
    report(0.0, "liver and vessels")
    patient = at_date(draw_patient(request.seed), request.date)
    write_patient(patient, folder, progress=progress)
    transforms: dict[str, np.ndarray] = {}
    if isinstance(patient, MovedPatient):
        transforms["FirstPatientToPatient"] = patient.posture.rigid
    for settings in request.cts:
        ct, labels = scan(patient, settings, progress)
        write_dicom_series(ct, folder / "ct" / settings.phase, patient.seed, settings.phase, date_after(patient.days))
        write_volume(ct, folder / "ct" / f"{settings.phase}.nrrd")
        write_volume(labels, folder / "ct" / "labels.nrrd")
    if request.mr:
        transforms |= write_mr(acquire_mr(patient, progress=progress), folder)
    recorded = None
    if request.sweep or request.views:
        operation = draw_operation(patient)
        transforms["PatientToReference"] = operation.patient_to_reference
    if request.sweep:
        recorded = simulate_patient_sweep(operation, progress=progress)
        write_patient_sweep(recorded, folder)
        transforms |= recorded.transforms
    views = None
    if request.views:
        views = draw_views(operation, request.views)
        report(0.0, "pictures of the laparoscope")
        write_views(views, draw_pictures(operation, views), folder)
        transforms["CameraToReference"] = views.camera_to_reference
    if request.sweep:
        transforms |= write_tools(record_tools(operation, None if views is None else views.camera_to_reference), folder)
    if transforms:
        write_transforms(transforms, folder)
    return SimulatedPatient(patient, recorded)
