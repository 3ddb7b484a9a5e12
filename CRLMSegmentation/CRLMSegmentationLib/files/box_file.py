"""Boxes as 3D Slicer's Markups JSON (`.mrk.json`) with one ROI.

Format: Slicer's markups-schema-v1.0.3; an ROI has a center, a size and an orientation whose columns are its axes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..errors import CRLMError, FileFormatError
from ..geometry import LPS_TO_RAS
from ..values import Box
from ..words import tr
from .coordinates import to_mm, to_ras
from .json_file import read_markups
from .whole_file import written_whole

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def read_box(path: str | Path) -> Box:
    """The ROI in a Markups file, in RAS and mm.

    Raises FileFormatError with the reason, also when the file holds several of them: which one is meant is not guessed.
    """
    path = Path(path)
    rois = read_markups(path, "box", "; save the ROI from Slicer as .mrk.json.", "ROI")
    if not rois:
        raise FileFormatError(tr("{path} holds no Markups ROI; save the box from Slicer's Markups module.", path=path))
    if len(rois) > 1:
        raise FileFormatError(
            tr("{path} holds {rois} Markups ROIs; save the one that is meant by itself.", path=path, rois=len(rois))
        )
    roi = rois[0]
    try:
        file_to_ras = to_ras(roi.get("coordinateSystem", "LPS"), path)[:3, :3]
        unit_mm = to_mm(roi.get("coordinateUnits", "mm"), path)
        center = np.array(roi["center"], dtype=np.float64)
        size = np.array(roi["size"], dtype=np.float64)
        axes = np.array(roi.get("orientation", np.eye(3).ravel()), dtype=np.float64).reshape(3, 3)
        return Box(file_to_ras @ center * unit_mm, size * unit_mm, file_to_ras @ axes)
    except FileFormatError:
        raise
    except CRLMError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(tr("The ROI in {path} has no usable center, size and orientation.", path=path)) from None


def write_box(box: Box, path: str | Path, name: str = "Box") -> Path:
    """Write `box` as a Markups ROI that 3D Slicer opens."""
    path = Path(path)
    ras_to_lps = LPS_TO_RAS[:3, :3]
    roi = {
        "type": "ROI",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "name": name,
        "roiType": "Box",
        "center": (ras_to_lps @ box.center_ras).tolist(),
        "orientation": (ras_to_lps @ box.axes_ras).ravel().tolist(),
        "size": box.size_mm.tolist(),
        "insideOut": False,
        "controlPoints": [],
    }
    with written_whole(path) as place:
        place.write_text(json.dumps({"@schema": _SCHEMA, "markups": [roi]}, indent=2) + "\n", encoding="utf-8")
    return path
