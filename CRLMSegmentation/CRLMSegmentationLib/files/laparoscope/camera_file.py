"""Cameras: written as JSON with the names of OpenCV's documentation, nothing lost; read from others' files as well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileFormatError, GeometryError
from ...values.camera import Camera
from ...values.camera_on_sensor import CameraOnSensor
from ...words import tr
from ..json_file import read_json
from ..whole_file import written_whole
from .camera_formats import OPENCV_ENDINGS, TEXT_ENDINGS, of_challenge, read_opencv, read_text

_KIND = "camera"


def read_camera(path: str | PathLike[str], image_size: tuple[int, int] | None = None) -> Camera:
    """The camera in `path`.

    .json             camera_matrix 3 x 3; dist_coeffs a list, may be absent; image_width, image_height in pixels; or
                      the P2ILF challenge's fx, fy, cx, cy, k1, ...
    .yml, .yaml, .xml as OpenCV writes them
    .txt              a 3 x 3 matrix, and then none, four, five or eight numbers of distortion, as scikit-surgery has it
    image_size        width and height, for a file that does not say them
    Raises FileFormatError with the reason.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in OPENCV_ENDINGS:
        content = read_opencv(path)
    else:
        content = read_text(path) if suffix in TEXT_ENDINGS else _read_json(path)
    width, height = content.get("image_width"), content.get("image_height")
    if (width is None or height is None) and image_size is None and suffix != ".json":
        raise FileFormatError(
            tr("{path} does not say for which size of picture its camera is; give the size, too.", path=path)
        )
    return camera_of(content, str(path), image_size)


def camera_of(content: Mapping[str, Any], name: str, image_size: tuple[int, int] | None = None) -> Camera:
    """The camera of plain values, see camera_values(). Raises FileFormatError, which names `name`."""
    width, height = content.get("image_width"), content.get("image_height")
    try:
        given = None if width is None or height is None else (width, height)
        return Camera(
            intrinsics=np.array(content["camera_matrix"], dtype=np.float64),
            image_size=given or image_size or (content["image_width"], content["image_height"]),
            distortion=np.array(content.get("dist_coeffs", []), dtype=np.float64),
        )
    except GeometryError as error:
        raise FileFormatError(f"{name}: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(
            tr("The camera in {name} has no usable camera_matrix, image_width and image_height.", name=name)
        ) from None


def _read_json(path: Path) -> dict[str, Any]:
    content = read_json(path, "camera", ", and no camera.")
    if not isinstance(content, dict) or content.get("type", _KIND) != _KIND:
        raise FileFormatError(tr("{path} holds no camera.", path=path))
    try:
        return of_challenge(content) if "fx" in content else content
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(
            tr("The camera in {path} has no usable fx, fy, cx, cy, width and height.", path=path)
        ) from None


def read_camera_on_sensor(path: str | PathLike[str]) -> CameraOnSensor | None:
    """Where the camera in `path` sits on its sensor; None where the file does not say it. Raises FileFormatError."""
    path = Path(path)
    content = _read_json(path) if path.suffix.lower() == ".json" else {}
    return on_sensor_of(content, str(path))


def on_sensor_of(content: Mapping[str, Any], name: str) -> CameraOnSensor | None:
    """What plain values say of it; None for nothing. Raises FileFormatError, which names `name`."""
    if content.get("camera_to_sensor") is None:
        return None
    try:
        matrix = np.array(content["camera_to_sensor"], dtype=np.float64).reshape(4, 4)
        return CameraOnSensor(str(content["sensor"]), matrix)
    except (GeometryError, KeyError, TypeError, ValueError):
        raise FileFormatError(
            tr("The camera in {name} has no usable sensor and camera_to_sensor.", name=name)
        ) from None


def camera_values(camera: Camera, on_sensor: CameraOnSensor | None = None) -> dict[str, Any]:
    """As plain values, nothing lost."""
    mounting = (
        {} if on_sensor is None
        else {"sensor": on_sensor.sensor, "camera_to_sensor": on_sensor.camera_to_sensor.tolist()}
    )  # fmt: skip
    return {
        "type": _KIND,
        "model": "OpenCV: pinhole, k1 k2 p1 p2 k3 k4 k5 k6",
        "image_width": camera.image_size[0],
        "image_height": camera.image_size[1],
        "camera_matrix": camera.intrinsics.tolist(),
        "dist_coeffs": camera.distortion.tolist(),
        **mounting,
    }


def write_camera(camera: Camera, path: str | PathLike[str], on_sensor: CameraOnSensor | None = None) -> Path:
    """Write `camera`, and where it sits on its sensor, to `path`, whole or not at all. Raises FileFormatError when the
    disk refuses.
    """
    path = Path(path)
    with written_whole(path) as place:
        text = json.dumps(camera_values(camera, on_sensor), indent=2, allow_nan=False)
        place.write_text(text + "\n", encoding="utf-8")
    return path
