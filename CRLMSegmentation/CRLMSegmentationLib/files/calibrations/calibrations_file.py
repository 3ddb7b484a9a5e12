"""The file of calibrations: JSON, read and written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..json_file import read_json
from ..whole_file import written_whole


def read_calibrations_file(path: str | Path) -> object:
    """What stands in it. Raises FileFormatError with the reason."""
    return read_json(Path(path), "file of calibrations", ": it is no file of calibrations, or damaged.")


def write_calibrations_file(path: str | Path, text: Mapping[str, Any]) -> Path:
    """Write plain values; returns the path. Raises FileFormatError when the disk refuses."""
    with written_whole(path) as place:
        place.write_text(json.dumps(text, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return Path(path)
