"""File names as SimpleITK and VTK take them."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import FileFormatError
from ..words import tr


def name_for_library(path: str | Path) -> str:
    """`path` as text that a C++ library turns back into the bytes of the file's name.

    A name whose bytes are not UTF-8 ends the whole process inside SimpleITK, so that it never gets one: FileFormatError
    with what to do instead. Where Python itself reads names as ASCII (LC_ALL=C) the bytes of a name in UTF-8 are taken.
    """
    try:
        return os.fsencode(Path(path)).decode("utf-8")
    except UnicodeError:
        raise FileFormatError(
            tr(
                "The name {path!a} is not written in UTF-8, and no volume or surface can be read or "
                "written under it: rename the file or its folder.",
                path=str(path),
            )
        ) from None
