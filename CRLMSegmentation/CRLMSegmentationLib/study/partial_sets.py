"""Whether CTs that were annotated in part help: ways to learn from them side by side, each with several seeds.

The comparison of Natali et al., Towards clinical application of liver, vessel, and tumor segmentation using partially
labeled data (LVT): one label a voxel with masked voxels (MC), exclusive sigmoids (MLx) and overlapping ones (ML), each
with the completely annotated cases alone, with those annotated in part beside them, and with everything annotated.
Nothing is chosen by what comes out, so that it is measured on the test cases.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..values.progress import Progress
from .cases.case_table import CaseRow
from .evaluate import TrainedMethod, evaluate
from .pipeline import Study, build_step, train_step
from .reporting.lvt_sections import as_in_results, figures_of_structures
from .study_folder import StudyFolder
from .tasks.trial import EvaluationSettings
from .training.recipe import Recipe
from .workers import for_each

_WAYS = {"mc": "lvt-mc", "mlx": "lvt-mlx", "ml": "lvt"}
_SHOWN = {"complete": "complete", "partial": "recommended", "everything": "everything"}
# Name of each setting: the task, and the recipe by which it is learned.
SETTINGS: dict[str, tuple[str, str]] = {
    **{f"{way}-{shown}": (task, recipe) for way, task in _WAYS.items() for shown, recipe in _SHOWN.items()},
    "ml-partial-fixed-window": ("lvt", "without-windowing"),
}


@dataclass(frozen=True)
class _Job:
    """One training: the setting's name, its study's folder, and the recipe, which has the seed."""

    name: str
    folder: Path
    recipe: Recipe
    rows: tuple[CaseRow, ...]
    device: str
    threads: int


def compare_settings(
    folder: Path,
    recipes: Mapping[str, Recipe],
    seeds: Sequence[int],
    rows: Sequence[CaseRow],
    device: str = "cpu",
    threads: int = 1,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """{setting: {'by_seed': [figures, ...], and their means}} on the test cases of `rows`.

    folder   gets a study for each setting and seed, which is gone on with when it is there
    recipes  of each setting of SETTINGS that is compared, whatever their seed

    Figures are those of lvt_sections.as_in_results(): liver, vessel and tumor with the means of Dice, NSD and volume;
    sensitivity and false lesions a case with the tumor. A mean over seeds is one of the same shape.

    Raises ConfigurationError for a training that fails, and for rows without a test case.
    """
    if not any(row.is_test for row in rows):
        raise ConfigurationError("The table holds no test case on which settings could be compared.")
    # Those of one seed after the other: what an interrupted comparison leaves are whole tables of fewer seeds.
    jobs = [
        _Job(name, folder / f"{name}-{seed}", replace(recipe, seed=seed), tuple(rows), device, threads)
        for seed in seeds
        for name, recipe in recipes.items()
    ]
    by_seed: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in recipes}
    for outcome in for_each(_figures_of, jobs, workers, scheduler, progress, "Training"):
        job = jobs[outcome.number]
        if outcome.error:
            raise ConfigurationError(f"{job.folder.name} cannot be trained and tried: {outcome.error}")
        by_seed[job.name][job.recipe.seed] = outcome.result
    return {name: {**_mean([of[seed] for seed in seeds]), "by_seed": [of[seed] for seed in seeds]}
            for name, of in by_seed.items()}  # fmt: skip


def _figures_of(job: _Job) -> dict[str, Any]:
    study = Study(StudyFolder(job.folder), {SETTINGS[job.name][0]: job.recipe}, threads=job.threads, device=job.device)
    (planned,) = study.planned
    build_step(study, job.rows)
    method = TrainedMethod(planned.task, train_step(study, planned))
    settings = EvaluationSettings(disturbances=None, device=job.device, threads=job.threads)
    results, failed = evaluate(job.rows, {job.name: method}, study.folder.evaluation, settings)
    if failed:
        raise ConfigurationError(f"{failed[0].case}: {failed[0].reason}")
    return as_in_results(figures_of_structures([one["methods"][job.name] for one in results]))


def _mean(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of each number in nested dictionaries of one shape; None where one of them is None."""
    found: dict[str, Any] = {}
    for key, first in figures[0].items():
        values = [one[key] for one in figures]
        if isinstance(first, Mapping):
            found[key] = _mean(values)
        else:
            found[key] = None if None in values else statistics.fmean(values)
    return found
