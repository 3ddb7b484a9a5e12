"""What the header of an image says that is more than its grid: that it is a recording, and other units than mm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, Mapping

from ..errors import FileFormatError
from .coordinates import to_mm

_TRANSFORM_OF_FRAME = re.compile(r"Seq_Frame(\d+)_\w+Transform\Z")
_UNITS = re.compile(rb"^space units:[ \t]*(.+?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 1 << 20


def refuse_recording(path, size: Iterable[int], metadata: Mapping[str, str]) -> None:
    """Raise FileFormatError when an image is a stack of frames, as PLUS and Slicer record them, and not a volume.

    size      of the axes, fastest first
    metadata  SimpleITK's dictionary of the file. A volume of IGSIO has the fields of one frame, but no pose in them
    """
    kinds = " ".join(value for name, value in metadata.items() if name == "Kinds" or name.startswith("NRRD_kinds"))
    posed = {match.group(1) for name in metadata if (match := _TRANSFORM_OF_FRAME.match(name))}
    size = [length for length in size if length > 1]
    along_list = {"list", "time"} & set(kinds.lower().split())
    if len(posed) > 1 or (posed and len(size) < 3) or (along_list and len(size) < 4):
        frames = f"{len(posed)} frames" if len(posed) > 1 else "frames"
        raise FileFormatError(f"{path} is a recording of {frames}, not a volume; reconstruct it first (crlm reconstruct).")


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
