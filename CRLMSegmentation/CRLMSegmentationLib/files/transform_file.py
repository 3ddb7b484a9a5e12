"""Linear transforms as ITK's transform files (`.tfm`), as 3D Slicer reads and writes them."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from ..errors import FileFormatError, GeometryError
from ..geometry import LPS_TO_RAS, as_affine, invert_affine
from ..words import tr
from .paths import name_for_library
from .whole_file import written_whole


def write_transform(matrix: np.ndarray, path: str | PathLike[str]) -> Path:
    """Write `matrix` (4, 4), affine, mm, such that 3D Slicer loads it as this transform.

    As ITK has it, the file leads points of the target back to the source (what resampling needs), in LPS: it holds
    S inverse(matrix) S, where S is geometry.LPS_TO_RAS. Raises FileFormatError when the disk refuses.
    """
    import SimpleITK

    stored = LPS_TO_RAS @ np.linalg.inv(as_affine(matrix)) @ LPS_TO_RAS
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix(stored[:3, :3].ravel().tolist())
    transform.SetTranslation(stored[:3, 3].tolist())
    path = Path(path)
    with written_whole(path) as place:
        SimpleITK.WriteTransform(transform, name_for_library(place))
    return path


def read_transform(path: str | PathLike[str]) -> np.ndarray:
    """(4, 4) of an ITK transform file, as write_transform() takes it and 3D Slicer shows it.

    Raises FileFormatError for a file that is none, or whose transform is not linear.
    """
    import SimpleITK

    path = Path(path)
    if not path.is_file():
        raise FileFormatError(tr("The transform {path} does not exist; check the path.", path=path))
    try:
        read = SimpleITK.ReadTransform(name_for_library(path))
    except RuntimeError:
        raise FileFormatError(
            tr("{path} is no transform that can be read; save it from Slicer as .tfm.", path=path)
        ) from None
    if not read.IsLinear() or read.GetDimension() != 3:
        raise FileFormatError(
            tr("{path} holds a transform that is not linear in 3D; a pose is a rigid one.", path=path)
        )
    stored = np.eye(4)
    stored[:3, 3] = read.TransformPoint((0.0, 0.0, 0.0))
    for axis in range(3):
        stored[:3, axis] = np.array(read.TransformPoint(np.eye(3)[axis].tolist())) - stored[:3, 3]
    try:
        matrix: np.ndarray = LPS_TO_RAS @ invert_affine(stored) @ LPS_TO_RAS
    except GeometryError as error:
        raise FileFormatError(f"{path}: {error}") from None
    return matrix
