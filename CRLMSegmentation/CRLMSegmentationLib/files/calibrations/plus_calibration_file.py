"""A calibration as the elements of a PLUS device set configuration.

Format: PLUS user manual, 'Coordinate system definitions': CoordinateDefinitions with a Transform of From, To, Matrix
(pixel or mm to mm, row by row), Error and Date, which PLUS writes itself after a calibration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..whole_file import written_whole

PLUS_DATE = "%Y.%m.%d %H:%M:%S"


@dataclass(frozen=True, eq=False)
class PlusTransform:
    """matrix (4, 4) from `source` to `target`; error_mm and date as PLUS notes them, where they are known."""

    source: str
    target: str
    matrix: np.ndarray
    error_mm: float | None = None
    date: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


def write_plus_transforms(path: str | Path, transforms: Iterable[PlusTransform]) -> Path:
    """Write transforms with their errors and dates; `notes` (name to text) go into attributes of their own.

    Returns the path. Raises FileFormatError when it cannot be written.
    """
    root = ElementTree.Element("PlusConfiguration", {"version": "2.1"})
    definitions = ElementTree.SubElement(root, "CoordinateDefinitions")
    for one in transforms:
        rows = "  ".join(" ".join(f"{value:.9g}" for value in row) for row in np.asarray(one.matrix).tolist())
        told = {} if one.error_mm is None else {"Error": f"{one.error_mm:.4g}"}
        told |= {"Date": one.date} if one.date else {}
        ElementTree.SubElement(
            definitions, "Transform", {"From": one.source, "To": one.target, "Matrix": rows, **told, **one.notes}
        )
    ElementTree.indent(root)
    with written_whole(path) as place:
        ElementTree.ElementTree(root).write(place, encoding="utf-8", xml_declaration=True)
    return Path(path)


def write_plus_calibration(
    path: str | Path, source: str, target: str, matrix: np.ndarray, error_mm: float, notes: Mapping[str, str]
) -> Path:
    """Write one transform with its error and today's date; `notes` (name to text) go into attributes of their own.

    matrix  (4, 4) from `source` to `target`
    Returns the path. Raises FileFormatError when it cannot be written.
    """
    date = datetime.now().astimezone().strftime(PLUS_DATE)
    return write_plus_transforms(path, [PlusTransform(source, target, matrix, error_mm, date, notes)])
