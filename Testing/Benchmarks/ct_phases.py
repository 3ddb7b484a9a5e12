"""How far apart the volumes of one liver are that a model finds in the four phases of one simulated patient.

    python Testing/Benchmarks/ct_phases.py [--model NAME] [--seeds 11000 11006] [--spacing 2.0] [--runtime auto]
                                           [--json FILE]

The seeds are those of validation, of which the shipped model has learned nothing and by which its settings were
looked at; test seeds are never used here. The liver lies in the same place in all phases: the truth is the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.inference.models.catalogue import model_choices
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.preoperative.find_structures import find_structures
from CRLMSegmentationLib.preoperative.structures import LIVER
from CRLMSegmentationLib.simulation.ct import scan
from CRLMSegmentationLib.simulation.ct.tissues import PHASES
from CRLMSegmentationLib.simulation.patient import draw_patient
from CRLMSegmentationLib.study.cases.ct_population import cubic_settings, structures_of
from CRLMSegmentationLib.values import Volume

NOISE_HU = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model of the task lvt; the first one there is by default")
    parser.add_argument("--seeds", type=int, nargs=2, default=(11000, 11006), metavar=("FIRST", "END"))
    parser.add_argument("--spacing", type=float, default=2.0, help="edge of a voxel in mm (default 2)")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    predictor = LocalPredictor(
        load_model(arguments.model or model_choices("lvt")[0].name), device="cpu", runtime=arguments.runtime
    )
    print(f"{processor()}; {predictor.runtime}", flush=True)
    patients = []
    for seed in range(*arguments.seeds):
        patients.append(of_patient(seed, arguments.spacing, predictor))
        print(json.dumps(patients[-1]), flush=True)
    apart = [one["apart"] for one in patients]
    facts = {
        "model": predictor.model.name,
        "patients": patients,
        "median_apart": round(float(np.median(apart)), 4),
        "most_apart": max(apart),
        "within_2_percent": sum(one <= 0.02 for one in apart),
    }
    print(json.dumps({name: value for name, value in facts.items() if name != "patients"}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def of_patient(seed: int, spacing_mm: float, predictor: LocalPredictor) -> dict[str, Any]:
    """mL of the liver by phase and in truth, and how far the largest is from the smallest, as a share of the mean."""
    patient = draw_patient(seed)
    found, truth_ml, dice = {}, 0.0, {}
    for phase in PHASES:
        ct, _ = scan(patient, cubic_settings(patient, spacing_mm, phase, NOISE_HU))
        ct = Volume(ct.voxels, ct.ijk_to_ras, frame="CT")
        truth = structures_of(patient, ct).voxels > 0
        mask = find_structures(ct, predictor).mask(LIVER).voxels > 0
        voxel_ml = ct.voxel_volume_mm3 / 1000
        found[phase], truth_ml = float(mask.sum()) * voxel_ml, float(truth.sum()) * voxel_ml
        dice[phase] = round(float(2 * (mask & truth).sum() / (mask.sum() + truth.sum())), 4)
    volumes = list(found.values())
    return {
        "seed": seed,
        "truth_ml": round(truth_ml, 1),
        "found_ml": {phase: round(ml, 1) for phase, ml in found.items()},
        "dice": dice,
        "apart": round((max(volumes) - min(volumes)) / float(np.mean(volumes)), 4),
    }


if __name__ == "__main__":
    main()
