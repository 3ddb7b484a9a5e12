"""Boxes as 3D Slicer's Markups JSON (`.mrk.json`) with one ROI.

Format: Slicer's markups-schema-v1.0.3; an ROI has a center, a size and an orientation whose columns are its axes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..errors import CRLMError, FileFormatError
from ..geometry import Box

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_box(path) -> Box:
    """The first ROI in a Markups file, in RAS. Raises FileFormatError with the reason."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"The box {path} cannot be read ({error.strerror}); check the path.") from None
    except ValueError as error:
        raise FileFormatError(f"{path} is not JSON ({error}); save the ROI from Slicer as .mrk.json.") from None
    markups = content.get("markups", []) if isinstance(content, dict) else []
    roi = next((entry for entry in markups if isinstance(entry, dict) and entry.get("type") == "ROI"), None)
    if roi is None:
        raise FileFormatError(f"{path} holds no Markups ROI; save the box from Slicer's Markups module.")
    try:
        center = np.array(roi["center"], dtype=np.float64)
        size = np.array(roi["size"], dtype=np.float64)
        axes = np.array(roi.get("orientation", np.eye(3).ravel()), dtype=np.float64).reshape(3, 3)
        if str(roi.get("coordinateSystem", "LPS")).upper() in ("LPS", "0"):
            center, axes = _LPS_TO_RAS @ center, _LPS_TO_RAS @ axes
        return Box(center, size, axes)
    except CRLMError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(f"The ROI in {path} has no usable center, size and orientation.") from None


def write_box(box: Box, path, name: str = "Box") -> Path:
    """Write `box` as a Markups ROI that 3D Slicer opens."""
    path = Path(path)
    axes = _LPS_TO_RAS @ box.axes_ras
    roi = {
        "type": "ROI",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "name": name,
        "roiType": "Box",
        "center": (_LPS_TO_RAS @ box.center_ras).tolist(),
        "orientation": axes.ravel().tolist(),
        "size": box.size_mm.tolist(),
        "insideOut": False,
        "controlPoints": [],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"@schema": _SCHEMA, "markups": [roi]}, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise FileFormatError(f"{path} cannot be written ({error.strerror}).") from None
    return path
