"""Writes down in the case's log when a tool's tip comes within a tumor's margin, and when it has left it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...navigation.margin import Severity
from ...navigation.stated_distance import distance_text
from ...words import mark
from ..case.event_log import EventLog

if TYPE_CHECKING:
    from ..tools import ToolReading, Tools

# A tip that goes to and fro at the border of a margin must not fill the log. What is worse is written down at once.
_LEAST_BETWEEN_S = 10.0


class MarginLog:
    """Follows the readings of all tools.

    chosen_name  gives the name of the chosen tumor
    """

    def __init__(self, log: EventLog, tools: Tools, chosen_name: Callable[[], str]) -> None:
        self._log, self._chosen_name = log, chosen_name
        self._noted: dict[str, tuple[Severity, float]] = {}
        tools.changed.connect(self._follow)

    def _follow(self, readings: list[ToolReading]) -> None:
        for reading in readings:
            if reading.severity is Severity.UNKNOWN:
                continue
            severity, before_s = self._noted.get(reading.name, (Severity.CLEAR, -math.inf))
            now_s = time.monotonic()
            is_soon = now_s - before_s < _LEAST_BETWEEN_S and reading.severity.rank <= severity.rank
            if reading.severity is severity or is_soon:
                continue
            self._noted[reading.name] = reading.severity, now_s
            self._log.add(mark("margin"), tool=reading.name, message=self._text(reading))

    def _text(self, reading: ToolReading) -> str:
        """Of the tumor that the tip endangers most."""
        other = reading.other
        if other is not None and other.margin.severity is reading.severity is not reading.margin.severity:
            return other.text
        assert reading.signed_distance_mm is not None, "a severity that is known is that of a distance"
        distance = distance_text(reading.signed_distance_mm, reading.budget)
        return f"{self._chosen_name()}: {distance}, {reading.margin_text}"
