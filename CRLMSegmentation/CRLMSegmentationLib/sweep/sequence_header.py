"""What the header of a sequence file says, in one form for MetaImage and NRRD.

Format: IGSIO's vtkIGSIOMetaImageSequenceIO and vtkIGSIONrrdSequenceIO; MetaIO documentation; NRRD 0004 definition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import NotASequenceError, SequenceFileError

FRAME_FIELD_PREFIX = "Seq_Frame"
MAXIMUM_HEADER_BYTES = 256 * 1024 * 1024
_MAXIMUM_FRAMES = 1_000_000
_FRAME_FIELD = re.compile(r"^Seq_Frame(\d+)_(\S+)$")

# Which axes to flip so that the pixels come into working orientation MF: (rows, columns).
_FLIPS_TO_MF = {
    "MF": (False, False),
    "MFA": (False, False),
    "MN": (True, False),
    "UF": (False, True),
    "UFD": (False, True),
    "UN": (True, True),
}


@dataclass
class SequenceHeader:
    """Where the pixels of a sequence are and what was written with them.

    image_size   width, height in pixels, as stored
    frame_count  number of frames
    channels     1 (grey) or 3 (RGB)
    dtype        of one stored channel, byte order included
    compression  'none', 'zlib' or 'gzip'
    data_path    file that holds the pixels, from byte `data_offset` on
    flip_rows, flip_columns   what brings a stored image into orientation MF
    fields       sequence-wide fields that are not part of the format itself
    frame_fields one dict of text fields for each frame
    """

    path: Path
    image_size: tuple[int, int]
    frame_count: int
    channels: int
    dtype: np.dtype
    compression: str
    data_path: Path
    data_offset: int
    flip_rows: bool
    flip_columns: bool
    fields: dict[str, str] = field(default_factory=dict)
    frame_fields: list[dict[str, str]] = field(default_factory=list)

    @property
    def frame_bytes(self) -> int:
        return self.image_size[0] * self.image_size[1] * self.channels * self.dtype.itemsize


def read_sequence_header(path) -> SequenceHeader:
    """Read the header of a `.mha`, `.mhd`, `.nrrd` or `.nhdr` sequence, recognised by its content, not its name.

    Raises SequenceFileError when the file is missing, damaged, or no sequence of two-dimensional images.
    """
    from . import metaimage, nrrd

    path = Path(path)
    try:
        with open(path, "rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise SequenceFileError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    if not start:
        raise SequenceFileError(f"{path} is empty; nothing was recorded in it.")
    if start.startswith(b"NRRD"):
        return nrrd.read_header(path)
    if re.match(rb"\s*(ObjectType|NDims|Comment)\s*=", start):
        return metaimage.read_header(path)
    raise NotASequenceError(
        f"{path} is neither a MetaImage nor an NRRD file; give a recording such as PLUS writes (.igs.mha, .igs.nrrd)."
    )


def read_header_lines(path: Path, is_last) -> tuple[list[str], int]:
    """The text lines up to and with the first for which `is_last(line)` holds, and the byte offset after them."""
    lines = []
    with open(path, "rb") as stream:
        while True:
            raw = stream.readline(1 << 20)
            if not raw or stream.tell() > MAXIMUM_HEADER_BYTES:
                raise SequenceFileError(f"The header of {path} does not end; the file is cut off or damaged.")
            line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
            lines.append(line)
            if is_last(line):
                return lines, stream.tell()


def flips_to_working_orientation(orientation: str | None, path: Path) -> tuple[bool, bool]:
    """(flip rows, flip columns) for an UltrasoundImageOrientation; a missing one counts as MF, as IGSIO has it."""
    if orientation is None:
        return False, False
    try:
        return _FLIPS_TO_MF[orientation.strip().upper()]
    except KeyError:
        raise SequenceFileError(
            f"{path} has ultrasound image orientation '{orientation}', which cannot be brought to MF; "
            f"known are {', '.join(_FLIPS_TO_MF)}."
        ) from None


def split_frame_field(name: str) -> tuple[int, str] | None:
    """'Seq_Frame0012_Timestamp' as (12, 'Timestamp'); None for any other name."""
    match = _FRAME_FIELD.match(name)
    return (int(match.group(1)), match.group(2)) if match else None


def spread_frame_fields(found: dict[int, dict[str, str]], frame_count: int) -> list[dict[str, str]]:
    """`found` by frame number as a list with one entry a frame."""
    return [found.get(number, {}) for number in range(frame_count)]


def check_sizes(path: Path, sizes: list[int], kinds: list[str], channels: int = 1) -> tuple[int, int, int, int]:
    """Width, height, frames and channels from the sizes of the axes and their kinds, or SequenceFileError.

    channels  values a pixel where no axis stands for them
    """
    spatial, frames = [], None
    for size, kind in zip(sizes, kinds):
        if kind in ("domain", "space"):
            spatial.append(size)
        elif kind in ("list", "time"):
            frames = size
        else:
            channels = size
    if frames is None:
        raise NotASequenceError(
            f"{path} is a single image, not a sequence of frames; give a recording with one frame after another."
        )
    while len(spatial) > 2 and spatial[-1] == 1:
        spatial.pop()
    if len(spatial) != 2:
        raise SequenceFileError(f"{path} holds frames with {len(spatial)} axes; only two-dimensional ones can be used.")
    if min(spatial) < 1 or frames < 1:
        raise SequenceFileError(f"{path} says that it holds {frames} frames of {spatial[0]} x {spatial[1]} pixels.")
    if frames > _MAXIMUM_FRAMES or max(spatial) > 65536:
        raise SequenceFileError(
            f"{path} claims {frames} frames of {spatial[0]} x {spatial[1]} pixels, which no recording has; "
            "its header is damaged."
        )
    if channels not in (1, 3):
        raise SequenceFileError(f"{path} has {channels} values a pixel; grey (1) and RGB (3) can be read.")
    return spatial[0], spatial[1], frames, channels
