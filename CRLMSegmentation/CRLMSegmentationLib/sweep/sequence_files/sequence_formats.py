"""Opens the header of a sequence file, whichever format it has."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import NotASequenceError, SequenceFileError
from ...words import tr
from . import metaimage, nrrd
from .sequence_header import SequenceHeader

_DETACHED = re.compile(rb"^\s*(?:ElementDataFile\s*=|data ?file:)\s*([^\r\n]+?)\s*$", re.IGNORECASE | re.MULTILINE)
_LONGEST_DETACHED_HEADER = 16 * 1024 * 1024


def read_sequence_header(path: str | Path) -> SequenceHeader:
    """Read the header of a `.mha`, `.mhd`, `.nrrd` or `.nhdr` sequence, recognised by its content, not its name.

    Raises SequenceFileError when the file is missing, damaged, or no sequence of two-dimensional images.
    """
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise SequenceFileError(
            tr("{path} cannot be read ({strerror}); check the path.", path=path, strerror=error.strerror)
        ) from None
    if not start:
        raise SequenceFileError(tr("{path} is empty; nothing was recorded in it.", path=path))
    if start.startswith(b"NRRD"):
        return nrrd.read_header(path)
    if re.match(rb"\s*(ObjectType|NDims|Comment)\s*=", start):
        return metaimage.read_header(path)
    if start.startswith(b"\x1f\x8b"):
        raise NotASequenceError(tr("{path} is packed with gzip as a whole; unpack it first (gunzip).", path=path))
    raise NotASequenceError(
        tr(
            "{path} is neither a MetaImage nor an NRRD file; give a recording such as PLUS writes "
            "(.igs.mha, .igs.nrrd).",
            path=path,
        )
    )


def detached_data_file(path: str | Path) -> Path | None:
    """The file that holds the pixels of the header `path` (`.mhd`, `.nhdr`); None when it has none beside it."""
    path = Path(path)
    if path.suffix.lower() not in (".mhd", ".nhdr"):
        return None
    try:
        with open(path, "rb") as stream:
            found = _DETACHED.search(stream.read(_LONGEST_DETACHED_HEADER))
    except OSError:
        return None
    if found is None or found.group(1).upper() == b"LOCAL":
        return None
    return path.parent / found.group(1).decode("utf-8", errors="replace")
