"""A file is written whole or not at all: an older one under its name stays until the new one is complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileFormatError
from ..words import tr


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Gives the same name in a folder of its own beside `path`, for a writer; what is there takes its place afterwards.

    Files that the writer puts beside it (the voxels of a `.mhd`) go along, before the one that names them. Raises
    FileFormatError when the disk refuses; then everything is as it was.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent, ignore_cleanup_errors=True) as folder:
            place = Path(folder) / path.name
            yield place
            written = sorted(Path(folder).iterdir(), key=lambda file: file == place)
            if not written or written[-1] != place:
                raise FileFormatError(tr("{path} cannot be written; check the folder and the free space.", path=path))
            for file in written:
                os.replace(file, path.with_name(file.name))
    except (OSError, RuntimeError) as error:
        last_line = (str(error).strip().splitlines() or ["no reason given"])[-1].strip()
        reason = getattr(error, "strerror", None) or last_line
        raise FileFormatError(tr("{path} cannot be written ({reason}).", path=path, reason=reason)) from None
