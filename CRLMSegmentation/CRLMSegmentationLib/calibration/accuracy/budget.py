"""What the error of one distance is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# Of a normal error 95 % lie within so many standard deviations.
DEVIATIONS_OF_95 = 1.96


@dataclass(frozen=True)
class Budget:
    """The sources of error of one distance from a tool's tip to the tumor's surface.

    deviations_mm  what each source adds, one standard deviation, by its name; independent of each other
    unknown        of each source whose error nobody knows: why, as the end of a sentence ('the stylus was not
                   calibrated here')
    """

    deviations_mm: Mapping[str, float]
    unknown: Mapping[str, str]

    @property
    def deviation_mm(self) -> float:
        """One standard deviation of all known sources together: at least so much."""
        return math.sqrt(sum(value**2 for value in self.deviations_mm.values()))

    @property
    def within_mm(self) -> float:
        """95 of 100 distances are no farther off than this, or than more where a source is unknown."""
        return DEVIATIONS_OF_95 * self.deviation_mm

    @property
    def is_complete(self) -> bool:
        """True when no source is unknown."""
        return not self.unknown

    @property
    def reason(self) -> str:
        """Why the error may be larger than within_mm, for people; '' when it is not."""
        return "; ".join(self.unknown.values())
