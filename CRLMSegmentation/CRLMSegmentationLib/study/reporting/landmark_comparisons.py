"""What the report says of comparisons on the validation pictures: steps of the post-processing, and recipes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .comparison_file import read_comparison
from .report_page import ReportPage

# Below the study's folder, as `crlm study landmark-steps` and `landmark-sweep` write them.
STEPS, SWEEP = "steps.json", "sweep/sweep.json"
_TITLES = {
    "precision": "precision", "dice": "Dice", "recall": "recall",
    "symmetric_distance": "symmetric distance", "cldice": "clDice",
    "precision_raw": "precision without post-processing", "dice_raw": "Dice without post-processing",
}  # fmt: skip


def steps(page: ReportPage) -> str:
    """What each step of the post-processing brings; '' where it was not measured."""
    found = read_comparison(page, STEPS, "figures")
    if found is None:
        return ""
    return (
        "## What each step of the post-processing brings\n\n"
        f"Of {found['pictures']} {found['part']} pictures, network and threshold as they are; means of the landmarks, "
        f"over the pictures (`crlm study landmark-steps`).\n\n{_table('lines', found['figures'])}"
    )


def recipes(page: ReportPage) -> str:
    """Recipes side by side; '' where they were not."""
    found = read_comparison(page, SWEEP, "figures")
    if found is None:
        return ""
    training = ", ".join(f"{name} {value}" for name, value in found["training"].items())
    return (
        "## Recipes side by side\n\n"
        f"Each was trained on the same pictures ({training}) and measured in {found['pictures']} validation pictures, "
        f"each at the threshold that suits it best there (`crlm study landmark-sweep`).\n\n"
        f"{_table('recipe', found['figures'])}"
    )


def _table(what: str, figures: Mapping[str, Mapping[str, float | None]]) -> str:
    columns: Sequence[str] = list(next(iter(figures.values())))
    lines = [
        f"| {what} | {' | '.join(_TITLES.get(key, key) for key in columns)} |",
        "| --- " * (1 + len(columns)) + "|",
    ]
    for name, one in figures.items():
        values = [one[key] for key in columns]
        cells = ("-" if value is None or not math.isfinite(value) else f"{value:.3f}" for value in values)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
