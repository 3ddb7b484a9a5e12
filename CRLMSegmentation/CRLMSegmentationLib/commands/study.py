"""`crlm study`: from a table of cases, or simulated ones, to trained models and a report, step by step or at once."""

from __future__ import annotations

import argparse
import math
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..files.paths import name_for_library
from ..values.defaults import DEFAULT_BOX_MARGIN_MM
from .options.outputs import Output, check_folder, check_outputs
from .options.progress import progress_bar
from .options.steps import Step, add_steps, run_step
from .study_steps import carry_labels, implant, landmark_cases, landmark_steps, landmark_sweep, partial_sets

if TYPE_CHECKING:
    from ..study.cases.case_table import CaseRow
    from ..study.pipeline import Study
    from ..study.study_folder import StudyFolder
    from ..study.tasks import Task
    from ..study.tasks.task import Simulate
    from ..study.tasks.trial import EvaluationSettings
    from ..values.progress import Progress

STEPS = {
    "simulate": "simulate the cases of the shipped study and write their table",
    "build": "cut the cases of a table into a dataset for each task",
    "train": "train a model for each task",
    "calibrate": "choose thresholds on the validation cases",
    "evaluate": "try every method on the test cases",
    "report": "write tables and figures",
    "run": "do all of this, from where an earlier run stopped",
}
# What a report's folder holds beside its pictures.
REPORT_FILES = ("index.html", "results.json", "report.md", "inputs.csv")

EXAMPLES = (
    "crlm study run --quick --work study",
    "crlm study run cases.csv --work study --workers 4",
    "crlm study simulate --work study",
    "crlm study build cases.csv --work study",
    "crlm study train --work study --task crop --override my.toml",
    "crlm study calibrate --work study",
    "crlm study evaluate --work study",
    "crlm study evaluate cases.csv --work tried --model my-model",
    "crlm study report --work study",
    "crlm study implant sweep.igs.mha --seed 3 -o implanted",
    "crlm study landmark-cases L3D --layout l3d -o cases.csv",
    "crlm study landmark-sweep study/cases.csv --work study/sweep --recipes weightings losses",
    "crlm study landmark-steps study/cases.csv --model study/models/Model_landmarks -o study/steps.json",
    "crlm study partial-sets study/cases.csv --work study/partial-sets --seeds 0 1 2",
    "crlm study carry-labels mr.nii.gz tumor.seg.nrrd ultrasound.nrrd -o carried --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    own = {name: Step(summary, partial(_add_arguments_of, name), _run) for name, summary in STEPS.items()}
    others = {
        other.STEP: Step(other.SUMMARY, other.add_arguments, other.run)
        for other in (implant, carry_labels, landmark_cases, landmark_sweep, landmark_steps, partial_sets)
    }
    add_steps(parser, {**own, **others})


run = run_step


def _add_arguments_of(name: str, step: argparse.ArgumentParser) -> None:
    step.add_argument("--work", required=True, metavar="DIR", help="the study's folder; holds everything")
    step.add_argument("--workers", type=int, default=1, help="processes on this machine (default 1)")
    step.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler instead, such as tcp://host:8786")
    if name in ("build", "run", "evaluate"):
        optional: dict[str, Any] = {} if name == "build" else {"nargs": "?"}
        step.add_argument("table", metavar="TABLE",
                          help="CSV: case, patient, split, sweep or volume, mask, calibration",
                          **optional)  # fmt: skip
    if name in ("simulate", "run"):
        step.add_argument("--quick", action="store_true", help="a few thin cases, to see that everything runs")
    if name == "simulate":
        _add_task_option(step)
    else:
        _add_study_arguments(step)
    if name in ("evaluate", "report", "run"):
        step.add_argument("--model", action="append", default=[], metavar="NAME[=DIR]",
                          help="a further model to be tried on the test cases; may be given again")  # fmt: skip
        step.add_argument("--no-robustness", action="store_true", help="skip the disturbed boxes and sweeps")
    if name in ("report", "run"):
        step.add_argument(
            "-o", "--output", metavar="DIR", help="folder of the report (default: report/ in that of --work)"
        )
        step.add_argument("--recording", action="append", default=[], metavar="SWEEP[,CONFIGURATION]",
                          help="a real recording without tumor, to count false alarms in")  # fmt: skip
        step.add_argument("--note", action="append", default=[], metavar="TEXT", help="a sentence for the report")


def _add_task_option(step: argparse.ArgumentParser) -> None:
    from ..study.tasks import DEFAULT_TASKS, TASKS

    tasks = ", ".join(f"'{name}' ({task.summary})" for name, task in TASKS.items())
    default = " and ".join(DEFAULT_TASKS)
    step.add_argument("--task", action="append", metavar="NAME",
                      help=f"what is learned: {tasks}; may be given again (default: {default})")  # fmt: skip


def _add_study_arguments(step: argparse.ArgumentParser) -> None:
    _add_task_option(step)
    # As it was called when there were two.
    step.add_argument("--kind", choices=("crop", "full", "both"), help=argparse.SUPPRESS)
    step.add_argument("--recipe", default="recommended", help="'recommended' (default), 'paper', or 'wide' (task crop)")
    step.add_argument("--override", metavar="FILE", help="a TOML file with settings in place of the recipe's")
    step.add_argument("--network", default="small", help="'small' (default) or nnU-Net's 'default'")
    step.add_argument("--epochs", type=int, help="default: the recipe's")
    step.add_argument("--iterations", type=int, help="of an epoch; default: the recipe's")
    step.add_argument("--start-from", metavar="MODEL", help="begin with the weights of this model")
    step.add_argument("--learning-rate", type=float, help="at the start; default: the recipe's")
    step.add_argument(
        "--margin",
        type=float,
        metavar="MM",
        help=f"around a tumor's box; default: the recipe's ({DEFAULT_BOX_MARGIN_MM:g})",
    )
    step.add_argument("--with-iso-echoic", action="store_true", help="keep iso-echoic lesions")
    step.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="default cpu")
    step.add_argument("--gpus", type=int, default=1, help="cards to train on together (default 1)")
    step.add_argument("--threads", type=int, help="of the processor (default: as many as there are)")


