"""A stand-in for SimpleITK that keeps images as NumPy's files, under whatever name they are given.

For a machine that is too small or too bare for the real one. What it writes is read by itself alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from inert_module import absent


class Image:
    """Voxels with spacing, origin and direction, as SimpleITK's Image has them."""

    def __init__(self, array: np.ndarray):
        axes = array.ndim
        self.array = array
        self._about: dict[str, Any] = {
            "spacing": [1.0] * axes,
            "origin": [0.0] * axes,
            "direction": np.eye(axes).ravel().tolist(),
            "fields": {},
        }

    def GetDimension(self) -> int:
        return self.array.ndim

    def GetSize(self) -> tuple[int, ...]:
        return self.array.shape[::-1]

    def GetNumberOfComponentsPerPixel(self) -> int:
        return 1

    def GetSpacing(self) -> tuple[float, ...]:
        return tuple(self._about["spacing"])

    def SetSpacing(self, spacing: Any) -> None:
        self._about["spacing"] = [float(value) for value in spacing]

    def GetOrigin(self) -> tuple[float, ...]:
        return tuple(self._about["origin"])

    def SetOrigin(self, origin: Any) -> None:
        self._about["origin"] = [float(value) for value in origin]

    def GetDirection(self) -> tuple[float, ...]:
        return tuple(self._about["direction"])

    def SetDirection(self, direction: Any) -> None:
        self._about["direction"] = [float(value) for value in direction]

    def GetMetaDataKeys(self) -> tuple[str, ...]:
        return tuple(self._about["fields"])

    def HasMetaDataKey(self, key: str) -> bool:
        return key in self._about["fields"]

    def GetMetaData(self, key: str) -> str:
        return str(self._about["fields"][key])

    def SetMetaData(self, key: str, value: str) -> None:
        self._about["fields"][key] = value


def GetImageFromArray(array: np.ndarray, isVector: bool = False) -> Image:
    if isVector:
        raise RuntimeError("This stand-in for SimpleITK has no images of vectors.")
    return Image(np.array(array))


def JoinSeries(images: Sequence[Image]) -> Image:
    """Images of one size as slices of a volume, one unit of length apart."""
    first, joined = images[0], Image(np.stack([image.array for image in images]))
    joined.SetSpacing([*first.GetSpacing(), 1.0])
    joined.SetOrigin([*first.GetOrigin(), 0.0])
    return joined


def GetArrayFromImage(image: Image) -> np.ndarray:
    return image.array.copy()


def WriteImage(image: Image, name: str, useCompression: bool = False) -> None:
    with open(name, "wb") as file:
        np.savez(file, voxels=image.array, about=json.dumps(image._about))


def ReadImage(name: str) -> Image:
    with np.load(name) as content:
        image = Image(content["voxels"])
        image._about = json.loads(str(content["about"]))
    return image


class ImageFileReader:
    """The header of a file; here with its voxels."""

    def SetFileName(self, name: str) -> None:
        self._name = name

    def ReadImageInformation(self) -> None:
        self._image = ReadImage(self._name)

    def Execute(self) -> Image:
        return ReadImage(self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image, name)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return absent(f"SimpleITK.{name}")
