"""The last step: everything that is in a study's folder, gathered for the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...geometry import plane_axes
from ...values import Box
from ...values.progress import Progress
from ..cases.case_files import forget_sweeps, mask_of, sweep_of
from ..cases.case_table import CaseRow, LeftOut, choose_cases
from ..pipeline import Study, cases_of, task_of_model
from ..tumor_methods import CROP
from .realism import evaluate_recording, read_recording
from .report import write_report
from .report_page import ReportInputs, ReportPlan, Results

if TYPE_CHECKING:
    from ...sweep import Sweep

SHOWN_FRAMES = 8
# By title: sweep, and PLUS configuration where the sweep does not hold its calibration.
Recordings = dict[str, tuple[str, "str | None"]]


def report_step(
    study: Study,
    results: Results,
    failed: Sequence[LeftOut],
    output: Path | None = None,
    recordings: Recordings | None = None,
    commands: Sequence[str] = (),
    notes: Sequence[str] = (),
    progress: Progress | None = None,
    further: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """Write the report; returns what results.json holds.

    output      folder; the study's own report/ when None
    recordings  {title: (sweep, PLUS configuration or None)} of real recordings without a tumor
    further     more models that were tried, by name
    """
    folder, rows, cards = study.folder, cases_of(study), study.cards()
    tasks = [one.task for one in study.planned if one.task.model_name in cards]
    theirs = {name: task_of_model(model) for name, model in (further or {}).items()}
    of_others = {name: task.trainer.read_card(Path(further[name])) for name, task in theirs.items()} if further else {}
    tried = {task.name: task for task in [*tasks, *theirs.values()]}.values()
    calibrations = {}
    for task in tasks:
        kept = folder.calibration(task.name)
        if kept.is_file():
            calibrations[task.model_name] = json.loads(kept.read_text(encoding="utf-8"))["counts"]
    alarms = {}
    for title, (sweep, configuration) in (recordings or {}).items():
        if CROP in cards:
            kept = folder.evaluation / f"recording_{Path(sweep).stem}.json"
            model = folder.model(CROP)
            alarms[title] = evaluate_recording(sweep, configuration, model, kept, study.threads or 1, progress)
    # What was left out when the study was built, training cases too, and what failed since.
    left_out = [*choose_cases(rows, study.with_iso_echoic)[1], *_left_out_at_build(folder.nnunet.raw), *failed]
    return write_report(
        ReportInputs(
            results=results,
            left_out=list(dict.fromkeys(left_out)),
            evaluation=folder.evaluation,
            cards={**cards, **of_others},
            calibrations=calibrations,
            # What the models were trained with, whatever the options of this command say.
            recipes={task.name: cards[task.model_name].text["training"]["recipe"] for task in tasks},
            plan=sum((task.report for task in tried), ReportPlan()),
            metrics=list(dict.fromkeys(metric for task in tried for metric in task.metrics)),
            simulated=study.simulated is not None,
            recordings=alarms,
            frames=(_frames_of_cases(rows), _frames_of_recordings(recordings or {})),
            commands=commands,
            inputs=folder.inputs.read_text(encoding="utf-8") if folder.inputs.is_file() else "",
            notes=notes,
        ),
        output or folder.report,
    )


def _left_out_at_build(raw: Path) -> list[LeftOut]:
    import csv

    if not (raw / "left_out.csv").is_file():
        return []
    with open(raw / "left_out.csv", newline="", encoding="utf-8") as file:
        return [LeftOut(line["case"], line["reason"]) for line in csv.DictReader(file)]


def _frames_of_cases(rows: Sequence[CaseRow]) -> list[tuple[str, np.ndarray]]:
    """The frame through the middle of the tumor of some test sweeps, every kind of echogenicity in turn."""
    by_kind: dict[str, list[CaseRow]] = {}
    for row in rows:
        if row.is_test and row.sweep and Path(row.sweep).is_file():
            by_kind.setdefault(row.echogenicity or "lesion", []).append(row)
    in_turn = [row for turn in zip_longest(*by_kind.values()) for row in turn if row is not None][:SHOWN_FRAMES]
    pictures = [
        (f"{row.case}, {row.echogenicity or 'lesion'}", _frame_through_tumor(sweep_of(row), row)) for row in in_turn
    ]
    forget_sweeps()
    return pictures


def _frames_of_recordings(recordings: Recordings) -> list[tuple[str, np.ndarray]]:
    pictures = []
    for title, (sweep, configuration) in recordings.items():
        frames = read_recording(sweep, configuration).frames
        for place in range(1, 5):
            number = place * (len(frames) - 1) // 5
            pictures.append((f"real: {title}, frame {number}", frames[number].pixels))
    return pictures


def _frame_through_tumor(sweep: Sweep, row: CaseRow) -> np.ndarray:
    """Pixels of the frame whose plane passes nearest to the tumor's middle; of the middle frame without a mask."""
    if not row.mask or not sweep.valid_frames:
        return sweep.frames[len(sweep.frames) // 2].pixels
    middle = Box.around_mask(mask_of(row)).center_ras
    poses = sweep.image_to_reference()
    # The distance along the plane's normal, in mm whatever the calibration makes of its third column.
    normals = plane_axes(poses)[..., 2]
    off_plane = np.abs(np.einsum("ni,ni->n", normals, middle - poses[:, :3, 3]))
    return sweep.valid_frames[int(off_plane.argmin())].pixels
