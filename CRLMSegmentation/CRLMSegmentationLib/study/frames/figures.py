"""How well a tumor is outlined in one plane, and over many planes.

Reference: Faanes et al. (2D intra-operative ultrasound, brain): Dice, precision, recall and false negative rate of each
slice, positive predictions, and all of them by the tumor's area.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

# Upper ends in mm2 of the classes of the paper.
AREA_CLASSES = (("0-35", 35.0), ("35-200", 200.0), ("200+", math.inf))
# Least areas in mm2 at which the paper trains and tests.
AREA_CUTS_MM2 = (0, 5, 15, 25, 35, 70, 100, 200, 300)
FIGURES = ("dice", "precision", "recall", "fnr")
# As it stands in reports and in the results.
HOW_EMPTY_COUNTS = (
    "Dice, precision, recall and FNR are of planes with tumor. Where nothing is outlined in such a plane, Dice and "
    "recall are 0, FNR is 1, and precision is not defined and left out of its mean. Planes without tumor are in none "
    "of these figures: of them, the share in which anything is outlined is given by itself."
)


def plane_figures(found: np.ndarray, tumor: np.ndarray, pixel_mm2: float) -> dict[str, float]:
    """Of one plane: area_mm2 and found_mm2, and where there is tumor dice, precision, recall and fnr.

    found, tumor  boolean (v, u); what is not defined is NaN
    """
    both, marked, wanted = int((found & tumor).sum()), int(found.sum()), int(tumor.sum())
    areas = {"area_mm2": round(wanted * pixel_mm2, 2), "found_mm2": round(marked * pixel_mm2, 2)}
    if not wanted:
        return {**areas, **dict.fromkeys(FIGURES, math.nan)}
    recall = both / wanted
    return {
        **areas,
        "dice": 2 * both / (marked + wanted),
        "precision": both / marked if marked else math.nan,
        "recall": recall,
        "fnr": 1 - recall,
    }


def over_planes(planes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of many planes: 'planes' (with tumor), mean and median of each figure, and 'pp', the share of the planes with
    tumor in which anything was outlined; 'empty_planes' and 'empty_outlined', the same share of those without tumor.
    """
    with_tumor = [plane for plane in planes if plane["area_mm2"] > 0]
    empty = [plane for plane in planes if plane["area_mm2"] == 0]
    found: dict[str, Any] = {"planes": len(with_tumor)}
    for name in FIGURES:
        found[name] = _mean_and_median(plane[name] for plane in with_tumor)
    found["pp"] = _share(plane["found_mm2"] > 0 for plane in with_tumor)
    found["empty_planes"] = len(empty)
    found["empty_outlined"] = _share(plane["found_mm2"] > 0 for plane in empty)
    return found


def by_area(planes: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """over_planes() for each class of areas of the paper."""
    return {name: over_planes(of_class) for name, of_class in _classes(planes, _area_class).items()}


def by_least_area(planes: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """over_planes() of the planes with at least so much tumor, for each of AREA_CUTS_MM2."""
    with_tumor = [plane for plane in planes if plane["area_mm2"] > 0]
    return {f"{cut}": over_planes([one for one in with_tumor if one["area_mm2"] >= cut]) for cut in AREA_CUTS_MM2}


def by_label_origin(planes: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """over_planes() for each modality on which the labels were drawn."""
    origins = sorted({str(plane["label_origin"]) for plane in planes})
    return {name: over_planes([plane for plane in planes if plane["label_origin"] == name]) for name in origins}


def _area_class(plane: dict[str, Any]) -> str:
    return next(name for name, upper in AREA_CLASSES if plane["area_mm2"] <= upper)


def _classes(
    planes: Sequence[dict[str, Any]], class_of: Callable[[dict[str, Any]], str]
) -> dict[str, list[dict[str, Any]]]:
    classes: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in AREA_CLASSES}
    for plane in planes:
        if plane["area_mm2"] > 0:
            classes[class_of(plane)].append(plane)
    return classes


def _mean_and_median(values: Iterable[float | None]) -> dict[str, float | None]:
    defined = [value for value in values if value is not None and math.isfinite(value)]
    if not defined:
        return {"mean": None, "median": None}
    return {"mean": round(float(np.mean(defined)), 4), "median": round(float(np.median(defined)), 4)}


def _share(values: Iterable[bool]) -> float | None:
    listed = list(values)
    return round(float(np.mean(listed)), 4) if listed else None
