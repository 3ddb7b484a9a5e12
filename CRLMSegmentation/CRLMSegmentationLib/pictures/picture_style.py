"""One look for every picture: colors, type, lines, captions. Drawn with Pillow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ConfigurationError, FileFormatError
from ..words import tr

if TYPE_CHECKING:
    from PIL import Image, ImageFont

Color = tuple[int, ...]
Dash = tuple[float, float]
BACKGROUND = (15, 19, 24)
PANEL = (5, 7, 9)
TEXT = (228, 233, 238)
FAINT_TEXT = (150, 160, 170)
TUMOR = (255, 200, 60)
TRUTH = (70, 225, 190)
BOX = (110, 185, 255)
SWEEP = (120, 140, 160)
TOOL = (225, 230, 236)
ALERT = {"danger": (255, 85, 70), "warning": (255, 165, 50), "clear": (90, 220, 125), "unknown": (160, 160, 160)}
PLATE = (8, 10, 13, 205)
# Lines are drawn this many times larger and scaled down, which smooths them.
OVERSAMPLING = 3


def pillow() -> tuple[ModuleType, ModuleType, ModuleType]:
    """Pillow's Image, ImageDraw and ImageFont. Raises ConfigurationError when Pillow is missing."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise ConfigurationError(
            tr("Pictures need the package Pillow; install it with `pip install pillow`.")
        ) from None
    return Image, ImageDraw, ImageFont


def font(size_px: int) -> ImageFont.FreeTypeFont:
    """Pillow's built-in sans serif, the same on every machine."""
    _, _, image_font = pillow()
    kind: ImageFont.FreeTypeFont
    try:
        kind = image_font.load_default(size_px)
    except TypeError:  # before Pillow 10.1 there is one small font
        kind = image_font.load_default()
    return kind


class Overlay:
    """Smooth lines and text to lay over a picture of `size` (width, height) in pixels."""

    def __init__(self, size: tuple[int, int]):
        image, draw, _ = pillow()
        self.size = size
        self._lines = image.new("RGBA", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), (0, 0, 0, 0))
        self._draw = draw.Draw(self._lines)
        self._texts: list[tuple[tuple[float, float], str, Color, int, str, bool]] = []
        self._plates: list[tuple[float, float, float, float]] = []

    def line(
        self, points: ArrayLike, color: Color, width_px: float = 2.0, closed: bool = False, dash_px: Dash | None = None
    ) -> None:
        """A polyline through `points` (n, 2); dash_px (drawn, left out) in pixels along it."""
        points = np.asarray(points, dtype=np.float64)
        if len(points) < 2:
            return
        if closed:
            points = np.vstack([points, points[:1]])
        width = max(1, round(width_px * OVERSAMPLING))
        for part in [points] if dash_px is None else _dashes(points, *dash_px):
            self._draw.line([tuple(point) for point in (part * OVERSAMPLING).tolist()], color, width, joint="curve")

    def disc(self, center: ArrayLike, radius_px: float, color: Color) -> None:
        """A filled circle about `center` (2,)."""
        x, y = np.asarray(center) * OVERSAMPLING
        radius = radius_px * OVERSAMPLING
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), color)

    def plate(self, left: float, top: float, right: float, bottom: float) -> None:
        """A dark plate under text that is to come."""
        self._plates.append((left, top, right, bottom))

    def text(
        self, position: Sequence[float] | np.ndarray, text: str, color: Color = TEXT, size_px: int = 18,
        anchor: str = "la", plate: bool = False,
    ) -> None:  # fmt: skip
        """`anchor` as Pillow has it (la: left top, rs: right baseline, mm: middle); `plate`: a dark plate behind."""
        x, y = position
        self._texts.append(((x, y), text, color, size_px, anchor, plate))

    def onto(self, picture: Image.Image) -> Image.Image:
        """`picture` (RGB) with everything laid over it."""
        image, draw, _ = pillow()
        smooth = self._lines.resize(self.size, image.LANCZOS)
        result = image.alpha_composite(picture.convert("RGBA"), smooth)
        plates = image.new("RGBA", self.size, (0, 0, 0, 0))
        pen = draw.Draw(plates)
        for outline in self._plates:
            pen.rounded_rectangle(outline, radius=12, fill=PLATE)
        for position, text, color, size_px, anchor, plate in self._texts:
            kind = font(size_px)
            if plate:
                left, top, right, bottom = pen.textbbox(position, text, font=kind, anchor=anchor)
                pad = size_px * 0.35
                outline = (left - pad, top - pad, right + pad, bottom + pad)
                pen.rounded_rectangle(outline, radius=pad, fill=PLATE)
            pen.text(position, text, font=kind, fill=(*color, 255), anchor=anchor)
        whole: Image.Image = image.alpha_composite(result, plates).convert("RGB")
        return whole


def _dashes(points: np.ndarray, drawn_px: float, gap_px: float) -> list[np.ndarray]:
    """The drawn pieces of a polyline."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    pieces = []
    for start in np.arange(0, along[-1], drawn_px + gap_px):
        end = min(start + drawn_px, along[-1])
        inner = along[(along > start) & (along < end)]
        stations = np.concatenate([[start], inner, [end]])
        pieces.append(np.column_stack([np.interp(stations, along, points[:, axis]) for axis in range(2)]))
    return pieces


def legend(
    overlay: Overlay, left: float, middle: float, entries: Iterable[tuple[str, Color, Dash | None]], size_px: int = 18
) -> float:
    """Line samples with their names from `left` on; entries are (name, color, dash or None). Returns the right end."""
    kind = font(size_px)
    for name, color, dash in entries:
        overlay.line([(left, middle), (left + 30, middle)], (*color, 255), 3, dash_px=dash)
        overlay.text((left + 40, middle), name, TEXT, size_px, "lm")
        left += 40 + kind.getlength(name) + 34
    return left


def save_picture(picture: Image.Image, path: str | Path) -> Path:
    """Write a Pillow picture, of the kind that its name ends with, else as PNG. Raises FileFormatError."""
    path = Path(path)
    image, _, _ = pillow()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, image.registered_extensions().get(path.suffix.lower(), "PNG"))
    except OSError as error:
        raise FileFormatError(
            tr("The picture {path} cannot be written ({reason}).", path=path, reason=error.strerror or error)
        ) from None
    return path
