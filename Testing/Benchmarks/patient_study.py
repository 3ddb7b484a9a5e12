"""The shipped models on sweeps over simulated patients: the figures of the study's report, beside those of its slabs.

    python Testing/Benchmarks/patient_study.py --work DIR [--json docs/study/patients.json]

Simulates the test patients (study/cases/patient_cases.py), tries the shipped models on each as `crlm study evaluate`
does, and prints the table. What is there already is not done again. The slabs' figures are read from
docs/study/results.json, and measured again with --slab-cases, in a folder of their own.
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

SLABS_RESULTS = Path(__file__).resolve().parents[2] / "docs" / "study" / "results.json"
FIGURES = ("dice", "precision", "recall", "rvd", "hd95_mm", "mean_surface_distance_mm")
MODELS = {CROP: ("crop", "crop-simulated-small"), FULL: ("full", "full-simulated-small")}
SLABS = Population(training=(), hyperechoic=(), phantoms=(), validation=())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="the study's folder")
    parser.add_argument("--slab-cases", action="store_true", help="the 25 slabs in place of patients")
    parser.add_argument("--with-robustness", action="store_true", help="disturbed boxes and sweeps, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures of every case")
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
    print(table(results, list(methods)))
    if arguments.json:
        rows_of_json = [figures_of(result) for result in results]
        arguments.json.write_text(json.dumps(rows_of_json, indent=1) + "\n", encoding="utf-8")


def figures_of(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a case: what it is, and each method's figures."""
    names = ("case", "echogenicity", "contrast_db", "truth_volume_ml", "others_in_box_ml", "empty_boxes")
    methods = {
        name: {what: one[what] for what in (*FIGURES, "volume_ml", "found")} for name, one in result["methods"].items()
    }
    return {**{name: result[name] for name in names}, "methods": methods}


def table(results: list[dict[str, Any]], methods: list[str]) -> str:
    """Markdown: median (quartiles) of each figure, of these cases and of the study's slabs."""
    slabs = json.loads(SLABS_RESULTS.read_text(encoding="utf-8"))["test"]
    lines = ["| | | these | slabs |", "| --- | --- | --- | --- |"]
    for method in methods:
        found = summary(results, method)
        for name in FIGURES:
            there = slabs[method][name]
            slab = [there["median"], there["q25"], there["q75"]]
            lines.append(f"| {method} | {name} | {_spread(found[name])} | {_spread(slab)} |")
        lines.append(f"| {method} | found | {found['found_share']:.0%} | {slabs[method]['sensitivity']:.0%} |")
    for echogenicity in sorted({result["echogenicity"] for result in results}):
        part = [result for result in results if result["echogenicity"] == echogenicity]
        dice = summary(part, methods[0])["dice"]
        lines.append(f"| {methods[0]} | dice, {echogenicity} ({len(part)}) | {_spread(dice)} | |")
    return "\n".join(lines)


def _spread(values: list[float] | None) -> str:
    return "none" if values is None else f"{values[0]:.2f} ({values[1]:.2f} to {values[2]:.2f})"


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
    for name in FIGURES:
        values = [one[name] for one in figures if one[name] is not None]
        found[name] = [round(float(value), 3) for value in np.percentile(values, [50, 25, 75])] if values else None
    empty = [ml for result in results for ml in result["empty_boxes"].get(method, [])]
    found["found_share"] = round(float(np.mean([one["found"] for one in figures])), 3)
    found["missed"] = sum(one["dice"] == 0 for one in figures)
    found["empty_boxes_left_empty"] = [sum(ml == 0 for ml in empty), len(empty)]
    return found


if __name__ == "__main__":
    main()
