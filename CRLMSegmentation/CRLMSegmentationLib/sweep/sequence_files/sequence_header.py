"""What the header of a sequence file says, in one form for MetaImage and NRRD.

Format: IGSIO's vtkIGSIOMetaImageSequenceIO and vtkIGSIONrrdSequenceIO; MetaIO documentation; NRRD 0004 definition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import SequenceFileError
from ...words import tr
from .stored_axes import holds_images

FRAME_FIELD_PREFIX = "Seq_Frame"
MAXIMUM_HEADER_BYTES = 256 * 1024 * 1024
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

    image_size   width, height in pixels, as stored; 0, 0 when there are no images
    frame_count  number of frames
    channels     1 (grey), 3 (RGB) or 4 (RGBA)
    dtype        of one stored channel, byte order included
    stored_axes  how the pixels lie in the file, fastest first, such as 'uvn' or 'cuvn': see StoredAxes
    compression  'none', 'zlib' or 'gzip'
    data_path    file that holds the pixels, from byte `data_offset` on, after `skipped_lines` lines
    skipped_bytes  bytes before the first pixel, counted after decompression; -1: as many as there are too many
    flip_rows, flip_columns   what brings a stored image into orientation MF
    fields       sequence-wide fields that are not part of the format itself
    frame_fields one dict of text fields for each frame
    """

    path: Path
    image_size: tuple[int, int]
    frame_count: int
    channels: int
    stored_axes: str
    dtype: np.dtype
    compression: str
    data_path: Path
    data_offset: int
    flip_rows: bool
    flip_columns: bool
    skipped_lines: int = 0
    skipped_bytes: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    frame_fields: list[dict[str, str]] = field(default_factory=list)

    @property
    def has_images(self) -> bool:
        """False for a recording of a tracker alone: its frames are times with poses."""
        return holds_images(*self.image_size)

    @property
    def frame_bytes(self) -> int:
        return self.image_size[0] * self.image_size[1] * self.channels * self.dtype.itemsize


def read_header_lines(path: Path, is_last: Callable[[str], bool]) -> tuple[list[str], int]:
    """The text lines up to and with the first for which `is_last(line)` holds, and the byte offset after them."""
    lines = []
    with open(path, "rb") as stream:
        while True:
            raw = stream.readline(1 << 20)
            if not raw or stream.tell() > MAXIMUM_HEADER_BYTES:
                raise SequenceFileError(
                    tr("The header of {path} does not end; the file is cut off or damaged.", path=path)
                )
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
            tr(
                "{path} has ultrasound image orientation '{orientation}', which cannot be brought to MF; "
                "known are {flips_to_mf}.",
                path=path,
                orientation=orientation,
                flips_to_mf=", ".join(_FLIPS_TO_MF),
            )
        ) from None


def split_frame_field(name: str) -> tuple[int, str] | None:
    """'Seq_Frame0012_Timestamp' as (12, 'Timestamp'); None for any other name."""
    match = _FRAME_FIELD.match(name)
    return (int(match.group(1)), match.group(2)) if match else None


def sorted_fields(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[int, dict[str, str]]]:
    """Names and values of a header as the fields of the file by name, and those of its frames by number and name."""
    fields: dict[str, str] = {}
    frames: dict[int, dict[str, str]] = {}
    for name, value in pairs:
        frame_field = split_frame_field(name)
        if frame_field is None:
            fields[name] = value
        else:
            frames.setdefault(frame_field[0], {})[frame_field[1]] = value
    return fields, frames


def frame_field_lines(
    frame_fields: Sequence[Mapping[str, str]], has_images: bool, separator: str, status_name: str
) -> list[str]:
    """The lines of a header with the fields of each frame, its status last."""
    lines = []
    for number, entries in enumerate(frame_fields):
        others = dict(entries)
        status = others.pop("ImageStatus", "OK" if has_images else "INVALID")
        lines += [f"Seq_Frame{number:04d}_{name}{separator}{value}" for name, value in others.items()]
        lines.append(f"Seq_Frame{number:04d}_{status_name}{separator}{status}")
    return lines


def has_transform(found: Mapping[int, Mapping[str, str]]) -> bool:
    """True when a frame has a field that holds a transform."""
    return any(name.endswith("Transform") for fields in found.values() for name in fields)


def spread_frame_fields(path: Path, found: dict[int, dict[str, str]], frame_count: int) -> list[dict[str, str]]:
    """`found` by frame number as a list with one entry a frame.

    Numbers that begin elsewhere than at 0 are taken as they are meant when there is one for each frame: a part that was
    cut out of a longer recording. Raises SequenceFileError when it cannot be known which fields belong to which frame.
    """
    first = min(found, default=0)
    if max(found, default=0) < frame_count:
        first = 0
    elif sorted(found) != list(range(first, first + frame_count)):
        raise SequenceFileError(
            tr(
                "{path} has fields of frames {first} to {found}, but pixels of {frame_count} "
                "frame{value}: which pose belongs to which image cannot be known.",
                path=path,
                first=first,
                found=max(found),
                frame_count=frame_count,
                value="s" if frame_count > 1 else "",
            )
        )
    return [found.get(first + number, {}) for number in range(frame_count)]


def data_file_beside(path: Path, name: str) -> Path:
    """Where the pixels lie that a header keeps in another file. Raises SequenceFileError unless that is beside it."""
    if not name:
        raise SequenceFileError(tr("{path} does not say where its pixels are; the file is damaged.", path=path))
    if name.upper().split()[0] == "LIST" or re.search(r"%\d*d", name):
        raise SequenceFileError(
            tr("{path} spreads its pixels over several files ('{name}'); only one can be read.", path=path, name=name)
        )
    if Path(name) != Path(Path(name).name):
        raise SequenceFileError(
            tr("{path} points to pixels in another folder ('{name}'), which is refused.", path=path, name=name)
        )
    return path.with_name(Path(name).name)
