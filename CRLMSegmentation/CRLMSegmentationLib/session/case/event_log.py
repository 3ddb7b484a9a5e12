"""What happened in a case and when: JSON lines that are saved with it. No name of a person ever goes in.

Names of files and folders often hold a patient's name, so everything that looks like a path is taken out.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections import deque
from datetime import datetime

_logger = logging.getLogger(__name__)
_MOST_LINES = 5000
_FILE_ENDING = re.compile(
    r"\.(?:mha|mhd|nrrd|nhdr|nii|gz|mrb|mrml|xml|json|stl|vtp|ply|obj|zip|dcm|png|csv|txt|journal)\b", re.IGNORECASE
)
# /data, C:\data, \\server, ~/data, ./data
_ROOT = re.compile(r"""(?<![^\s'"(\[=:])(?:[A-Za-z]:[\\/]|\\\\|~?/|\.{1,2}[\\/])""")
_SEPARATOR = re.compile(r"[\\/]")
_UNIT = re.compile(r"\b(?:frames|images|mm|cm|kB|MB|GB|and)/(?:s|min|or)\b")


class EventLog:
    """One entry for every event: time of day, seconds since the log began, and what happened."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def add(self, event: str, **facts: object) -> None:
        """Write down one event, now; `facts` are plain values."""
        entry = {
            "time": datetime.now().isoformat(timespec="milliseconds"),  # noqa: DTZ005  (as the clock on the wall)
            "seconds": round(time.monotonic() - self._began_s, 3),
            "event": event,
            **{name: without_paths(value) if isinstance(value, str) else value for name, value in facts.items()},
        }
        line = json.dumps(entry)
        self._lines.append(line)
        _logger.info("%s", line)

    @property
    def text(self) -> str:
        """Every line, the oldest first."""
        return "".join(line + "\n" for line in self._lines)


def without_paths(text: str) -> str:
    """`text` without anything that may be the name of a file or a folder.

    Names may hold blanks, and nobody knows where they begin and end: rather too much is taken out than too little.
    """
    units = [found.span() for found in _UNIT.finditer(text)]

    def is_of_unit(place: int) -> bool:
        return any(first <= place < end for first, end in units)

    separators = [found.start() for found in _SEPARATOR.finditer(text) if not is_of_unit(found.start())]
    endings = list(_FILE_ENDING.finditer(text))
    if not separators and not endings:
        return text
    # Only a path from a root begins where that can be told.
    root = _ROOT.search(text)
    start = 0 if root is None or any(found.end() <= root.start() for found in endings) else root.start()
    if separators and separators[0] < start:
        start = 0
    last = max([*separators, start])
    # A folder ends nowhere that can be told.
    end = endings[-1].end() if endings and endings[-1].end() > last else len(text)
    return f"{text[:start]}<path>{text[end:]}"
