"""The plain values of each tumor in a case's index: what is written, and what is believed of what is read.

The file may have been written by another version or changed by hand, so that every value may be missing or be anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import GeometryError
from ...values import Box
from ..case.case_facts import CaseFacts, read_facts
from .case_tumor import LONGEST_NAME, MOST_TUMORS, CaseTumor, color_of

# What stands in place of the number of a volume.
OWN, NOT_KEPT = 0, -1


@dataclass(frozen=True, eq=False)
class TumorFacts:
    """What the index says of one tumor.

    tumor     without what was found of it
    sweep     number of the sweep that it was found in, 0 where that is not known
    volume    number in the index's list of the volume that it was found in, from 1; OWN for the case's own, NOT_KEPT
    is_stale  True when it was found in an earlier volume
    facts     threshold, doubts, when it was found and the like
    """

    tumor: CaseTumor
    sweep: int
    volume: int
    is_stale: bool
    facts: CaseFacts


def facts_of_tumor(tumor: CaseTumor) -> dict[str, Any]:
    """To be written, as plain values."""
    found, box = tumor.found, tumor.box
    state = None if found is None else found.state
    card = getattr(None if state is None else state.result, "card", None)
    at = None if found is None else found.found_at
    figures = None
    if state is not None:
        figures = {
            "volume_ml": state.shape.volume_ml, "largest_diameter_mm": state.shape.largest_diameter_mm,
            "voxels_corrected_by_hand": state.corrections.count,
        }  # fmt: skip
    return {
        "number": tumor.number,
        "name": tumor.name,
        "color": list(tumor.color),
        "margin_mm": tumor.margin_mm,
        "box": None if box is None else {
            "center_ras": box.center_ras.tolist(), "size_mm": box.size_mm.tolist(), "axes_ras": box.axes_ras.tolist()
        },
        "box_is_tight": tumor.box_is_tight,
        "found_at": None if at is None else at.isoformat(timespec="seconds"),
        "sweep": 0 if found is None or found.scan is None else found.scan.number,
        "is_stale": tumor.is_stale,
        "threshold": None if state is None else state.threshold,
        "keep": None if state is None else state.keep,
        "smoothing": None if state is None else state.smoothing,
        "model": None if card is None else {"name": card.name, "version": card.version},
        "model_card": None if card is None else card.text,
        "corrected_by_hand": found is not None and found.is_corrected,
        "doubts": [] if found is None else list(found.doubts),
        "doubts_acknowledged": found is not None and (found.acknowledged or not found.doubts),
        "tumor": figures,
    }  # fmt: skip


def read_tumors(facts: Mapping[str, Any]) -> tuple[tuple[TumorFacts, ...], int]:
    """The tumors of a case's index in their order, and the number of the chosen one; none where none is listed."""
    listed = facts.get("tumors")
    entries = [one for one in listed[:MOST_TUMORS] if isinstance(one, dict)] if isinstance(listed, list) else []
    tumors: list[TumorFacts] = []
    for place, entry in enumerate(entries, start=1):
        number = _count(entry.get("number")) or place
        if any(one.tumor.number == number for one in tumors):
            number = max(one.tumor.number for one in tumors) + 1
        tumors.append(_read_tumor(entry, number))
    chosen = _count(facts.get("chosen"))
    numbers = [one.tumor.number for one in tumors]
    return tuple(tumors), chosen if chosen in numbers else next(iter(numbers), 1)


def _read_tumor(entry: Mapping[str, Any], number: int) -> TumorFacts:
    facts = read_facts(entry)
    name = entry.get("name")
    is_name = isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME
    tumor = CaseTumor(
        number, " ".join(str(name).split()) if is_name else f"T{number}", _color(entry.get("color"), number),
        _box(entry.get("box")), facts.box_is_tight,
    )  # fmt: skip
    if facts.margin_mm is not None:
        tumor = replace(tumor, margin_mm=facts.margin_mm)
    volume = NOT_KEPT if entry.get("volume") == NOT_KEPT else _count(entry.get("volume"))
    return TumorFacts(tumor, _count(entry.get("sweep")), volume, entry.get("is_stale") is True, facts)


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1_000_000 else 0


def _numbers(value: object, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        numbers = np.array(value, dtype=np.float64).reshape(shape)
    except (ValueError, TypeError, OverflowError):
        return None
    return numbers if np.isfinite(numbers).all() else None


def _color(value: object, number: int) -> tuple[float, float, float]:
    color = _numbers(value, (3,))
    if color is None or color.min() < 0 or color.max() > 1:
        return color_of(number)
    return float(color[0]), float(color[1]), float(color[2])


def _box(value: object) -> Box | None:
    given = value if isinstance(value, dict) else {}
    center, size, axes = (
        _numbers(given.get(name), shape)
        for name, shape in (("center_ras", (3,)), ("size_mm", (3,)), ("axes_ras", (3, 3)))
    )  # fmt: skip
    if center is None or size is None or axes is None:
        return None
    try:
        return Box(center, size, axes)
    except GeometryError:
        return None
