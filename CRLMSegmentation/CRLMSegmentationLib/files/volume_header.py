"""What the header of an image says that is more than its grid: that it is a recording, and other units than mm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import FileFormatError
from .coordinates import to_mm

_FIELD_OF_FRAME = re.compile(r"Seq_Frame(\d+)_(\w+)\Z")
_UNITS = re.compile(rb"^space units:[ \t]*(.+?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 1 << 20


def refuse_recording(path, size: Sequence[int], spacing: Sequence[float], metadata: Mapping[str, str]) -> None:
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
            f"{path} is a recording of {frames}, not a volume; reconstruct it first (crlm reconstruct)."
        )


def unit_mm(path) -> float:
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
        raise FileFormatError(f"{path} gives the lengths of its axes in different units: save it in mm.")
    return units.pop() if units else 1.0
