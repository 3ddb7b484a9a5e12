"""What the report says of landmarks in laparoscopic pictures."""

from __future__ import annotations

from typing import Any

from ...values.landmarks import LANDMARKS
from ..cases.case_table import TEST
from ..landmarks.figures import FIGURES, over_pictures
from .report_page import ReportPage, Results
from .sections import required_line, required_section

MODEL = "Model_landmarks"
_MEAN = "mean of the landmarks: "
# (what, path below 'test', at least or at most, must, aim) on simulated test patients.
MUST = (
    (f"{_MEAN}precision", ("precision", "mean"), "least", 0.6, 0.75),
    (f"{_MEAN}Dice", ("dice", "mean"), "least", 0.6, 0.75),
    (f"{_MEAN}symmetric distance", ("symmetric_distance", "mean"), "most", 0.3, 0.2),
)
_TITLES = dict(zip(FIGURES, ("precision", "Dice", "recall", "symmetric distance", "clDice")))


def landmark_summaries(found: dict[str, Any], results: Results) -> None:
    """`landmarks`: {method: {landmark: {figure: mean}}}; of the study's own model also 'mean' of each figure in 'test',
    over the pictures' means of their landmarks, and 'must'.
    """
    table: dict[str, Any] = {}
    for method in dict.fromkeys(name for result in results for name in result["methods"]):
        figures = [result["methods"][method] for result in results if method in result["methods"]]
        if not all(f"{name}_dice" in one for one in figures for name in LANDMARKS):
            continue  # a method of another task
        table[method] = over_pictures([
            {name: {key: _number(one[f"{name}_{key}"]) for key in FIGURES} for name in LANDMARKS} for one in figures
        ])  # fmt: skip
    found["landmarks"] = table
    if MODEL not in table:
        return
    for name in FIGURES:
        values = [result["methods"][MODEL].get(name) for result in results if MODEL in result["methods"]]
        known = [value for value in values if value is not None]
        found[TEST][name] = {"mean": round(sum(known) / len(known), 4) if known else None}
    found["must"] = [*found.get("must", []), *(required_line(found[TEST], *one) for one in MUST)]


def introduction(page: ReportPage) -> str:
    """What was measured."""
    patients = len({result["patient"] for result in page.inputs.results})
    return (
        f"# Landmarks of the liver in laparoscopic pictures\n\n{len(page.inputs.results)} {page.kind} pictures of "
        f"{patients} patients. All figures are measured in pictures 1920 wide, with lines of 12 pixels, as the P2ILF "
        "challenge does; the symmetric distance has d_max 20 and is divided by it. A landmark that is not in the truth "
        "and was not found counts in no mean.\n"
    )


def required_figures(page: ReportPage) -> str:
    """What had to come out."""
    return required_section(page, _MEAN)


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
