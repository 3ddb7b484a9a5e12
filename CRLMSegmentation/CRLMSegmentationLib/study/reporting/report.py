"""The report of a study: results.json, report.md and index.html with its figures, in one folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...inference.models.trained_model import load_model
from ..cases.case_table import TEST
from ..evaluate import CROP, without_nan
from . import figures, report_text
from .curves import VoxelCounts
from .results import collect

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0;font-size:.85rem;display:block;overflow-x:auto}"
    "td,th{border:1px solid #ccc;padding:.25rem .5rem;text-align:left}th{background:#f4f4f4}"
    "img{max-width:100%}code{background:#f4f4f4;padding:0 .2rem}pre{background:#f4f4f4;padding:.6rem;overflow-x:auto}"
    "@media print{body{max-width:none}}"
)


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made of.

    results     of evaluate, one for each test case; left_out: cases left out or failed, with reasons
    evaluation  the folder with their masks
    models      folders by name, calibrated; calibrations: validation VoxelCounts as plain values, by name
    recipes     by kind, as plain values
    recordings  {title: result of realism.evaluate_recording}
    simulated   whether the cases are simulated
    frames      ([(title, pixels)] simulated, [(title, pixels)] real) to be shown beside each other
    commands    what makes all of this again
    inputs      rows of inputs.csv: case, split, file, bytes, SHA-256
    notes       further sentences, such as the budget of the training
    """

    results: Sequence[dict]
    left_out: Sequence
    evaluation: Path
    models: dict[str, Path]
    calibrations: dict[str, dict]
    recipes: dict[str, dict]
    simulated: bool
    recordings: dict[str, dict] = field(default_factory=dict)
    frames: tuple = ((), ())
    commands: Sequence[str] = ()
    inputs: str = ""
    notes: Sequence[str] = ()


