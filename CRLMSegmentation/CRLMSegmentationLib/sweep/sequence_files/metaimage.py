"""MetaImage sequences (`.igs.mha`, `.mha`, `.mhd`) as PLUS and Slicer write and read them.

Format: MetaIO documentation and IGSIO's vtkIGSIOMetaImageSequenceIO.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import NotASequenceError, SequenceFileError
from ...words import mark, tr
from .sequence_header import (
    SequenceHeader,
    data_file_beside,
    flips_to_working_orientation,
    frame_field_lines,
    has_transform,
    read_header_lines,
    sorted_fields,
    spread_frame_fields,
)
from .stored_axes import holds_images, stored_axes

_DTYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
# PLUS's word for the pixels where only a tracker was recorded.
_NO_IMAGES = "MET_OTHER"
_FORMAT_FIELDS = {
    "ObjectType", "NDims", "AnatomicalOrientation", "BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB",
    "CenterOfRotation", "CompressedData", "CompressedDataSize", "DimSize", "ElementNumberOfChannels",
    "ElementSpacing", "ElementType", "HeaderSize", "Kinds", "Offset", "TransformMatrix", "UltrasoundImageOrientation",
    "UltrasoundImageType", "ElementDataFile",
}  # fmt: skip
# How pixels are compressed (see CompressedStream).
COMPRESSION = "zlib"
# The number of frames and the compressed size are known only at the end: room is left to write them in place.
_PADDED_WIDTH = 40

_NO_SUCH_BYTE = mark(
    "{path} says that its pixels begin at byte {header_size} (HeaderSize), which cannot be: correct the header."
)


def read_header(path: Path) -> SequenceHeader:
    """The header of a MetaImage sequence. Raises SequenceFileError."""
    lines, offset = read_header_lines(path, lambda line: line.replace(" ", "").startswith("ElementDataFile="))
    fields, frames = sorted_fields(_pairs_in(lines))
    try:
        sizes = [int(text) for text in fields["DimSize"].split()]
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        header_size = int(fields.get("HeaderSize", "0"))
        element_type = fields["ElementType"]
    except KeyError as error:
        raise SequenceFileError(
            tr("The header of {path} has no {args}; the file is damaged.", path=path, args=error.args[0])
        ) from None
    except ValueError:
        raise SequenceFileError(tr("The header of {path} has a size that is not a whole number.", path=path)) from None
    kinds = fields.get("Kinds", "").lower().split()
    if element_type == _NO_IMAGES:
        sizes = [0, 0, *sizes[2:]]
    if not frames and any(word != "1" for word in fields.get("ElementSpacing", "").split()):
        # PLUS called the third axis of its volumes 'list', too.
        raise NotASequenceError(tr("{path} holds one volume, not a sequence of frames.", path=path))
    axes = stored_axes(path, sizes, kinds, sorted(frames), channels, has_transform(frames))
    has_images = holds_images(axes.size("u"), axes.size("v"))
    if has_images and element_type not in _DTYPES:
        raise SequenceFileError(
            tr(
                "{path} holds pixels of type {element_type}, which cannot be read; one of {dtypes} can.",
                path=path,
                element_type=element_type,
                dtypes=", ".join(_DTYPES),
            )
        )
    if fields.get("BinaryData", "True").lower() != "true":
        raise SequenceFileError(tr("{path} holds its pixels as text; only binary data can be read.", path=path))
    big_endian = (fields.get("BinaryDataByteOrderMSB") or fields.get("ElementByteOrderMSB", "False")).lower() == "true"
    orientation = fields.get("UltrasoundImageOrientation") if has_images else None
    flip_rows, flip_columns = flips_to_working_orientation(orientation, path)
    compressed = fields.get("CompressedData", "False").lower() == "true"
    local = fields["ElementDataFile"].upper() == "LOCAL"
    if header_size < (-1 if not compressed else 0) or (local and 0 < header_size < offset):
        raise SequenceFileError(tr(_NO_SUCH_BYTE, path=path, header_size=header_size))
    return SequenceHeader(
        path=path,
        image_size=(axes.size("u"), axes.size("v")),
        frame_count=axes.size("n"),
        channels=axes.size("c"),
        stored_axes=axes.order,
        dtype=np.dtype((">" if big_endian else "<") + _DTYPES.get(element_type, "u1")),
        compression="zlib" if compressed else "none",
        data_path=path if local else data_file_beside(path, fields["ElementDataFile"]),
        # HeaderSize counts from the beginning of the file; -1 stands for whatever comes before the pixels (MetaIO).
        data_offset=max(header_size, offset if local else 0),
        skipped_bytes=min(header_size, 0),
        flip_rows=flip_rows,
        flip_columns=flip_columns,
        fields={name: value for name, value in fields.items() if name not in _FORMAT_FIELDS},
        frame_fields=spread_frame_fields(path, frames, axes.size("n")),
    )


def _pairs_in(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and values, of the file's fields and of those of its frames."""
    for line in lines:
        name, separator, value = line.partition("=")
        if separator:
            yield name.strip(), value.strip()


def header_text(
    image_size: tuple[int, int],
    frame_fields: Sequence[Mapping[str, str]],
    dtype: np.dtype,
    compressed_bytes: int | None,
    fields: Mapping[str, str],
) -> str:
    """The header of a local-data sequence of images in orientation MF; `compressed_bytes` None when not.

    dtype  of a pixel: of one value, or of three for red, green and blue
    """
    names = {code: name for name, code in _DTYPES.items()}
    frame_count = len(frame_fields)
    channels, image_type = (3, "RGB_COLOR") if dtype.shape else (1, "BRIGHTNESS")
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "AnatomicalOrientation = RAI",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CenterOfRotation = 0 0 0",
        f"CompressedData = {compressed_bytes is not None}",
    ]
    if compressed_bytes is not None:
        lines.append(f"CompressedDataSize = {str(compressed_bytes).ljust(_PADDED_WIDTH)}")
    lines += [
        f"DimSize = {image_size[0]} {image_size[1]} {str(frame_count).ljust(_PADDED_WIDTH)}",
        f"ElementNumberOfChannels = {channels}",
        "ElementSpacing = 1 1 1",
        f"ElementType = {names[dtype.base.str[1:]] if min(image_size) > 0 else _NO_IMAGES}",
        "Kinds = domain domain list",
        "Offset = 0 0 0",
        "TransformMatrix = 1 0 0 0 1 0 0 0 1",
        f"UltrasoundImageOrientation = {'MF' if min(image_size) > 0 else 'XX'}",
        f"UltrasoundImageType = {image_type if min(image_size) > 0 else 'XX'}",
    ]
    lines += [f"{name} = {value}" for name, value in fields.items()]
    lines += frame_field_lines(frame_fields, min(image_size) > 0, " = ", "ImageStatus")
    return "\n".join(lines + ["ElementDataFile = LOCAL"]) + "\n"
