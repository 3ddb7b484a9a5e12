"""The table of lesions as CSV."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path

from ..files.whole_file import written_whole
from .measures import Lesion, Measures


def write_lesion_table(measures: Measures, path: str | Path) -> Path:
    """One line for each lesion, the fields of measures.Lesion as columns; a middle as three. Raises FileFormatError."""
    names = [field.name for field in fields(Lesion) if field.name != "center_ras_mm"]
    with written_whole(path) as place, open(place, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "center_r_mm", "center_a_mm", "center_s_mm"])
        for lesion in measures.lesions:
            cells = [getattr(lesion, name) for name in names]
            numbers = ["" if cell is None else cell for cell in (*cells, *lesion.center_ras_mm)]
            writer.writerow([f"{one:.3f}" if isinstance(one, float) else one for one in numbers])
    return Path(path)
