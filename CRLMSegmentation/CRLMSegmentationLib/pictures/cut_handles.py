"""The handles of a planned cut in a picture of a slice, and which of them a pointer is at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..preoperative.cut_line import HANDLES, Place

_COLOR, _EDGE_COLOR = (80, 230, 140), (12, 30, 20)
# Of a handle, as a share of the longer side of the picture; a pointer may be more than twice as far from it.
_RADIUS, REACH = 0.016, 0.04


def draw_handles(picture: np.ndarray, places: Sequence[Place]) -> None:
    """Into `picture`, uint8 (rows, columns, 3): a disc at each place, parts (0 to 1) of its width and height."""
    rows, columns = picture.shape[:2]
    radius = max(3.0, _RADIUS * max(rows, columns))
    for across, down in places:
        y, x = down * rows, across * columns
        top, left = max(0, int(y - radius) - 1), max(0, int(x - radius) - 1)
        part = picture[top : int(y + radius) + 2, left : int(x + radius) + 2]
        away = np.hypot(*np.ogrid[top + 0.5 - y : top + part.shape[0] - y, left + 0.5 - x : left + part.shape[1] - x])
        part[away <= radius] = _EDGE_COLOR
        part[away <= radius - max(1.0, radius / 4)] = _COLOR


def handle_at(places: Sequence[Place], across: float, down: float, width: float, height: float) -> int | None:
    """Which of the handles a pointer at (across, down) is at, in a picture of that width and height; None for none."""
    reach = REACH * max(width, height)
    away = [float(np.hypot((x - across) * width, (y - down) * height)) for x, y in places]
    nearest = min(HANDLES, key=lambda handle: away[handle])
    return nearest if away[nearest] <= reach else None
