"""Volumes as `.nrrd`, `.nii.gz`, `.nii`, `.mha`, `.mhd`, `.tif` ... through SimpleITK.

Files hold LPS coordinates (ITK's convention); 3D Slicer and this project turn them into RAS (coordinates.py).
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np

from ..errors import FileFormatError
from ..values import Volume
from ..words import tr
from .coordinates import ijk_to_ras_of, image_on_grid
from .nifti import is_cut_off
from .paths import name_for_library
from .seen_file import read_seen, remove_seen, write_seen
from .volume_header import frame_of, put_frame, refuse_recording, unit_mm
from .whole_file import written_whole

VOLUME_ENDINGS = (".nrrd", ".nhdr", ".nii.gz", ".nii", ".mha", ".mhd")


def read_volume(path: str | Path) -> Volume:
    """The scalar volume in `path`, in RAS and mm of the frame that its header names (Reference when it names none),
    with what was seen where a file beside it says so (seen_file.py).

    Raises FileFormatError when it is missing or not a 3D scalar image, such as a recording, or the file beside it
    belongs to other voxels.
    """
    layers, ijk_to_ras, metadata = read_image(path)
    if layers.shape[-1] != 1:
        raise FileFormatError(
            tr("{path} has {shape} values a voxel; a volume has 1.", path=path, shape=layers.shape[-1])
        )
    return Volume(layers[..., 0], ijk_to_ras, read_seen(path, layers[..., 0]), frame=frame_of(metadata, path))


def read_image(path: str | Path) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """Voxels [k, j, i, value], (4, 4) ijk_to_ras in mm, and the text fields of a three-dimensional image.

    Raises FileFormatError when it is missing, has other than three axes, or is a recording.
    """
    import SimpleITK

    path = Path(path)
    if not path.is_file():
        raise FileFormatError(tr("The volume {path} does not exist; check the path.", path=path))
    name = name_for_library(path)
    try:
        image = SimpleITK.ReadImage(name)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise FileFormatError(tr("{path} cannot be read as a volume ({reason}).", path=path, reason=reason)) from None
    if is_cut_off(path):
        raise FileFormatError(tr("{path} is cut off: voxels are missing at its end; copy or save it again.", path=path))
    # Every name that is looked for is ASCII, and SimpleITK refuses to give others back.
    metadata = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys() if key.isascii()}
    refuse_recording(path, image.GetSize(), image.GetSpacing(), metadata)
    if image.GetDimension() != 3:
        raise FileFormatError(
            tr("{path} has {getdimension} axes; a volume has 3.", path=path, getdimension=image.GetDimension())
        )
    ijk_to_ras = ijk_to_ras_of(image)
    ijk_to_ras[:3] *= unit_mm(path)
    voxels = SimpleITK.GetArrayFromImage(image)
    return voxels.reshape(*voxels.shape[:3], -1), ijk_to_ras, metadata


def write_volume(volume: Volume, path: str | Path, compressed: bool = True) -> Path:
    """Write `volume` to `path`, by its suffix, with the name of its frame in the header, and what was seen beside it
    (seen_file.py) unless it was guessed.

    Raises FileFormatError when the suffix is unknown or the disk refuses, or when the file beside would replace
    another one.
    """
    import SimpleITK

    path = Path(path)
    if not path.name.lower().endswith(VOLUME_ENDINGS):
        raise FileFormatError(
            tr(
                "{path} has no known ending for a volume; use one of {volume_endings}.",
                path=path,
                volume_endings=", ".join(VOLUME_ENDINGS),
            )
        )
    name_for_library(path)
    voxels = volume.voxels.astype(np.uint8) if volume.voxels.dtype == bool else volume.voxels
    image = image_on_grid(voxels, volume.ijk_to_ras)
    put_frame(image, volume.frame)
    with written_whole(path) as place:
        SimpleITK.WriteImage(image, name_for_library(place), useCompression=compressed)
        if is_cut_off(place):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if volume.seen is not None and not volume.seen_is_guessed:
            write_seen(image, voxels, volume.seen, place)
        remove_seen(path)
    return path
