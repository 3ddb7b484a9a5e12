"""The bright circle in which a laparoscope shows its picture, where the picture's corners are dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROWS = 96
# A border pixel of the camera is dark; tissue that is darker lies in shadow and is told apart by the circle's fit.
_DARK_SHARE = 0.12
_LEAST_BRIGHT = 12.0
_LEAST_POINTS, _LEAST_SHARE = 24, 0.5
_ROUNDS = 4


@dataclass(frozen=True)
class ImageCircle:
    """Centre (u, v) and radius in pixels."""

    u: float
    v: float
    radius: float

    def inside(self, shape: tuple[int, int], margin: float = 0.0) -> np.ndarray:
        """Boolean (v, u): the pixels that lie inside of the circle by at least `margin` pixels."""
        down = (np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(self.v)) ** 2
        along = (np.arange(shape[1], dtype=np.float32) - np.float32(self.u)) ** 2
        within: np.ndarray = down + along <= np.float32(max(self.radius - margin, 0.0) ** 2)
        return within


def find_circle(picture: np.ndarray) -> ImageCircle | None:
    """The circle of `picture` (v, u) or (v, u, 3), uint8 or uint16; None when it fills the picture, or none is there.

    The first and last bright pixel of some rows, where these lie inside of the picture, are points of the circle; it is
    fitted to them by least squares (Kasa 1976) again and again without those that lie farthest from it.
    """
    step = max(1, picture.shape[0] // _ROWS)
    rows = np.arange(step // 2, picture.shape[0], step)
    lines = picture[rows]
    if lines.ndim == 3:
        lines = np.maximum(np.maximum(lines[..., 0], lines[..., 1]), lines[..., 2])
    limit = max(
        _LEAST_BRIGHT * (257 if lines.dtype == np.uint16 else 1), _DARK_SHARE * np.percentile(lines[::4, ::4], 95)
    )
    bright = lines > limit
    # A single bright pixel is noise of the camera, or text.
    bright[:, 1:-1] &= bright[:, :-2] & bright[:, 2:]
    is_lit = bright.sum(axis=1) > 8
    rows, bright, width = rows[is_lit], bright[is_lit], picture.shape[1]
    if len(rows) * 2 < _LEAST_POINTS:
        return None
    first, last = bright.argmax(axis=1) - 1.5, width - bright[:, ::-1].argmax(axis=1) + 0.5
    at_left, at_right = first > 2, last < width - 3
    points = np.vstack([
        np.column_stack([first[at_left], rows[at_left]]), np.column_stack([last[at_right], rows[at_right]])
    ])  # fmt: skip
    return _fitted(points, picture.shape[:2])


def _fitted(points: np.ndarray, shape: tuple[int, ...]) -> ImageCircle | None:
    kept, allowed = points, max(shape) / 150
    circle = None
    for _ in range(_ROUNDS):
        if len(kept) < _LEAST_POINTS:
            return None
        circle = _least_squares(kept)
        off = np.abs(np.hypot(points[:, 0] - circle.u, points[:, 1] - circle.v) - circle.radius)
        kept = points[off <= max(allowed, np.percentile(off, 60))]
    if circle is None or (off <= allowed).mean() < _LEAST_SHARE:
        return None
    is_plausible = 0.3 * min(shape) < circle.radius < 1.5 * max(shape)
    return circle if is_plausible else None


def _least_squares(points: np.ndarray) -> ImageCircle:
    center = points.mean(axis=0)
    x, y = (points - center).T
    u, v, rest = np.linalg.lstsq(np.column_stack([2 * x, 2 * y, np.ones(len(x))]), x * x + y * y, rcond=None)[0]
    return ImageCircle(float(u + center[0]), float(v + center[1]), float(np.sqrt(max(rest + u * u + v * v, 0.0))))
