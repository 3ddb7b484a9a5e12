"""The landmarks of a liver that a laparoscope sees and a CT has too: their names, their numbers in masks, and lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError
from ..words import mark, tr

# Numbers as the P2ILF challenge orders its landmarks; 0 is nothing.
LANDMARKS = {mark("ridge"): 1, mark("ligament"): 2, mark("silhouette"): 3}


@dataclass(frozen=True, eq=False)
class Polyline:
    """A line of one landmark in a picture.

    landmark    one of LANDMARKS
    points      (n, 2) float64, n >= 2: pixels (u, v), (0, 0) is the centre of the upper left pixel; in order along the
                line
    confidence  0 to 1: mean probability along the line
    is_closed   the last point is joined to the first

    Raises GeometryError for values that are no line.
    """

    landmark: str
    points: np.ndarray
    confidence: float = 1.0
    is_closed: bool = False

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        if self.landmark not in LANDMARKS:
            raise GeometryError(
                tr(
                    "'{landmark}' is no landmark; known are {landmarks}.",
                    landmark=self.landmark,
                    landmarks=", ".join(LANDMARKS),
                )
            )
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
            raise GeometryError(
                tr(
                    "A line of the {landmark} needs two or more points (u, v) of finite numbers.",
                    landmark=self.landmark,
                )
            )
        if not 0 <= self.confidence <= 1:
            raise GeometryError(
                tr("The confidence of a line is {confidence}; it must be from 0 to 1.", confidence=self.confidence)
            )
        points.setflags(write=False)
        object.__setattr__(self, "points", points)

    @property
    def length(self) -> float:
        """In pixels."""
        return float(np.linalg.norm(np.diff(self._around, axis=0), axis=1).sum())

    def sampled(self, step: float) -> np.ndarray:
        """(m, 2) points along the line, `step` pixels apart or a little less, its ends among them."""
        line = self._around
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        places = np.linspace(0.0, along[-1], max(2, int(np.ceil(along[-1] / step)) + 1))
        points = np.column_stack([np.interp(places, along, line[:, axis]) for axis in range(2)])
        return points[:-1] if self.is_closed else points

    @property
    def _around(self) -> np.ndarray:
        return np.vstack([self.points, self.points[:1]]) if self.is_closed else self.points
