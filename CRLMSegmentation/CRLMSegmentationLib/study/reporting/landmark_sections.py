"""What the report says of landmarks in laparoscopic pictures."""

from __future__ import annotations

from typing import Any

from ...values.landmarks import LANDMARKS
from ..landmarks.figures import FIGURES, over_pictures
from .report_page import ReportPage, Results

_TITLES = dict(zip(FIGURES, ("precision", "Dice", "recall", "symmetric distance", "clDice")))


def landmark_summaries(found: dict[str, Any], results: Results) -> None:
    """`landmarks`: {method: {landmark: {figure: mean}}}."""
    table: dict[str, Any] = {}
    for method in dict.fromkeys(name for result in results for name in result["methods"]):
        figures = [result["methods"][method] for result in results if method in result["methods"]]
        if not all(f"{name}_dice" in one for one in figures for name in LANDMARKS):
            continue  # a method of another task
        table[method] = over_pictures([
            {name: {key: _number(one[f"{name}_{key}"]) for key in FIGURES} for name in LANDMARKS} for one in figures
        ])  # fmt: skip
    found["landmarks"] = table


def introduction(page: ReportPage) -> str:
    """What was measured."""
    patients = len({result["patient"] for result in page.inputs.results})
    return (
        f"# Landmarks of the liver in laparoscopic pictures\n\n{len(page.inputs.results)} {page.kind} pictures of "
        f"{patients} patients. All figures are measured in pictures 1920 wide, with lines of 12 pixels, as the P2ILF "
        "challenge does; the symmetric distance has d_max 20 and is divided by it. A landmark that is not in the truth "
        "and was not found counts in no mean.\n"
    )


def each_landmark(page: ReportPage) -> str:
    """A table of each landmark by itself."""
    lines = ["## Each landmark", "", f"| model | landmark | {' | '.join(_TITLES.values())} |"]
    lines.append("| --- " * (2 + len(_TITLES)) + "|")
    for method, of_method in page.found["landmarks"].items():
        for name, means in of_method.items():
            cells = " | ".join("-" if means[key] is None else f"{means[key]:.3f}" for key in FIGURES)
            lines.append(f"| {method} | {name} | {cells} |")
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
