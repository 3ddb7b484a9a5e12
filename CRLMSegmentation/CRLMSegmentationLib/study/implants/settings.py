"""What a user may fix about an implanted tumor. Everything left at None is drawn from the seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import ConfigurationError

# Contrast against the tissue around, in dB of the display's dynamic range: the nearer and the farther end.
CONTRAST_DB = {"dark": (-18.0, -8.0), "faint": (-8.0, -4.0), "bright": (6.0, 13.0), "iso": (-4.0, -1.5)}
# Of these kinds some are brighter by as much.
BRIGHTER_SHARE = {"faint": 0.25, "iso": 0.5}
KINDS = tuple(CONTRAST_DB)
PLACES = ("even", "walls", "depth", "edge")
# What the tumor's speckle is: blurred scatterers of its own, or what was recorded there, made darker or brighter.
TEXTURES = ("new", "recorded")
SMALLEST_MM, LARGEST_MM = 8.0, 40.0
DYNAMIC_RANGE_DB = 60.0


@dataclass(frozen=True)
class ImplantSettings:
    """The tumor, where it goes, and what is known of the display.

    kind              'dark', 'faint', 'bright' or nearly 'iso'-echoic
    place             'even' tissue, beside 'walls' or vessels, at 'depth', or at the 'edge' of the sweep
    diameter_mm       of the sphere of the same volume, 8 to 40
    dynamic_range_db  that the display shows from black to white: gives the measured tone curve its scale
    texture           'new' speckle of the sweep's own kind, or the 'recorded' one
    diameters_mm      the range from which a diameter is drawn that is not fixed
    """

    kind: str | None = None
    place: str | None = None
    diameter_mm: float | None = None
    dynamic_range_db: float = DYNAMIC_RANGE_DB
    texture: str | None = None
    diameters_mm: tuple[float, float] = (SMALLEST_MM, LARGEST_MM)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("kind", self.kind, KINDS), ("place", self.place, PLACES), ("texture", self.texture, TEXTURES)
        ):  # fmt: skip
            if value is not None and value not in known:
                raise ConfigurationError(f"The {name} of the tumor is {value!r}; it must be one of {', '.join(known)}.")
        for name, number, least, most, unit in (
            ("diameter of the tumor", self.diameter_mm, SMALLEST_MM, LARGEST_MM, "mm"),
            ("smallest diameter", self.diameters_mm[0], SMALLEST_MM, LARGEST_MM, "mm"),
            ("largest diameter", self.diameters_mm[1], self.diameters_mm[0], LARGEST_MM, "mm"),
            ("dynamic range", self.dynamic_range_db, 20.0, 150.0, "dB"),
        ):
            if number is not None and not (math.isfinite(number) and least <= number <= most):
                raise ConfigurationError(f"The {name} is {number:g} {unit}; it must lie from {least:g} to {most:g}.")
