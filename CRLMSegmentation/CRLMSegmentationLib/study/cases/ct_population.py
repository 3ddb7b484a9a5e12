"""Simulated CTs for the task `lvt`, fixed by their seeds before any network was trained.

Each patient is seen in one phase, drawn with the noise of the scanner from the seed; in training all four are as
frequent, since a network that rarely saw a native CT finds little in one. A quarter of the training cases has all
three structures annotated; in the others some are missing, as in public data sets: liver and tumors (as in LiTS),
vessels and tumors (as in MSD HepaticVessel), or the liver alone. Test seeds are for the final evaluation alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...files import write_volume
from ...preoperative.structures import LIVER, TUMOR, VALUES, VESSELS
from ...values import Volume
from ...values.progress import Progress
from ..study_folder import StudyFolder
from ..workers import for_each
from .case_table import TEST, TRAINING, VALIDATION, CaseRow, write_case_table
from .population import SIMULATED_MARK

if TYPE_CHECKING:
    from ...simulation.ct import CtSettings
    from ...simulation.patient import Patient

FRAME = "CT"
# An annotator draws vessels from about this radius on.
THINNEST_MM = 1.5
PHASE_SHARES = {"portal": 0.55, "late": 0.2, "arterial": 0.15, "native": 0.1}
TRAINING_PHASE_SHARES = dict.fromkeys(PHASE_SHARES, 1 / len(PHASE_SHARES))
_PARTS = ((LIVER, TUMOR), (VESSELS, TUMOR), (LIVER,))
COMPLETE_EVERY = 4


@dataclass(frozen=True)
class CtPopulation:
    """Seeds of each part, and the edge of a voxel in mm."""

    training: Sequence[int] = range(10000, 10120)
    validation: Sequence[int] = range(11000, 11012)
    test: Sequence[int] = range(12000, 12020)
    spacing_mm: float = 2.0

    def seeds(self) -> dict[str, list[int]]:
        """First and last seed of training and validation, for a model card."""
        parts = {"seeds": self.training, "validation_seeds": self.validation}
        return {name: [min(part), max(part)] for name, part in parts.items() if len(part)}


SHIPPED = CtPopulation()
# To see that everything runs; seeds of their own.
QUICK = CtPopulation(range(13000, 13002), range(13100, 13101), range(13200, 13201), spacing_mm=4.0)


def labelled_in(seed: int) -> tuple[str, ...]:
    """What is taken as annotated in a training case of that seed; empty where everything is."""
    if seed % COMPLETE_EVERY == 0:
        return ()
    return _PARTS[int(np.random.default_rng([20264, seed]).integers(len(_PARTS)))]


def structures_of(patient: Patient, grid: Volume) -> Volume:
    """uint8 label map (structures.VALUES) of the truth on the voxels of `grid`, which are cubes along R, A, S.

    The whole liver, in it portal and hepatic veins of 3 mm and more, and the metastases.
    """
    from ...simulation.patient.labels import LABELS, patient_labels
    from ...simulation.tubes import paint_tubes

    origin, spacing = grid.origin_ras, float(grid.spacing_mm[0])
    labels = patient_labels(patient, origin, spacing, grid.dimensions).voxels
    is_liver = patient.shape.field_on_grid(origin, spacing, grid.dimensions) < 0
    to_wall = np.full(is_liver.shape, 99.0, dtype=np.float32)
    for name in ("portal", "hepatic"):
        tubes = patient.vessels.trees[name].tubes()
        paint_tubes(to_wall.transpose(2, 1, 0), origin, spacing, tubes[tubes[:, 7] >= THINNEST_MM], 0.0)
    truth = np.where(is_liver, np.uint8(VALUES[LIVER]), np.uint8(0))
    truth[is_liver & (to_wall < 0)] = VALUES[VESSELS]
    truth[is_liver & (labels == LABELS["metastasis"])] = VALUES[TUMOR]
    return grid.on_grid(truth)


@dataclass(frozen=True)
class _Job:
    seed: int
    split: str
    folder: Path
    spacing_mm: float

    @property
    def name(self) -> str:
        return f"ct{self.seed:05d}"

    @property
    def parameters(self) -> Path:
        return self.folder / self.name / "parameters.json"


def simulate_cts(
    folder: StudyFolder,
    population: CtPopulation = SHIPPED,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[CaseRow]:
    """Simulate what is not there yet and write the table of cases; returns its rows, paths absolute."""
    parts = ((TRAINING, population.training), (VALIDATION, population.validation), (TEST, population.test))
    jobs = [_Job(seed, split, folder.cases, population.spacing_mm) for split, seeds in parts for seed in seeds]
    for outcome in for_each(_simulate, jobs, workers, scheduler, progress, "Simulating, CT"):
        if outcome.error:
            raise ConfigurationError(f"{jobs[outcome.number].name} cannot be simulated: {outcome.error}")
    rows = [_row(job) for job in jobs]
    write_case_table(rows, folder.table)
    (folder.cases / SIMULATED_MARK).write_text(json.dumps(population.seeds()) + "\n", encoding="utf-8")
    return rows


def _simulate(job: _Job) -> None:
    from ...simulation.ct import scan
    from ...simulation.patient import draw_patient

    if job.parameters.is_file():
        return
    random = np.random.default_rng([20265, job.seed])
    patient = draw_patient(job.seed)
    shares = TRAINING_PHASE_SHARES if job.split == TRAINING else PHASE_SHARES
    phase = str(random.choice(list(shares), p=list(shares.values())))
    settings = cubic_settings(patient, job.spacing_mm, phase, noise_hu=round(random.uniform(5, 18), 1))
    ct, _ = scan(patient, settings)
    here = job.parameters.parent
    here.mkdir(parents=True, exist_ok=True)
    ct = Volume(ct.voxels, ct.ijk_to_ras, frame=FRAME)
    write_volume(ct, here / "ct.nrrd")
    write_volume(structures_of(patient, ct), here / "structures.nrrd")
    text = {"simulated": True, "seed": job.seed, "phase": phase, "noise_hu": settings.noise_hu}
    job.parameters.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


def cubic_settings(patient: Patient, spacing_mm: float, phase: str, noise_hu: float) -> CtSettings:
    """A scan whose voxels are cubes of about that edge."""
    from ...simulation.ct import CtSettings
    from ...simulation.ct.scanner import pixel_mm

    pixels = round(pixel_mm(patient, 1) / spacing_mm)
    return CtSettings(phase, pixel_mm(patient, pixels), noise_hu, pixels=pixels)


def _row(job: _Job) -> CaseRow:
    here = job.parameters.parent.resolve()
    labelled = " ".join(labelled_in(job.seed)) if job.split == TRAINING else ""
    return CaseRow(
        job.name, job.name, job.split, volume=str(here / "ct.nrrd"), mask=str(here / "structures.nrrd"),
        labelled=labelled,
    )  # fmt: skip
