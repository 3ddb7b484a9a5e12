"""Recordings of tracked tools as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...files.whole_file import written_whole
from ...sweep import write_sweep
from .recordings import ToolRecordings

LANDMARKS_FILE, SCOPE_FILE = "landmarks.json", "tools/scope.igs.mha"
STYLUS_FILES = ("tools/stylus_pivot.igs.mha", "tools/stylus_landmarks.igs.mha", LANDMARKS_FILE)


def write_tools(recorded: ToolRecordings, folder: str | Path) -> dict[str, np.ndarray]:
    """Write STYLUS_FILES into `folder`, and SCOPE_FILE where there is a scope; landmarks.json holds of each landmark
    its place in the CT (RAS) and, in Reference, where it is and where it was touched, mm.

    Returns what transforms.json says of them: StylusTipToStylus and CameraToScope. Raises FileFormatError when the disk
    refuses.
    """
    folder = Path(folder)
    (folder / "tools").mkdir(parents=True, exist_ok=True)
    write_sweep(recorded.pivot, folder / STYLUS_FILES[0])
    write_sweep(recorded.touches, folder / STYLUS_FILES[1])
    transforms = {"StylusTipToStylus": recorded.stylus_tip}
    if recorded.scope is not None:
        write_sweep(recorded.scope, folder / SCOPE_FILE)
        transforms["CameraToScope"] = recorded.camera_to_scope
    text = {
        "simulated": True,
        "unit": "mm",
        "landmarks": [
            {
                "name": one.name,
                "ct_ras_mm": one.ct_ras.round(3).tolist(),
                "true_reference_mm": one.true.round(3).tolist(),
                "touched_reference_mm": one.touched.round(3).tolist(),
                "error_mm": round(float(np.linalg.norm(one.touched - one.true)), 3),
            }
            for one in recorded.landmarks
        ],
    }
    with written_whole(folder / LANDMARKS_FILE) as place:
        place.write_text(json.dumps(text, indent=1, allow_nan=False), encoding="utf-8")
    return transforms
