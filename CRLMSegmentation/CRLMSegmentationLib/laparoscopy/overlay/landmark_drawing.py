"""Draws landmarks over a picture: a colour for each, the fainter the less certain a line is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...values.landmarks import Polyline
from ..camera.opencv import opencv
from ..picture import as_colors
from .parts import Color

# As the P2ILF challenge has them.
LANDMARK_COLORS: dict[str, Color] = {"ridge": (255, 70, 60), "ligament": (70, 110, 255), "silhouette": (255, 225, 70)}
_FAINTEST = 0.35
_LINES_PER_WIDTH = 320


def draw_landmarks(picture: np.ndarray, lines: Sequence[Polyline]) -> np.ndarray:
    """(v, u, 3) uint8: `lines` over `picture` (v, u[, 3]), which stays as it is. Raises LaparoscopeError for lines
    where OpenCV is not installed.
    """
    drawn = np.array(as_colors(picture))
    thick = max(1, round(drawn.shape[1] / _LINES_PER_WIDTH))
    for line in lines:
        # Only around the line: a picture has half a million pixels and more.
        lowest = np.clip(np.floor(line.points.min(axis=0)).astype(int) - thick - 1, 0, None)
        highest = np.clip(np.ceil(line.points.max(axis=0)).astype(int) + thick + 2, 0, drawn.shape[1::-1])
        if (lowest < highest).all():
            around = drawn[lowest[1] : highest[1], lowest[0] : highest[0]]
            around[:] = _with_line(around, line, lowest, thick)
    return drawn


def _with_line(picture: np.ndarray, line: Polyline, corner: np.ndarray, thick: int) -> np.ndarray:
    """`picture` (v, u, 3), whose first pixel is `corner` (u, v), with the line in it."""
    cv2 = opencv()
    over = np.array(picture)
    # OpenCV takes sixteenths of a pixel.
    points = np.round((line.points - corner) * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(over, [points], line.is_closed, LANDMARK_COLORS[line.landmark], thick, cv2.LINE_AA, 4)
    share = max(_FAINTEST, line.confidence)
    blended: np.ndarray = cv2.addWeighted(over, share, np.ascontiguousarray(picture), 1 - share, 0)
    return blended
