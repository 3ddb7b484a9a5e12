"""The views of a laparoscope as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...files.laparoscope.camera_file import write_camera
from ...files.laparoscope.landmark_mask_file import write_landmark_mask, write_picture
from ...files.whole_file import written_whole
from ...values.landmarks import LANDMARKS as SEEN
from ..patient.export import write_transforms
from .looks import LaparoscopePictures
from .views import LANDMARKS, LaparoscopeViews

# A step of the depth in its file.
DEPTH_STEP_MM = 0.01


def views_files(count: int) -> list[str]:
    """Names of what write_views() writes, but for the transforms."""
    names = ("depth", "landmarks", "picture", "seen")
    numbered = [f"camera/{name}_{number:03d}.png" for number in range(count) for name in names]
    return ["camera/camera.json", "camera/views.json", *numbered]


def write_views(
    views: LaparoscopeViews,
    pictures: LaparoscopePictures,
    folder: str | Path,
    transforms: dict[str, np.ndarray] | None = None,
) -> None:
    """Write into `folder`: camera/camera.json (OpenCV's numbers), camera/depth_*.png (uint16, in steps of 0.01 mm; 0
    where there is no liver), camera/landmarks_*.png (uint8, numbers in camera/views.json), camera/picture_*.png (red,
    green and blue), camera/seen_*.png (the landmarks that can be seen in the picture, numbered as values.landmarks has
    them), and `transforms` with CameraToReference, one pose for each view, in transforms.json.

    Raises FileFormatError when the disk refuses.
    """
    folder = Path(folder)
    write_camera(views.camera, folder / "camera" / "camera.json")
    for number in range(len(views.depth_mm)):
        steps = np.clip(np.round(views.depth_mm[number].astype(np.float64) / DEPTH_STEP_MM), 0, 65535)
        write_picture(steps.astype(np.uint16), folder / "camera" / f"depth_{number:03d}.png")
        write_picture(views.landmarks[number], folder / "camera" / f"landmarks_{number:03d}.png")
        write_picture(pictures.pictures[number], folder / "camera" / f"picture_{number:03d}.png")
        write_landmark_mask(_mask_of(pictures.seen[number]), folder / "camera" / f"seen_{number:03d}.png")
    text = {"simulated": True, "views": len(views.depth_mm), "depth_step_mm": DEPTH_STEP_MM, "landmarks": LANDMARKS}
    with written_whole(folder / "camera" / "views.json") as place:
        place.write_text(json.dumps(text, indent=1), encoding="utf-8")
    write_transforms({**(transforms or {}), "CameraToReference": views.camera_to_reference}, folder)


def _mask_of(seen: np.ndarray) -> np.ndarray:
    """(v, u) uint8 of 0 and values.landmarks, of lines (3, v, u): where they cross, the ridge lies over the others."""
    mask = np.zeros(seen.shape[1:], dtype=np.uint8)
    for line, number in reversed(list(zip(seen, SEEN.values()))):
        mask[line] = number
    return mask
