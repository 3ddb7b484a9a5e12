"""The last step: everything that is in a study's folder, gathered for the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable, Sequence

from ..segmentation.models import CARD
from .case_files import forget_sweeps, sweep_of
from .case_table import CaseRow, LeftOut, choose_cases
from .evaluate import CROP, FULL
from .pipeline import Study, cases_of, describe
from .realism import evaluate_recording, read_recording
from .report import ReportInputs, write_report

SHOWN_FRAMES = 8


def report_step(
    study: Study, results: Sequence[dict], failed: Sequence[LeftOut], output: Path | None = None,
    recordings: dict[str, tuple] | None = None, commands: Sequence[str] = (), notes: Sequence[str] = (),
    progress: Callable[[float, str], None] | None = None,
) -> dict:
    """Write the report; returns what results.json holds.

    output      folder; the study's own report/ when None
    recordings  {title: (sweep, PLUS configuration or None)} of real recordings without a tumor
    """
    folder = study.folder
    models = {name: folder.model(kind) for kind, name in (("crop", CROP), ("full", FULL))}
    models = {name: model for name, model in models.items() if (model / CARD).is_file()}
    calibrations = {}
    for kind, name in (("crop", CROP), ("full", FULL)):
        kept = folder.calibration / f"calibration_{kind}.json"
        if name in models and kept.is_file():
            calibrations[name] = json.loads(kept.read_text(encoding="utf-8"))["counts"]
    rows = cases_of(study)
    alarms = {}
    for title, (sweep, configuration) in (recordings or {}).items():
        if CROP in models:
            kept = folder.evaluation / f"recording_{Path(sweep).stem}.json"
            alarms[title] = evaluate_recording(sweep, configuration, models[CROP], kept, study.threads or 1, progress)
    # What was left out when the study was built, training cases too, and what failed since.
    left_out = [*choose_cases(rows, study.with_iso_echoic)[1], *_left_out_at_build(folder.nnunet.raw), *failed]
    frames = (_frames_of_cases(rows), _frames_of_recordings(recordings or {}))
    inputs = folder.inputs.read_text(encoding="utf-8") if folder.inputs.is_file() else ""
    return write_report(
        ReportInputs(
            results, list(dict.fromkeys(left_out)), folder.evaluation, models, calibrations, describe(study),
            study.simulated is not None, alarms, frames, commands, inputs, notes,
        ),
        output or folder.report,
    )  # fmt: skip


def _left_out_at_build(raw: Path) -> list[LeftOut]:
    import csv

    if not (raw / "left_out.csv").is_file():
        return []
    with open(raw / "left_out.csv", newline="", encoding="utf-8") as file:
        return [LeftOut(line["case"], line["reason"]) for line in csv.DictReader(file)]


def _frames_of_cases(rows: Sequence[CaseRow]) -> list[tuple]:
    """The middle frame of some test sweeps, evenly picked."""
    with_sweep = [row for row in rows if row.is_test and row.sweep and Path(row.sweep).is_file()]
    chosen = with_sweep[:: max(1, len(with_sweep) // SHOWN_FRAMES)][:SHOWN_FRAMES]
    pictures = [(f"{row.case}, {row.echogenicity or 'lesion'}", _middle_frame(sweep_of(row))) for row in chosen]
    forget_sweeps()
    return pictures


def _frames_of_recordings(recordings: dict[str, tuple]) -> list[tuple]:
    pictures = []
    for title, (sweep, configuration) in recordings.items():
        frames = read_recording(sweep, configuration).frames
        for place in range(1, 5):
            number = place * (len(frames) - 1) // 5
            pictures.append((f"real: {title}, frame {number}", frames[number].pixels))
    return pictures


def _middle_frame(sweep):
    return sweep.frames[len(sweep.frames) // 2].pixels
