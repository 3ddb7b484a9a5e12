"""A model tried on boxes that were made to look as from other scanners (cases/remaps.py): validation, never test."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..segmentation.crop import crop
from ..segmentation.postprocess import mask_from_probability, unless_too_faint, unseen_voxels
from ..segmentation.segmenter import Segmenter
from ..values import Box, Volume
from .cases.case_files import forget_sweeps, load_case
from .cases.case_table import CaseRow
from .cases.crop_sampling import empty_box
from .cases.remaps import REMAPS, Remap, drawn_remap, remapped
from .metrics import compare
from .segmenters import segmenter_of

# By the contrast with the tissue around, in dB: nearly iso-echoic up to the first, faint up to the second, which is
# nearer for tumors that are brighter.
ISO_DB, FAINT_DB = 2.5, {"dark": 5.0, "bright": 4.0}
KINDS = ("dark", "faint", "bright", "iso")
FOUND_DICE = 0.5
DRAWN, EMPTY = "drawn", "without tumor"


def kind_of(contrast_db: float) -> str:
    """'dark', 'faint', 'iso' or 'bright'."""
    side = "dark" if contrast_db < 0 else "bright"
    if abs(contrast_db) < ISO_DB:
        return "iso"
    return "faint" if abs(contrast_db) < FAINT_DB[side] else side


def tried_looks(
    rows: Sequence[CaseRow], model: Path, drawn: int = 6, single: Sequence[str] = tuple(REMAPS)
) -> list[dict[str, Any]]:
    """{'case', 'kind', 'look', 'dice', 'marked', 'shown_ml'} of each case with each look; 'marked' is the Dice of all
    that reaches the model's threshold, shown or too faint. 'kind' is EMPTY for boxes that hold no tumor.

    single  names of REMAPS that are tried; `drawn` looks come after them
    The same rows give the same looks, whatever the model.
    """
    segmenter = segmenter_of(model, threads=1)
    found = []
    for row in rows:
        case = load_case(row)
        forget_sweeps()
        seed = zlib.crc32(row.case.encode())
        tight = Box.around_mask(case.tumor)
        margin_mm = segmenter.model.card.margin_mm
        boxes = [(kind_of(row.contrast_db or 0.0), tight.expanded(margin_mm))]
        beside = empty_box(case, np.random.default_rng([seed, 701]))
        if beside is not None:
            boxes.append((EMPTY, beside))
        for kind, box in boxes:
            image, truth = crop(case.volume, box).volume, crop(case.tumor, box).volume
            for number, (look, remap) in enumerate(_looks(seed, drawn, single)):
                seen = remapped(image, remap, np.random.default_rng([seed, number, 702]))
                found.append({"case": row.case, "kind": kind, "look": look, **_figures(seen, truth, segmenter)})
    return found


def _looks(seed: int, drawn: int, single: Sequence[str]) -> Iterator[tuple[str, Remap]]:
    yield from ((name, REMAPS[name]) for name in single)
    for number in range(drawn):
        yield DRAWN, drawn_remap(np.random.default_rng([seed, number, 703]))


def _figures(image: Volume, truth: Volume, segmenter: Segmenter) -> dict[str, float]:
    card = segmenter.model.card
    probability = segmenter.probability(image)
    marked = mask_from_probability(probability, card.threshold, unseen=unseen_voxels(image))
    shown = unless_too_faint(marked, probability, card)
    figures = compare(shown, truth)
    dice = {"dice": figures["dice"], "marked": compare(marked, truth)["dice"]} if truth.voxels.any() else {}
    return {**dice, "shown_ml": float((shown.voxels > 0).sum()) * shown.voxel_volume_mm3 / 1000}


def looks_summary(tried: Sequence[dict[str, Any]]) -> str:
    """A table in Markdown: for each look and kind how many were found, of how many, and the median Dice."""
    lines = [f"| look | {' | '.join(KINDS)} | false alarms |", "| --- " * (len(KINDS) + 2) + "|"]
    for look in dict.fromkeys(one["look"] for one in tried):
        of_look = [one for one in tried if one["look"] == look]
        cells = []
        for kind in KINDS:
            dice = [one["dice"] for one in of_look if one["kind"] == kind]
            found = sum(value > FOUND_DICE for value in dice)
            cells.append(f"{found} of {len(dice)}, {np.median(dice):.2f}" if dice else "-")
        empty = [one["shown_ml"] > 0 for one in of_look if one["kind"] == EMPTY]
        lines.append(f"| {look} | {' | '.join(cells)} | {sum(empty)} of {len(empty)} |")
    return "\n".join(lines)
