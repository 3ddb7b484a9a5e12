"""Simulated pictures for the task `landmarks`, fixed by their seeds before any network was trained.

Test seeds are for the final evaluation alone, and are those of the other tasks' whole patients.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigurationError
from ...files.laparoscope.landmark_mask_file import write_picture
from ...laparoscopy.network.network_picture import label_map_of
from ...values.progress import Progress
from ..cases.case_table import TEST, TRAINING, VALIDATION, CaseRow, write_case_table
from ..cases.population import SIMULATED_MARK
from ..study_folder import StudyFolder
from ..workers import for_each

_DONE = "done.json"


@dataclass(frozen=True)
class PicturePopulation:
    """Seeds of the patients of each part, and pictures of each patient."""

    training: Sequence[int] = range(20000, 20160)
    validation: Sequence[int] = range(21000, 21008)
    test: Sequence[int] = range(30000, 30025)
    views: int = 4

    def seeds(self) -> dict[str, list[int]]:
        """First and last seed of training and validation, for a model card."""
        parts = {"seeds": self.training, "validation_seeds": self.validation}
        return {name: [min(part), max(part)] for name, part in parts.items() if len(part)}


SHIPPED = PicturePopulation()
# To see that everything runs; seeds of their own.
QUICK = PicturePopulation(range(22000, 22001), range(22100, 22101), range(22200, 22201), views=2)


@dataclass(frozen=True)
class _Job:
    seed: int
    split: str
    folder: Path
    views: int

    @property
    def name(self) -> str:
        return f"scope{self.seed:05d}"

    @property
    def here(self) -> Path:
        return (self.folder / self.name).resolve()

    @property
    def rows(self) -> list[CaseRow]:
        return [
            CaseRow(f"{self.name}_{view}", self.name, self.split, volume=str(self.here / f"picture_{view:03d}.png"),
                    mask=str(self.here / f"seen_{view:03d}.nrrd"))
            for view in range(self.views)
        ]  # fmt: skip


def simulate_pictures(
    folder: StudyFolder,
    population: PicturePopulation = SHIPPED,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[CaseRow]:
    """Simulate what is not there yet and write the table of cases; returns its rows, paths absolute."""
    parts = ((TRAINING, population.training), (VALIDATION, population.validation), (TEST, population.test))
    jobs = [_Job(seed, split, folder.cases, population.views) for split, seeds in parts for seed in seeds]
    for outcome in for_each(_simulate, jobs, workers, scheduler, progress, "Simulating, patient"):
        if outcome.error:
            raise ConfigurationError(f"{jobs[outcome.number].name} cannot be simulated: {outcome.error}")
    rows = [row for job in jobs for row in job.rows]
    write_case_table(rows, folder.table)
    (folder.cases / SIMULATED_MARK).write_text(json.dumps(population.seeds()) + "\n", encoding="utf-8")
    return rows


def _simulate(job: _Job) -> None:
    from ...simulation.laparoscope import draw_views
    from ...simulation.laparoscope.looks import draw_pictures
    from ...simulation.patient import draw_operation, draw_patient

    done = job.here / _DONE
    wanted = {"simulated": True, "seed": job.seed, "views": job.views}
    if done.is_file() and json.loads(done.read_text(encoding="utf-8")) == wanted:
        return
    operation = draw_operation(draw_patient(job.seed))
    drawn = draw_pictures(operation, draw_views(operation, job.views))
    job.here.mkdir(parents=True, exist_ok=True)
    for row, picture, seen in zip(job.rows, drawn.pictures, drawn.seen):
        write_picture(picture, row.volume)
        write_picture(label_map_of(seen), row.mask)
    done.write_text(json.dumps(wanted) + "\n", encoding="utf-8")
