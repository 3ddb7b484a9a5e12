"""Landmarks as 3D Slicer's Markups JSON (`.mrk.json`): the control points of one list.

Format: Slicer's markups-schema-v1.0.3.json.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import FileFormatError
from ..words import tr
from .coordinates import to_mm, to_ras
from .json_file import read_markups


def read_points(path: str | Path) -> np.ndarray:
    """(n, 3) RAS mm: the control points of the list of points in a Markups file, in their order.

    Points that were not placed are left out. Raises FileFormatError when there is no list, or more than one.
    """
    return read_named_points(path)[1]


def read_named_points(path: str | Path) -> tuple[list[str], np.ndarray]:
    """The same with the label of each point, or else its number from 1."""
    path = Path(path)
    lists = read_markups(path, "landmarks", "; save the points from Slicer as .mrk.json.", "Fiducial")
    if len(lists) != 1:
        raise FileFormatError(
            tr(
                "{path} holds {lists} lists of points; save the one that is meant by itself.",
                path=path,
                lists=len(lists),
            )
        )
    try:
        to_right = to_ras(lists[0].get("coordinateSystem", "LPS"), path)[:3, :3]
        unit_mm = to_mm(lists[0].get("coordinateUnits", "mm"), path)
        placed = [one for one in lists[0]["controlPoints"] if one.get("positionStatus", "defined") == "defined"]
        points = np.array([one["position"] for one in placed], dtype=np.float64).reshape(-1, 3)
        names = [str(one.get("label") or number + 1) for number, one in enumerate(placed)]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise FileFormatError(tr("The points in {path} have no usable positions.", path=path)) from None
    if not np.isfinite(points).all():
        raise FileFormatError(tr("The points in {path} have no usable positions.", path=path))
    return names, points @ to_right.T * unit_mm
