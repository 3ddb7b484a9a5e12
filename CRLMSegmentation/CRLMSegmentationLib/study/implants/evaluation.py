"""A model tried on implanted tumors, and on real recordings without any: what results.json holds of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...files import write_volume
from ...inference.models.card import ModelCard
from ...inference.models.model_files import sha256_of
from ...segmentation.crop import crop
from ...segmentation.segment import segment
from ...segmentation.segmenter import Segmenter
from ...values import Box, Volume
from ...values.progress import Progress
from ..cases.case_files import forget_sweeps, load_case
from ..cases.case_table import CaseRow
from ..metrics import compare
from ..reporting.curves import VoxelCounts, precision_recall_at, reliability
from ..reporting.statistics import quartiles, share_interval, total_counts
from ..segmenters import segmenter_of
from .settings import KINDS, PLACES, TEXTURES
from .test_set import SIZES_MM, parameters_of

SIZES = tuple(f"{smallest:g}-{largest:g}" for smallest, largest in SIZES_MM)
# Bumped when the same files would give other figures.
VERSION = 2
FOUND_DICE, FAILED_DICE = 0.5, 0.5


def evaluate_implants(
    rows: Sequence[CaseRow], model: Path, kept: Path, threads: int = 1, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Figures of each case: the tight box around the truth with the model's margin, as a person would draw it.

    kept  a folder: a case that was tried before with this model is read from it, and masks are written there
    Each has 'case', 'parameters', 'figures' (see metrics.compare), 'doubts' and 'counts' (see curves.VoxelCounts).
    Cases without parameters.json beside their sweep are left out.
    """
    kept.mkdir(parents=True, exist_ok=True)
    segmenter = segmenter_of(model, threads=threads)
    found = []
    for number, row in enumerate(rows):
        if progress:
            progress(number / len(rows), f"Trying, case {number + 1} of {len(rows)}")
        parameters = parameters_of(row)
        if parameters is None:
            continue
        file = kept / f"{row.case}.json"
        wanted = {"version": VERSION, "model": segmenter.model.card.decides, "sweep": sha256_of(Path(row.sweep))}
        known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        if known.get("made_from") != json.loads(json.dumps(wanted)):
            mask, tried = _tried(row, segmenter)
            known = {"made_from": wanted, "case": row.case, "parameters": parameters, **tried}
            write_volume(mask, kept / f"{row.case}.nrrd")
            file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
            forget_sweeps()
        found.append(known)
    return found


def _tried(row: CaseRow, segmenter: Segmenter) -> tuple[Volume, dict[str, Any]]:
    """(mask on the grid of the volume, what is kept of it)."""
    case = load_case(row)
    box = Box.around_mask(case.tumor)
    result = segment(case.volume, box, segmenter, tight=True)
    truth = crop(case.tumor, box, segmenter.model.card.margin_mm).volume
    figures = compare(result.mask, case.tumor)
    return result.mask, {
        "doubts": list(result.doubts),
        "figures": {name: None if np.isnan(value) else value for name, value in figures.items()},
        "counts": VoxelCounts.of(result.probability, truth).as_plain(),
    }


def summary(cases: Sequence[Mapping[str, Any]], card: ModelCard | None = None) -> dict[str, Any]:
    """By kind, each with all its places and sizes, by place, by size and by texture; what doubts told; reliability.

    card  of the model that was tried, which is then named; 'marked' says what reached its threshold, shown or too faint
    """
    threshold = None if card is None else card.threshold
    found: dict[str, Any] = {"sweeps": sorted({one["parameters"]["sweep"]["name"] for one in cases})}
    if card is not None:
        found["model"] = {"name": card.name, "version": card.version, "trained_on": card.trained_on}
    for kind in KINDS:
        of_kind = [one for one in cases if _tumor(one)["kind"] == kind]
        found[kind] = {
            **_figures(of_kind, threshold),
            "by_place": _by(of_kind, PLACES, lambda tumor: str(tumor["place"]), threshold),
            "by_size_mm": _by(of_kind, SIZES, size_class, threshold),
            "by_texture": _by(of_kind, TEXTURES, lambda tumor: str(tumor["texture"]), threshold),
        }
    found["doubts"] = failures_doubted(cases)
    if cases:
        found["reliability"] = reliability(total_counts([one["counts"] for one in cases]))
    return found


