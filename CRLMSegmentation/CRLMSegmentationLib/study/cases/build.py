"""From a table of cases to two nnU-Net v2 datasets: crops around the tumor, and whole volumes."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import ConfigurationError
from ...values.defaults import DEFAULT_BOX_MARGIN_MM
from ..workers import for_each
from .case_files import forget_sweeps, load_case
from .case_table import TRAINING, VALIDATION, CaseRow, LeftOut, choose_cases
from .crop_sampling import CropSampling, sample_crops
from .dataset import CropDataset

CROPS, WHOLE = "Dataset501_TumorCrops", "Dataset502_WholeVolumes"


@dataclass(frozen=True)
class BuildSettings:
    """margin_mm around a tight box; how crops of training cases are sampled; keep iso-echoic lesions or not."""

    margin_mm: float = DEFAULT_BOX_MARGIN_MM
    sampling: CropSampling = CropSampling()
    with_iso_echoic: bool = False


@dataclass(frozen=True)
class _Job:
    row: CaseRow
    raw: Path
    settings: BuildSettings


def build(
    rows: Sequence[CaseRow],
    raw: Path,
    settings: BuildSettings = BuildSettings(),
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> list[LeftOut]:
    """Write both datasets below `raw` with one split, training against validation; returns the cases left out.

    Cases that were written before by the same settings are not written again. Test cases are never written: they are
    read from their own files when the study is evaluated. The reasons for every case left out are also in
    left_out.csv beside the datasets.
    """
    raw = Path(raw)
    used, left_out = choose_cases(rows, settings.with_iso_echoic)
    to_write = [row for row in used if not row.is_test]
    for name in (CROPS, WHOLE):
        CropDataset(raw, name)
    jobs = [_Job(row, raw, settings) for row in to_write]
    written: dict[str, dict] = {}
    for outcome in for_each(write_case_crops, jobs, workers, scheduler, progress, "Cutting out, case"):
        row = to_write[outcome.number]
        if outcome.error:
            left_out.append(LeftOut(row.case, outcome.error))
        else:
            written[row.case] = outcome.result
    forget_sweeps()
    write_left_out(left_out, raw / "left_out.csv")
    _finish(raw, to_write, written, left_out)
    return left_out


def write_case_crops(job: _Job) -> dict:
    """Write the crops and the whole volume of one case; returns their names: {'crops': [...], 'whole': [...]}."""
    row, raw = job.row, Path(job.raw)
    record = raw / "cases" / f"{row.case}.json"
    wanted = {"row": asdict(row), "settings": asdict(job.settings)}
    if record.is_file():
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["wanted"] == json.loads(json.dumps(wanted)):
            return known["written"]
    crops, whole = CropDataset(raw, CROPS), CropDataset(raw, WHOLE)
    sampling = job.settings.sampling if row.split == TRAINING else CropSampling()
    names = []
    loaded = {}

    def load(fill: str, every: int):
        if (fill, every) not in loaded:
            loaded[fill, every] = load_case(row, fill, every)
        return loaded[fill, every]

    seed = zlib.crc32(row.case.encode())
    for sampled in sample_crops(load, job.settings.margin_mm, sampling, seed):
        name = f"{row.case}_{sampled.name}"
        crops.add(name, sampled.image, sampled.mask)
        names.append(name)
    case = load("stick", 1)
    wholes = []
    if row.mask:
        whole.add(row.case, case.volume, case.tumor)
        wholes.append(row.case)
    written = {"crops": names, "whole": wholes}
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"wanted": wanted, "written": written}), encoding="utf-8")
    return written


def write_left_out(left_out: Sequence[LeftOut], path: Path) -> None:
    """A CSV table of the cases that were left out, each with its reason."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "reason"])
        writer.writerows((item.case, item.reason) for item in left_out)


def _finish(raw: Path, rows: Sequence[CaseRow], written: dict[str, dict], left_out: Sequence[LeftOut]) -> None:
    for name, part in ((CROPS, "crops"), (WHOLE, "whole")):
        names = {
            split: [item for row in rows if row.split == split for item in written.get(row.case, {}).get(part, [])]
            for split in (TRAINING, VALIDATION)
        }
        if not names[TRAINING] or not names[VALIDATION]:
            empty = TRAINING if not names[TRAINING] else VALIDATION
            first = f" The first: {left_out[0].case}: {left_out[0].reason}" if left_out else ""
            raise ConfigurationError(
                f"No {empty} case of the table could be used; the reasons are in {raw / 'left_out.csv'}.{first}"
            )
        CropDataset(raw, name).finish(names[TRAINING], names[VALIDATION])
