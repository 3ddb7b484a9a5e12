"""Whether a NIfTI file is whole: ITK writes and reads one that is cut off without a word, black where voxels lack.

Format: NIfTI-1 (nifti1.h): dim at byte 40, bitpix at 72, vox_offset at 108.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

ENDINGS = (".nii", ".nii.gz")
_HEADER_BYTES = 348
_CHUNK_BYTES = 1 << 20


def is_cut_off(path: Path) -> bool:
    """True when `path` is a NIfTI-1 file that ends before its last voxel. Raises OSError when it cannot be read."""
    if not path.name.lower().endswith(ENDINGS):
        return False
    header, there = b"", 0
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as stream:
            header = stream.read(_HEADER_BYTES)
            there = len(header)
            while piece := stream.read(_CHUNK_BYTES):
                there += len(piece)
    except (EOFError, zlib.error):
        return True
    return there < _expected_bytes(header)


def _expected_bytes(header: bytes) -> int:
    """What the header says; 0 for one of another format, which ITK judges itself."""
    if len(header) < _HEADER_BYTES:
        return _HEADER_BYTES
    for order in "<>":
        if struct.unpack_from(f"{order}i", header)[0] == _HEADER_BYTES:
            axes, *sizes = struct.unpack_from(f"{order}8h", header, 40)
            bits: int = struct.unpack_from(f"{order}h", header, 72)[0]
            offset = struct.unpack_from(f"{order}f", header, 108)[0]
            voxels: int = math.prod(sizes[: max(axes, 0)])
            return int(offset) + voxels * bits // 8
    return 0
