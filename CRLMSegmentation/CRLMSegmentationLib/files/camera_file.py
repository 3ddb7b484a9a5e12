"""Cameras as JSON: what OpenCV's calibration gives, with the names that its documentation uses, and nothing lost."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

import numpy as np

from ..errors import FileFormatError, GeometryError
from ..values.camera import Camera
from .whole_file import written_whole

_KIND = "camera"


def read_camera(path: str | PathLike[str]) -> Camera:
    """The camera in `path`.

    camera_matrix  3 x 3;  dist_coeffs  list, may be absent;  image_width, image_height  pixels
    Raises FileFormatError with the reason.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"The camera {path} cannot be read ({error.strerror}); check the path.") from None
    except ValueError as error:
        raise FileFormatError(f"{path} is not JSON ({error}), and no camera.") from None
    if not isinstance(content, dict) or content.get("type", _KIND) != _KIND:
        raise FileFormatError(f"{path} holds no camera.")
    try:
        return Camera(
            intrinsics=np.array(content["camera_matrix"], dtype=np.float64),
            image_size=(content["image_width"], content["image_height"]),
            distortion=np.array(content.get("dist_coeffs", []), dtype=np.float64),
        )
    except GeometryError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(
            f"The camera in {path} has no usable camera_matrix, image_width and image_height."
        ) from None


def write_camera(camera: Camera, path: str | PathLike[str]) -> Path:
    """Write `camera` to `path`, whole or not at all. Raises FileFormatError when the disk refuses."""
    path = Path(path)
    content = {
        "type": _KIND,
        "model": "OpenCV: pinhole, k1 k2 p1 p2 k3 k4 k5 k6",
        "image_width": camera.image_size[0],
        "image_height": camera.image_size[1],
        "camera_matrix": camera.intrinsics.tolist(),
        "dist_coeffs": camera.distortion.tolist(),
    }
    with written_whole(path) as place:
        place.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path
