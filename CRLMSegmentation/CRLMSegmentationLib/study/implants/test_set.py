"""A table of cases made of one tumor-free sweep: a tumor in each, every kind of every size at every kind of place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import GeometryError
from ...values.progress import Progress
from ..cases.case_table import TEST, CaseRow, write_case_table
from .implant import IMPLANT_FILES, Host, implant, write_implanted
from .settings import KINDS, LARGEST_MM, SMALLEST_MM, ImplantSettings

TABLE = "cases.csv"
# Each kind is tried in each of these ranges, and seven places in turn beside twelve such pairs: in 84 cases every
# triple comes up, even tissue and walls the most.
SIZES_MM = ((SMALLEST_MM, 14.0), (14.0, 24.0), (24.0, LARGEST_MM))
PLACES_IN_TURN = ("even", "walls", "depth", "even", "walls", "even", "edge")
ECHOGENICITY = {True: "hypoechoic", False: "hyperechoic"}
NEARLY_ISO_ECHOIC = "iso"


def case_name(seed: int) -> str:
    """Of the folder and in the table."""
    return f"implant{seed:04d}"


def settings_in_turn(count: int, settings: ImplantSettings) -> Iterator[ImplantSettings]:
    """Kinds, places and sizes of `count` cases; one that the settings fix stays."""
    for number in range(count):
        yield replace(
            settings,
            kind=settings.kind or KINDS[number % len(KINDS)],
            place=settings.place or PLACES_IN_TURN[number % len(PLACES_IN_TURN)],
            diameters_mm=SIZES_MM[number // len(KINDS) % len(SIZES_MM)],
        )


def implant_set(
    host: Host, count: int, seed: int, folder: Path, settings: ImplantSettings, progress: Progress | None = None
) -> list[CaseRow]:
    """Write `count` cases, from `seed` on, into folders of their own and the table of them; returns its rows.

    A kind of place that the sweep does not have is left to the next case's seed to choose. Raises GeometryError when a
    tumor that the settings fix fits nowhere.
    """
    rows = []
    for number, wanted in enumerate(settings_in_turn(count, settings)):
        name = case_name(seed + number)
        if progress:
            progress(number / count, f"Implanting, case {number + 1} of {count}")
        try:
            case = implant(host, seed + number, wanted)
        except GeometryError:
            if settings.place is not None or settings.diameter_mm is not None:
                raise
            case = implant(host, seed + number, replace(wanted, place=None))
        write_implanted(case, folder / name)
        rows.append(_row(name, host.sweep.name or "sweep", case.parameters["tumor"]))
    write_case_table(rows, folder / TABLE)
    return [replace(row, sweep=str(folder / row.sweep), mask=str(folder / row.mask)) for row in rows]


def _row(name: str, patient: str, tumor: Mapping[str, Any]) -> CaseRow:
    contrast_db = tumor["contrast_db"]
    # Beside the table, so that the folder can be moved.
    return CaseRow(
        name, patient, TEST, sweep=f"{name}/{IMPLANT_FILES[0]}", mask=f"{name}/{IMPLANT_FILES[1]}",
        echogenicity=ECHOGENICITY[contrast_db < 0], contrast_db=round(contrast_db, 2),
        iso_echoic=tumor["kind"] == NEARLY_ISO_ECHOIC,
    )  # fmt: skip


def parameters_of(row: CaseRow) -> dict[str, object] | None:
    """parameters.json of an implanted case; None for any other case."""
    path = Path(row.sweep).parent / IMPLANT_FILES[2]
    if not row.sweep or not path.is_file():
        return None
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found if "tumor" in found else None
