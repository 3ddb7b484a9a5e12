"""The pose of a model before a camera: as an ITK transform file, or a plain matrix as scikit-surgery writes it."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ...errors import FileFormatError, GeometryError
from ...geometry import as_affine
from ...words import tr
from ..transform_file import read_transform

# By how much a matrix may differ from a rotation: tracked ones are orthonormal to about six digits.
_NOT_RIGID = 1e-3


@dataclass(frozen=True, eq=False)
class PoseFile:
    """model_to_camera (4, 4) rigid, mm, to the camera's frame as values.camera has it.

    as_stored  False: from the model's points in RAS; True: from the numbers that the model's files hold, whichever
               coordinates these are
    """

    model_to_camera: np.ndarray
    as_stored: bool


def read_pose(path: str | PathLike[str]) -> PoseFile:
    """The pose in `path`.

    .txt    a 4 x 4 matrix, row by row: from the coordinates of the model's files to the camera
    others  an ITK transform, which 3D Slicer shows as the one from the model (RAS) to the camera
    Raises FileFormatError with the reason, also for a matrix that is not rigid.
    """
    path = Path(path)
    is_text = path.suffix.lower() == ".txt"
    matrix = _read_matrix(path) if is_text else read_transform(path)
    turn = matrix[:3, :3]
    if np.abs(turn @ turn.T - np.eye(3)).max() > _NOT_RIGID or np.linalg.det(turn) < 0:
        raise FileFormatError(
            tr("{path} holds no pose: a pose turns and moves, and its matrix stretches or mirrors, too.", path=path)
        )
    return PoseFile(matrix, is_text)


def _read_matrix(path: Path) -> np.ndarray:
    try:
        numbers = np.array(path.read_text(encoding="utf-8").replace(",", " ").split(), dtype=np.float64)
    except OSError as error:
        raise FileFormatError(
            tr("The pose {path} cannot be read ({strerror}); check the path.", path=path, strerror=error.strerror)
        ) from None
    except ValueError:
        raise FileFormatError(
            tr("{path} holds no pose: it needs the 16 numbers of a matrix, row by row.", path=path)
        ) from None
    if numbers.size != 16:
        raise FileFormatError(
            tr("{path} holds {size} numbers; a pose needs 16, row by row.", path=path, size=numbers.size)
        )
    try:
        return as_affine(numbers.reshape(4, 4), "the matrix")
    except GeometryError as error:
        raise FileFormatError(f"{path}: {error}") from None
