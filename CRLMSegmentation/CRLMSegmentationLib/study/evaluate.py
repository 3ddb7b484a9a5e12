"""Every method on one test case after the other: figures, times, and what the report draws.

The truth is used for nothing but the box or the click that a person would give, and for comparison.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..values.progress import Progress
from .cases.case_files import CaseReader, forget_sweeps, mask_of, masks_of
from .cases.case_table import CaseRow, LeftOut
from .cases.observers import agreement
from .plain_values import without_nan
from .tasks.task import Task
from .tasks.trial import EvaluationSettings, Trial, TrialResult
from .workers import for_each

# Bumped when the same files would give other figures.
VERSION = 2


@dataclass(frozen=True)
class TrainedMethod:
    """A model of a task that is tried; `is_own` when this study trained it, and not a further one beside."""

    task: Task
    folder: Path
    is_own: bool = True


@dataclass(frozen=True)
class EvaluationJob:
    """One case, the methods by name, and where results go."""

    row: CaseRow
    methods: Mapping[str, TrainedMethod]
    output: Path
    settings: EvaluationSettings


def evaluate(
    rows: Sequence[CaseRow],
    methods: Mapping[str, TrainedMethod],
    output: Path,
    settings: EvaluationSettings | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> tuple[list[dict[str, Any]], list[LeftOut]]:
    """(results of the test cases in the order of `rows`, cases that failed and why).

    The baselines of the methods' tasks are tried as well. A case that was evaluated before with the same models and
    settings is read and not done again. Raises ConfigurationError when there is no test case, or all of them fail.
    """
    rows = [row for row in rows if row.is_test]
    if not rows:
        raise ConfigurationError("The table holds no test case that could be evaluated.")
    methods = {name: replace(one, folder=Path(one.folder).resolve()) for name, one in methods.items()}
    for method in methods.values():
        method.task.trainer.read_card(method.folder)
    output = Path(output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    jobs = [EvaluationJob(row, methods, output, settings or EvaluationSettings()) for row in rows]
    results, failed = {}, []
    for outcome in for_each(evaluate_case, jobs, workers, scheduler, progress, "Evaluating, case"):
        if outcome.error:
            failed.append(LeftOut(rows[outcome.number].case, outcome.error))
        else:
            results[outcome.number] = outcome.result
    if not results:
        raise ConfigurationError(f"No test case could be evaluated; the first: {failed[0].case}: {failed[0].reason}")
    return [results[number] for number in sorted(results)], failed


def evaluate_case(job: EvaluationJob) -> dict[str, Any]:
    """All results of one case as plain JSON values.

    What each method gave is kept in the output folder (<case>.<method>.json, with arrays in .npz), so that a model
    that changes is the only one to be tried again.
    """
    row, settings = job.row, job.settings
    reader = CaseReader(row, settings.spacing_mm)
    about = {"version": VERSION, "row": asdict(row), "spacing_mm": settings.spacing_mm}
    found: dict[str, dict[str, Any]] = {}
    for name, method in job.methods.items():
        # Disturbances are for the study's own models: they take most of the time.
        here = settings if method.is_own else replace(settings, disturbances=None)
        wanted = {**about, "settings": asdict(here), "model": method.task.trainer.read_card(method.folder).decides}
        trial = Trial(name, reader, here)
        found[name] = _kept(
            job.output / f"{row.case}.{name}", wanted, partial(method.task.evaluate, method.folder, trial)
        )
    for name, baseline in baselines_of(job.methods).items():
        trial = Trial(name, reader, settings)
        found[name] = _kept(job.output / f"{row.case}.{name}", about, partial(baseline, trial))
    forget_sweeps()
    volumes = (one["figures"].get("truth_volume_ml") for one in found.values())
    return {
        "case": row.case, "patient": row.patient, "split": row.split, "echogenicity": row.echogenicity,
        "contrast_db": row.contrast_db, "label_origin": row.label_origin,
        "truth_volume_ml": next((one for one in volumes if one is not None), None),
        "observers": agreement(masks_of(row), mask_of(row)) if len(row.masks) > 1 else None,
        "methods": {name: one["figures"] for name, one in found.items()},
        "counts": {name: one["counts"] for name, one in found.items() if "counts" in one},
        "empty_boxes": {name: one["empty_boxes_ml"] for name, one in found.items() if "empty_boxes_ml" in one},
        "planes": {name: one["planes"] for name, one in found.items() if "planes" in one},
        "robustness": next((one["robustness"] for one in found.values() if one.get("robustness")), []),
    }  # fmt: skip


def baselines_of(methods: Mapping[str, TrainedMethod]) -> dict[str, Callable[[Trial], TrialResult]]:
    """The other methods that are tried beside these, by name."""
    return {name: one for method in methods.values() for name, one in method.task.baselines.items()}


def _kept(path: Path, wanted: dict[str, Any], make: Callable[[], TrialResult]) -> dict[str, Any]:
    """What was made from `wanted` before, or what `make` gives now; arrays for the report's pictures go beside it."""
    wanted = json.loads(json.dumps(wanted))
    file = path.with_name(f"{path.name}.json")
    if file.is_file():
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if known["made_from"] == wanted:
            kept: dict[str, Any] = known["results"]
            return kept
    found = make()
    results: dict[str, Any] = without_nan({"figures": found.figures, **found.more})
    arrays: dict[str, Any] = dict(found.arrays)
    np.savez_compressed(path.with_name(f"{path.name}.npz"), **arrays)
    file.write_text(json.dumps({"made_from": wanted, "results": results}, indent=1) + "\n", encoding="utf-8")
    return results
