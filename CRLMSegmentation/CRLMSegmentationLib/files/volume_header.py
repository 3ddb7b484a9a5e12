"""What the header of an image says beside its grid: that it is a recording, other units than mm, and its frame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileFormatError, GeometryError
from ..values.volume import REFERENCE, check_frame_name
from ..words import tr
from .coordinates import to_mm

if TYPE_CHECKING:
    import SimpleITK

_FIELD_OF_FRAME = re.compile(r"Seq_Frame(\d+)_(\w+)\Z")
_UNITS = re.compile(rb"^space units:[ \t]*(.+?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 1 << 20
_FRAME = "crlm_frame"
# NIfTI has one field for text; ITK calls it so.
_NOTES = "ITK_FileNotes"


def refuse_recording(
    path: str | Path, size: Sequence[int], spacing: Sequence[float], metadata: Mapping[str, str]
) -> None:
    """Raise FileFormatError when an image is a stack of frames, as PLUS and Slicer record them, and not a volume.

    size, spacing  along the axes, fastest first
    metadata       SimpleITK's dictionary of the file

    Volumes of PLUS hold the fields of one frame without a pose, or none and a third axis that is called 'list' although
    it has a spacing.
    """
    kinds = " ".join(value for name, value in metadata.items() if name == "Kinds" or name.startswith("NRRD_kinds"))
    fields = [match.groups() for name in metadata if (match := _FIELD_OF_FRAME.match(name))]
    numbers, has_pose = {number for number, _ in fields}, any(name.endswith("Transform") for _, name in fields)
    is_list = bool({"list", "time"} & set(kinds.lower().split())) and sum(length > 1 for length in size) < 4
    is_placed_by_metaimage = "Kinds" in metadata and any(length != 1 for length in spacing)
    if len(numbers) > 1 or (has_pose and (len(size) < 3 or min(size) == 1)) or (is_list and not is_placed_by_metaimage):
        frames = f"{len(numbers)} frames" if len(numbers) > 1 else "frames"
        raise FileFormatError(
            tr(
                "{path} is a recording of {frames}, not a volume; reconstruct it first (crlm reconstruct).",
                path=path,
                frames=frames,
            )
        )


def unit_mm(path: str | Path) -> float:
    """How many mm a unit of the file's lengths is; NRRD may say other units than mm, which ITK does not read.

    Raises FileFormatError for an unknown unit, or axes that have different ones.
    """
    if Path(path).suffix.lower() not in (".nrrd", ".nhdr"):
        return 1.0
    with open(path, "rb") as stream:
        header = stream.read(_LONGEST_HEADER).partition(b"\n\n")[0]
    found = _UNITS.search(header)
    if found is None:
        return 1.0
    words = re.findall(r'"([^"]*)"', found.group(1).decode("utf-8", errors="replace"))
    units = {to_mm(word, path) for word in words if word.strip()}
    if len(units) > 1:
        raise FileFormatError(tr("{path} gives the lengths of its axes in different units: save it in mm.", path=path))
    return units.pop() if units else 1.0


def frame_of(metadata: Mapping[str, str], path: str | PathLike[str]) -> str:
    """The name of the frame that a volume lies in: Reference when its file names none.

    metadata  SimpleITK's dictionary of the file
    Raises FileFormatError for a name that is none.
    """
    notes = metadata.get(_NOTES, "").strip()
    name = metadata.get(_FRAME, notes.removeprefix(f"{_FRAME}:") if notes.startswith(f"{_FRAME}:") else REFERENCE)
    try:
        return check_frame_name(name.strip())
    except GeometryError as error:
        raise FileFormatError(f"{path}: {error}") from None


def put_frame(image: SimpleITK.Image, frame: str) -> None:
    """Name the frame in the header of a SimpleITK image; Reference needs no name."""
    if frame != REFERENCE:
        image.SetMetaData(_FRAME, frame)
        image.SetMetaData(_NOTES, f"{_FRAME}: {frame}")
