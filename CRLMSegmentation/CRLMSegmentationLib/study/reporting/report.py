"""The report of a study: results.json, report.md and index.html with its figures, in one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..plain_values import without_nan
from . import report_text
from .report_page import ReportInputs, ReportPage
from .results import collect

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0;font-size:.85rem;display:block;overflow-x:auto}"
    "td,th{border:1px solid #ccc;padding:.25rem .5rem;text-align:left}th{background:#f4f4f4}"
    "img{max-width:100%}code{background:#f4f4f4;padding:0 .2rem}pre{background:#f4f4f4;padding:.6rem;overflow-x:auto}"
    "@media print{body{max-width:none}}"
)


def write_report(inputs: ReportInputs, folder: Path) -> dict[str, Any]:
    """Write the report into `folder`; returns what results.json holds."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = collect(inputs.results, inputs.left_out, inputs.simulated, inputs.metrics, inputs.plan.summaries)
    found["models"] = {
        name: {"name": card.name, "version": card.version, "threshold": card.threshold, "sha256": card.sha256,
               "uncertainty": card.text.get("uncertainty"), "validation": card.text.get("validation", {})}
        for name, card in inputs.cards.items()
    }  # fmt: skip
    found["recipes"] = inputs.recipes
    found["recordings_without_tumor"] = {
        title: {key: value for key, value in result.items() if key != "boxes"}
        for title, result in inputs.recordings.items()
    }
    page = ReportPage(inputs, found, folder)
    parts = [_head(page), *(section(page) for section in inputs.plan.sections), _how_it_was_made(page)]
    text = "\n".join(part for part in parts if part)
    (folder / "results.json").write_text(json.dumps(without_nan(found), indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(text, encoding="utf-8")
    (folder / "index.html").write_text(_html(text), encoding="utf-8")
    if inputs.inputs:
        (folder / "inputs.csv").write_text(inputs.inputs, encoding="utf-8")
    return found


def _head(page: ReportPage) -> str:
    parts = ["# Study report\n"]
    if page.inputs.simulated:
        parts.append(
            "**Every case of this study is simulated; no figure here is clinical.** The networks were trained on "
            "simulated data alone and are for research. The figures say how the methods compare on one simulated "
            "task, not how any of them does on patients.\n"
        )
    sets = ", ".join(f"{number} in {name}" for name, number in page.found["cases_by_split"].items())
    parts.append(f"Test cases: {len(page.inputs.results)} ({sets}); quartiles are over cases.\n")
    return "\n".join([*parts, *(f"{note}\n" for note in page.inputs.notes)])


def _how_it_was_made(page: ReportPage) -> str:
    inputs = page.inputs
    parts = [_left_out(page.found), "## How it was made\n"]
    if inputs.recipes:
        parts.append(report_text.recipe_table(inputs.recipes))
    if inputs.commands:
        parts.append("```\n" + "\n".join(inputs.commands) + "\n```\n")
    if inputs.inputs:
        parts.append("The SHA-256 of every file that went in is in [inputs.csv](inputs.csv).\n")
    return "\n".join(parts)


def _left_out(found: dict[str, Any]) -> str:
    if not found["left_out"]:
        return "No case was left out.\n"
    return "Left out:\n\n" + "".join(f"- {one['case']}: {one['reason']}\n" for one in found["left_out"])


def _html(text: str) -> str:
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark").enable("table").render(text)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Study report</title>'
            f"<style>{STYLE}</style></head><body>\n{body}</body></html>\n")  # fmt: skip