def size_class(tumor: Mapping[str, Any]) -> str:
    """One of SIZES, by the diameter of the sphere of the tumor's volume."""
    diameter = tumor["equivalent_diameter_mm"]
    return next(name for name, (_, largest) in zip(SIZES, SIZES_MM) if diameter < largest or name == SIZES[-1])


def _by(
    cases: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    class_of: Callable[[Mapping[str, Any]], str],
    threshold: float | None,
) -> dict[str, Any]:
    groups = {name: [one for one in cases if class_of(_tumor(one)) == name] for name in names}
    return {name: _figures(group, threshold) for name, group in groups.items() if group}


def _tumor(case: Mapping[str, Any]) -> Mapping[str, Any]:
    tumor: Mapping[str, Any] = case["parameters"]["tumor"]
    return tumor


def failures_doubted(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the failures (Dice below FAILED_DICE) those with a doubt, and of the others those with one; by sentence too.

    Where nothing was found the sentence that says so counts: it is about a failure, the tumor being in the box.
    """
    failed = [one for one in cases if one["figures"]["dice"] < FAILED_DICE]
    good = [one for one in cases if one["figures"]["dice"] >= FAILED_DICE]
    marked = [one for one in failed if one["figures"]["volume_ml"] > 0]
    sentences = sorted({_kind_of_doubt(text) for one in cases for text in one["doubts"]})
    return {
        "failures": len(failed),
        "doubted": _share(failed),
        "doubted_interval": _share_interval(failed),
        "failures_with_a_mask": len(marked),
        "doubted_with_a_mask": _share(marked),
        "false_doubts": _share(good),
        "false_doubts_interval": _share_interval(good),
        "by_sentence": {
            sentence: {
                name: sum(any(_kind_of_doubt(text) == sentence for text in one["doubts"]) for one in group)
                for name, group in (("failures", failed), ("others", good))
            }
            for sentence in sentences
        },
    }


def false_alarm_summary(recordings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Boxes of real recordings without tumor, and those with a false alarm: together and by recording.

    recordings  {title: result of realism.false_alarms}
    """
    boxes = sum(one["tried"] for one in recordings.values())
    alarms = sum(one["with_anything"] for one in recordings.values())
    return {
        "boxes": boxes,
        "with_false_alarm": alarms,
        "share": alarms / boxes if boxes else None,
        "interval": share_interval(alarms, boxes),
        "by_recording": {
            title: {"boxes": one["tried"], "with_false_alarm": one["with_anything"], "largest_ml": one["largest_ml"]}
            for title, one in recordings.items()
        },
    }


def check_has_implants(rows: Sequence[CaseRow], where: str) -> None:
    """Raises ConfigurationError where no case of a table is an implanted one."""
    if not any(parameters_of(row) for row in rows):
        raise ConfigurationError(
            f"{where} holds no implanted tumor: make such a table with `crlm study implant SWEEP --set N`."
        )


def _figures(cases: Sequence[Mapping[str, Any]], threshold: float | None) -> dict[str, Any]:
    marked = {}
    if threshold is not None:
        marked["marked"] = _dice_and_found([_dice_at(threshold, one["counts"]) for one in cases])
    return {
        "cases": len(cases),
        **_dice_and_found([one["figures"]["dice"] for one in cases]),
        **marked,
        "precision": quartiles([one["figures"]["precision"] for one in cases]),
        "recall": quartiles([one["figures"]["recall"] for one in cases]),
    }


def _dice_and_found(dice: Sequence[float]) -> dict[str, Any]:
    found = sum(value > FOUND_DICE for value in dice)
    return {
        "dice": quartiles(dice),
        "found": found / len(dice) if dice else None,
        "found_interval": share_interval(found, len(dice)),
    }


def _dice_at(threshold: float, counts: dict[str, Any]) -> float:
    """Of all voxels of a box that reach a threshold, whether they are shown or too faint for a tumor."""
    (precision,), (recall,) = precision_recall_at(VoxelCounts.from_plain(counts), [threshold])
    return float(2 * precision * recall / max(precision + recall, 1e-12))


def _share(cases: Sequence[Mapping[str, Any]]) -> float | None:
    return sum(bool(one["doubts"]) for one in cases) / len(cases) if cases else None


def _share_interval(cases: Sequence[Mapping[str, Any]]) -> list[float] | None:
    return share_interval(sum(bool(one["doubts"]) for one in cases), len(cases))


def _kind_of_doubt(sentence: str) -> str:
    """A sentence without its numbers."""
    return " ".join(word for word in sentence.split() if not any(sign.isdigit() for sign in word))