def _run(arguments: argparse.Namespace) -> None:
    for name in ("workers", "epochs", "iterations", "gpus", "threads"):
        value = getattr(arguments, name, None)
        if value is not None and value < 1:
            raise ConfigurationError(f"--{name} is {value}; it must be 1 or more.")
    margin, rate = getattr(arguments, "margin", None), getattr(arguments, "learning_rate", None)
    if margin is not None and not 0 <= margin < 1000:
        raise ConfigurationError(f"--margin is {margin:g}; it must be a length in mm from 0 on.")
    if rate is not None and not 0 < rate < math.inf:
        raise ConfigurationError(f"--learning-rate is {rate:g}; it must be greater than 0.")
    _check_files(arguments)
    with progress_bar("Study") as bar:
        _do(arguments, bar if sys.stderr.isatty() else _lines())


def _check_files(arguments: argparse.Namespace) -> None:
    """Before any work begins: a study replaces what it made itself, and nothing else."""
    from ..study.cases.population import SIMULATED_MARK
    from ..study.study_folder import StudyFolder

    folder, table = StudyFolder(Path(arguments.work)), getattr(arguments, "table", None)
    check_folder(Path(arguments.work), "--work")
    name_for_library(arguments.work)
    recordings = [part for text in getattr(arguments, "recording", ()) for part in text.split(",")]
    inputs = [table, *recordings, getattr(arguments, "override", None)]
    made_here = arguments.step == "simulate" or (arguments.step == "run" and table is None)
    if made_here and folder.table.exists() and not (folder.cases / SIMULATED_MARK).exists():
        raise ConfigurationError(
            f"{folder.table} is not of simulated cases and is not overwritten: give it as TABLE, or choose another "
            "--work."
        )
    check_outputs([Output("--work", folder.inputs)], inputs, force=True)
    if getattr(arguments, "output", None):
        report = Path(arguments.output)
        is_report = all((report / name).is_file() for name in REPORT_FILES[:2])
        check_outputs([Output("-o", report / name) for name in REPORT_FILES], inputs, force=is_report)


