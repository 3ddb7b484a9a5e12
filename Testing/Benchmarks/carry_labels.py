"""How far off a mask is that `crlm study carry-labels` carries: simulated livers whose truth is known.

    python Testing/Benchmarks/carry_labels.py --cases 8 --json carried.json
    python Testing/Benchmarks/carry_labels.py --table cases.csv --landmarks 3 --output FOLDER

The ultrasound is a simulated sweep (with its tracking errors and the liver pressed by the probe), reconstructed. The MR
or CT is made of the tissues of the same liver, moved by up to 15 mm and 10 degrees. The target registration error is
the mean distance, over the tumor's voxels, to where they really are. Seeds from 7000 on are in no other study.

--table asks what such a mask is worth to a network: of the simulated training livers of that table, which `crlm study
simulate` has made, an MR's mask is carried into the sweep. FOLDER/carried.csv is the table with these masks, without
those that were doubted; FOLDER/true.csv has the same cases with the true ones. Validation and test cases are the same
in both. What was carried already is not carried again.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.simulation import SimulatedCase, SweepSettings, simulate_case
from CRLMSegmentationLib.simulation.ultrasound.truth import TISSUES
from CRLMSegmentationLib.study.carry.carry_labels import carry_labels
from CRLMSegmentationLib.study.carry.picture import write_check_picture
from CRLMSegmentationLib.study.cases.case_files import reconstructed
from CRLMSegmentationLib.study.cases.case_table import TRAINING, CaseRow, read_case_table, write_case_table
from CRLMSegmentationLib.sweep import read_sweep
from CRLMSegmentationLib.values import Volume
from scipy import ndimage
from scipy.spatial.transform import Rotation

FIRST_SEED = 7000
MOST_MM, MOST_DEGREES = 15.0, 10.0
SPACING_MM = 1.5
# How the study calls its simulated livers, before their seed.
LIVER = "liver"
# Of TISSUES, in their order, with 'unknown' before them: MR in the hepatobiliary phase (vessels and metastases dark),
# CT in the portal phase (vessels bright, metastases dark), as plain levels; noise and blur are added.
LEVELS = {
    "mr": (300.0, 300.0, 170.0, 90.0, 130.0, 60.0, 60.0),
    "ct": (105.0, 105.0, 170.0, 5.0, 65.0, 400.0, 30.0),
}
NOISE = {"mr": 14.0, "ct": 12.0}


def other_modality(case: SimulatedCase, kind: str, fixed_to_moving: np.ndarray, seed: int) -> tuple[Volume, Volume]:
    """(volume, mask) as a scanner would have them, at SPACING_MM, with the liver moved."""
    assert len(LEVELS[kind]) == len(TISSUES) + 1
    random = np.random.default_rng([seed, 1])
    corners = transform_points(fixed_to_moving, case.tissue.corners_ras())
    lower, upper = corners.min(axis=0) - 10, corners.max(axis=0) + 10
    count = np.ceil((upper - lower) / SPACING_MM).astype(int)
    matrix = np.diag([SPACING_MM] * 3 + [1.0])
    matrix[:3, 3] = lower
    k, j, i = np.indices(tuple(count[::-1]))
    places = transform_points(matrix, np.stack([i, j, k], axis=-1))
    tissues = looked_up(case.tissue, np.linalg.inv(fixed_to_moving), places)
    levels = ndimage.gaussian_filter(np.array(LEVELS[kind])[tissues], 0.7)
    noise = ndimage.gaussian_filter(random.standard_normal(levels.shape), 0.5)
    voxels = (levels + NOISE[kind] * noise / noise.std()).astype(np.float32)
    mask = looked_up(case.tumor, np.linalg.inv(fixed_to_moving), places)
    return Volume(voxels, matrix, frame=kind.upper()), Volume(mask, matrix, frame=kind.upper())


def looked_up(labels: Volume, matrix: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The labels at `places` (k, j, i, 3) led through `matrix`; 0 outside."""
    index = transform_points(labels.ras_to_ijk @ matrix, places)
    return ndimage.map_coordinates(labels.voxels, np.moveaxis(index[..., ::-1], -1, 0), order=0, mode="constant")


