"""What a view says of the size and the direction of an image in it: depth, a length to compare with, directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError
from ..geometry import transform_points
from ..words import tr
from .image_plane import ImagePlane

# A number of the depth scale needs so many pixels, a line of it so many.
_NAMED_PX, _LINE_PX = 44.0, 7.0
_NAMED_MM = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
# A bar takes at most this part of the view's width.
_BAR_PART = 0.25
# What a direction has of an axis when it lies 22.5 degrees off the plane across that axis.
_LEAST_PART = 0.383


@dataclass(frozen=True)
class DepthLine:
    """One line of the depth scale.

    depth_mm    below the upper edge of the image, where the probe's face is
    at_px       (x, y) in the view, from its lower left, on the right edge of the image
    is_named    whether the number stands beside it
    """

    depth_mm: float
    at_px: tuple[float, float]
    is_named: bool


@dataclass(frozen=True)
class ImageScale:
    """What is drawn over an image.

    depth       from the probe downwards; only lines within the view
    bar_mm      a round length, and bar_px how many pixels of the view it takes
    right, up   letters of the axes of Reference that these directions of the view point along: 'R', 'LA', ...
    """

    depth: tuple[DepthLine, ...]
    bar_mm: float
    bar_px: float
    right: str
    up: str


def image_scale(plane: ImagePlane, reference_to_view: np.ndarray, view_px: tuple[int, int]) -> ImageScale | None:
    """The scale of an image as a view shows it; None for a view that is too small, or shows it edge on.

    reference_to_view  (4, 4) Reference in mm to pixels of the view, x to the right and y upwards from its lower left
    view_px            width and height of the view
    """
    edge = _right_edge(plane)
    start, below, beside = transform_points(reference_to_view, [edge, edge + plane.down, edge + plane.right])[:, :2]
    down_px, per_mm = below - start, float(np.linalg.norm(beside - start))
    along = float(np.linalg.norm(down_px))
    if not np.isfinite([along, per_mm]).all() or min(along, per_mm) < 1e-3 or min(view_px) < 2 * _NAMED_PX:
        return None
    named_mm = next((step for step in _NAMED_MM if step * along >= _NAMED_PX), _NAMED_MM[-1])
    parts = next(parts for parts in (10, 5, 2, 1) if parts == 1 or named_mm / parts * along >= _LINE_PX)
    lines = []
    for number in range(int(plane.size_mm[1] / named_mm * parts + 1e-6) + 1):
        x, y = start + number * named_mm / parts * down_px
        if 0 <= y < view_px[1]:
            lines.append(DepthLine(number * named_mm / parts, (float(x), float(y)), number % parts == 0))
    bar_mm = round_length_mm(_BAR_PART * view_px[0] / per_mm)
    return ImageScale(
        tuple(lines), bar_mm, bar_mm * per_mm, direction_letters(plane.right), direction_letters(-plane.down)
    )


def round_length_mm(length_mm: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 50, ... that is no longer. Raises GeometryError for one that is not above 0."""
    if not length_mm > 0:
        raise GeometryError(tr("The volume has no extent: there is nothing to show."))
    decade = 10 ** np.floor(np.log10(length_mm))
    return float(max(step * decade for step in (1, 2, 5) if step * decade <= length_mm))


def direction_letters(direction: np.ndarray) -> str:
    """Of the axes that a (3,) unit vector points along, the nearest first: R or L, A or P, S or I, as in RAS."""
    parts = zip(np.asarray(direction, dtype=float), ("RL", "AP", "SI"))
    near = sorted(((abs(part), pair[int(part < 0)]) for part, pair in parts if abs(part) >= _LEAST_PART), reverse=True)
    return "".join(letter for _, letter in near)


def _right_edge(plane: ImagePlane) -> np.ndarray:
    """(3,) mm of the upper right corner of the image, at the outer edge of its pixels."""
    corner: np.ndarray = transform_points(plane.image_to_reference, (plane.size[0] - 0.5, -0.5, 0))
    return corner