def _lines(every_s: float = 20.0) -> Progress:
    """Progress for a log file: a line now and then, and the last one of each step."""
    last = 0.0

    def progress(fraction: float, text: str = "") -> None:
        nonlocal last
        if time.monotonic() - last > every_s or fraction >= 1:
            last = time.monotonic()
            print(f"{fraction:4.0%} {text}", file=sys.stderr, flush=True)

    return progress


def _do(arguments: argparse.Namespace, progress: Progress) -> None:
    from ..study import pipeline
    from ..study.cases.case_table import read_case_table
    from ..study.study_folder import StudyFolder

    folder, step = StudyFolder(Path(arguments.work).resolve()), arguments.step
    if step == "simulate":
        _simulate(arguments, folder, progress)
        return
    study = _study(arguments, folder)
    table = getattr(arguments, "table", None)
    rows = read_case_table(table) if table else []
    if step == "evaluate" and table:
        pipeline.take_cases(study, rows)
    if step in ("build", "run"):
        if not table:
            rows, study = _simulate(arguments, folder, progress), _study(arguments, folder)
        for case in pipeline.build_step(study, rows, progress):
            print(f"left out {case.case}: {case.reason}")
    if step in ("train", "run"):
        for planned in study.planned:
            print(f"{pipeline.train_step(study, planned, progress)}: trained")
    if step in ("calibrate", "run"):
        for planned in study.planned:
            sentence = pipeline.calibrate_step(study, planned, progress)
            print(". ".join(filter(None, (_calibrated(study, planned.task), sentence))))
    if step in ("evaluate", "report", "run"):
        _evaluate_and_report(arguments, study, progress)


def _evaluate_and_report(arguments: argparse.Namespace, study: Study, progress: Progress) -> None:
    from ..study.pipeline import evaluate_step

    settings = _settings(arguments)
    further = dict(_further_model(text) for text in arguments.model)
    results, failed = evaluate_step(study, settings, further, progress)
    for case in failed:
        print(f"failed {case.case}: {case.reason}")
    if arguments.step == "evaluate":
        print(f"{len(results)} cases evaluated, {len(failed)} failed")
        return
    from ..study.reporting.report_step import report_step

    recordings = {}
    for text in arguments.recording:
        sweep, _, configuration = text.partition(",")
        recordings[Path(sweep).name.split(".")[0]] = (sweep, configuration or None)
    output = Path(arguments.output) if arguments.output else None
    found = report_step(
        study, results, failed, output, recordings, _commands(arguments), arguments.note, progress, further
    )
    for line in found.get("must", []):
        value = line["value"] if isinstance(line["value"], str) or line["value"] is None else f"{line['value']:.3f}"
        print(f"{line['what']}: {value} ({line['must']}{'' if line['holds'] else ', NOT reached'})")
    print(f"{(output or study.folder.report) / 'index.html'}: report of {len(results)} cases")


def _simulate(arguments: argparse.Namespace, folder: StudyFolder, progress: Progress | None) -> list[CaseRow]:
    from ..study.cases.population import QUICK, SHIPPED, expected_work, simulate_population
    from ..study.workers import duration

    if of_task := _own_simulation(arguments):
        rows = of_task(folder, arguments.quick, arguments.workers, arguments.scheduler, progress)
        print(f"{folder.table}: {len(rows)} simulated cases")
        return rows
    population = QUICK if arguments.quick else SHIPPED
    cases, missing, seconds = expected_work(folder, population, arguments.workers)
    if missing:
        is_whole_study = arguments.step == "run"
        own_cases = "No TABLE was given: " if is_whole_study else ""
        then = ""
        if is_whole_study and not arguments.quick:
            then = " Training follows, which takes hours on a processor; --quick shows in minutes that all of it runs."
        done = f" ({cases - missing} of {cases} are there already)" if missing < cases else ""
        print(f"{own_cases}{missing} cases are simulated{done}, about {duration(seconds)} with {arguments.workers} "
              f"process{'es' if arguments.workers > 1 else ''}.{then}", flush=True)  # fmt: skip
    rows = simulate_population(folder, population, arguments.workers, arguments.scheduler, progress)
    print(f"{folder.table}: {len(rows)} simulated cases")
    return rows


