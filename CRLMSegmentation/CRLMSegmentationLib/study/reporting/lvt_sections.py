"""What the report says of liver, vessels and tumors in CTs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..cases.case_table import TEST
from ..structure_metrics import LARGE_MM, LESION_COUNTS, OVERLAP, TOLERANCE_MM
from .report_page import ReportPage, Results
from .report_text import decimal, table
from .sections import required_line, required_section

MODEL = "Model_lvt"
_MEAN = "simulated test CTs: "
_FROM_LARGE = f"sensitivity_from_{LARGE_MM:g}_mm"
# (what, path below 'test', at least or at most, must, aim).
MUST = (
    (f"{_MEAN}Dice of the liver, mean", (MODEL, "liver", "dice", "mean"), "least", 0.95, 0.97),
    (f"{_MEAN}Dice of the vessels, mean", (MODEL, "vessel", "dice", "mean"), "least", 0.7, 0.8),
    (f"{_MEAN}Dice of the tumors, mean", (MODEL, "tumor", "dice", "mean"), "least", 0.75, 0.85),
    (f"{_MEAN}lesions over {LARGE_MM:g} mm that are found", (MODEL, "tumor", "sensitivity"), "least", 0.85, 0.95),
    (f"{_MEAN}false lesions a case", (MODEL, "tumor", "false_a_case"), "most", 1.0, 1.0),
)


def lvt_summaries(found: dict[str, Any], results: Results) -> None:
    """`structures`: {method: figures_of_structures()}; the same in test.METHOD, by as_in_results().

    Where there are figures of the study's own model, `must`.
    """
    known: dict[str, Any] = {}
    for method in dict.fromkeys(name for result in results for name in result["methods"]):
        figures = [result["methods"][method] for result in results if method in result["methods"]]
        if not all(name in one for one in figures for name in LESION_COUNTS):
            continue  # a method of another task
        of_method = figures_of_structures(figures)
        known[method] = of_method
        found[TEST][method].update(as_in_results(of_method))
    found["structures"] = known
    if MODEL in known:
        found["must"] = [*found.get("must", []), *(required_line(found[TEST], *one) for one in MUST)]


def figures_of_structures(figures: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """{structure: {'dice' | 'nsd' | 'rvd': {'mean', 'cases'}}, 'lesions': shares over all lesions} of the figures of
    cases (structure_metrics.compare_structures).
    """
    found: dict[str, Any] = {
        name: {what: _mean([one.get(f"{name}_{what}") for one in figures]) for what in ("dice", "nsd", "rvd")}
        for name in TOLERANCE_MM
    }
    total = {name: sum(one[name] or 0 for one in figures) for name in LESION_COUNTS}
    found["lesions"] = {
        "sensitivity": _share(total["lesions_found"], total["lesions"]),
        _FROM_LARGE: _share(total["large_lesions_found"], total["large_lesions"]),
        "precision": _share(total["findings_right"], total["findings"]),
        "false_a_case": _share(total["false_lesions"], len(figures)),
        "lesions": total["lesions"],
    }
    return found


def as_in_results(of_method: Mapping[str, Any]) -> dict[str, Any]:
    """figures_of_structures() as results.json has them: liver, vessel and tumor; of lesions `sensitivity` (over
    LARGE_MM) and `false_a_case`.
    """
    in_test = {name.removesuffix("s"): dict(of_method[name]) for name in TOLERANCE_MM}
    in_test["tumor"]["sensitivity"] = of_method["lesions"][_FROM_LARGE]
    in_test["tumor"]["false_a_case"] = of_method["lesions"]["false_a_case"]
    return in_test


def lvt_introduction(page: ReportPage) -> str:
    """What was measured."""
    tolerances = ", ".join(f"{name} {mm:g} mm" for name, mm in TOLERANCE_MM.items())
    return (
        f"# Liver, vessels and tumors in CTs\n\n{len(page.inputs.results)} {page.kind} CTs. NSD is the share of both "
        f"borders within a tolerance of the other ({tolerances}). A lesion is found when more than {OVERLAP:.0%} of it "
        "is overlapped; a finding is right when more than that of it lies on a lesion.\n"
    )


def required_structures(page: ReportPage) -> str:
    """What had to come out."""
    return required_section(page, _MEAN)


def means_of_structures(page: ReportPage) -> str:
    """Means of every structure, and the lesions over all cases together."""
    head = ["model", "structure", "Dice", "NSD", "relative volume difference"]
    rows, lesions = [], []
    for method, of_method in page.found["structures"].items():
        for name in TOLERANCE_MM:
            rows.append([method, name, *(decimal(of_method[name][what]["mean"]) for what in ("dice", "nsd", "rvd"))])
        lesions.append([method, *(decimal(value) for value in of_method["lesions"].values())])
    keys = next(iter(page.found["structures"].values()))["lesions"] if lesions else {}
    titles = [key.replace("_", " ") for key in keys]
    return f"## Means\n\n{table(head, rows)}\n\n## Lesions, all cases together\n\n{table(['model', *titles], lesions)}"


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return {"mean": sum(known) / len(known) if known else None, "cases": len(known)}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
