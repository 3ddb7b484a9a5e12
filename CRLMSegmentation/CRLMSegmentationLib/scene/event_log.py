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
_PATHS = re.compile(r"\S*[/\\].*[/\\]\S*|\S*[/\\]\S*|\S+\.(?:mha|mhd|nrrd|mrb|mrml|xml|json|stl|journal)\b")


class EventLog:
    """One entry for every event: time of day, seconds since the log began, and what happened."""

    def __init__(self):
        self._began_s = time.monotonic()
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def add(self, event: str, **facts) -> None:
        """Write down one event, now; `facts` are plain values."""
        entry = {
            "time": datetime.now().isoformat(timespec="milliseconds"),
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
    """`text` without anything that may be the name of a file or a folder."""
    return _PATHS.sub("<path>", text)
