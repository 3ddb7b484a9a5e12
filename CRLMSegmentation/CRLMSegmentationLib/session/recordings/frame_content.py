"""Where in a frame there is ultrasound, and where only the scanner's black and its marks."""

from __future__ import annotations

import numpy as np

from ...geometry import transform_points
from ...sweep import TrackedFrame


def content_of(pixels: np.ndarray) -> np.ndarray:
    """Boolean (rows, columns): the fan or rectangle of the ultrasound, without marks beside it."""
    from scipy import ndimage

    bright = ndimage.binary_closing(np.pad(pixels > 0, 8), iterations=6)[8:-8, 8:-8]
    parts, number = ndimage.label(bright)
    if number == 0:
        return np.ones(pixels.shape, dtype=bool)
    largest = np.argmax(np.bincount(parts.ravel())[1:]) + 1
    return ndimage.binary_fill_holes(parts == largest)


def content_outline(frame: TrackedFrame) -> np.ndarray:
    """(n, 3) RAS of the convex outline of a frame's ultrasound."""
    from scipy.spatial import ConvexHull, QhullError

    step = 4
    rows, columns = np.nonzero(content_of(frame.pixels[::step, ::step]))
    places = np.column_stack([columns, rows]) * step
    try:
        places = places[ConvexHull(places).vertices]
    except (QhullError, ValueError):  # a frame too small or narrow to have an outline of its own
        width, height = frame.image_size
        places = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)])
    return transform_points(np.asarray(frame.image_to_reference), np.column_stack([places, np.zeros(len(places))]))