def _own_simulation(arguments: argparse.Namespace) -> Simulate | None:
    """That of the tasks; None for the sweeps that the others share. Raises ConfigurationError for both together."""
    from ..study.tasks import task_named

    kinds = {task_named(name).simulate for name in _tasks(arguments)}
    if len(kinds) > 1:
        raise ConfigurationError("These tasks learn from different simulated cases: do each in a study of its own.")
    return kinds.pop()


def _study(arguments: argparse.Namespace, folder: StudyFolder) -> Study:
    from ..study.cases.population import simulated_seeds
    from ..study.pipeline import Study
    from ..study.recipes import recipes_for, with_overrides, with_settings

    quick = getattr(arguments, "quick", False)
    recipes = recipes_for(_tasks(arguments), arguments.recipe, arguments.network, quick)
    if arguments.override:
        recipes = with_overrides(recipes, arguments.override)
    if not quick:
        settings = {name: getattr(arguments, name) for name in ("epochs", "iterations", "start_from", "learning_rate")}
        recipes = with_settings(recipes, settings)
    recipes = with_settings(recipes, {"margin_mm": arguments.margin})
    return Study(
        folder, recipes, arguments.workers, arguments.scheduler, arguments.threads, arguments.device, arguments.gpus,
        arguments.with_iso_echoic, simulated_seeds(folder),
    )  # fmt: skip


def _tasks(arguments: argparse.Namespace) -> list[str]:
    from ..study.tasks import DEFAULT_TASKS

    if arguments.task:
        return list(dict.fromkeys(arguments.task))
    kind = getattr(arguments, "kind", None)
    return list(DEFAULT_TASKS) if kind in (None, "both") else [kind]


def _settings(arguments: argparse.Namespace) -> EvaluationSettings:
    from ..study.cases.disturbances import Disturbances
    from ..study.tasks.trial import EvaluationSettings

    if arguments.no_robustness:
        return EvaluationSettings(disturbances=None)
    if getattr(arguments, "quick", False):
        return EvaluationSettings(1, Disturbances((5.0,), (1.2,), (1.0,), (0.5,), repeats=1))
    return EvaluationSettings()


def _commands(arguments: argparse.Namespace) -> list[str]:
    """The command that does the whole study again, as far as it matters for the outcome."""
    parts = ["crlm study run", *([arguments.table] if getattr(arguments, "table", None) else []), "--work DIR"]
    if getattr(arguments, "quick", False):
        parts.append("--quick")
    if arguments.task or arguments.kind:
        parts += [f"--task {name}" for name in _tasks(arguments)]
    if arguments.override:
        parts.append(f"--override {Path(arguments.override).name}")
    for name in ("recipe", "network", "epochs", "iterations", "start_from", "learning_rate", "margin"):
        value = getattr(arguments, name)
        if value not in (None, "recommended", "small"):
            parts.append(f"--{name.replace('_', '-')} {value}")
    parts += [f"--model {text.partition('=')[0]}" for text in getattr(arguments, "model", ())]
    for text in getattr(arguments, "recording", ()):
        parts.append("--recording " + ",".join(Path(part).name for part in text.split(",")))
    return [" ".join(parts)]


def _calibrated(study: Study, task: Task) -> str:
    card = task.trainer.read_card(study.model(task))
    dice = card.text["validation"].get("dice", {}).get("median")
    figure = "" if dice is None else f", median Dice on the validation images {dice}"
    return f"{study.model(task)}: threshold {card.threshold:g}{figure}"


def _further_model(text: str) -> tuple[str, Path]:
    """Its name in the report, and its folder: NAME of a model that is installed, or NAME=DIR."""
    from ..inference.models.model_folders import find_model

    name, mark, folder = text.partition("=")
    if not name or (mark and not folder):
        raise ConfigurationError(f"'{text}' is not of the form --model NAME or --model NAME=DIR.")
    return name, Path(folder) if mark else find_model(name)
