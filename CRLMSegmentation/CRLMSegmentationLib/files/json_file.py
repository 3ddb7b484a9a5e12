"""JSON files of others, read with the reason when it cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import FileFormatError
from ..words import tr


def read_json(path: Path, what: str, otherwise: str) -> Any:
    """What is in the JSON file `path`: whatever JSON allows, so that the caller checks it.

    what       that it should hold, such as "box"
    otherwise  ends the sentence about a file that is not JSON, such as "; save the box from Slicer as .mrk.json."
    Raises FileFormatError when it cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(
            tr(
                "The {what} {path} cannot be read ({strerror}); check the path.",
                what=what,
                path=path,
                strerror=error.strerror,
            )
        ) from None
    except ValueError as error:
        raise FileFormatError(
            tr("{path} is not JSON ({error}){otherwise}", path=path, error=error, otherwise=otherwise)
        ) from None


def read_markups(path: Path, what: str, otherwise: str, kind: str) -> list[dict[str, Any]]:
    """The entries of `kind`, such as "ROI", in a file of 3D Slicer's Markups; none where it is another JSON file.

    Format: Slicer's markups-schema-v1.0.3. Otherwise as read_json().
    """
    content = read_json(path, what, otherwise)
    markups = content.get("markups", []) if isinstance(content, dict) else []
    return [entry for entry in markups if isinstance(entry, dict) and entry.get("type") == kind]
