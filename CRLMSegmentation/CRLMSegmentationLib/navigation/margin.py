"""What a distance means for the margin around the tumor, and how it is said."""

from __future__ import annotations

import math
from enum import Enum

from ..values.defaults import DEFAULT_SAFETY_MARGIN_MM
from ..words import mark, tr


class Severity(Enum):
    """How much a state matters. Views and sounds go by it, so that a new state needs no new color anywhere."""

    UNKNOWN = "unknown"
    CLEAR = "clear"
    WARNING = "warning"
    DANGER = "danger"

    @property
    def rank(self) -> int:
        """0 where nobody needs to be warned, and the more the worse it is."""
        return {Severity.WARNING: 1, Severity.DANGER: 2}.get(self, 0)


class MarginState(Enum):
    """Where a tool tip is with regard to the tumor and the margin around it; the value is for programs."""

    UNKNOWN = mark("no distance")
    INSIDE = mark("inside the tumor")
    WITHIN_MARGIN = mark("within the margin")
    CLEAR = mark("clear of the margin")

    @property
    def text(self) -> str:
        """What people read, in the language in use."""
        return tr(self.value)

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return _SEVERITIES[self]

    @property
    def is_alert(self) -> bool:
        """True when the surgeon should be warned."""
        return self.severity in (Severity.WARNING, Severity.DANGER)


_SEVERITIES = {
    MarginState.UNKNOWN: Severity.UNKNOWN,
    MarginState.INSIDE: Severity.DANGER,
    MarginState.WITHIN_MARGIN: Severity.WARNING,
    MarginState.CLEAR: Severity.CLEAR,
}


def margin_state(signed_distance_mm: float | None, margin_mm: float = DEFAULT_SAFETY_MARGIN_MM) -> MarginState:
    """The state for a distance (negative inside; None or NaN when it is not known).

    The surface counts as inside, the margin's outer border as within the margin: what is in doubt warns.
    """
    if signed_distance_mm is None or math.isnan(signed_distance_mm):
        return MarginState.UNKNOWN
    if signed_distance_mm <= 0:
        return MarginState.INSIDE
    return MarginState.WITHIN_MARGIN if signed_distance_mm <= margin_mm else MarginState.CLEAR
