"""Every method on one test case after the other: figures, times, false alarms and robustness.

Model_crop sees the tight box around the truth with its margin, as in Natali et al. (arXiv 2511.05253); Model_full the
whole volume; Semi_automatic is region growing from one click, as a technician would place it. The truth is used for
nothing but box, click and comparison.
"""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError, GeometryError
from ..geometry import transform_points
from ..inference.models.trained_model import load_model
from ..segmentation.crop import crop
from ..segmentation.postprocess import mask_by_card, unseen_voxels
from ..segmentation.segment import segment
from ..values import Box, Volume
from .cases.case_files import SPACING_MM, forget_sweeps, load_case, sweep_of
from .cases.case_table import CaseRow, LeftOut
from .cases.crop_sampling import empty_box
from .cases.dataset import Case
from .cases.disturbances import Disturbances, disturbed
from .metrics import compare
from .reporting.curves import VoxelCounts
from .workers import for_each

CROP, FULL, SEMI = "Model_crop", "Model_full", "Semi_automatic"
# Bumped when the same files would give other figures.
VERSION = 2


@dataclass(frozen=True)
class EvaluationSettings:
    """empty_boxes: boxes without tumor for each case; threads: for each process."""

    empty_boxes: int = 2
    disturbances: Disturbances | None = Disturbances()
    spacing_mm: float = SPACING_MM
    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class EvaluationJob:
    """One case, the model folders by name ('Model_crop', 'Model_full' and any further), and where results go."""

    row: CaseRow
    models: dict[str, str]
    output: Path
    settings: EvaluationSettings


