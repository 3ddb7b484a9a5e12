"""A calibration as the elements of a PLUS device set configuration.

Format: PLUS user manual, 'Coordinate system definitions': CoordinateDefinitions with a Transform of From, To, Matrix
(pixel or mm to mm, row by row), Error and Date, which PLUS writes itself after a calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..whole_file import written_whole


def write_plus_calibration(
    path: str | Path, source: str, target: str, matrix: np.ndarray, error_mm: float, notes: Mapping[str, str]
) -> Path:
    """Write one transform with its error and today's date; `notes` (name to text) go into attributes of their own.

    matrix  (4, 4) from `source` to `target`
    Returns the path. Raises FileFormatError when it cannot be written.
    """
    root = ElementTree.Element("PlusConfiguration", {"version": "2.1"})
    definitions = ElementTree.SubElement(root, "CoordinateDefinitions")
    rows = "  ".join(" ".join(f"{value:.9g}" for value in row) for row in np.asarray(matrix).tolist())
    ElementTree.SubElement(definitions, "Transform", {
        "From": source, "To": target, "Matrix": rows, "Error": f"{error_mm:.4g}",
        "Date": datetime.now().astimezone().strftime("%Y.%m.%d %H:%M:%S"), **notes,
    })  # fmt: skip
    ElementTree.indent(root)
    with written_whole(path) as place:
        ElementTree.ElementTree(root).write(place, encoding="utf-8", xml_declaration=True)
    return Path(path)
