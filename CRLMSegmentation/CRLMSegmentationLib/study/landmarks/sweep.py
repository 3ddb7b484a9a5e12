"""Recipes for landmarks side by side: the same pictures, trained by each, compared on the validation pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...values.progress import Progress
from ..cases.case_files import CaseReader
from ..cases.case_table import TEST, VALIDATION, CaseRow
from ..pipeline import Study, build_step, calibrate_step, train_step
from ..study_folder import StudyFolder
from ..tasks.trial import EvaluationSettings, Trial
from ..training.recipe import Recipe
from ..workers import for_each
from .figures import mean_of_known
from .recipe import RECIPES, RECOMMENDED, LandmarkRecipe

TASK = "landmarks"
FIGURES = ("precision_raw", "dice_raw", "precision", "dice", "symmetric_distance")
# The three ways to weigh the cross-entropy's classes, as Borgars et al. compare them.
WEIGHTINGS = ("max-log", "logarithmic", "proportional")
_LOSSES = ("cross_entropy", "dice", "focal_tversky", "huber")


def loss_weights() -> dict[str, LandmarkRecipe]:
    """The losses by themselves, and the cross-entropy with a quarter and a half of each of the others."""
    chosen: dict[str, LandmarkRecipe] = {}
    shares = [{name: 1.0} for name in _LOSSES[:3]]
    shares += [{"cross_entropy": 1 - part, other: part} for other in _LOSSES[1:] for part in (0.25, 0.5)]
    for each in shares:
        name = "+".join(f"{share:g}-{loss.replace('_', '-')}" for loss, share in each.items())
        cross_entropy, dice, focal_tversky, huber = (each.get(loss, 0.0) for loss in _LOSSES)
        chosen[name] = replace(
            RECOMMENDED, name=name, cross_entropy=cross_entropy, dice=dice, focal_tversky=focal_tversky, huber=huber
        )
    return chosen


def chosen_recipes(names: Sequence[str]) -> dict[str, LandmarkRecipe]:
    """'weightings' and 'losses' are the two tables; others are names of recipes. Raises ConfigurationError."""
    chosen: dict[str, LandmarkRecipe] = {}
    for name in names:
        if name == "weightings":
            chosen.update({one: RECIPES[one] for one in WEIGHTINGS})
        elif name == "losses":
            chosen.update(loss_weights())
        elif name in RECIPES:
            chosen[name] = RECIPES[name]
        else:
            known = ", ".join(("weightings", "losses", *RECIPES))
            raise ConfigurationError(f"There is no recipe '{name}' for landmarks: choose from {known}.")
    return chosen


@dataclass(frozen=True)
class _Job:
    folder: Path
    recipe: Recipe
    rows: tuple[CaseRow, ...]
    device: str
    threads: int


def sweep(
    folder: Path,
    recipes: Mapping[str, Recipe],
    rows: Sequence[CaseRow],
    device: str = "cpu",
    threads: int = 1,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> dict[str, dict[str, float | None]]:
    """{recipe: FIGURES}, means over the validation pictures at the threshold that suits each model best there.

    Each recipe gets a study of its own in `folder`, which is gone on with when it is there. The pictures of `rows` for
    the test are left alone. Raises ConfigurationError when a training fails.
    """
    used = tuple(row for row in rows if row.split != TEST)
    jobs = [_Job(folder / name, recipe, used, device, threads) for name, recipe in recipes.items()]
    found: dict[int, dict[str, float | None]] = {}
    for outcome in for_each(_trained, jobs, workers, scheduler, progress, "Recipe"):
        if outcome.error:
            raise ConfigurationError(f"{jobs[outcome.number].recipe.name} cannot be trained: {outcome.error}")
        found[outcome.number] = outcome.result
    return {name: found[number] for number, name in enumerate(recipes)}


def _trained(job: _Job) -> dict[str, float | None]:
    study = Study(StudyFolder(job.folder), {TASK: job.recipe}, threads=job.threads, device=job.device)
    (planned,) = study.planned
    build_step(study, job.rows)
    model = train_step(study, planned)
    calibrate_step(study, planned)
    settings = EvaluationSettings(disturbances=None, threads=job.threads, device=job.device)
    figures: list[dict[str, Any]] = []
    for row in job.rows:
        if row.split == VALIDATION:
            figures.append(planned.task.evaluate(model, Trial(TASK, CaseReader(row), settings)).figures)
    known = {key: mean_of_known([one[key] for one in figures]) for key in FIGURES}
    means = {key: round(value, 4) if math.isfinite(value) else None for key, value in known.items()}
    (job.folder / "figures.json").write_text(json.dumps(means, indent=1) + "\n", encoding="utf-8")
    return means