def evaluate(
    rows: Sequence[CaseRow],
    models: dict[str, Path],
    output: Path,
    settings: EvaluationSettings = EvaluationSettings(),
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> tuple[list[dict], list[LeftOut]]:
    """(results of the test cases in the order of `rows`, cases that failed and why).

    A case that was evaluated before with the same models and settings is read and not done again. Raises
    ConfigurationError when there is no test case, or all of them fail.
    """
    rows = [row for row in rows if row.is_test]
    if not rows:
        raise ConfigurationError("The table holds no test case that could be evaluated.")
    folders = {name: str(Path(folder).resolve()) for name, folder in models.items()}
    for folder in folders.values():
        load_model(folder)
    output = Path(output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    jobs = [EvaluationJob(row, folders, output, settings) for row in rows]
    results, failed = {}, []
    for outcome in for_each(evaluate_case, jobs, workers, scheduler, progress, "Evaluating, case"):
        if outcome.error:
            failed.append(LeftOut(rows[outcome.number].case, outcome.error))
        else:
            results[outcome.number] = outcome.result
    if not results:
        raise ConfigurationError(f"No test case could be evaluated; the first: {failed[0].case}: {failed[0].reason}")
    return [results[number] for number in sorted(results)], failed


def evaluate_case(job: EvaluationJob) -> dict:
    """All results of one case as plain JSON values.

    What each method gave is kept in the output folder (<case>.<method>.json, with masks in .npz), so that a model
    that changes is the only one to be tried again.
    """
    row = job.row
    loaded = []

    def case() -> Case:
        if not loaded:
            loaded.append(load_case(row, spacing_mm=job.settings.spacing_mm))
        return loaded[0]

    about = {"version": VERSION, "row": asdict(row), "spacing_mm": job.settings.spacing_mm}
    found = {}
    for name, folder in job.models.items():
        card = load_model(folder).card
        wanted = {**about, "settings": asdict(job.settings), "model": card.decides}
        found[name] = _kept(job.output / f"{row.case}.{name}", wanted, lambda name=name: _network(job, name, case()))
    found[SEMI] = _kept(job.output / f"{row.case}.{SEMI}", about, lambda: _click(case()))
    forget_sweeps()
    return {
        "case": row.case, "patient": row.patient, "split": row.split, "echogenicity": row.echogenicity,
        "contrast_db": row.contrast_db, "truth_volume_ml": found[SEMI]["figures"]["truth_volume_ml"],
        "methods": {name: one["figures"] for name, one in found.items()},
        "counts": {name: one["counts"] for name, one in found.items() if "counts" in one},
        "empty_boxes": {name: one["empty_boxes_ml"] for name, one in found.items() if "empty_boxes_ml" in one},
        "robustness": found[CROP]["robustness"] if CROP in found else [],
    }  # fmt: skip


def _kept(path: Path, wanted: dict, make: Callable[[], tuple[dict, dict]]) -> dict:
    """What was made from `wanted` before, or what `make` gives now: results, and arrays for the report's pictures."""
    wanted = json.loads(json.dumps(wanted))
    file = path.with_name(f"{path.name}.json")
    if file.is_file():
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["made_from"] == wanted:
            return known["results"]
    results, arrays = make()
    results = without_nan(results)
    np.savez_compressed(path.with_name(f"{path.name}.npz"), **arrays)
    content = {"made_from": wanted, "results": results}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return results


def _network(job: EvaluationJob, name: str, case: Case) -> tuple[dict, dict]:
    settings, seed = job.settings, zlib.crc32(case.name.encode())
    segmenter = _segmenter(job.models[name], settings.device, settings.threads)
    mask, seconds, counts = _with_network(case, Box.around_mask(case.tumor), segmenter)
    alarms = _false_alarms(case, segmenter, mask, settings.empty_boxes, np.random.default_rng([seed, 502]))
    results = {"figures": _figures(mask, case, seconds), "counts": counts.as_plain(), "empty_boxes_ml": alarms}
    if name == CROP:
        results["robustness"] = _robustness(case, job.row, segmenter, settings, np.random.default_rng([seed, 504]))
    return results, {name: _around(mask, case).voxels}


def _click(case: Case) -> tuple[dict, dict]:
    mask, seconds = _from_click(case, np.random.default_rng([zlib.crc32(case.name.encode()), 503]))
    block = _around(case.volume, case)
    shown = {"ultrasound": block.voxels, "truth": _around(case.tumor, case).voxels, "spacing_mm": block.spacing_mm}
    return {"figures": _figures(mask, case, seconds)}, {**shown, SEMI: _around(mask, case).voxels}


def _around(volume: Volume, case: Case) -> Volume:
    """A block around the tumor."""
    return crop(volume, Box.around_mask(case.tumor), 20.0).volume


def without_nan(value):
    """For JSON, which has no NaN: None for what is not defined, six digits of what is."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


@lru_cache(maxsize=6)
def _segmenter(folder: str, device: str, threads: int):
    from ..inference.predictor import LocalPredictor
    from ..segmentation.segmenter import TumorSegmenter

    segmenter = TumorSegmenter(LocalPredictor(load_model(folder), device=device, threads=threads))
    segmenter.predictor.warm_up()
    return segmenter


def _with_network(case: Case, box: Box, segmenter) -> tuple[Volume, float, VoxelCounts]:
    """(mask on the case's grid, seconds from box to mask, voxel counts over what the network saw)."""
    card = segmenter.model.card
    started = time.perf_counter()
    if card.task == "crop":
        result = segment(case.volume, box, segmenter, tight=True)
        seconds = sum(result.timings_s[step] for step in ("crop", "network", "mask"))
        truth = crop(case.tumor, box, card.margin_mm).volume
        return result.mask, seconds, VoxelCounts.of(result.probability, truth)
    probability = segmenter.probability(case.volume)
    mask = mask_by_card(probability, card, unseen_voxels(case.volume))
    return mask, time.perf_counter() - started, VoxelCounts.of(probability, case.tumor)


def _mask_in_box(volume: Volume, box: Box, segmenter, margin_mm: float) -> Volume:
    """Model_crop's mask, on the grid of `volume`, as the product makes it."""
    return segment(volume, box.expanded(margin_mm), segmenter).mask


def _figures(mask: Volume, case: Case, seconds: float) -> dict:
    figures = compare(mask, case.tumor)
    # Found in the paper's sense, by overlap and not by any touch.
    return {**figures, "found": figures["dice"] > 0.5, "time_s": seconds}


def _from_click(case: Case, random: np.random.Generator) -> tuple[Volume, float]:
    """Region growing from one click: a voxel of the truth deeper than half of its largest depth, drawn at random."""
    from scipy import ndimage

    from ..segmentation.region_growing import grow_region

    depth = ndimage.distance_transform_edt(np.pad(case.tumor.voxels > 0, 1), sampling=case.volume.spacing_mm[::-1])
    deep = np.argwhere(depth > depth.max() / 2) - 1
    seed_ras = transform_points(case.volume.ijk_to_ras, deep[random.integers(len(deep))][::-1])
    started = time.perf_counter()
    grown = grow_region(case.volume, seed_ras)
    seconds = time.perf_counter() - started
    return getattr(grown, "mask", grown), seconds


def _false_alarms(case: Case, segmenter, mask: Volume, boxes: int, random: np.random.Generator) -> list[float]:
    """What a model finds in boxes that hold no tumor, in mL; `mask` is what it found in the case."""
    alarms = []
    for _ in range(boxes):
        box = empty_box(case, random)
        if box is None:
            continue
        if segmenter.model.card.task == "crop":
            found = _mask_in_box(case.volume, box, segmenter, 0.0)
        else:
            found = crop(mask, box).volume
        alarms.append(float((found.voxels > 0).sum()) * found.voxel_volume_mm3 / 1000)
    return alarms


def _robustness(case: Case, row: CaseRow, segmenter, settings: EvaluationSettings, random) -> list[dict]:
    if settings.disturbances is None:
        return []
    curve = []
    sweep = sweep_of(row) if row.sweep else None
    for one in disturbed(case, sweep, settings.disturbances, random, settings.spacing_mm):
        try:
            found = _mask_in_box(one.volume, one.box, segmenter, segmenter.model.card.margin_mm)
            dice = compare(found, one.truth)["dice"]
        except GeometryError:  # the box left the volume
            dice = 0.0
        curve.append({"kind": one.kind, "amount": one.amount, "dice": dice})
    return curve
