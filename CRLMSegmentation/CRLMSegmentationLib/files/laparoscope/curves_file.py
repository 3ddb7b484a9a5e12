"""Curves on a liver's model that a laparoscope sees, too: as `crlm simulate` writes them, and the P2ILF challenge's.

Ours: coordinate_system, unit, and by landmark ("ridge", "falciform_ligament" or "ligament") one curve of points
[[x, y, z], ...] or a list of several. The challenge's: contour, a list of {"contourType", "modelPoints": {"vertices":
[...]}}, numbers of the points of its surface.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileFormatError
from ...words import tr
from ..coordinates import to_mm, to_ras
from ..json_file import read_json

_NAMES = {"ridge": "ridge", "ligament": "ligament", "falciform_ligament": "ligament", "falciform ligament": "ligament"}


def read_curves(path: str | PathLike[str], surface_points: np.ndarray) -> dict[str, list[np.ndarray]]:
    """By landmark ('ridge', 'ligament') its curves, each (n, 3) RAS mm.

    surface_points  (m, 3) RAS mm, of the liver in the order of its file: what the challenge's numbers are of
    Raises FileFormatError when there are none.
    """
    path = Path(path)
    content = read_json(path, "curves", ", and holds no curves of a liver.")
    try:
        curves = _by_number(content, surface_points) if "contour" in content else _by_points(content, path)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise FileFormatError(
            tr("{path} holds no usable curves: each needs two or more points (x, y, z).", path=path)
        ) from None
    if not curves:
        raise FileFormatError(tr("{path} holds no curve of ridge or ligament.", path=path))
    return curves


def _by_points(content: dict[str, Any], path: Path) -> dict[str, list[np.ndarray]]:
    to_right = to_ras(content.get("coordinate_system", "RAS"), path)[:3, :3]
    unit_mm = to_mm(content.get("unit", "mm"), path)
    curves: dict[str, list[np.ndarray]] = {}
    for name, landmark in _NAMES.items():
        given = content.get(name) or []
        is_one = bool(given) and np.ndim(given[0]) == 1
        for line in [given] if is_one else given:
            points = np.array(line, dtype=np.float64)
            if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2 or not np.isfinite(points).all():
                raise ValueError
            curves.setdefault(landmark, []).append(points @ to_right.T * unit_mm)
    return curves


def _by_number(content: dict[str, Any], surface_points: np.ndarray) -> dict[str, list[np.ndarray]]:
    curves: dict[str, list[np.ndarray]] = {}
    for contour in content["contour"]:
        landmark = _NAMES.get(str(contour["contourType"]).lower())
        numbers = np.array(contour["modelPoints"]["vertices"], dtype=np.int64)
        if landmark is None or len(numbers) < 2:
            continue
        if numbers.min() < 0:
            raise ValueError
        curves.setdefault(landmark, []).append(surface_points[numbers])
    return curves
