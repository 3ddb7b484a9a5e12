"""Sweeps over tumors from a simulator that shares nothing with ours, as test cases: a second opinion on a model.

pip install pymust            # LGPL-3, for this program alone, in an environment of its own
python Testing/Benchmarks/other_simulator.py --cases 10 -o other           # slowly, once; goes on where it stopped
python Testing/Benchmarks/other_simulator.py -o other --try MODEL [--report docs/study]

--try MODEL writes the Dice in the tight boxes of those that are there, in boxes that stray, and what is shown beside
the tumors; --report FOLDER writes it into the results.json there, as `other_simulator`.

PyMUST (Garcia, Comput. Methods Programs Biomed. 218 (2022) 106726) solves the wave equation's far field for each
element of a curved array of 3.6 MHz, in reception too, and beamforms what comes back: no point spread function is
assumed anywhere. Scatterers lie at random; those of the tumor, an ellipsoid with a rough edge, are weaker or stronger.
Each frame is of the scatterers within the slice, weighted by its profile. One unfocused transmission a frame: the
speckle is coarse and the side lobes are high, more so than in a scanner.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases.case_files import load_case
from CRLMSegmentationLib.study.cases.case_table import TEST, CaseRow, read_case_table, write_case_table
from CRLMSegmentationLib.study.metrics import compare
from CRLMSegmentationLib.study.other_looks import FOUND_DICE
from CRLMSegmentationLib.study.reporting.statistics import quartiles
from CRLMSegmentationLib.study.tasks.crop import mask_in_box, warm_segmenter
from CRLMSegmentationLib.study.tasks.tumor import volume_ml
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.sweep.sweep import ORIGIN_FIELD, SIMULATED
from CRLMSegmentationLib.values import Box, Volume

# The field of a frame: across, and from the array's middle downwards, in mm; its pixels, and the way between frames.
HALF_WIDTH_MM, DEPTHS_MM, PIXEL_MM, STEP_MM = 26.0, (12.0, 68.0), 0.35, 1.5
# Of scatterers, in a mm3, and the standard deviation of the slice's profile: about five in a resolution cell.
PER_MM3, SLICE_SD_MM = 0.9, 1.2
# PyMUST sums over scatterers; so many at a time stay in a processor's own cache: four times as fast as all at once.
AT_ONCE = 600
# Frequencies that the pulse has less of than this are left out; what is shown ends at SHOWN_DB.
LEAST_DB = -60.0
# In turn; dB against the liver.
CONTRASTS_DB = (-9.0, 6.0, -4.0, -12.0, 8.0, 4.0)
SHOWN_DB, TISSUE_GREY = 60.0, 90.0
TRUTH_MM = 0.5
# How far a hand places a box beside the tumor's middle, and the edges of boxes that lie beside it.
STRAYING_MM, BESIDE_MM = 7.0, 30.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=10, help="sweeps, seeds 1 on (default 10)")
    parser.add_argument("--frames", type=int, help="of each, for a try; default: what covers the tumor")
    parser.add_argument("--try", dest="model", type=Path, metavar="MODEL", help="try a model on those that are there")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="whose results.json takes the figures")
    arguments = parser.parse_args()
    if arguments.model:
        rows = [row for row in read_case_table(arguments.output / "cases.csv") if row.mask]
        found = tried(rows, arguments.model)
        print(json.dumps(found, indent=1))
        if arguments.report:
            path = arguments.report / "results.json"
            results = {**json.loads(path.read_text(encoding="utf-8")), "other_simulator": found}
            path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        return
    rows = []
    for seed in range(1, arguments.cases + 1):
        here = arguments.output / f"pymust{seed:02d}"
        if not (here / "parameters.json").is_file():
            write_case(seed, here, arguments.frames)
        contrast_db = json.loads((here / "parameters.json").read_text(encoding="utf-8"))["contrast_db"]
        rows.append(CaseRow(
            here.name, here.name, TEST, sweep=f"{here.name}/sweep.igs.mha", mask=f"{here.name}/tumor.nrrd",
            echogenicity="hypoechoic" if contrast_db < 0 else "hyperechoic", contrast_db=contrast_db,
        ))  # fmt: skip
        write_case_table(rows, arguments.output / "cases.csv")


def tried(rows: list[CaseRow], folder: Path) -> dict[str, Any]:
    """Of each case the Dice in its tight box and in one that is STRAYING_MM off, and the mL shown in two boxes beside
    the tumor, where there is none; and of all of them.
    """
    segmenter, each = warm_segmenter(folder, "cpu", 1), []
    margin_mm = segmenter.model.card.margin_mm
    for row in rows:
        case = load_case(row)
        box = Box.around_mask(case.tumor)
        away = np.random.default_rng([zlib.crc32(row.case.encode()), 803]).standard_normal(3)
        astray = Box(box.center_ras + STRAYING_MM * away / np.linalg.norm(away), box.size_mm, box.axes_ras)
        dice = [
            compare(mask_in_box(case.volume, one, segmenter, margin_mm), case.tumor)["dice"] for one in (box, astray)
        ]
        aside_mm = box.size_mm[0] / 2 + BESIDE_MM / 2 + 2
        beside = [Box(box.center_ras + side * np.array([aside_mm, 0, 0]), (BESIDE_MM,) * 3) for side in (-1, 1)]
        shown = [volume_ml(mask_in_box(case.volume, one, segmenter, 0.0)) for one in beside]
        each.append(
            {"case": row.case, "contrast_db": row.contrast_db, "dice": round(dice[0], 4),
             "dice_astray": round(dice[1], 4), "beside_ml": [round(one, 4) for one in shown]}
        )  # fmt: skip
    found = sum(one["dice"] > FOUND_DICE for one in each)
    alarms = sum(one > 0 for case in each for one in case["beside_ml"])
    return {
        "simulator": "PyMUST", "model": segmenter.model.card.version, "cases": len(each),
        "dice": quartiles([one["dice"] for one in each]), "found": found / len(each),
        "straying_mm": STRAYING_MM, "dice_astray": quartiles([one["dice_astray"] for one in each]),
        "boxes_beside": 2 * len(each), "with_false_alarm": alarms, "each_case": each,
    }  # fmt: skip


def write_case(seed: int, folder: Path, frames: int | None) -> None:
    """sweep.igs.mha, tumor.nrrd and, written last, parameters.json."""
    random = np.random.default_rng([seed, 801])
    radii = random.uniform(7, 12) * np.exp(random.uniform(-0.2, 0.2, 3))
    middle = np.array([random.uniform(-7, 7), 0.0, random.uniform(32, 48)])
    contrast_db = CONTRASTS_DB[(seed - 1) % len(CONTRASTS_DB)]
    tumor = Tumor(middle, radii, random.standard_normal((6, 3)), random.uniform(0.0, 0.08, 6))
    half_way = float(radii[1]) + 12.0
    places = np.arange(-half_way, half_way + 1e-6, STEP_MM)
    if frames:
        places = places[np.argsort(np.abs(places))[:frames]]
        places.sort()
    points = scatterers(random, float(places[0]) - 4, float(places[-1]) + 4)
    strength = random.normal(size=len(points)) * np.where(tumor.holds(points), 10 ** (contrast_db / 20), 1.0)
    scanner, images, kept = Scanner(), [], folder / "frames"
    kept.mkdir(parents=True, exist_ok=True)
    for number, place in enumerate(places):
        started, file = time.monotonic(), kept / f"{number:03d}.npy"
        if not file.is_file():
            np.save(kept / "begun.npy", scanner.frame(points, strength, float(place)))
            (kept / "begun.npy").replace(file)
            print(f"{folder.name}, frame {number + 1} of {len(places)}: {time.monotonic() - started:.0f} s", flush=True)
        images.append(np.load(file))
    level_db = np.median([image[scanner.inside] for image in images])
    write_sweep(sweep_of(images, places, float(level_db), scanner, seed), folder / "sweep.igs.mha")
    write_volume(truth_of(tumor, places), folder / "tumor.nrrd")
    text = {"seed": seed, "contrast_db": contrast_db, "middle_mm": middle.tolist(), "radii_mm": radii.tolist()}
    (folder / "parameters.json").write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(kept)


class Tumor:
    """An ellipsoid whose radius waves by some percent along a few directions."""

    def __init__(self, middle: np.ndarray, radii: np.ndarray, directions: np.ndarray, heights: np.ndarray):
        self.middle, self.radii, self.heights = middle, radii, heights
        self.directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Boolean (n,) of points (n, 3) in mm: across, along the sweep, deep."""
        aside = (points - self.middle) / self.radii
        away = np.linalg.norm(aside, axis=1)
        towards = aside / np.maximum(away, 1e-6)[:, None] @ self.directions.T
        inside: np.ndarray = away < 1 + (np.cos(3 * towards) * self.heights).sum(axis=1)
        return inside


