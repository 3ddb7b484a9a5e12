"""Sections of a report that fit every task: figures over all cases, of each test set, and of each case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases.case_table import TEST
from .report_page import ReportPage
from .report_text import decimal, figures_of_methods, quartile_table, table


def all_cases(page: ReportPage) -> str:
    """Quartiles of every figure over all test cases."""
    count = len(page.inputs.results)
    return (
        f"## All {count} {page.kind} cases\n\nMedian (25th to 75th percentile).\n\n"
        f"{quartile_table(page.found[TEST], page.inputs.metrics)}"
    )


def by_split(page: ReportPage) -> str:
    """The same for each test set, where there are several."""
    found = page.found
    if len(found["by_split"]) < 2:
        return ""
    return "\n".join(
        f"### {name} ({found['cases_by_split'][name]} cases)\n\n{quartile_table(methods, page.inputs.metrics)}"
        for name, methods in found["by_split"].items()
    )


def each_case(page: ReportPage) -> str:
    """The figures of each case that are marked for it."""
    metrics = [metric for metric in page.inputs.metrics if metric.of_each_case]
    methods = list(figures_of_methods(page.found[TEST]))
    rows = [
        [one["case"], one["split"],
         *(decimal(one[metric.key].get(name)) for metric in metrics for name in methods)]
        for one in page.found["each_case"]
    ]  # fmt: skip
    head = ["case", "test set", *(f"{metric.title} {name}" for metric in metrics for name in methods)]
    return f"## Every case\n\n{table(head, rows)}"


def required_line(
    test: Mapping[str, Any], what: str, path: tuple[str, ...], kind: str, must: float, aim: float
) -> dict[str, Any]:
    """One entry of `must` in results.json: the value at `path` below `test`, and whether it is at 'least' or at 'most'
    what it must be.
    """
    value: Any = test
    for key in path:
        value = value[key]
    sign = "at least" if kind == "least" else "at most"
    holds = value is not None and (value >= must if kind == "least" else value <= must)
    return {"what": what, "value": value, "must": f"{sign} {must:g}", "aim": f"{sign} {aim:g}", "holds": holds}


def required_section(page: ReportPage, beginning: str) -> str:
    """A table of the entries of `must` whose `what` begins so; '' where there is none."""
    lines = [line for line in page.found.get("must", []) if line["what"].startswith(beginning)]
    if not lines:
        return ""
    rows = [[line["what"], decimal(line["value"]), line["must"], line["aim"], "yes" if line["holds"] else "**no**"]
            for line in lines]  # fmt: skip
    return f"## What had to come out ({page.kind} test set)\n\n" + table(["", "here", "must", "aim", "holds"], rows)
