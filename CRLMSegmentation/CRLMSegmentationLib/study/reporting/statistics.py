"""From the results of the cases to the tables of the report: quartiles, tests, strata, robustness.

Reference: Natali et al., arXiv 2511.05253, Table 2 (quartiles; Wilcoxon signed-rank tests, Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..metrics import MASK_METRICS, Metric
from ..tumor_methods import CROP, FULL, SEMI
from .curves import VoxelCounts, areas
from .report_page import Results

WITHOUT_MISSED = "Model_full_without_missed"
COMPARED = (CROP, FULL, SEMI)
SIGNIFICANCE = 0.05 / 3
VOLUME_CLASSES_ML = ((0.0, 1.0), (1.0, 5.0), (5.0, math.inf))
CONTRAST_CLASSES_DB = ((0.0, 4.0), (4.0, 7.0), (7.0, math.inf))


def summary(results: Results, metrics: Sequence[Metric] = MASK_METRICS) -> dict[str, dict[str, Any]]:
    """{method: {figure: {'q25', 'median', 'q75', 'cases'}, 'sensitivity', 'specificity', 'missed', 'cases', ...}}.

    sensitivity  share of lesions with Dice > 0.5
    specificity  share of boxes without tumor in which nothing was found; None where that was not tried
    missed       lesions of which not one voxel was found
    The last three only of methods that say so in their results.
    """
    names = list(dict.fromkeys(name for result in results for name in result["methods"]))
    table: dict[str, dict[str, Any]] = {}
    for name in names:
        figures = [result["methods"][name] for result in results if name in result["methods"]]
        table[name] = _of_method(figures, metrics)
        if "missed" in table[name]:
            volumes = [volume for result in results for volume in result["empty_boxes"].get(name, [])]
            table[name]["specificity"] = _share([volume == 0 for volume in volumes])
            table[name]["empty_boxes"] = len(volumes)
            table[name]["empty_boxes_found_ml"] = quartiles(volumes)
        counts = [result["counts"][name] for result in results if name in result.get("counts", {})]
        if counts:
            table[name].update(areas(total_counts(counts)))
        kept = [figure for figure in figures if figure.get("recall")]
        if name == FULL and kept:
            table[WITHOUT_MISSED] = _of_method(kept, metrics)
    return table


def _of_method(figures: Results, metrics: Sequence[Metric]) -> dict[str, Any]:
    table: dict[str, Any] = {
        metric.key: quartiles([figure.get(metric.key) for figure in figures]) for metric in metrics
    }
    table["cases"] = len(figures)
    if all("found" in figure for figure in figures):
        table["sensitivity"] = _share([figure["found"] for figure in figures])
        table["missed"] = sum(not figure["recall"] for figure in figures)
    return table


def quartiles(values: Sequence[float | None]) -> dict[str, Any]:
    """{'q25', 'median', 'q75', 'cases'} of the values that are defined; None throughout when there are none."""
    defined = [value for value in values if value is not None and math.isfinite(value)]
    if not defined:
        return {"q25": None, "median": None, "q75": None, "cases": 0}
    found = np.percentile(defined, (25, 50, 75))
    return {**{name: round(float(v), 4) for name, v in zip(("q25", "median", "q75"), found)}, "cases": len(defined)}


def share_interval(hits: int, total: int) -> list[float] | None:
    """[lower, upper]: where a share lies with 95 % confidence when `hits` of `total` were seen; None of none.

    Reference: Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    from scipy.stats import binomtest

    if not total:
        return None
    interval = binomtest(hits, total).proportion_ci(confidence_level=0.95, method="wilson")
    return [round(float(interval.low), 4), round(float(interval.high), 4)]


def paired_tests(results: Results, figures: Sequence[str] = ("dice", "hd95_mm")) -> list[dict[str, Any]]:
    """Wilcoxon signed-rank tests between the three methods, two-sided, on the cases where both are defined."""
    from scipy.stats import wilcoxon

    tests = []
    present = [name for name in COMPARED if all(name in result["methods"] for result in results)]
    for figure in figures:
        for first, second in combinations(present, 2):
            both = [(result["methods"][first][figure], result["methods"][second][figure]) for result in results]
            pairs = np.array([pair for pair in both if None not in pair], dtype=float).reshape(-1, 2)
            differ = len(pairs) and (pairs[:, 0] != pairs[:, 1]).any()
            p = float(wilcoxon(pairs[:, 0], pairs[:, 1]).pvalue) if differ else None
            test = {"figure": figure, "first": first, "second": second, "cases": len(pairs), "p": p}
            tests.append({**test, "significant": p is not None and p < SIGNIFICANCE})
    return tests


def strata(results: Results) -> dict[str, Any]:
    """{'volume' | 'echogenicity' | 'contrast': {class: {method: {'dice', 'hd95_mm', 'sensitivity', 'cases'}}}}."""
    return {
        "volume": _by(results, lambda one: _class(one["truth_volume_ml"], VOLUME_CLASSES_ML, "mL")),
        "echogenicity": _by(results, lambda one: one["echogenicity"] or None),
        "contrast": _by(
            results,
            lambda one: None if one["contrast_db"] is None
            else _class(abs(one["contrast_db"]), CONTRAST_CLASSES_DB, "dB"),
        ),
    }  # fmt: skip


def robustness(results: Results) -> dict[str, Any]:
    """{kind: [{'amount', 'dice': quartiles, 'lost': mean Dice lost against the same case undisturbed, 'cases'}]}.

    Where a case has several boxes of one amount (directions of a shift), their mean counts, so that every case weighs
    the same.
    """
    lines: dict[str, list[dict[str, Any]]] = {}
    amounts = sorted({(one["kind"], one["amount"]) for result in results for one in result["robustness"]})
    for kind, amount in amounts:
        disturbed, lost = [], []
        for result in results:
            here = [one["dice"] for one in result["robustness"] if (one["kind"], one["amount"]) == (kind, amount)]
            if here:
                disturbed.append(float(np.mean(here)))
                lost.append(result["methods"][CROP]["dice"] - disturbed[-1])
        lines.setdefault(kind, []).append(
            {"amount": amount, "dice": quartiles(disturbed), "lost": round(float(np.mean(lost)), 4), "cases": len(lost)}
        )
    return lines


def total_counts(plain: Results) -> VoxelCounts:
    """Voxel counts of several cases, each as plain values, in one."""
    total = VoxelCounts.from_plain(plain[0])
    for one in plain[1:]:
        total = total + VoxelCounts.from_plain(one)
    return total


def _by(results: Results, class_of: Callable[[dict[str, Any]], str | None]) -> dict[str, Any]:
    classes: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        name = class_of(result)
        if name is not None:
            classes.setdefault(name, []).append(result)
    table = {}
    for name in sorted(classes):
        methods = classes[name][0]["methods"]
        table[name] = {
            method: {
                "dice": quartiles([one["methods"][method]["dice"] for one in classes[name]]),
                "hd95_mm": quartiles([one["methods"][method]["hd95_mm"] for one in classes[name]]),
                "sensitivity": _share([one["methods"][method]["found"] for one in classes[name]]),
                "cases": len(classes[name]),
            }
            for method in methods
        }
    return table


def _class(value: float, classes: Sequence[tuple[float, float]], unit: str) -> str:
    for lower, upper in classes:
        if lower <= value < upper:
            return f"{lower:g} to {upper:g} {unit}" if math.isfinite(upper) else f"{lower:g} {unit} and more"
    raise ValueError(value)


def _share(values: Sequence[bool]) -> float | None:
    return round(float(np.mean(values)), 4) if len(values) else None
