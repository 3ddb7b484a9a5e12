"""What was seen of a volume, in a file of its own beside the volume's: `liver.seen.nrrd` beside `liver.nrrd`.

No volume format has a place for it that other programs keep. It opens as a mask, and its header names the volume and a
digest of the volume's voxels, so that one that belongs to other voxels is recognised.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FileFormatError
from ..words import tr
from .paths import name_for_library

if TYPE_CHECKING:
    import SimpleITK

SUFFIX = ".seen.nrrd"
_FILE, _DIGEST = "crlm_seen_of_file", "crlm_seen_of_voxels_sha256"


def seen_path(path: str | Path) -> Path:
    """Where what was seen of the volume in `path` is kept."""
    path = Path(path)
    stem = path.name[:-7] if path.name.lower().endswith(".nii.gz") else path.stem
    return path.with_name(stem + SUFFIX)


def write_seen(image: SimpleITK.Image, voxels: np.ndarray, seen: np.ndarray, path: str | Path) -> None:
    """Write `seen`, boolean [k, j, i], beside the volume in `path`.

    image  SimpleITK image of the volume, for the geometry
    Raises FileFormatError when the disk refuses, or another file has that place.
    """
    import SimpleITK

    target = seen_path(path)
    mask = SimpleITK.GetImageFromArray(np.ascontiguousarray(seen).view(np.uint8))
    mask.CopyInformation(image)
    mask.SetMetaData(_FILE, Path(path).name)
    mask.SetMetaData(_DIGEST, _digest(voxels))
    try:
        SimpleITK.WriteImage(mask, name_for_library(target), useCompression=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise FileFormatError(tr("{target} cannot be written ({reason}).", target=target, reason=reason)) from None


def read_seen(path: str | Path, voxels: np.ndarray) -> np.ndarray | None:
    """Boolean [k, j, i] of what was seen of the volume in `path`, whose `voxels` were just read; None if no file says.

    Raises FileFormatError when the file beside it belongs to other voxels than the volume holds now.
    """
    import SimpleITK

    beside = seen_path(path)
    header = _header(beside)
    if header is None or _DIGEST not in header:
        return None
    belongs = header[_DIGEST] == _digest(voxels)
    if not belongs and header.get(_FILE) != Path(path).name:
        return None  # that of another volume beside this one
    if not belongs:
        raise FileFormatError(
            tr(
                "{beside} says what was seen of other voxels than {path} holds now: delete it (what the "
                "probe did not pass is then guessed from black voxels), or reconstruct the volume again.",
                beside=beside,
                path=path,
            )
        )
    try:
        seen = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(name_for_library(beside)))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise FileFormatError(
            tr(
                "{beside}, what was seen of {path}, cannot be read ({reason}): delete it.",
                beside=beside,
                path=path,
                reason=reason,
            )
        ) from None
    if seen.shape != voxels.shape:
        raise FileFormatError(
            tr(
                "{beside} has another size than {path}, whose voxels it belongs to: delete it.",
                beside=beside,
                path=path,
            )
        )
    is_seen: np.ndarray = seen != 0
    return is_seen


def remove_seen(path: str | Path) -> None:
    """Take away what was seen of an earlier volume in `path`, which is about to be replaced.

    Raises FileFormatError when another file has that place: it is not replaced.
    """
    beside = seen_path(path)
    if not beside.exists():
        return
    header = _header(beside)
    if header is None or _DIGEST not in header:
        raise FileFormatError(
            tr(
                "{beside} would be replaced by what was seen of {path}, and is another file: rename it, "
                "or choose another name for the volume.",
                beside=beside,
                path=path,
            )
        )
    try:
        beside.unlink()
    except OSError as error:
        raise FileFormatError(
            tr("{beside} cannot be replaced ({strerror}).", beside=beside, strerror=error.strerror)
        ) from None


def _header(path: Path) -> dict[str, str] | None:
    """Keys and values of an image file; None when it is not there or no image."""
    import SimpleITK

    if not path.is_file():
        return None
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(name_for_library(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    return {key: reader.GetMetaData(key) for key in (_FILE, _DIGEST) if reader.HasMetaDataKey(key)}


def _digest(voxels: np.ndarray) -> str:
    little_endian = np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{little_endian.dtype.str} {voxels.shape} ".encode())
    digest.update(little_endian.data.cast("B"))
    return digest.hexdigest()
