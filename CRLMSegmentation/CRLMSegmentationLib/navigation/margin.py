"""What a distance means for the margin around the tumor, and how it is said."""

from __future__ import annotations

import math
from enum import Enum

from ..values.defaults import DEFAULT_SAFETY_MARGIN_MM


class MarginState(Enum):
    """Where a tool tip is with regard to the tumor and the margin around it."""

    UNKNOWN = "no distance"
    INSIDE = "inside the tumor"
    WITHIN_MARGIN = "within the margin"
    CLEAR = "clear of the margin"

    @property
    def is_alert(self) -> bool:
        """True when the surgeon should be warned."""
        return self in (MarginState.INSIDE, MarginState.WITHIN_MARGIN)


def margin_state(signed_distance_mm: float | None, margin_mm: float = DEFAULT_SAFETY_MARGIN_MM) -> MarginState:
    """The state for a distance (negative inside; None or NaN when it is not known).

    The surface counts as inside, the margin's outer border as within the margin: what is in doubt warns.
    """
    if signed_distance_mm is None or math.isnan(signed_distance_mm):
        return MarginState.UNKNOWN
    if signed_distance_mm <= 0:
        return MarginState.INSIDE
    return MarginState.WITHIN_MARGIN if signed_distance_mm <= margin_mm else MarginState.CLEAR
