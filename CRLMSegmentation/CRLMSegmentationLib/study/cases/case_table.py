"""The table of cases: one line for each recording, with its patient and its part of the study.

A CSV file with a head line. Columns: `case` (unique; letters, digits, `_`, `-`), `patient`, `split` (training,
validation, test or another test set such as test2), `sweep` or `volume` (a recording, or a reconstructed volume),
`mask` (the true tumor; several files with `;` between them where several people drew it; empty for a recording without
one), `calibration` (the PLUS configuration with the ImageToProbe of a sweep that does not hold it), and, where known,
`echogenicity`, `contrast_db`, `iso_echoic` (yes or no) and `label_origin` (us, mr or ct: on which kind of image the
mask was drawn; us when empty). Paths are relative to the table.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ...errors import ConfigurationError

TRAINING, VALIDATION, TEST = "training", "validation", "test"
_SPLIT = re.compile(r"training|validation|test\w*")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
# Several people drew the tumor, each in a file.
BETWEEN_MASKS = ";"
# On which kind of image a mask was drawn.
LABEL_ORIGINS = ("us", "mr", "ct")
_YES_NO = {"": False, "no": False, "0": False, "false": False, "yes": True, "1": True, "true": True}


@dataclass(frozen=True)
class CaseRow:
    """One line of the table; `sweep`, `volume`, `mask` and `calibration` are paths, or empty. `label` says which label
    or segment of the mask is the tumor, where it holds several ('all' for all of them). `label_origin` is one of
    LABEL_ORIGINS, and `labelled` names the structures that were annotated, such as 'liver tumor', where not all of the
    task's were.
    """

    case: str
    patient: str
    split: str
    sweep: str = ""
    volume: str = ""
    mask: str = ""
    echogenicity: str = ""
    contrast_db: float | None = None
    iso_echoic: bool = False
    label: str = ""
    calibration: str = ""
    label_origin: str = LABEL_ORIGINS[0]
    labelled: str = ""

    @property
    def masks(self) -> tuple[str, ...]:
        """The paths in `mask`: one for each person who drew the tumor."""
        return tuple(path for path in self.mask.split(BETWEEN_MASKS) if path)

    @property
    def is_test(self) -> bool:
        return self.split.startswith(TEST)

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(path for path in (self.sweep, self.volume, *self.masks, self.calibration) if path)


@dataclass(frozen=True)
class LeftOut:
    """A case that is not used, and why."""

    case: str
    reason: str


def read_case_table(path: str | Path) -> list[CaseRow]:
    """The cases in the CSV file `path`, paths made absolute. Raises ConfigurationError with the line at fault."""
    path = Path(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"The table of cases {path} cannot be read ({error}).") from None
    rows = [_row(line, f"{path}, line {number}", path.parent) for number, line in enumerate(lines, start=2)]
    check_cases(rows, str(path))
    return rows


def write_case_table(rows: Iterable[CaseRow], path: str | Path) -> Path:
    """Write the CSV file; paths as they are in the rows."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(CaseRow)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            cells = asdict(row)
            cells["iso_echoic"] = "yes" if row.iso_echoic else "no"
            writer.writerow({name: "" if value is None else value for name, value in cells.items()})
    return path


def check_cases(rows: Sequence[CaseRow], where: str = "The table of cases") -> None:
    """Raises ConfigurationError when two cases share a name, or one patient is in several splits."""
    if not rows:
        raise ConfigurationError(f"{where} holds no case.")
    names, splits = set(), defaultdict(set)
    for row in rows:
        if row.case.lower() in names:
            raise ConfigurationError(f"{where} holds the case {row.case} twice.")
        names.add(row.case.lower())
        splits[row.patient].add(row.split)
    crossing = {patient: sorted(names) for patient, names in splits.items() if len(names) > 1}
    if crossing:
        patient, parts = next(iter(crossing.items()))
        raise ConfigurationError(
            f"{where} has the patient {patient} in {' and '.join(parts)}: all cases of a patient belong in one split."
        )


def choose_cases(rows: Sequence[CaseRow], with_iso_echoic: bool = False) -> tuple[list[CaseRow], list[LeftOut]]:
    """(used, left out): without iso-echoic lesions, as in the study, and without lines whose files are missing."""
    used, left_out = [], []
    for row in rows:
        missing = [path for path in row.files if not Path(path).is_file()]
        if missing:
            left_out.append(LeftOut(row.case, f"the file {missing[0]} is missing"))
        elif not row.mask and row.split != TRAINING:
            left_out.append(LeftOut(row.case, "it has no true mask, and only training can use that"))
        elif row.iso_echoic and not with_iso_echoic:
            left_out.append(LeftOut(row.case, "the lesion is iso-echoic"))
        else:
            used.append(row)
    return used, left_out


def _row(line: dict[str, str], where: str, folder: Path) -> CaseRow:
    known = [field.name for field in fields(CaseRow)]
    cells = {name: (line.get(name) or "").strip() for name in known}
    if not _NAME.fullmatch(cells["case"]) or not cells["patient"]:
        raise ConfigurationError(f"{where}: a case needs a name of letters, digits, - and _, and a patient.")
    if not _SPLIT.fullmatch(cells["split"]):
        raise ConfigurationError(f"{where}: the split is '{cells['split']}'; use training, validation, test or test2.")
    if bool(cells["sweep"]) == bool(cells["volume"]):
        raise ConfigurationError(f"{where}: give either a sweep or a volume.")
    if cells["calibration"] and not cells["sweep"]:
        raise ConfigurationError(f"{where}: a calibration belongs to a sweep, and there is none.")
    if cells["iso_echoic"].lower() not in _YES_NO:
        raise ConfigurationError(f"{where}: iso_echoic is '{cells['iso_echoic']}'; use yes or no.")
    cells["label_origin"] = cells["label_origin"].lower() or LABEL_ORIGINS[0]
    if cells["label_origin"] not in LABEL_ORIGINS:
        raise ConfigurationError(
            f"{where}: label_origin is '{cells['label_origin']}'; use one of {', '.join(LABEL_ORIGINS)}."
        )
    for name in ("sweep", "volume", "mask", "calibration"):
        if cells[name]:
            paths = [path.strip() for path in cells[name].split(BETWEEN_MASKS if name == "mask" else "\0")]
            cells[name] = BETWEEN_MASKS.join(str((folder / path).resolve()) for path in paths if path)
    try:
        contrast = float(cells["contrast_db"]) if cells["contrast_db"] else None
    except ValueError:
        raise ConfigurationError(f"{where}: contrast_db is '{cells['contrast_db']}', which is no number.") from None
    iso_echoic = _YES_NO[cells.pop("iso_echoic").lower()]
    del cells["contrast_db"]
    return CaseRow(**cells, contrast_db=contrast, iso_echoic=iso_echoic)
