"""The steps of a study, one after the other, each of which finds what an earlier run has already done.

simulate (or a table of one's own) > build > train > calibrate > evaluate > report
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..inference.models.card import CARD
from ..inference.models.model_files import sha256_of
from ..values.progress import Progress
from .card import Card
from .cases.build import build
from .cases.case_table import VALIDATION, CaseRow, LeftOut, choose_cases, read_case_table, write_case_table
from .cases.same_images import refuse_same_images
from .evaluate import TrainedMethod, evaluate
from .study_folder import StudyFolder
from .tasks import TASKS, PlannedTask, Task, task_named
from .tasks.task import CalibrationJob, TrainingJob
from .tasks.trial import EvaluationSettings
from .training.cards import training_card
from .training.recipe import Recipe


@dataclass(frozen=True)
class Study:
    """Where a study lies and how it is done.

    recipes    by the names of the tasks that it does
    simulated  seeds by part for the model cards, when the cases are simulated; None for cases of one's own
    """

    folder: StudyFolder
    recipes: Mapping[str, Recipe]
    workers: int = 1
    scheduler: str | None = None
    threads: int | None = None
    device: str = "cpu"
    gpus: int = 1
    with_iso_echoic: bool = False
    simulated: dict[str, Any] | None = None
    version: str = "1"

    @property
    def planned(self) -> list[PlannedTask]:
        """Its tasks with their recipes."""
        return [PlannedTask(task_named(name), recipe) for name, recipe in self.recipes.items()]

    def model(self, task: Task) -> Path:
        """The folder of the task's model."""
        return self.folder.model(task.model_name)

    def cards(self) -> dict[str, Card]:
        """Of the models that are trained, by name."""
        there = [one.task for one in self.planned if (self.model(one.task) / CARD).is_file()]
        return {task.model_name: task.trainer.read_card(self.model(task)) for task in there}


def cases_of(study: Study) -> list[CaseRow]:
    """The table in the study's folder. Raises ConfigurationError when there is none."""
    if not study.folder.table.is_file():
        raise ConfigurationError(f"{study.folder.root} holds no cases.csv yet: build the study first.")
    return read_case_table(study.folder.table)


def take_cases(study: Study, rows: Sequence[CaseRow]) -> None:
    """The table in the study's folder, and inputs.csv with the hash of every file that it names; nothing is cut.

    Raises ConfigurationError when the same image is in two splits.
    """
    refuse_same_images(rows)
    Path(study.folder.root).mkdir(parents=True, exist_ok=True)
    write_case_table(rows, study.folder.table)
    write_inputs(rows, study.folder.inputs)


def build_step(study: Study, rows: Sequence[CaseRow], progress: Progress | None = None) -> list[LeftOut]:
    """Take the cases, and cut the dataset of each task of them; returns the cases left out.

    Raises ConfigurationError when the same image is in two splits.
    """
    take_cases(study, rows)
    return build(
        rows, study.folder.nnunet.raw, study.planned, study.with_iso_echoic, study.workers, study.scheduler, progress
    )


def train_step(study: Study, planned: PlannedTask, progress: Progress | None = None) -> Path:
    """Train and export the model of a task; returns its folder, not calibrated yet."""
    task, dataset = planned.task, planned.task.nnunet_dataset(study.folder.nnunet)
    if not (dataset.raw / "dataset.json").is_file():
        raise ConfigurationError(f"{study.folder.root} holds no dataset to train on: build the study first.")
    job = TrainingJob(
        dataset, planned.recipe, study.device, study.threads, study.gpus, study.workers, study.scheduler, progress
    )
    weights, target = task.trainer.train(job), study.model(task)
    if not (target / CARD).is_file() or (target / CARD).stat().st_mtime < weights.stat().st_mtime:
        split = json.loads((dataset.raw / "splits_final.json").read_text(encoding="utf-8"))[0]
        used, _ = choose_cases(cases_of(study), study.with_iso_echoic)
        card = training_card(planned, study.version, used, len(split["train"]), study.simulated)
        task.trainer.export(job, weights, target, card)
    return target


def calibrate_step(study: Study, planned: PlannedTask, progress: Progress | None = None) -> str:
    """What a trained model's answers mean, from the validation cases, into its card; returns a sentence, or ''."""
    task, target = planned.task, study.model(planned.task)
    if not (target / CARD).is_file():
        raise ConfigurationError(f"{study.folder.root} holds no trained {task.name} model: train it first.")
    if task.calibrate is None:
        return ""
    card = task.trainer.read_card(target)
    rows = [row for row in choose_cases(cases_of(study), study.with_iso_echoic)[0] if row.split == VALIDATION]
    kept = study.folder.calibration(task.name)
    wanted = {"model": card.sha256, "cases": [row.case for row in rows]}
    made_from = json.loads(kept.read_text(encoding="utf-8"))["made_from"] if kept.is_file() else None
    if made_from == wanted and card.text["validation"]:
        return ""
    found = task.calibrate(CalibrationJob(target, rows, planned.recipe, study.device, study.threads, progress))
    kept.write_text(json.dumps({"made_from": wanted, "counts": found.counts}) + "\n", encoding="utf-8")
    return found.sentence


def evaluate_step(
    study: Study,
    settings: EvaluationSettings | None = None,
    further: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> tuple[list[dict[str, Any]], list[LeftOut]]:
    """The results of all test cases; `further` are more models to be tried on them, by name.

    Raises ConfigurationError when there is no model at all.
    """
    cards = study.cards()
    if not cards and not further:
        raise ConfigurationError(
            f"{study.folder.root} holds no trained model: train one first, or name one with --model."
        )
    methods = {}
    for task in (one.task for one in study.planned if one.task.model_name in cards):
        if task.calibrate and not cards[task.model_name].text["validation"]:
            raise ConfigurationError(f"{task.model_name} has no threshold yet: calibrate it first.")
        methods[task.model_name] = TrainedMethod(task, study.model(task))
    for name, folder in (further or {}).items():
        methods[name] = TrainedMethod(task_of_model(folder), Path(folder), is_own=False)
    used, _ = choose_cases(cases_of(study), study.with_iso_echoic)
    settings = replace(settings or EvaluationSettings(), device=study.device, threads=study.threads or 1)
    return evaluate(used, methods, study.folder.evaluation, settings, study.workers, study.scheduler, progress)


def task_of_model(folder: Path) -> Task:
    """The task that the card in a model's folder names. Raises ConfigurationError."""
    try:
        card = json.loads((Path(folder) / CARD).read_text(encoding="utf-8"))
        # Cards were written with 'kind' before there were other tasks.
        name = card["task"] if "task" in card else card["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{folder} is not the folder of a model: it holds no {CARD} that names a task."
        ) from None
    if name not in TASKS:
        raise ConfigurationError(f"The model in {folder} is of the task '{name}', which no study can try.")
    return TASKS[name]


def write_inputs(rows: Sequence[CaseRow], path: Path) -> None:
    """case, file, bytes and SHA-256 of everything that the table names; what is missing has no hash."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "split", "file", "bytes", "sha256"])
        for row in rows:
            for name in row.files:
                there = os.path.isfile(name)
                size, digest = (os.path.getsize(name), sha256_of(Path(name))) if there else ("", "")
                writer.writerow([row.case, row.split, Path(name).name, size, digest])
