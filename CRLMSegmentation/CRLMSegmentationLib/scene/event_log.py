"""What happened in a case and when: plain lines that are saved with it. No name of a person ever goes in."""

from __future__ import annotations

import logging
import time
from collections import deque
from datetime import datetime

_logger = logging.getLogger(__name__)
_MOST_LINES = 5000


class EventLog:
    """Lines with the time of day."""

    def __init__(self):
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def add(self, text: str) -> None:
        """Write down one line, now."""
        moment = datetime.fromtimestamp(time.time()).isoformat(sep=" ", timespec="milliseconds")
        self._lines.append(f"{moment}  {text}")
        _logger.info("%s", text)

    @property
    def text(self) -> str:
        """Every line, the oldest first."""
        return "\n".join(self._lines) + ("\n" if self._lines else "")
