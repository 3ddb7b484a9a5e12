"""Sections of a report that fit every task: figures over all cases, of each test set, and of each case."""

from __future__ import annotations

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