def scatterers(random: np.random.Generator, first_mm: float, last_mm: float) -> np.ndarray:
    """(n, 3) mm: across, along the sweep, deep; evenly distributed."""
    lower = np.array([-HALF_WIDTH_MM - 3, first_mm, DEPTHS_MM[0] - 3])
    upper = np.array([HALF_WIDTH_MM + 3, last_mm, DEPTHS_MM[1] + 3])
    count = int(PER_MM3 * np.prod(upper - lower))
    points: np.ndarray = random.uniform(lower, upper, (count, 3))
    return points


class Scanner:
    """A curved array, all of its elements at once, and the pixels of a frame; lengths in m only where PyMUST is."""

    def __init__(self) -> None:
        import pymust

        self.must, self.param = pymust, pymust.getparam("C5-2v")
        self.param.fs = 4 * self.param.fc
        self.param.fnumber = 1.2
        self.delays = np.zeros((1, int(self.param.Nelements)))
        across = np.arange(-HALF_WIDTH_MM, HALF_WIDTH_MM + 1e-6, PIXEL_MM)
        deep = np.arange(DEPTHS_MM[0], DEPTHS_MM[1] + 1e-6, PIXEL_MM)
        self.across, self.deep = np.meshgrid(across, deep)
        radius_mm = 1e3 * self.param.radius
        half_angle = 1e3 * self.param.pitch * self.param.Nelements / 2 / radius_mm
        # The chord lies at depth 0, the middle of the array's circle above it.
        angle = np.arctan2(self.across, self.deep + radius_mm * np.cos(half_angle))
        self.inside: np.ndarray = np.abs(angle) < half_angle
        self.matrix: Any = None

    def frame(self, points: np.ndarray, strength: np.ndarray, place_mm: float) -> np.ndarray:
        """(v, u) in dB: what the scatterers in the slice at `place_mm` send back, after beamforming."""
        weight = np.exp(-0.5 * ((points[:, 1] - place_mm) / SLICE_SD_MM) ** 2)
        near = weight > 0.05
        signals = self._signals(1e-3 * points[near][:, ::2], strength[near] * weight[near])
        quadrature = self.must.rf2iq(signals, self.param)
        if self.matrix is None or self.matrix.shape[1] != quadrature.size:
            size = 1j * np.array(quadrature.shape)
            self.matrix = self.must.dasmtx(size, 1e-3 * self.across, 1e-3 * self.deep, self.delays, self.param)
        formed = (self.matrix @ quadrature.flatten(order="F")).reshape(self.across.shape, order="F")
        decibels: np.ndarray = 20 * np.log10(np.abs(formed) + 1e-30)
        # Time gain: what is lost with depth, by the medians of the rows.
        rows = np.array([np.median(row[seen]) for row, seen in zip(decibels, self.inside)])
        level = np.polyval(np.polyfit(self.deep[:, 0], rows, 3), self.deep[:, 0])
        return decibels - level[:, None]

    def _signals(self, places_m: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """(samples, elements) that come back from scatterers at places_m (n, 2), across and deep."""
        # Silent ones at the ends of the field, so that the signals of all parts are as long.
        ends = 1e-3 * np.array([(side * (HALF_WIDTH_MM + 3), DEPTHS_MM[1] + 3) for side in (-1, 1)])
        summed: Any = 0.0
        for first in range(0, len(strength), AT_ONCE):
            x, z = np.vstack([ends, places_m[first : first + AT_ONCE]]).T
            reflected = np.concatenate([np.zeros(len(ends)), strength[first : first + AT_ONCE]])
            options = self.must.utils.Options()
            options.dBThresh = LEAST_DB
            summed = summed + self.must.simus(x, z, reflected, self.delays, self.param, options)[0]
        return np.asarray(summed)


def sweep_of(images: list[np.ndarray], places: np.ndarray, level_db: float, scanner: Scanner, seed: int) -> Sweep:
    """The frames on a screen, with poses along a straight line and half a millimetre of noise."""
    random, frames = np.random.default_rng([seed, 802]), []
    for number, (image, place) in enumerate(zip(images, places)):
        grey = np.clip(np.rint(TISSUE_GREY + (image - level_db) * 255 / SHOWN_DB), 1, 255)
        pose = np.diag([PIXEL_MM, 1.0, 1.0, 1.0])
        # u runs across, v down into the depth, which is the third axis of Reference.
        pose[:3, :3] = np.array([[PIXEL_MM, 0, 0], [0, 0, -1], [0, PIXEL_MM, 0]])
        pose[:3, 3] = np.array([-HALF_WIDTH_MM, place, DEPTHS_MM[0]]) + random.normal(0, 0.3, 3)
        pixels = np.where(scanner.inside, grey, 0).astype(np.uint8)
        frames.append(TrackedFrame(pixels, pose, timestamp=0.1 * number))
    return Sweep(frames, f"PyMUST {seed}", {ORIGIN_FIELD: SIMULATED})


def truth_of(tumor: Tumor, places: np.ndarray) -> Volume:
    """uint8 over the swept region, in Reference."""
    lower = np.array([-HALF_WIDTH_MM, places[0], DEPTHS_MM[0]])
    upper = np.array([HALF_WIDTH_MM, places[-1], DEPTHS_MM[1]])
    size = np.ceil((upper - lower) / TRUTH_MM).astype(int) + 1
    k, j, i = np.indices(tuple(size[::-1]))
    points = lower + TRUTH_MM * np.stack([i, j, k], axis=-1).reshape(-1, 3)
    grid = np.diag([TRUTH_MM, TRUTH_MM, TRUTH_MM, 1.0])
    grid[:3, 3] = lower
    return Volume(tumor.holds(points).reshape(k.shape).astype(np.uint8), grid)


if __name__ == "__main__":
    main()
