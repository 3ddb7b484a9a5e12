"""What a user may fix about an implanted tumor. Everything left at None is drawn from the seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import ConfigurationError

# Contrast against the tissue around, in dB of the display's dynamic range; a faint one is brighter one time in four.
CONTRAST_DB = {"dark": (-18.0, -8.0), "faint": (-8.0, -4.0), "bright": (6.0, 13.0)}
KINDS = tuple(CONTRAST_DB)
PLACES = ("even", "walls", "depth", "edge")
SMALLEST_MM, LARGEST_MM = 8.0, 40.0
DYNAMIC_RANGE_DB = 60.0


@dataclass(frozen=True)
class ImplantSettings:
    """The tumor, where it goes, and what is known of the display.

    kind              'dark', 'faint' or 'bright'
    place             'even' tissue, beside 'walls' or vessels, at 'depth', or at the 'edge' of the sweep
    diameter_mm       of the sphere of the same volume, 8 to 40
    dynamic_range_db  that the display shows from black to white: gives the measured tone curve its scale
    """

    kind: str | None = None
    place: str | None = None
    diameter_mm: float | None = None
    dynamic_range_db: float = DYNAMIC_RANGE_DB

    def __post_init__(self) -> None:
        for name, value, known in (("kind", self.kind, KINDS), ("place", self.place, PLACES)):
            if value is not None and value not in known:
                raise ConfigurationError(f"The {name} of the tumor is {value!r}; it must be one of {', '.join(known)}.")
        for name, number, least, most, unit in (
            ("diameter of the tumor", self.diameter_mm, SMALLEST_MM, LARGEST_MM, "mm"),
            ("dynamic range", self.dynamic_range_db, 20.0, 150.0, "dB"),
        ):
            if number is not None and not (math.isfinite(number) and least <= number <= most):
                raise ConfigurationError(f"The {name} is {number:g} {unit}; it must lie from {least:g} to {most:g}.")
