"""Public data sets of landmarks, as a group has downloaded them, as rows of a table of cases.

L3D (Pei et al., MICCAI 2024): folders train, val and test, each with images/NAME.jpg and labels/NAME.json.
P2ILF (Ali et al., Medical Image Analysis 2025): pictures patientN_M.jpg or .png anywhere below the folder, each with
patientN_M.xml or .json of the same name, in the same folder or in another.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from ...errors import ConfigurationError
from ..cases.case_table import TEST, TRAINING, VALIDATION, CaseRow, check_cases

L3D_PARTS = {"train": TRAINING, "training": TRAINING, "val": VALIDATION, "validation": VALIDATION, "test": TEST}
PICTURES, TRUTHS = (".jpg", ".jpeg", ".png", ".bmp"), (".json", ".xml")


def l3d_rows(folder: str | Path) -> list[CaseRow]:
    """The cases of L3D, in the parts in which it comes. Raises ConfigurationError when there are none, and when a
    patient's pictures lie in two parts.
    """
    folder = Path(folder)
    rows = []
    for part in sorted(one for one in folder.iterdir() if one.is_dir() and one.name.lower() in L3D_PARTS):
        pictures = _by_stem(part / "images", PICTURES)
        for stem, truth in _by_stem(part / "labels", TRUTHS).items():
            if stem in pictures:
                split, patient = L3D_PARTS[part.name.lower()], _patient_in(stem)
                # A name that tells no patient is taken as the data set parts it.
                rows.append(_row(f"{split}_{stem}", patient or f"l3d_{split}", split, pictures[stem], truth))
    return _checked(rows, folder, "train, val and test, each with images and labels, as L3D has them")


def p2ilf_rows(folder: str | Path, validation: Collection[str], test: Collection[str]) -> list[CaseRow]:
    """The cases of P2ILF; patients such as '4' are of validation or test where they are named there, else of training.

    Raises ConfigurationError when there are none, or a patient who is named is not there.
    """
    folder = Path(folder)
    pictures, rows = _by_stem(folder, PICTURES), []
    for stem, truth in _by_stem(folder, TRUTHS).items():
        match = re.match(r"patient(\d+)_", stem)
        if match is None or stem not in pictures:
            continue
        number = match.group(1)
        split = VALIDATION if number in validation else TEST if number in test else TRAINING
        rows.append(_row(stem, f"p2ilf_patient{number}", split, pictures[stem], truth))
    known = {row.patient.removeprefix("p2ilf_patient") for row in rows}
    unknown = sorted((set(validation) | set(test)) - known)
    if rows and unknown:
        raise ConfigurationError(f"{folder} holds no patient {', '.join(unknown)}: it has {', '.join(sorted(known))}.")
    return _checked(rows, folder, "pictures patientN_M with .xml or .json of the same name, as P2ILF has them")


def _by_stem(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in endings}


def _patient_in(stem: str) -> str | None:
    """What comes before the number of the picture, where it holds a number of its own: 'P03' of 'P03_0120'."""
    match = re.fullmatch(r"(.*\d.*?)[_-]\D*\d+", stem)
    return f"l3d_{match.group(1)}" if match else None


def _row(name: str, patient: str, split: str, picture: Path, truth: Path) -> CaseRow:
    case = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return CaseRow(case, patient, split, volume=str(picture.resolve()), mask=str(truth.resolve()))


def _checked(rows: list[CaseRow], folder: Path, wanted: str) -> list[CaseRow]:
    if not rows:
        raise ConfigurationError(f"{folder} holds no {wanted}.")
    check_cases(rows, str(folder))
    return rows