def moved(seed: int) -> np.ndarray:
    """(4, 4): up to MOST_MM and MOST_DEGREES, in a direction of its own."""
    random = np.random.default_rng([seed, 2])
    axis, direction = (one / np.linalg.norm(one) for one in random.normal(size=(2, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(axis * random.uniform(0, MOST_DEGREES), degrees=True).as_matrix()
    matrix[:3, 3] = direction * random.uniform(0, MOST_MM)
    return matrix


def landmarks_of(case: SimulatedCase, truth: np.ndarray, off_mm: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(moving, fixed), (4, 3) each: places in vessels, pointed at with an error of `off_mm` (root mean square)."""
    random = np.random.default_rng([seed, 3])
    places = np.argwhere(case.tissue.voxels == 1 + TISSUES.index("vessel lumen"))[:, ::-1]
    points = transform_points(case.tissue.ijk_to_ras, places)
    chosen = [points[random.integers(len(points))]]
    for _ in range(3):  # each as far from the others as can be
        chosen.append(points[np.min([np.linalg.norm(points - one, axis=1) for one in chosen], axis=0).argmax()])
    fixed = np.array(chosen)
    off = random.normal(0, off_mm / np.sqrt(3), (2, *fixed.shape))
    return transform_points(truth, fixed) + off[0], fixed + off[1]


def tried(seed: int, kind: str, off_mm: float | None, pictures: Path | None) -> dict[str, Any]:
    case = simulate_case(seed, sweep=SweepSettings(frames=60))
    fixed = reconstructed(case.sweep, spacing_mm=1.0)
    about = transform_points(case.tumor.ijk_to_ras, np.argwhere(case.tumor.voxels)[:, ::-1])
    # About the tumor: a turn about a far origin would be a long way.
    middle = np.eye(4)
    middle[:3, 3] = about.mean(axis=0)
    truth = middle @ moved(seed) @ np.linalg.inv(middle)
    moving, mask = other_modality(case, kind, truth, seed)
    started = time.perf_counter()
    landmarks = None if off_mm is None else landmarks_of(case, truth, off_mm, seed)
    carried = carry_labels(moving, mask, fixed, landmarks)
    seconds = time.perf_counter() - started
    found = carried.registration
    error = np.linalg.norm(transform_points(np.linalg.inv(found.fixed_to_moving) @ truth, about) - about, axis=1).mean()
    before = np.linalg.norm(transform_points(truth, about) - about, axis=1).mean()
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
        write_check_picture(carried, moving, fixed, pictures / f"{seed}_{kind}.png")
    return {
        "seed": seed, "modality": kind, "tre_mm": float(error), "before_mm": float(before), "peak": found.peak,
        "similarity": found.similarity, "second_opinion_mm": found.second_opinion_mm, "doubts": list(carried.doubts),
        "seconds": seconds,
    }  # fmt: skip


def carried_row(row: CaseRow, off_mm: float | None, folder: Path) -> CaseRow | None:
    """The training case with the mask of an MR of the same liver, kept in `folder`; None where it was doubted."""
    about = folder / f"{row.case}.json"
    if not about.is_file():
        seed = int(row.case.removeprefix(LIVER))
        case, sweep = simulate_case(seed), read_sweep(Path(row.sweep))
        middle = np.eye(4)
        middle[:3, 3] = transform_points(case.tumor.ijk_to_ras, np.argwhere(case.tumor.voxels)[:, ::-1]).mean(axis=0)
        truth = middle @ moved(seed) @ np.linalg.inv(middle)
        landmarks = None if off_mm is None else landmarks_of(case, truth, off_mm, seed)
        volume, mask = other_modality(case, "mr", truth, seed)
        carried = carry_labels(volume, mask, reconstructed(sweep, spacing_mm=1.0), landmarks)
        write_volume(carried.mask, folder / f"{row.case}.nrrd")
        about.write_text(json.dumps({"case": row.case, "doubts": list(carried.doubts)}) + "\n", encoding="utf-8")
    doubts = json.loads(about.read_text(encoding="utf-8"))["doubts"]
    return None if doubts else replace(row, mask=str(folder / f"{row.case}.nrrd"), label_origin="mr")


def write_tables(table: Path, off_mm: float | None, most: int, folder: Path) -> None:
    """The two tables of --table, with at most so many training cases."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_case_table(table)
    livers = [row for row in rows if row.split == TRAINING and row.mask and row.case.startswith(LIVER)][:most]
    carried = [carried_row(row, off_mm, folder) for row in livers]
    others = [row for row in rows if row.split != TRAINING]
    kept = [(row, new) for row, new in zip(livers, carried) if new is not None]
    write_case_table([*(new for _, new in kept), *others], folder / "carried.csv")
    write_case_table([*(row for row, _ in kept), *others], folder / "true.csv")
    print(f"{len(kept)} of {len(livers)} masks were carried without a doubt: {folder / 'carried.csv'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--landmarks", metavar="MM", type=float, help="begin with four, pointed at so exactly")
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument("--pictures", metavar="DIR", type=Path)
    parser.add_argument("--table", metavar="CSV", type=Path, help="the cases of a study whose livers are simulated")
    parser.add_argument("--output", metavar="FOLDER", type=Path, help="where the tables of --table go")
    parser.add_argument("--most", metavar="N", type=int, default=40, help="training cases of --table (default: 40)")
    arguments = parser.parse_args()
    if arguments.table:
        write_tables(arguments.table, arguments.landmarks, arguments.most, arguments.output)
        return
    results = []
    for number in range(arguments.cases):
        seed = FIRST_SEED + number
        results.append(tried(seed, ("mr", "ct")[number % 2], arguments.landmarks, arguments.pictures))
        print({name: value if isinstance(value, (str, list, int)) or value is None else round(value, 3)
               for name, value in results[-1].items()}, flush=True)  # fmt: skip
    errors = [one["tre_mm"] for one in results]
    without_doubt = [one["tre_mm"] for one in results if not one["doubts"]]
    found = {
        "tre_mm": {"median": float(np.median(errors)), "p90": float(np.percentile(errors, 90))},
        "without_doubts": {"cases": len(without_doubt),
                           "median": float(np.median(without_doubt)) if without_doubt else None},
        "cases": results,
    }  # fmt: skip
    print({name: found[name] for name in ("tre_mm", "without_doubts")})
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
