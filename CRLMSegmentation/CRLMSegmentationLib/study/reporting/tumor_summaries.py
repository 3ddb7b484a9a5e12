"""What results.json holds of the tasks that find a tumor, beside their figures: tests, strata, requirements."""

from __future__ import annotations

from typing import Any

from ..cases.case_table import TEST
from ..metrics import MASK_METRICS
from ..tumor_methods import CROP, FULL, SEMI
from .report_page import Results
from .statistics import paired_tests, robustness, strata

# Figures of Natali et al. (arXiv 2511.05253) on real patients, beside which ours are shown.
PAPER = {
    CROP: {"dice": 0.74, "recall": 0.80, "precision": 0.76, "hd95_mm": 17.1, "dice_q25": 0.57, "roc_auc": 0.898},
    FULL: {"dice": 0.02, "roc_auc": 0.718},
    SEMI: {"dice": 0.83},
}
SHIFT_MM = 5.0
# (what, path of the figure, at least or at most, must, aim), on the simulated test set.
MUST = (
    ("median Dice", ("dice", "median"), "least", 0.80, 0.88),
    ("median recall", ("recall", "median"), "least", 0.80, 0.88),
    ("median precision", ("precision", "median"), "least", 0.80, 0.88),
    ("median HD95 (mm)", ("hd95_mm", "median"), "most", 6.0, 3.0),
    ("25th percentile of Dice", ("dice", "q25"), "least", 0.65, 0.80),
)


def tumor_summaries(found: dict[str, Any], results: Results) -> None:
    """Adds 'tests', 'strata', 'robustness', and 'must': what had to come out of Model_crop."""
    found["tests"] = paired_tests(results)
    found["strata"] = strata(results)
    found["robustness"] = robustness(results)
    if CROP in found[TEST]:
        found["must"] = _must(found)


def _must(found: dict[str, Any]) -> list[dict[str, Any]]:
    table = []
    for what, (figure, part), kind, must, aim in MUST:
        value = found[TEST][CROP][figure][part]
        table.append(_line(f"{CROP}, {what}", value, kind, must, aim))
    shifts = [one for one in found["robustness"].get("shift_mm", []) if one["amount"] == SHIFT_MM]
    if shifts:
        what = f"Dice lost when the box is shifted by {SHIFT_MM:g} mm"
        table.append(_line(what, shifts[0]["lost"], "most", 0.05, 0.02))
    if FULL in found[TEST]:
        worse = _where_not_better(found[TEST][CROP], found[TEST][FULL])
        table.append({"what": f"{CROP} better than {FULL} on every figure", "value": "yes" if not worse else
                      "not on " + ", ".join(worse), "must": "yes", "aim": "yes", "holds": not worse})  # fmt: skip
    return table


def _where_not_better(crop: dict[str, Any], full: dict[str, Any]) -> list[str]:
    """Medians of figures on which Model_crop is not better; a figure that Model_full does not have at all is worse."""
    worse = []
    for metric in MASK_METRICS:
        first, second = crop[metric.key]["median"], full[metric.key]["median"]
        if metric.better and second is not None and (first is None or (first - second) * metric.better <= 0):
            worse.append(metric.key)
    for name in ("sensitivity", "roc_auc"):
        if name in crop and name in full and crop[name] <= full[name]:
            worse.append(name)
    return worse


def _line(what: str, value: float | None, kind: str, must: float, aim: float) -> dict[str, Any]:
    holds = value is not None and (value >= must if kind == "least" else value <= must)
    sign = "at least" if kind == "least" else "at most"
    return {"what": what, "value": value, "must": f"{sign} {must:g}", "aim": f"{sign} {aim:g}", "holds": bool(holds)}
