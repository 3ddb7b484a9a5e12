"""In which coordinates and units a file says that it is, and back again: here RAS and mm, in most files LPS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FileFormatError
from ..geometry import LPS_TO_RAS
from ..words import tr

if TYPE_CHECKING:
    import SimpleITK

# As Slicer's files name them; 0 and 1 are the codes of vtkMRMLStorageNode (CoordinateSystemRAS, CoordinateSystemLPS).
_SYSTEMS = {
    "RAS": np.eye(4), "0": np.eye(4), "RIGHT-ANTERIOR-SUPERIOR": np.eye(4),
    "LPS": LPS_TO_RAS, "1": LPS_TO_RAS, "LEFT-POSTERIOR-SUPERIOR": LPS_TO_RAS,
}  # fmt: skip
_MM = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "centimeter": 10.0, "m": 1000.0, "meter": 1000.0, "um": 0.001,
       "micrometer": 0.001}  # fmt: skip


def to_ras(system: object, path: str | Path) -> np.ndarray:
    """(4, 4) from the coordinate system that `path` names to RAS. Raises FileFormatError for any but RAS and LPS."""
    try:
        return _SYSTEMS[str(system).strip().upper()]
    except KeyError:
        raise FileFormatError(
            tr(
                "{path} gives its coordinates in '{system}', which is neither RAS nor LPS: save it from "
                "Slicer in one of them.",
                path=path,
                system=system,
            )
        ) from None


def to_mm(unit: object, path: str | Path) -> float:
    """How many mm one `unit` of `path` is: a word, or UCUM's code with its words. Raises FileFormatError for others."""
    word = str(unit[0] if isinstance(unit, (list, tuple)) and unit else unit).strip().strip('"')
    try:
        return _MM[word] if word in _MM else _MM[word.lower()]
    except KeyError:
        raise FileFormatError(
            tr("{path} gives its lengths in '{word}', which is not known: save it in mm.", path=path, word=word)
        ) from None


def ijk_to_ras_of(image: SimpleITK.Image) -> np.ndarray:
    """(4, 4) from voxel index to RAS, in the unit of the image's spacing; ITK's images are LPS."""
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    ijk_to_lps[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ ijk_to_lps


def image_on_grid(voxels: np.ndarray, ijk_to_ras: np.ndarray) -> SimpleITK.Image:
    """The image of voxels [k, j, i], any scalar dtype but bool, whose index (i, j, k) is at `ijk_to_ras` in RAS mm."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("=")))
    ijk_to_lps = LPS_TO_RAS @ ijk_to_ras
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(ijk_to_lps[:3, 3].tolist())
    image.SetDirection((ijk_to_lps[:3, :3] / spacing).ravel().tolist())
    return image
