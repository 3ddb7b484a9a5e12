"""NRRD sequences (`.igs.nrrd`, `.nrrd`, `.nhdr`) as PLUS and Slicer write and read them.

Format: NRRD 0004 definition (teem.sourceforge.net/nrrd/format.html) and IGSIO's vtkIGSIONrrdSequenceIO.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import SequenceFileError
from ...words import mark, tr
from .sequence_header import (
    SequenceHeader,
    data_file_beside,
    flips_to_working_orientation,
    frame_field_lines,
    has_transform,
    read_header_lines,
    sorted_fields,
    split_frame_field,
    spread_frame_fields,
)
from .stored_axes import holds_images, stored_axes

_DTYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "f4": ("float",),
    "f8": ("double",),
}
# How pixels are compressed (see CompressedStream).
COMPRESSION = "gzip"
_CODES = {name: code for code, names in _DTYPES.items() for name in names}
_FORMAT_FIELDS = {
    "type", "dimension", "space", "space dimension", "sizes", "space directions", "kinds", "endian", "encoding",
    "space origin", "measurement frame", "data file", "datafile", "spacings", "units", "space units", "centerings",
    "byte skip", "byteskip", "line skip", "lineskip",
    "ultrasound image orientation", "ultrasound image type", "ultrasoundimageorientation", "ultrasoundimagetype",
}  # fmt: skip

_NO_SUCH_SKIP = mark("{path} says 'line skip: {lines}' and 'byte skip: {bytes}', which cannot be: correct the header.")


def read_header(path: Path) -> SequenceHeader:
    """The header of an NRRD sequence. Raises SequenceFileError."""
    lines, offset = _lines_of(path)
    fields, frames = sorted_fields(_pairs_in(lines[1:]))
    try:
        sizes = [int(text) for text in fields["sizes"].split()]
        skipped_lines = int(fields.get("line skip", fields.get("lineskip", "0")))
        skipped_bytes = int(fields.get("byte skip", fields.get("byteskip", "0")))
        pixel_type = fields["type"].lower()
        encoding = fields["encoding"].lower()
    except KeyError as error:
        raise SequenceFileError(
            tr("The header of {path} has no '{args}'; the file is damaged.", path=path, args=error.args[0])
        ) from None
    except ValueError:
        raise SequenceFileError(tr("The header of {path} has a size that is not a whole number.", path=path)) from None
    if skipped_lines < 0 or skipped_bytes < -1:
        raise SequenceFileError(tr(_NO_SUCH_SKIP, path=path, lines=skipped_lines, bytes=skipped_bytes))
    kinds = fields.get("kinds", "").lower().split()
    axes = stored_axes(path, sizes, kinds, sorted(frames), tracked=has_transform(frames))
    has_images = holds_images(axes.size("u"), axes.size("v"))
    if has_images and pixel_type not in _CODES:
        raise SequenceFileError(
            tr(
                "{path} holds pixels of type '{pixel_type}', which cannot be read; whole numbers of up "
                "to 32 bits, float and double can.",
                path=path,
                pixel_type=pixel_type,
            )
        )
    if encoding not in ("raw", "gz", "gzip"):
        raise SequenceFileError(
            tr("{path} has encoding '{encoding}'; raw and gzip can be read.", path=path, encoding=encoding)
        )
    orientation = next(
        (value for name, value in fields.items() if name.lower().replace(" ", "") == "ultrasoundimageorientation"),
        None,
    )
    flip_rows, flip_columns = flips_to_working_orientation(orientation if has_images else None, path)
    data_file = fields.get("data file") or fields.get("datafile")
    return SequenceHeader(
        path=path,
        image_size=(axes.size("u"), axes.size("v")),
        frame_count=axes.size("n"),
        channels=axes.size("c"),
        stored_axes=axes.order,
        dtype=np.dtype(
            (">" if fields.get("endian", "little").lower() == "big" else "<") + _CODES.get(pixel_type, "u1")
        ),
        compression="none" if encoding == "raw" else "gzip",
        data_path=data_file_beside(path, data_file) if data_file else path,
        data_offset=0 if data_file else offset,
        skipped_lines=skipped_lines,
        skipped_bytes=skipped_bytes,
        flip_rows=flip_rows,
        flip_columns=flip_columns,
        fields={name: value for name, value in fields.items() if name.lower() not in _FORMAT_FIELDS},
        frame_fields=spread_frame_fields(path, frames, axes.size("n")),
    )


def _lines_of(path: Path) -> tuple[list[str], int]:
    """The lines of the header, and the byte at which the pixels begin behind them."""
    try:
        return read_header_lines(path, lambda line: line == "")
    except SequenceFileError:
        if path.suffix.lower() != ".nhdr":
            raise
        # A detached header may end with the file.
        return path.read_text(encoding="utf-8", errors="replace").splitlines(), 0


def _pairs_in(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and values, of the file's fields and of those of its frames; names of the format in lower case."""
    for line in lines:
        if line.startswith("#") or ":" not in line:
            continue
        name, value = line.split(":", 1)
        is_pair = value.startswith("=")
        name, value = name.strip(), value[1:].strip() if is_pair else value.strip()
        yield name if is_pair or split_frame_field(name) else name.lower(), value


def header_text(
    image_size: tuple[int, int],
    frame_fields: Sequence[Mapping[str, str]],
    dtype: np.dtype,
    compressed_bytes: int | None,
    fields: Mapping[str, str],
) -> str:
    """The header of an attached sequence of images in orientation MF; `compressed_bytes` None when raw.

    dtype  of a pixel: of one value, or of three for red, green and blue
    """
    frame_count = len(frame_fields)
    size, direction, kind = ("3 ", "none ", "RGB-color ") if dtype.shape else ("", "", "")
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        f"type: {_DTYPES[dtype.base.str[1:]][0]}",
        f"dimension: {4 if dtype.shape else 3}",
        "space dimension: 2",
        f"sizes: {size}{image_size[0]} {image_size[1]} {frame_count}",
        f"space directions: {direction}(1,0) (0,1) none",
        f"kinds: {kind}domain domain list",
        "endian: little",
        f"encoding: {'raw' if compressed_bytes is None else 'gz'}",
        "space origin: (0,0)",
        "ultrasound image orientation:=MF",
        f"ultrasound image type:={'RGB_COLOR' if dtype.shape else 'BRIGHTNESS'}",
    ]
    lines += [f"{name}:={value}" for name, value in fields.items()]
    lines += frame_field_lines(frame_fields, min(image_size) > 0, ":=", "Status")
    return "\n".join(lines) + "\n\n"
