"""MetaImage sequences (`.igs.mha`, `.mha`, `.mhd`) as PLUS and Slicer write and read them.

Format: MetaIO documentation and IGSIO's vtkIGSIOMetaImageSequenceIO.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import SequenceFileError
from .sequence_header import (
    SequenceHeader,
    check_sizes,
    flips_to_working_orientation,
    read_header_lines,
    split_frame_field,
    spread_frame_fields,
)

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
_FORMAT_FIELDS = {
    "ObjectType", "NDims", "AnatomicalOrientation", "BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB",
    "CenterOfRotation", "CompressedData", "CompressedDataSize", "DimSize", "ElementNumberOfChannels",
    "ElementSpacing", "ElementType", "Kinds", "Offset", "TransformMatrix", "UltrasoundImageOrientation",
    "UltrasoundImageType", "ElementDataFile",
}  # fmt: skip
# How pixels are compressed (see CompressedStream).
COMPRESSION = "zlib"
# The number of frames and the compressed size are known only at the end: room is left to write them in place.
_PADDED_WIDTH = 40


def read_header(path: Path) -> SequenceHeader:
    """The header of a MetaImage sequence. Raises SequenceFileError."""
    lines, offset = read_header_lines(path, lambda line: line.replace(" ", "").startswith("ElementDataFile="))
    fields: dict[str, str] = {}
    frames: dict[int, dict[str, str]] = {}
    for line in lines:
        name, separator, value = line.partition("=")
        if not separator:
            continue
        name, value = name.strip(), value.strip()
        frame_field = split_frame_field(name)
        if frame_field is None:
            fields[name] = value
        else:
            frames.setdefault(frame_field[0], {})[frame_field[1]] = value
    try:
        sizes = [int(text) for text in fields["DimSize"].split()]
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        dtype = _DTYPES[fields["ElementType"]]
    except KeyError as error:
        raise SequenceFileError(f"The header of {path} has no usable {error.args[0]}; the file is damaged.") from None
    except ValueError:
        raise SequenceFileError(f"The header of {path} has a size that is not a whole number.") from None
    kinds = fields.get("Kinds", "").lower().split()
    if not kinds and frames:
        kinds = ["domain"] * (len(sizes) - 1) + ["list"]
    elif len(kinds) != len(sizes) or (len(sizes) == 3 and "list" not in kinds and frames and sizes[2] == len(frames)):
        kinds = ["domain"] * (len(sizes) - 1) + (["list"] if frames else ["domain"])
    width, height, count, channels = check_sizes(path, sizes, kinds, channels)
    if fields.get("BinaryData", "True").lower() != "true":
        raise SequenceFileError(f"{path} holds its pixels as text; only binary data can be read.")
    big_endian = (fields.get("BinaryDataByteOrderMSB") or fields.get("ElementByteOrderMSB", "False")).lower() == "true"
    flip_rows, flip_columns = flips_to_working_orientation(fields.get("UltrasoundImageOrientation"), path)
    data_file = fields["ElementDataFile"]
    local = data_file.upper() == "LOCAL"
    if not local and Path(data_file).name != data_file:
        raise SequenceFileError(f"{path} points to pixels in another folder ('{data_file}'), which is refused.")
    return SequenceHeader(
        path=path,
        image_size=(width, height),
        frame_count=count,
        channels=channels,
        dtype=np.dtype((">" if big_endian else "<") + dtype),
        compression="zlib" if fields.get("CompressedData", "False").lower() == "true" else "none",
        data_path=path if local else path.with_name(data_file),
        data_offset=offset if local else 0,
        flip_rows=flip_rows,
        flip_columns=flip_columns,
        fields={name: value for name, value in fields.items() if name not in _FORMAT_FIELDS},
        frame_fields=spread_frame_fields(frames, count),
    )


def header_text(image_size, frame_fields, dtype: np.dtype, compressed_bytes: int | None, fields) -> str:
    """The header of a local-data sequence of grey images in orientation MF; `compressed_bytes` None when not."""
    names = {code: name for name, code in _DTYPES.items()}
    frame_count = len(frame_fields)
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
        "ElementNumberOfChannels = 1",
        "ElementSpacing = 1 1 1",
        f"ElementType = {names[dtype.str[1:]]}",
        "Kinds = domain domain list",
        "Offset = 0 0 0",
        "TransformMatrix = 1 0 0 0 1 0 0 0 1",
        "UltrasoundImageOrientation = MF",
        "UltrasoundImageType = BRIGHTNESS",
    ]
    lines += [f"{name} = {value}" for name, value in fields.items()]
    for number, entries in enumerate(frame_fields):
        lines += [f"Seq_Frame{number:04d}_{name} = {value}" for name, value in entries.items()]
        lines.append(f"Seq_Frame{number:04d}_ImageStatus = OK")
    return "\n".join(lines + ["ElementDataFile = LOCAL"]) + "\n"
