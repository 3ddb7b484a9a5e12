"""How a tracked tool is drawn: what it is shaped like, and a color by which several are told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..errors import ConfigurationError
from ..words import mark, tr

_COLOR = re.compile(r"^#[0-9a-f]{6}$")
# None of them is a color that a distance has.
_USUAL = ("#bfccd9", "#6ec6ff", "#c9a0ff", "#ff9ed2", "#8fe0d8", "#b3a58c")


class ToolShape(Enum):
    """What a tool is shaped like; its tip is where the calibration says, whatever the shape."""

    STYLUS = "stylus"
    NEEDLE = "needle"
    INSTRUMENT = "instrument"
    BALL = "ball"

    @property
    def label(self) -> str:
        """For people."""
        return tr(_LABELS[self])


_LABELS = {
    ToolShape.STYLUS: mark("Stylus"),
    ToolShape.NEEDLE: mark("Needle or antenna"),
    ToolShape.INSTRUMENT: mark("Laparoscopic instrument"),
    ToolShape.BALL: mark("Ball at the tip"),
}


@dataclass(frozen=True)
class ToolLook:
    """shape, and color as '#rrggbb'. Raises ConfigurationError for what is no color."""

    shape: ToolShape = ToolShape.STYLUS
    color: str = _USUAL[0]

    def __post_init__(self) -> None:
        if not _COLOR.match(self.color):
            raise ConfigurationError(
                tr("'{color}' is no color; give six digits, such as #6ec6ff.", color=self.color[:20])
            )

    @property
    def rgb(self) -> tuple[float, float, float]:
        """0 to 1 each."""
        red, green, blue = (int(self.color[start : start + 2], 16) / 255 for start in (1, 3, 5))
        return red, green, blue

    def as_plain(self) -> dict[str, str]:
        """To be written into a file; see look_of()."""
        return {"shape": self.shape.value, "color": self.color}


def look_of(plain: Any) -> ToolLook | None:
    """Of what as_plain() gave; None for what makes no sense."""
    if not isinstance(plain, dict):
        return None
    try:
        return ToolLook(ToolShape(plain.get("shape")), str(plain.get("color")))
    except (ValueError, ConfigurationError):
        return None


def usual_look(number: int) -> ToolLook:
    """Of the first, second, ... tool of a session, from 0, until somebody gives it another: when all colors are taken
    they come again with another shape.
    """
    shapes = tuple(ToolShape)
    return ToolLook(shapes[number // len(_USUAL) % len(shapes)], _USUAL[number % len(_USUAL)])
