"""Cameras in the files of others: OpenCV, scikit-surgery (intrinsics.txt), and the P2ILF challenge (.json)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileFormatError
from ...words import tr

OPENCV_ENDINGS = (".yml", ".yaml", ".xml")
TEXT_ENDINGS = (".txt",)
# As OpenCV's samples, its documentation, ROS and MATLAB's exports name them.
_MATRIX = ("camera_matrix", "Camera_Matrix", "cameraMatrix", "CameraMatrix", "intrinsics", "K", "M1", "mtx")
_LENS = ("distortion_coefficients", "Distortion_Coefficients", "dist_coeffs", "distCoeffs", "distortion", "D", "D1",
         "dist")  # fmt: skip
_WIDTH, _HEIGHT = ("image_width", "image_Width", "width"), ("image_height", "image_Height", "height")


def read_opencv(path: Path) -> dict[str, Any]:
    """camera_matrix, dist_coeffs, image_width and image_height (None when the file does not say) of OpenCV's storage.

    Raises FileFormatError.
    """
    try:
        import cv2
    except ImportError:
        raise FileFormatError(
            tr("{path} is a file of OpenCV, which is not installed: `pip install opencv-python-headless`.", path=path)
        ) from None
    if not path.is_file():
        raise FileFormatError(
            tr("The camera {path} cannot be read (No such file or directory); check the path.", path=path)
        )
    try:
        storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
        nodes = {name: storage.getNode(name) for name in (*_MATRIX, *_LENS, *_WIDTH, *_HEIGHT, "image_size")}
        matrix, lens = _first(nodes, _MATRIX), _first(nodes, _LENS)
        width, height = _first(nodes, _WIDTH), _first(nodes, _HEIGHT)
        size = nodes["image_size"]
        both = None if size.empty() else np.array([size.at(place).real() for place in range(2)])
        content: dict[str, Any] = {
            "camera_matrix": None if matrix is None else matrix.mat(),
            "dist_coeffs": [] if lens is None else np.asarray(lens.mat(), dtype=np.float64).reshape(-1),
            "image_width": both[0] if both is not None else None if width is None else width.real(),
            "image_height": both[1] if both is not None else None if height is None else height.real(),
        }
    except (cv2.error, SystemError, TypeError, ValueError):
        raise FileFormatError(
            tr("{path} is no file of OpenCV that can be read, or it is damaged.", path=path)
        ) from None
    if content["camera_matrix"] is None:
        raise FileFormatError(tr("{path} holds no camera: it has no {matrix}.", path=path, matrix=_MATRIX[0]))
    return content


def read_text(path: Path) -> dict[str, Any]:
    """The same of nine numbers of a matrix, and after them none, four, five or eight of distortion.

    Raises FileFormatError.
    """
    try:
        numbers = [float(word) for word in path.read_text(encoding="utf-8").replace(",", " ").split()]
    except OSError as error:
        raise FileFormatError(
            tr("The camera {path} cannot be read ({strerror}); check the path.", path=path, strerror=error.strerror)
        ) from None
    except ValueError:
        numbers = []
    if len(numbers) not in (9, 13, 14, 17):
        raise FileFormatError(
            tr(
                "{path} holds no camera: nine numbers of a 3 x 3 matrix are expected, and then none, 4, "
                "5 or 8 of distortion.",
                path=path,
            )
        )
    return {"camera_matrix": np.reshape(numbers[:9], (3, 3)), "dist_coeffs": numbers[9:]}


def of_challenge(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same of what the P2ILF challenge writes: fx, fy, cx, cy, k1, k2, p1, p2, k3, width and height as text."""
    value = {name: float(content[name]) for name in ("fx", "fy", "cx", "cy", "width", "height")}
    lens = [float(content.get(name, 0.0)) for name in ("k1", "k2", "p1", "p2", "k3")]
    return {
        "camera_matrix": [[value["fx"], 0, value["cx"]], [0, value["fy"], value["cy"]], [0, 0, 1]],
        "dist_coeffs": lens,
        "image_width": value["width"],
        "image_height": value["height"],
    }


def _first(nodes: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((nodes[name] for name in names if not nodes[name].empty()), None)
