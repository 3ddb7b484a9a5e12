"""Masks of landmarks as pictures: a number in each pixel, or the colours of the P2ILF challenge."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from ...errors import FileFormatError
from ...values.landmarks import LANDMARKS
from ...words import tr
from ..paths import name_for_library
from ..whole_file import written_whole

# A channel of a colour is on above this, as in the challenge's own code: JPEG does not keep colours exactly.
_ON_ABOVE = 230
# Which of red, green and blue are on.
_COLORS = {(False, False, False): 0, (True, False, False): 1, (False, False, True): 2, (True, True, False): 3}
_COLOR_NAMES = "black nothing, red ridge, blue ligament, yellow silhouette"
_NUMBERS = ", ".join(["0 nothing", *(f"{number} {name}" for name, number in LANDMARKS.items())])


def read_landmark_mask(path: str | PathLike[str]) -> np.ndarray:
    """(v, u) uint8 of 0 and LANDMARKS from a picture (PNG; any that SimpleITK reads).

    Grey, of 8 or 16 bits: the numbers themselves. Colour: black, red, blue and yellow as the P2ILF challenge draws
    landmarks, told apart as its code does it (a channel is on above 230); a colour picture whose channels are equal is
    grey. Raises FileFormatError for other numbers or colours: no pixel is guessed.
    """
    path = Path(path)
    pixels = read_picture(path)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    if pixels.ndim == 3:
        return _from_colors(pixels, path)
    unknown = np.setdiff1d(pixels, [0, *LANDMARKS.values()])
    if len(unknown):
        raise FileFormatError(
            tr(
                "{path} is no mask of landmarks: it holds the value {unknown:g} (known are {numbers}, or "
                "the colours {color_names}).",
                path=path,
                unknown=unknown[0],
                numbers=_NUMBERS,
                color_names=_COLOR_NAMES,
            )
        )
    return pixels.astype(np.uint8)


def write_landmark_mask(mask: np.ndarray, path: str | PathLike[str]) -> Path:
    """Write `mask` (v, u) of 0 and LANDMARKS as PNG, whole or not at all. Raises FileFormatError."""
    return write_picture(np.asarray(mask, dtype=np.uint8), path)


def read_picture(path: str | PathLike[str]) -> np.ndarray:
    """(v, u) grey, or (v, u, 3) of red, green and blue, uint8 or uint16. Raises FileFormatError."""
    import SimpleITK

    path = Path(path)
    if not path.is_file():
        raise FileFormatError(tr("The picture {path} does not exist; check the path.", path=path))
    try:
        image = SimpleITK.ReadImage(name_for_library(path))
    except RuntimeError:
        raise FileFormatError(
            tr("{path} is no picture that can be read, or it is damaged; give a PNG.", path=path)
        ) from None
    pixels: np.ndarray = SimpleITK.GetArrayFromImage(image)
    channels = image.GetNumberOfComponentsPerPixel()
    if image.GetDimension() == 3 and pixels.shape[0] == 1:
        pixels = pixels[0]
    if pixels.ndim != 2 + (channels > 1) or channels not in (1, 3, 4) or pixels.dtype not in (np.uint8, np.uint16):
        raise FileFormatError(
            tr("{path} is no single picture, grey or in colours, of 8 or 16 bits; give a PNG.", path=path)
        )
    return pixels[..., :3] if channels > 1 else pixels


def write_picture(pixels: np.ndarray, path: str | PathLike[str]) -> Path:
    """Write (v, u) grey or (v, u, 3) of red, green and blue, uint8 or uint16, whole or not at all.

    Raises FileFormatError.
    """
    import SimpleITK

    path = Path(path)
    name_for_library(path)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(pixels), isVector=pixels.ndim == 3)
    with written_whole(path) as place:
        SimpleITK.WriteImage(image, name_for_library(place), useCompression=True)
    return path


def _from_colors(pixels: np.ndarray, path: Path) -> np.ndarray:
    if pixels.dtype != np.uint8:
        raise FileFormatError(
            tr("{path} is no mask of landmarks: its colours have 16 bits; give one of 8 bits.", path=path)
        )
    on = pixels > _ON_ABOVE
    mask = np.full(pixels.shape[:2], 255, dtype=np.uint8)
    for color, number in _COLORS.items():
        mask[(on == color).all(axis=-1)] = number
    unknown = np.argwhere(mask == 255)
    if len(unknown):
        v, u = unknown[0]
        shown = ", ".join(map(str, pixels[v, u]))
        raise FileFormatError(
            tr(
                "{path} is no mask of landmarks: its pixel ({u}, {v}) has the colour ({shown}) (known "
                "are the colours {color_names}, or the numbers {numbers}).",
                path=path,
                u=u,
                v=v,
                shown=shown,
                color_names=_COLOR_NAMES,
                numbers=_NUMBERS,
            )
        )
    return mask
