"""The shipped models on sweeps over simulated patients: the figures of the study's report, beside those of its slabs.

    python Testing/Benchmarks/patient_study.py --work DIR [--report docs/study/patients.md] [--json FILE]

Simulates the test patients (study/cases/patient_cases.py), tries the shipped models and region growing on each as
`crlm study evaluate` does, and writes the table. What is there already is not done again. The slabs' figures are read
from docs/study/results.json, and measured again with --slab-cases, in a folder of their own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.inference.models.model_folders import find_model
from CRLMSegmentationLib.study.cases.case_files import mask_of
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.patient_cases import simulate_patient_cases
from CRLMSegmentationLib.study.cases.population import Population, simulate_population
from CRLMSegmentationLib.study.evaluate import TrainedMethod, evaluate
from CRLMSegmentationLib.study.study_folder import StudyFolder
from CRLMSegmentationLib.study.tasks import task_named
from CRLMSegmentationLib.study.tasks.trial import EvaluationSettings
from CRLMSegmentationLib.study.tumor_methods import CROP, FULL

MODELS = {CROP: ("crop", "crop-simulated-small"), FULL: ("full", "full-simulated-small")}
SLABS = Population(training=(), hyperechoic=(), phantoms=(), validation=())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="the study's folder")
    parser.add_argument("--slab-cases", action="store_true", help="the 25 slabs in place of patients")
    parser.add_argument("--with-robustness", action="store_true", help="disturbed boxes and sweeps, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the results of every case")
    arguments = parser.parse_args()
    folder = StudyFolder(arguments.work)
    rows = simulate_population(folder, SLABS) if arguments.slab_cases else simulate_patient_cases(folder)
    print(f"{folder.table}: {len(rows)} cases", flush=True)
    methods = {name: TrainedMethod(task_named(task), find_model(model)) for name, (task, model) in MODELS.items()}
    settings = EvaluationSettings() if arguments.with_robustness else EvaluationSettings(disturbances=None)
    results, failed = evaluate(
        rows, methods, folder.evaluation, settings, progress=lambda share, text: print(text, flush=True)
    )
    for case in failed:
        print(f"failed {case.case}: {case.reason}")
    for result, row in zip(results, rows, strict=True):
        result["others_in_box_ml"] = others_in_box_ml(row) if row.label else 0.0
    print(json.dumps({name: summary(results, name) for name in methods}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def others_in_box_ml(row: CaseRow) -> float:
    """How much of other metastases lies in the target's box with its margin of 10 mm, in the truth."""
    from CRLMSegmentationLib.files import read_mask
    from CRLMSegmentationLib.segmentation.crop import crop
    from CRLMSegmentationLib.values import Box

    every, target = read_mask(row.mask, "all"), mask_of(row)
    others = every.with_voxels(every.voxels * (target.voxels == 0))
    inside = crop(others, Box.around_mask(target), 10.0).volume
    return round(float((inside.voxels > 0).sum()) * inside.voxel_volume_mm3 / 1000, 3)


def summary(results: list[dict[str, Any]], method: str) -> dict[str, Any]:
    """Median and quartiles of each figure over the cases."""
    figures = [result["methods"][method] for result in results]
    found: dict[str, Any] = {}
    for name in ("dice", "precision", "recall", "rvd", "hd95_mm", "mean_surface_distance_mm"):
        values = [one[name] for one in figures if one[name] is not None]
        found[name] = [round(float(value), 3) for value in np.percentile(values, [50, 25, 75])] if values else None
    empty = [ml for result in results for ml in result["empty_boxes"].get(method, [])]
    found["found_share"] = round(float(np.mean([one["found"] for one in figures])), 3)
    found["missed"] = sum(one["dice"] == 0 for one in figures)
    found["empty_boxes_left_empty"] = [sum(ml == 0 for ml in empty), len(empty)]
    return found


if __name__ == "__main__":
    main()
