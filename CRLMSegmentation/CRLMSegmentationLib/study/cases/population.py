"""The simulated livers of the shipped study, fixed by their seeds before any network was trained.

Sizes of the parts follow Natali et al. (arXiv 2511.05253): 10 livers for validation, 20 + 5 for test. Training has
more than the paper's 50, and phantoms without a tumor, because simulation costs nothing. The test seeds are for the
final evaluation alone: nothing is ever tuned on them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...values.progress import Progress
from ..study_folder import StudyFolder
from ..workers import for_each
from .case_table import TEST, TRAINING, VALIDATION, CaseRow, write_case_table

TRAINING_SEEDS = range(1000, 1080)
# Bright lesions are harder and rarer: more of them to learn from.
HYPERECHOIC_TRAINING_SEEDS = range(1100, 1124)
PHANTOM_SEEDS = range(4000, 4036)
VALIDATION_SEEDS = range(2000, 2010)
TEST_SEEDS = range(1, 21)
SECOND_TEST_SEEDS = range(21, 26)
SECOND_TEST = f"{TEST}2"
# In the folder of simulated cases: which seeds they are.
SIMULATED_MARK = "simulated.json"
# Measured on one AMD EPYC processor with 71 to 87 frames a case, and writing it: to say roughly how long it will take.
_SECONDS_A_CASE, _USUAL_FRAMES = 7.0, 75


@dataclass(frozen=True)
class Population:
    """Seeds of each part, and how many frames a sweep has (None: drawn from the seed, 38 to 95)."""

    training: Sequence[int] = TRAINING_SEEDS
    hyperechoic: Sequence[int] = HYPERECHOIC_TRAINING_SEEDS
    phantoms: Sequence[int] = PHANTOM_SEEDS
    validation: Sequence[int] = VALIDATION_SEEDS
    test: Sequence[int] = TEST_SEEDS
    second_test: Sequence[int] = SECOND_TEST_SEEDS
    frames: int | None = None

    def seeds(self) -> dict[str, list[int]]:
        """First and last seed of the training and validation parts, for a model card."""
        parts = {"seeds": self.training, "hyperechoic_seeds": self.hyperechoic, "phantom_seeds": self.phantoms}
        return {name: [min(part), max(part)] for name, part in parts.items() if len(part)}


SHIPPED = Population()
# A few thin sweeps, to see that everything runs: their figures say nothing. Seeds of their own, in no other part.
QUICK = Population(range(5000, 5003), (), range(5100, 5101), range(5200, 5201), range(5300, 5302),
                   range(5400, 5401), frames=16)  # fmt: skip


@dataclass(frozen=True)
class _Job:
    name: str
    seed: int
    kind: str
    folder: Path
    frames: int | None

    @property
    def is_done(self) -> bool:
        return (self.folder / self.name / "parameters.json").is_file()


def simulate_population(
    folder: StudyFolder,
    population: Population = SHIPPED,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[CaseRow]:
    """Simulate what is not there yet and write the table of cases; returns its rows, paths absolute."""
    parts, jobs = _parts_and_jobs(folder, population)
    for outcome in for_each(_simulate, jobs, workers, scheduler, progress, "Simulating, case"):
        if outcome.error:
            raise ConfigurationError(f"{jobs[outcome.number].name} cannot be simulated: {outcome.error}")
    rows = [_row(job, split) for job, (split, _, _) in zip(jobs, parts)]
    write_case_table(rows, folder.table)
    (folder.cases / SIMULATED_MARK).write_text(json.dumps(population.seeds()) + "\n", encoding="utf-8")
    return rows


def expected_work(folder: StudyFolder, population: Population, workers: int = 1) -> tuple[int, int, float]:
    """How many cases there will be, how many of them are still to be simulated, and about how many seconds that takes
    with so many processes, each on a processor of its own.
    """
    jobs = _parts_and_jobs(folder, population)[1]
    missing = sum(not job.is_done for job in jobs)
    of_frames = population.frames / _USUAL_FRAMES if population.frames else 1.0
    return len(jobs), missing, missing * _SECONDS_A_CASE * of_frames / min(workers, max(1, missing))


def _parts_and_jobs(folder: StudyFolder, population: Population) -> tuple[list[tuple[str, str, int]], list[_Job]]:
    parts = [
        *((TRAINING, "liver", seed) for seed in population.training),
        *((TRAINING, "hyperechoic", seed) for seed in population.hyperechoic),
        *((TRAINING, "phantom", seed) for seed in population.phantoms),
        *((VALIDATION, "liver", seed) for seed in population.validation),
        *((TEST, "liver", seed) for seed in population.test),
        *((SECOND_TEST, "liver", seed) for seed in population.second_test),
    ]
    jobs = [
        _Job(f"{'phantom' if kind == 'phantom' else 'liver'}{seed:04d}", seed, kind, folder.cases, population.frames)
        for _, kind, seed in parts
    ]
    return parts, jobs


def _simulate(job: _Job) -> None:
    from ...simulation import LesionSettings, SweepSettings, simulate_case, write_case
    from ...simulation.phantoms import simulate_phantom

    if job.is_done:
        return
    sweep = SweepSettings(frames=job.frames) if job.frames else None
    if job.kind == "phantom":
        case = simulate_phantom(job.seed)
    else:
        lesion = LesionSettings(echogenicity="hyperechoic") if job.kind == "hyperechoic" else None
        case = simulate_case(job.seed, lesion=lesion, sweep=sweep)
    # No study reads the surface, and VTK, which makes it, is not on every machine that trains.
    write_case(case, job.folder / job.name, with_surface=False)


def _row(job: _Job, split: str) -> CaseRow:
    here = (job.folder / job.name).resolve()
    sweep = str(here / "sweep.igs.mha")
    if job.kind == "phantom":
        return CaseRow(job.name, job.name, split, sweep=sweep)
    lesion = json.loads((here / "parameters.json").read_text(encoding="utf-8"))["lesion"]
    return CaseRow(
        job.name, job.name, split, sweep=sweep, mask=str(here / "tumor.nrrd"), echogenicity=lesion["echogenicity"],
        contrast_db=round(lesion["mean_level_db"], 2), iso_echoic=lesion["near_isoechoic"],
    )  # fmt: skip


def simulated_seeds(folder: StudyFolder) -> dict[str, Any] | None:
    """Seeds by part for a model card, when the cases of the study are simulated; None for any other table."""
    path = folder.cases / SIMULATED_MARK
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
