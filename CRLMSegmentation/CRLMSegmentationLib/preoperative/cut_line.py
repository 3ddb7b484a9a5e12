"""The line of a planned cut in a slice, with three handles, and the plane after one of them was dragged.

The middle handle shifts the plane, the outer ones turn it about the middle; its tilt against the slice stays. Seen
along the line from its first end to its last, what stays is on one side however far it is turned.
"""

from __future__ import annotations

import math

import numpy as np

from .ct_slices import CtSlices
from .remnant import CutPlane

FIRST, MIDDLE, LAST = 0, 1, 2
HANDLES = (FIRST, MIDDLE, LAST)
# A plane this close to a slice has no line in it that could be turned: sine of the angle between them.
_LEAST_UPRIGHT = 0.1
# Of the shorter side of the picture: half of the line, and how far from the edge its middle stays.
_HALF_LINE, _EDGE = 0.32, 0.06
_LEAST_TURN_MM = 3.0

Place = tuple[float, float]


def cut_line(slices: CtSlices, plane: str, index: int, cut: CutPlane) -> tuple[Place, Place, Place] | None:
    """The three handles, as parts (0 to 1) of the width and height of the picture of this slice; None where the cut
    does not pass it, or lies in it.
    """
    trace = _trace(slices, plane, index, cut)
    if trace is None:
        return None
    middle, along = trace
    width_mm, height_mm = slices.size_mm(plane)
    half_mm = _HALF_LINE * min(width_mm, height_mm)
    places = [slices.place_of(plane, middle + side * half_mm * along) for side in (-1, 0, 1)]
    if not all(_EDGE <= part <= 1 - _EDGE for part in places[MIDDLE]):
        return None
    first, at, last = (_within(places[MIDDLE], place) for place in places)
    return first, at, last


def cut_after_drag(
    slices: CtSlices, plane: str, index: int, cut: CutPlane, handle: int, across: float, down: float
) -> CutPlane:
    """`cut` after `handle` was dragged to a place of the picture (0 to 1); as it was where there is no line."""
    trace = _trace(slices, plane, index, cut)
    if trace is None:
        return cut
    middle, _ = trace
    to = slices.point_in(plane, index, across, down)
    if handle == MIDDLE:
        return CutPlane.of(to, np.array(cut.normal))
    through = slices.direction(plane)
    turned = (to - middle) * (-1 if handle == FIRST else 1)
    turned = turned - (turned @ through) * through
    if float(np.linalg.norm(turned)) < _LEAST_TURN_MM:
        return cut
    turned /= np.linalg.norm(turned)
    against = float(np.dot(cut.normal, through))
    return CutPlane.of(middle, math.sqrt(1 - against**2) * np.cross(through, turned) + against * through)


def _trace(slices: CtSlices, plane: str, index: int, cut: CutPlane) -> tuple[np.ndarray, np.ndarray] | None:
    """A point (3,) RAS of the cut in the slice, the one nearest to the point that the cut goes by, and the unit vector
    along its line.
    """
    through, normal = slices.direction(plane), np.array(cut.normal)
    in_slice = normal - (normal @ through) * through
    upright = float(np.linalg.norm(in_slice))
    if upright < _LEAST_UPRIGHT:
        return None
    in_slice /= upright
    point = np.array(cut.point_ras_mm)
    onto = point + ((slices.point_in(plane, index, 0.5, 0.5) - point) @ through) * through
    middle = onto - float(cut.distance_mm(onto)) / upright * in_slice
    return middle, np.cross(in_slice, through)


def _within(middle: Place, place: Place) -> Place:
    """On the line from `middle`, no nearer to the edge of the picture than a handle needs."""
    share = 1.0
    for at, end in zip(middle, place):
        if end != at:
            share = min(share, ((1 - _EDGE if end > at else _EDGE) - at) / (end - at))
    return middle[0] + share * (place[0] - middle[0]), middle[1] + share * (place[1] - middle[1])
