"""How near to the tumor landmarks bring a CT in simulated operations, and how near with the vessels.

Of folders that these two commands made, with the truth in the place of what a network finds in the CT:

    crlm simulate --patient 3 --sweep -o patient3
    crlm reconstruct patient3/sweep.igs.mha -o patient3/us.nrrd
    python Testing/Benchmarks/ct_vessels.py patient3 patient4 ...

With `--images` the same by LC2 (study/carry), which lays a simulated CT in the portal venous phase over the volume,
begun at the landmarks, in the place of the vessels: two minutes of processor time for each folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import read_volume
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.preoperative.image_registration.lc2 import within_the_fan
from CRLMSegmentationLib.preoperative.image_registration.refinement import LEAST_PEAK
from CRLMSegmentationLib.preoperative.image_registration.register import register as lay_over
from CRLMSegmentationLib.preoperative.landmark_registration import read_landmarks, register
from CRLMSegmentationLib.preoperative.structures import Structures, structures_of_map
from CRLMSegmentationLib.preoperative.vessel_refinement import refine_by_vessels
from CRLMSegmentationLib.simulation.ct import scan
from CRLMSegmentationLib.simulation.patient import draw_patient
from CRLMSegmentationLib.study.cases.ct_population import cubic_settings, structures_of
from CRLMSegmentationLib.values import Volume

SPACING_MM, NOISE_HU = 1.5, 10.0


def structures(folder: Path, seed: int) -> Structures:
    """The truth on voxels as a network gives them: vessels of 3 mm and more."""
    labels = read_volume(folder / "labels.nrrd")
    matrix = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    matrix[:3, 3] = labels.origin_ras
    shape = np.ceil(np.array(labels.dimensions) * labels.spacing_mm / SPACING_MM).astype(int)[::-1]
    return structures_of_map(structures_of(draw_patient(seed), Volume(np.zeros(shape, np.uint8), matrix, frame="CT")))


def errors_mm(folder: Path, images: bool) -> tuple[float, float, str]:
    """At the tumor that the sweep passes: by landmarks, as it is used with the vessels or by the images, and what was
    found of these.
    """
    parameters, sweep = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("parameters", "sweep"))
    target = next(one for one in sweep["tumors"] if one["number"] == sweep["target"])
    in_ct = np.array(parameters["lesions"][target["number"] - 1]["center_ras_mm"])
    by_landmarks = register(read_landmarks(folder / "landmarks.json"))

    def error_mm(matrix: np.ndarray) -> float:
        return float(np.linalg.norm(transform_points(matrix, in_ct) - target["center_reference_mm"]))

    before = error_mm(by_landmarks.ct_to_reference)
    if images:
        matrix, said = by_images(folder, parameters["seed"], by_landmarks.ct_to_reference, in_ct)
        return before, error_mm(matrix), said
    found, volume = structures(folder, parameters["seed"]), read_volume(folder / "us.nrrd")
    began_s = time.process_time()
    try:
        refined = refine_by_vessels(found, volume, by_landmarks.ct_to_reference, in_ct)
    except ConfigurationError as error:
        return before, before, str(error)
    took_s = time.process_time() - began_s
    fit = f"fit {refined.fit_before:.2f} to {refined.fit:.2f}, {took_s:.1f} s of processor time"
    return before, error_mm(refined.ct_to_reference), fit


def by_images(folder: Path, seed: int, ct_to_reference: np.ndarray, in_ct: np.ndarray) -> tuple[np.ndarray, str]:
    """(4, 4) from the CT to Reference, and what LC2 says of it."""
    patient = draw_patient(seed)
    ct, _ = scan(patient, cubic_settings(patient, SPACING_MM, "portal", NOISE_HU))
    seen = within_the_fan(read_volume(folder / "us.nrrd"))
    began_s = time.process_time()
    found = lay_over(ct, seen, [np.linalg.inv(ct_to_reference)], in_ct[None], near=True)
    took_s = time.process_time() - began_s
    said = f"LC2 {found.similarity:.2f}, {found.peak:.2f} lower beside, {took_s:.0f} s of processor time"
    if found.doubts or found.peak < LEAST_PEAK:
        said += ", not used"
    return np.linalg.inv(found.fixed_to_moving), " ".join([said, *found.doubts])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--images", action="store_true", help="by LC2 of the images in the place of the vessels")
    arguments = parser.parse_args()
    rows, way = [], "images" if arguments.images else "vessels"
    for folder in arguments.folders:
        before, after, what = errors_mm(folder, arguments.images)
        rows.append((before, after))
        print(f"{folder.name}: landmarks {before:.1f} mm, with {way} {after:.1f} mm; {what}", flush=True)
    before, after = np.median(rows, axis=0)
    print(f"median of {len(rows)}: landmarks {before:.1f} mm, with {way} {after:.1f} mm")


if __name__ == "__main__":
    main()
