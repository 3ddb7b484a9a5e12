"""In which coordinates and units a file says that it is, in one form: RAS and mm."""

from __future__ import annotations

import numpy as np

from ..errors import FileFormatError

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
# As Slicer's files name them; 0 and 1 are the codes of vtkMRMLStorageNode (CoordinateSystemRAS, CoordinateSystemLPS).
_SYSTEMS = {
    "RAS": np.eye(3), "0": np.eye(3), "RIGHT-ANTERIOR-SUPERIOR": np.eye(3),
    "LPS": LPS_TO_RAS, "1": LPS_TO_RAS, "LEFT-POSTERIOR-SUPERIOR": LPS_TO_RAS,
}  # fmt: skip
_MM = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "centimeter": 10.0, "m": 1000.0, "meter": 1000.0, "um": 0.001,
       "micrometer": 0.001}  # fmt: skip


def to_ras(system, path) -> np.ndarray:
    """(3, 3) from the coordinate system that `path` names to RAS. Raises FileFormatError for any but RAS and LPS."""
    try:
        return _SYSTEMS[str(system).strip().upper()]
    except KeyError:
        raise FileFormatError(
            f"{path} gives its coordinates in '{system}', which is neither RAS nor LPS: save it from Slicer in one of "
            "them."
        ) from None


def to_mm(unit, path) -> float:
    """How many mm one `unit` of `path` is: a word, or UCUM's code with its words. Raises FileFormatError for others."""
    word = str(unit[0] if isinstance(unit, (list, tuple)) and unit else unit).strip().strip('"')
    try:
        return _MM[word] if word in _MM else _MM[word.lower()]
    except KeyError:
        raise FileFormatError(f"{path} gives its lengths in '{word}', which is not known: save it in mm.") from None
