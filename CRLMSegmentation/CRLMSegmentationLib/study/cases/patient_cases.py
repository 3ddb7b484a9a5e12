"""Sweeps over simulated patients as cases of a study: the same tasks as on the slabs of population.py, in whole livers.

Seeds were fixed before any model was tried on them, and lie apart from those of the slabs (all below 10,000), of the
checks (0 to 1,000) and of the documentation (0 to 12). The test seeds are for the final evaluation alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigurationError
from ...values.progress import Progress
from ..study_folder import StudyFolder
from ..workers import for_each
from .case_table import TEST, TRAINING, VALIDATION, CaseRow, write_case_table

TEST_PATIENTS = range(30000, 30025)
TRAINING_PATIENTS = range(31000, 31080)
VALIDATION_PATIENTS = range(32000, 32010)


@dataclass(frozen=True)
class PatientPopulation:
    """Seeds of each part, and how many frames a sweep has (None: drawn from the seed, 38 to 95)."""

    training: Sequence[int] = TRAINING_PATIENTS
    validation: Sequence[int] = VALIDATION_PATIENTS
    test: Sequence[int] = TEST_PATIENTS
    frames: int | None = None


# What the models that were trained on slabs are tried on.
TEST_ONLY = PatientPopulation(training=(), validation=())


@dataclass(frozen=True)
class _Job:
    seed: int
    split: str
    folder: Path
    frames: int | None

    @property
    def name(self) -> str:
        return f"patient{self.seed}"

    @property
    def here(self) -> Path:
        return self.folder / self.name

    @property
    def is_done(self) -> bool:
        return (self.here / _DONE).is_file()


# Written last.
_DONE = "sweep.json"


def simulate_patient_cases(
    folder: StudyFolder,
    population: PatientPopulation = TEST_ONLY,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[CaseRow]:
    """Simulate what is not there yet and write the table of cases; returns its rows, paths absolute.

    The tumor of a case is the metastasis over which its sweep was made; other metastases may lie in the same sweep.
    Raises ConfigurationError when a case cannot be simulated.
    """
    parts = ((TRAINING, population.training), (VALIDATION, population.validation), (TEST, population.test))
    jobs = [
        _Job(seed, split, Path(folder.cases).resolve(), population.frames) for split, seeds in parts for seed in seeds
    ]
    for outcome in for_each(_simulate, jobs, workers, scheduler, progress, "Simulating, patient"):
        if outcome.error:
            raise ConfigurationError(f"{jobs[outcome.number].name} cannot be simulated: {outcome.error}")
    rows = [_row(job) for job in jobs]
    write_case_table(rows, folder.table)
    return rows


def _simulate(job: _Job) -> None:
    from ...simulation.patient import draw_operation, draw_patient
    from ...simulation.ultrasound.patient_sweep import simulate_patient_sweep, write_patient_sweep
    from ...simulation.ultrasound.settings import SweepSettings

    if not job.is_done:
        operation = draw_operation(draw_patient(job.seed))
        recorded = simulate_patient_sweep(operation, sweep=SweepSettings(frames=job.frames))
        write_patient_sweep(recorded, job.here)


def _row(job: _Job) -> CaseRow:
    text = json.loads((job.here / _DONE).read_text(encoding="utf-8"))
    target = next(one for one in text["tumors"] if one["number"] == text["target"])
    return CaseRow(
        job.name, job.name, job.split, sweep=str(job.here / "sweep.igs.mha"), mask=str(job.here / "tumors.nrrd"),
        echogenicity=target["echogenicity"], contrast_db=round(target["contrast_db"], 2),
        iso_echoic=target["near_isoechoic"], label=str(text["target"]),
    )  # fmt: skip
