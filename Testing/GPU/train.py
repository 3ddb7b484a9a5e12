"""Parts 'train-...': what a processor cannot train in hours, for as many minutes as there are.

The argument names task, recipe and network. Cases are simulated here, on all processors, once for all parts of a kind;
pictures of a laparoscope, which need VTK, are carried (carried_pictures.py). Where nnU-Net trains, the rate of learning
falls with the time that has gone, so that the training is whole however long it may take.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from carried_pictures import unpack
from checkpoint_files import write_checkpoint
from CRLMSegmentationLib.inference.predictor import available_processors
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.ct_population import QUICK as QUICK_CTS
from CRLMSegmentationLib.study.cases.ct_population import CtPopulation, simulate_cts
from CRLMSegmentationLib.study.cases.population import QUICK, Population, simulate_population
from CRLMSegmentationLib.study.pipeline import Study, build_step, train_step
from CRLMSegmentationLib.study.recipes import recipes_for
from CRLMSegmentationLib.study.study_folder import StudyFolder
from CRLMSegmentationLib.study.training.recipe import Recipe
from record import Record
from timed_training import train_for, train_landmarks_for

# Fewer than the shipped study has: every second of simulation is one of training less. Test seeds are never touched.
ULTRASOUND = Population(range(1000, 1048), range(1100, 1112), range(4000, 4008), range(2000, 2006), (), ())
CTS = CtPopulation(range(10000, 10032), range(11000, 11004), (), spacing_mm=1.0)
# More than any training here gets through; the time ends it.
MOST_EPOCHS = 1000
# For export, the checkpoint's files and the end of the process.
KEPT_S = 20.0
# Of the residual encoder, whose weights could not be carried home otherwise.
_NARROW = {"base_features": 32, "max_features": 128}


def run(record: Record, argument: str) -> None:
    task, recipe_name, network = argument.split("/")
    os.environ["nnUNet_compile"] = "false"  # a minute that a training of minutes does not win back
    workers = 1 if record.quick else available_processors()
    recipe = _recipe(task, recipe_name, network, record.quick)
    name = argument.replace("/", "-")
    study = Study(StudyFolder(record.work / "studies" / name), {task: recipe}, workers, device=record.device,
                  simulated={"campaign": True})  # fmt: skip
    if task == "landmarks":
        rows, left_out = unpack(record.pictures, study), []
    else:
        rows = _simulated(record, task, workers)
        left_out = build_step(study, rows)
    record.figure("images", {"cases": len(rows), "left out": [case.reason for case in left_out],
                             "after_s": round(record.seconds - record.seconds_left(), 1)})  # fmt: skip
    clock = train_landmarks_for if task == "landmarks" else train_for
    with clock(max(1.0, record.seconds_left() - KEPT_S)) as curve:
        folder = train_step(study, study.planned[0])
    record.figure("curve", curve())
    files = write_checkpoint(folder, record.output, name)
    record.figure("checkpoint", files)
    record.check("a trained network that can be carried home", files and all(size < 16e6 for size in files.values()))


def _recipe(task: str, name: str, network: str, is_quick: bool) -> Recipe:
    recipe = recipes_for([task], name, "default" if network == "residual" else network, is_quick)[task]
    changes: dict[str, Any] = {} if is_quick else {"epochs": MOST_EPOCHS, "iterations": 50}
    if network == "residual":
        changes |= {"residual_encoder": True, **({} if is_quick else _NARROW)}
    if task == "landmarks":  # its quick recipe has another network; to move pictures takes OpenCV
        changes |= {"network": "unet-resnet34", "moves": 0.0}
        changes |= {"epochs": 1} if is_quick else {"stop_after": MOST_EPOCHS}
    elif task == "lvt" and not is_quick:
        changes["spacing_mm"] = 1.0
    if not is_quick and task != "landmarks":
        changes["gpu_memory_gb"] = 16.0  # twice nnU-Net's usual: the card has room
    return replace(recipe, **changes)


def _simulated(record: Record, task: str, workers: int) -> list[CaseRow]:
    is_ct = task.startswith("lvt")
    folder = StudyFolder(record.work / ("cts" if is_ct else "ultrasound"))
    if is_ct:
        return simulate_cts(folder, QUICK_CTS if record.quick else CTS, workers)
    population = QUICK if record.quick else ULTRASOUND
    return [row for row in simulate_population(folder, population, workers) if not row.is_test]
