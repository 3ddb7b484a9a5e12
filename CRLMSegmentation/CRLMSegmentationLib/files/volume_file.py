"""Volumes as `.nrrd`, `.nii.gz`, `.nii`, `.mha`, `.mhd`, `.tif` ... through SimpleITK.

Files hold LPS coordinates (ITK's convention); 3D Slicer and this project turn them into RAS by the signs of x and y.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import FileFormatError
from ..geometry import Volume
from .paths import name_for_library

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
VOLUME_ENDINGS = (".nrrd", ".nhdr", ".nii.gz", ".nii", ".mha", ".mhd")


def read_volume(path) -> Volume:
    """The scalar volume in `path`, in RAS. Raises FileFormatError when it is missing or not a 3D scalar image."""
    import SimpleITK

    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"The volume {path} does not exist; check the path.")
    name = name_for_library(path)
    try:
        image = SimpleITK.ReadImage(name)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise FileFormatError(f"{path} cannot be read as a volume ({reason}).") from None
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise FileFormatError(
            f"{path} has {image.GetDimension()} axes and {image.GetNumberOfComponentsPerPixel()} values a voxel; "
            "a volume has 3 axes and 1 value."
        )
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    ijk_to_lps[:3, 3] = image.GetOrigin()
    return Volume(SimpleITK.GetArrayFromImage(image), _LPS_TO_RAS @ ijk_to_lps)


def write_volume(volume: Volume, path, compressed: bool = True) -> Path:
    """Write `volume` to `path`, by its suffix. Raises FileFormatError when that is unknown or the disk refuses."""
    import SimpleITK

    path = Path(path)
    if not path.name.lower().endswith(VOLUME_ENDINGS):
        raise FileFormatError(f"{path} has no known ending for a volume; use one of {', '.join(VOLUME_ENDINGS)}.")
    name = name_for_library(path)
    voxels = volume.voxels.astype(np.uint8) if volume.voxels.dtype == bool else volume.voxels
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(voxels))
    ijk_to_lps = _LPS_TO_RAS @ volume.ijk_to_ras
    spacing = volume.spacing_mm
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(ijk_to_lps[:3, 3].tolist())
    image.SetDirection((ijk_to_lps[:3, :3] / spacing).ravel().tolist())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        SimpleITK.WriteImage(image, name, useCompression=compressed)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise FileFormatError(f"{path} cannot be written ({reason}).") from None
    return path
