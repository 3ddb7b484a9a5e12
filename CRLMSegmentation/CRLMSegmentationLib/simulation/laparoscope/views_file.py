"""The views of a laparoscope as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...files.laparoscope.camera_file import write_camera
from ...files.paths import name_for_library
from ...files.whole_file import written_whole
from ..patient.export import write_transforms
from .views import LANDMARKS, LaparoscopeViews

# A step of the depth in its file.
DEPTH_STEP_MM = 0.01


def views_files(count: int) -> list[str]:
    """Names of what write_views() writes, but for the transforms."""
    numbered = [f"camera/{name}_{number:03d}.png" for number in range(count) for name in ("depth", "landmarks")]
    return ["camera/camera.json", "camera/views.json", *numbered]


def write_views(views: LaparoscopeViews, folder: str | Path, transforms: dict[str, np.ndarray] | None = None) -> None:
    """Write into `folder`: camera/camera.json (OpenCV's numbers), camera/depth_*.png (uint16, in steps of 0.01 mm; 0
    where there is no liver), camera/landmarks_*.png (uint8, numbers in camera/views.json), and `transforms` with
    CameraToReference, one pose for each view, in transforms.json.

    Raises FileFormatError when the disk refuses.
    """
    folder = Path(folder)
    write_camera(views.camera, folder / "camera" / "camera.json")
    for number in range(len(views.depth_mm)):
        steps = np.clip(np.round(views.depth_mm[number].astype(np.float64) / DEPTH_STEP_MM), 0, 65535)
        _write_picture(steps.astype(np.uint16), folder / "camera" / f"depth_{number:03d}.png")
        _write_picture(views.landmarks[number], folder / "camera" / f"landmarks_{number:03d}.png")
    text = {"simulated": True, "views": len(views.depth_mm), "depth_step_mm": DEPTH_STEP_MM, "landmarks": LANDMARKS}
    with written_whole(folder / "camera" / "views.json") as place:
        place.write_text(json.dumps(text, indent=1), encoding="utf-8")
    write_transforms({**(transforms or {}), "CameraToReference": views.camera_to_reference}, folder)


def _write_picture(pixels: np.ndarray, path: Path) -> None:
    import SimpleITK

    name_for_library(path)
    with written_whole(path) as place:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels), name_for_library(place), useCompression=True)
