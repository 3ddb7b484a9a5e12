"""What a command compared beside the study, and left in the study's folder for the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import FileFormatError
from .report_page import ReportPage


def read_comparison(page: ReportPage, name: str, key: str) -> dict[str, Any] | None:
    """The JSON file `name` below the study's folder; None where there is none.

    Raises FileFormatError when it holds nothing under `key`.
    """
    path = Path(page.inputs.evaluation).parent / name
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not found[key]:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise FileFormatError(f"{path} does not hold what was compared: make it anew, or move it away.") from None
    return found
