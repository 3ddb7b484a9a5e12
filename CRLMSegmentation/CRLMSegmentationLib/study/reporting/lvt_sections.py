"""What the report says of liver, vessels and tumors in CTs."""

from __future__ import annotations

import math
from typing import Any

from ..structure_metrics import LARGE_MM, LESION_COUNTS, OVERLAP, TOLERANCE_MM
from .report_page import ReportPage, Results


def lvt_summaries(found: dict[str, Any], results: Results) -> None:
    """`structures`: {method: {structure: {figure: {'mean', 'cases'}}, 'lesions': figures over all lesions}}."""
    table: dict[str, Any] = {}
    for method in dict.fromkeys(name for result in results for name in result["methods"]):
        figures = [result["methods"][method] for result in results if method in result["methods"]]
        if not all(name in one for one in figures for name in LESION_COUNTS):
            continue  # a method of another task
        of_method: dict[str, Any] = {
            name: {what: _mean([one.get(f"{name}_{what}") for one in figures]) for what in ("dice", "nsd", "rvd")}
            for name in TOLERANCE_MM
        }
        total = {name: sum(one[name] for one in figures) for name in LESION_COUNTS}
        of_method["lesions"] = {
            "sensitivity": _share(total["lesions_found"], total["lesions"]),
            f"sensitivity_from_{LARGE_MM:g}_mm": _share(total["large_lesions_found"], total["large_lesions"]),
            "precision": _share(total["findings_right"], total["findings"]),
            "false_a_case": _share(total["false_lesions"], len(figures)),
            "lesions": total["lesions"],
        }
        table[method] = of_method
    found["structures"] = table


def lvt_introduction(page: ReportPage) -> str:
    """What was measured."""
    tolerances = ", ".join(f"{name} {mm:g} mm" for name, mm in TOLERANCE_MM.items())
    return (
        f"# Liver, vessels and tumors in CTs\n\n{len(page.inputs.results)} {page.kind} CTs. NSD is the share of both "
        f"borders within a tolerance of the other ({tolerances}). A lesion is found when more than {OVERLAP:.0%} of it "
        "is overlapped; a finding is right when more than that of it lies on a lesion.\n"
    )


def _mean(values: list[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return {"mean": sum(known) / len(known) if known else None, "cases": len(known)}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
