"""results.json: every figure of a study in one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..cases.case_table import TEST, LeftOut
from ..metrics import Metric
from .report_page import Results, Summary
from .statistics import summary

# Of the lesion of a case, where it is known.
ABOUT_A_CASE = {"volume_ml": "truth_volume_ml", "echogenicity": "echogenicity", "contrast_db": "contrast_db"}


def collect(
    results: Results,
    left_out: Sequence[LeftOut],
    simulated: bool,
    metrics: Sequence[Metric],
    summaries: Sequence[Summary] = (),
) -> dict[str, Any]:
    """All figures as plain values: 'test' over every test case, 'by_split' for each test set, 'each_case'; and what the
    `summaries` of the tasks add.
    """
    splits = sorted({result["split"] for result in results})
    shown = [metric.key for metric in metrics if metric.of_each_case]
    found: dict[str, Any] = {
        "cases": "simulated" if simulated else "from a table of cases",
        "cases_by_split": dict(Counter(result["split"] for result in results)),
        TEST: summary(results, metrics),
        "by_split": {name: summary([one for one in results if one["split"] == name], metrics) for name in splits},
        "each_case": [
            {"case": one["case"], "split": one["split"],
             **{name: one.get(key) for name, key in ABOUT_A_CASE.items()},
             **{key: {name: figures.get(key) for name, figures in one["methods"].items()} for key in shown}}
            for one in results
        ],
        "left_out": [{"case": one.case, "reason": one.reason} for one in left_out],
    }  # fmt: skip
    for add in summaries:
        add(found, results)
    return found
