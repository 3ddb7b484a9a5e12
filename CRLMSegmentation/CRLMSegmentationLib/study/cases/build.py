"""From a table of cases to an nnU-Net v2 dataset for each task."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import ConfigurationError
from ...values.progress import Progress
from ..tasks.task import PlannedTask
from ..workers import for_each
from .case_files import CaseReader, forget_sweeps
from .case_table import TRAINING, VALIDATION, CaseRow, LeftOut, choose_cases


@dataclass(frozen=True)
class _Job:
    row: CaseRow
    raw: Path
    tasks: tuple[PlannedTask, ...]


def build(
    rows: Sequence[CaseRow],
    raw: Path,
    tasks: Sequence[PlannedTask],
    with_iso_echoic: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[LeftOut]:
    """Write the dataset of each task below `raw`, split into training and validation; returns the cases left out.

    Images that were written before with the same settings are not written again. Test cases are never written: they
    are read from their own files when the study is evaluated. The reasons for every case left out are also in
    left_out.csv beside the datasets.

    with_iso_echoic  keep lesions that look like the tissue around them

    Raises ConfigurationError when a dataset would have no training or no validation image.
    """
    raw = Path(raw)
    used, left_out = choose_cases(rows, with_iso_echoic)
    to_write = [row for row in used if not row.is_test]
    jobs = [_Job(row, raw, tuple(tasks)) for row in to_write]
    written: dict[str, dict[str, list[str]]] = {}
    for outcome in for_each(write_case_images, jobs, workers, scheduler, progress, "Cutting out, case"):
        row = to_write[outcome.number]
        if outcome.error:
            left_out.append(LeftOut(row.case, outcome.error))
        else:
            written[row.case] = outcome.result
    forget_sweeps()
    raw.mkdir(parents=True, exist_ok=True)
    write_left_out(left_out, raw / "left_out.csv")
    for planned in tasks:
        _finish(raw, planned, to_write, written, left_out)
    return left_out


def write_case_images(job: _Job) -> dict[str, list[str]]:
    """Write the images of one case for every task; returns their names by task."""
    reader = CaseReader(job.row)
    return {planned.task.name: _write_images(reader, job.raw, planned) for planned in job.tasks}


def _write_images(reader: CaseReader, raw: Path, planned: PlannedTask) -> list[str]:
    row, task = reader.row, planned.task
    record = raw / "cases" / f"{row.case}.{task.name}.json"
    wanted = json.loads(json.dumps({"row": asdict(row), "cut": planned.cut_settings}))
    if record.is_file():
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["wanted"] == wanted:
            return [str(name) for name in known["written"]]
    dataset = task.raw_dataset(raw)
    names = []
    for image in task.images(reader, planned.recipe):
        names.append(f"{row.case}_{image.name}" if image.name else row.case)
        dataset.add(names[-1], image.channels, image.labels)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"wanted": wanted, "written": names}), encoding="utf-8")
    return names


def write_left_out(left_out: Sequence[LeftOut], path: Path) -> None:
    """A CSV table of the cases that were left out, each with its reason."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "reason"])
        writer.writerows((item.case, item.reason) for item in left_out)


def _finish(
    raw: Path,
    planned: PlannedTask,
    rows: Sequence[CaseRow],
    written: dict[str, dict[str, list[str]]],
    left_out: Sequence[LeftOut],
) -> None:
    names = {
        split: [
            name for row in rows if row.split == split for name in written.get(row.case, {}).get(planned.task.name, [])
        ]
        for split in (TRAINING, VALIDATION)
    }
    if not names[TRAINING] or not names[VALIDATION]:
        empty = TRAINING if not names[TRAINING] else VALIDATION
        first = f" The first: {left_out[0].case}: {left_out[0].reason}" if left_out else ""
        raise ConfigurationError(
            f"No {empty} case of the table could be used; the reasons are in {raw / 'left_out.csv'}.{first}"
        )
    labelled = {
        name: planned.task.labelled(row, planned.recipe)
        for row in rows
        for name in written.get(row.case, {}).get(planned.task.name, [])
    }
    known = {name: structures for name, structures in labelled.items() if structures is not None}
    planned.task.raw_dataset(raw).finish(names[TRAINING], names[VALIDATION], known)
