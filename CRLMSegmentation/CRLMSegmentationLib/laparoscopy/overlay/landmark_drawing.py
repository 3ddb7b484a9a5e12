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
    """(v, u, 3) uint8: `lines` over `picture` (v, u[, 3]), which stays as it is."""
    cv2 = opencv()
    drawn = np.array(as_colors(picture))
    thick = max(1, round(drawn.shape[1] / _LINES_PER_WIDTH))
    for line in lines:
        over = np.array(drawn)
        # OpenCV takes sixteenths of a pixel.
        points = np.round(line.points * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(over, [points], line.is_closed, LANDMARK_COLORS[line.landmark], thick, cv2.LINE_AA, 4)
        share = max(_FAINTEST, line.confidence)
        cv2.addWeighted(over, share, drawn, 1 - share, 0, dst=drawn)
    return drawn