def write_report(inputs: ReportInputs, folder: Path) -> dict:
    """Write the report into `folder`; returns what results.json holds."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = collect(inputs.results, inputs.left_out, inputs.simulated)
    cards = {name: load_model(model).card for name, model in inputs.models.items()}
    found["models"] = {
        name: {"name": card.name, "version": card.version, "threshold": card.threshold, "sha256": card.sha256,
               "uncertainty": card.text.get("uncertainty"), "validation": card.text["validation"]}
        for name, card in cards.items()
    }  # fmt: skip
    found["recipes"] = inputs.recipes
    found["recordings_without_tumor"] = {
        title: {key: value for key, value in result.items() if key != "boxes"}
        for title, result in inputs.recordings.items()
    }
    shown = _draw(inputs, found, cards, folder)
    text = _text(inputs, found, cards, shown)
    (folder / "results.json").write_text(json.dumps(without_nan(found), indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(text, encoding="utf-8")
    (folder / "index.html").write_text(_html(text), encoding="utf-8")
    if inputs.inputs:
        (folder / "inputs.csv").write_text(inputs.inputs, encoding="utf-8")
    return found


def _draw(inputs: ReportInputs, found: dict, cards: dict, folder: Path) -> dict:
    """The figures; {name: its cases or True} of those that were drawn."""
    shown = {}
    thresholds = {name: card.threshold for name, card in cards.items()}
    figures.curves_figure(inputs.results, thresholds, folder / "curves.png")
    figures.violins_figure(inputs.results, folder / "violins.png")
    if inputs.calibrations:
        counts = {name: VoxelCounts.from_plain(plain) for name, plain in inputs.calibrations.items()}
        figures.reliability_figure(counts, folder / "reliability.png")
        shown["reliability"] = True
    if CROP in cards:
        shown["cases"] = figures.cases_figure(inputs.results, inputs.evaluation, folder / "cases.png")
        if found["robustness"]:
            undisturbed = found[TEST][CROP]["dice"]["median"]
            figures.robustness_figure(found["robustness"], undisturbed, folder / "robustness.png")
            shown["robustness"] = True
    if len(inputs.frames[0]):
        figures.frames_figure(*inputs.frames, folder / "frames.png")
        shown["frames"] = True
    return shown


def _text(inputs: ReportInputs, found: dict, cards: dict, shown: dict) -> str:
    kind = "simulated" if inputs.simulated else "test"
    count = len(inputs.results)
    sets = ", ".join(f"{number} in {name}" for name, number in found["cases_by_split"].items())
    parts = ["# Study report\n"]
    if inputs.simulated:
        parts.append(
            "**Every case of this study is simulated; no figure here is clinical.** The networks were trained on "
            "simulated ultrasound alone and are for research. The figures say how the methods compare on one simulated "
            "task, not how any of them does on patients.\n"
        )
    parts.append(
        f"The methods follow Natali et al. (arXiv 2511.05253): Model_crop sees a box around the tumor with 10 mm on "
        f"every side, Model_full the whole volume, Semi_automatic grows a region from one click. Test cases: {count} "
        f"({sets}); quartiles are over cases.\n"
    )
    parts += [f"{note}\n" for note in inputs.notes]
    if "must" in found:
        parts.append(f"## What had to come out ({kind} test set)\n")
        parts.append(report_text.must_table(found["must"]))
        parts.append("Beside the paper's figures, which are of real patients and not comparable case by case:\n")
        parts.append(report_text.paper_table(found[TEST]))
    parts.append(f"## All {count} {kind} cases\n\nMedian (25th to 75th percentile).\n")
    parts.append(report_text.quartile_table(found[TEST]))
    for name, methods in found["by_split"].items():
        if len(found["by_split"]) > 1:
            parts.append(f"### {name} ({found['cases_by_split'][name]} cases)\n")
            parts.append(report_text.quartile_table(methods))
    parts.append("![Dice and HD95 of every case](violins.png)\n")
    parts.append("Wilcoxon signed-rank tests, two-sided, with Bonferroni's correction for three comparisons:\n")
    parts.append(report_text.tests_table(found["tests"]))
    parts.append("## By volume, echogenicity and contrast\n\nDice.\n")
    parts.append(report_text.strata_table(found["strata"]))
    parts.append("## Probabilities and thresholds\n")
    for name, card in cards.items():
        parts.append(_threshold_sentence(name, card))
    parts.append("![ROC and precision-recall of the test voxels](curves.png)\n")
    if "reliability" in shown:
        parts.append("![Reliability on the validation images](reliability.png)\n")
    if "robustness" in shown:
        parts.append("## Robustness of Model_crop\n\nShifts go in random directions, three for each case.\n")
        parts.append(report_text.robustness_table(found["robustness"]))
        parts.append("![Dice against disturbances](robustness.png)\n")
    if "cases" in shown:
        parts.append("## Worst, middle and best case of Model_crop\n\n![Contours of all methods](cases.png)\n")
    parts += _recordings(inputs)
    if "frames" in shown:
        parts.append(
            "## Frames\n\nSimulated frames (upper rows) beside real ones of a phantom (last row), as recorded.\n\n"
            "![Simulated and real frames](frames.png)\n"
        )
    parts.append("## Every case\n")
    parts.append(report_text.each_case_table(found["each_case"]))
    parts.append(_left_out(found))
    parts.append("## How it was made\n")
    if inputs.recipes:
        parts.append(report_text.recipe_table(inputs.recipes))
    if inputs.commands:
        parts.append("```\n" + "\n".join(inputs.commands) + "\n```\n")
    if inputs.inputs:
        parts.append("The SHA-256 of every file that went in is in [inputs.csv](inputs.csv).\n")
    return "\n".join(parts)


def _threshold_sentence(name: str, card) -> str:
    validation, shell = card.text["validation"], card.text.get("uncertainty")
    sentence = f"{name}: threshold {card.threshold:g} ({card.text['threshold_choice']}"
    sentence += f"; F1 {validation['voxel_f1']:.3f})" if "voxel_f1" in validation else ")"
    if shell:
        sentence += f"; the uncertainty shell lies between probabilities {shell['outer']:g} and {shell['inner']:g}"
    return sentence + ".\n"


def _recordings(inputs: ReportInputs) -> list[str]:
    if not inputs.recordings:
        return []
    intro = (
        "## Real recordings without tumor\n\nModel_crop on boxes laid at random through recordings of real phantoms, "
        "in which there is no tumor: what it finds is a false alarm.\n"
    )
    rows = [[title, result["tried"], result["with_anything"], f"{result['found_ml']['median']:.2f}",
             f"{result['mean_ml']:.2f}", f"{result['largest_ml']:.2f}"]
            for title, result in inputs.recordings.items()]  # fmt: skip
    columns = ["recording", "boxes", "with a false alarm", "median (mL)", "mean (mL)", "largest (mL)"]
    return [intro, report_text.table(columns, rows)]


def _left_out(found: dict) -> str:
    if not found["left_out"]:
        return "No case was left out.\n"
    return "Left out:\n\n" + "".join(f"- {one['case']}: {one['reason']}\n" for one in found["left_out"])


def _html(text: str) -> str:
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark").enable("table").render(text)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Study report</title>'
            f"<style>{STYLE}</style></head><body>\n{body}</body></html>\n")  # fmt: skip
