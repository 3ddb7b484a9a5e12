"""From what a network says of each pixel to the landmarks' lines: culled, thinned, put in order, simplified.

The steps are those of Borgars et al., 'Intraoperative Segmentation through Deep Learning and Mask Post-processing in
Laparoscopic Liver Surgery' (SLiPPA). Each landmark has a channel of its own: where two cross, neither is interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import LaparoscopeError
from ...values.landmarks import LANDMARKS, Polyline
from ...words import tr
from .image_circle import ImageCircle
from .line_shape import Line, beside, joined_over_gaps, kept_runs, simplified, smoothed
from .skeleton_graph import ordered_lines


@dataclass(frozen=True)
class LineSettings:
    """How lines are made of probabilities; lengths in pixels of a picture 416 wide, and scaled with the width.

    threshold     probability from which a pixel belongs to a landmark
    border        what lies this near to the camera's circle is culled
    spur          branches shorter than this are left out
    gap           gaps up to this are closed where the ends face each other
    least_length  shorter lines are left out
    sigma         of the smoothing along the line
    tolerance     of Ramer, Douglas and Peucker
    ends_ligament the ligament ends at ridge and silhouette
    """

    threshold: float = 0.5
    border: float = 4.0
    spur: float = 8.0
    gap: float = 20.0
    least_length: float = 15.0
    sigma: float = 2.0
    tolerance: float = 0.7
    ends_ligament: bool = True


_WIDTH = 416
# A landmark is a few lines, together some 1,000 pixels long. What is much more is noise, with which a network that
# knows nothing would keep the video waiting: it is no landmark at all; and of many pieces the longest are taken.
_MOST_PIXELS, _MOST_LINES = 6000, 40


def lines_of(
    probabilities: np.ndarray, circle: ImageCircle | None = None, settings: LineSettings | None = None
) -> list[Polyline]:
    """The lines of each landmark, ridges and silhouettes from left to right, ligaments from top to bottom.

    probabilities  (3, v, u) float, of LANDMARKS in their order, 0 to 1, independent of each other
    circle         of the camera's picture, in the same pixels; None when it fills the picture
    Raises LaparoscopeError for another shape.
    """
    if probabilities.ndim != 3 or len(probabilities) != len(LANDMARKS):
        raise LaparoscopeError(
            tr(
                "Landmarks need a channel for each of {landmarks}, not values of shape {shape}.",
                landmarks=", ".join(LANDMARKS),
                shape=probabilities.shape,
            )
        )
    settings = settings or LineSettings()
    scale = probabilities.shape[2] / _WIDTH
    inside = None if circle is None else circle.inside(probabilities.shape[1:], settings.border * scale)
    lines = {name: _lines_of_one(channel, inside, settings, scale) for name, channel in zip(LANDMARKS, probabilities)}
    for border in ("ridge", "silhouette") if settings.ends_ligament else ():
        lines["ligament"] = _not_beyond(lines["ligament"], lines[border])
    found = []
    for name, channel in zip(LANDMARKS, probabilities):
        for points, is_closed in lines[name]:
            if len(points) >= settings.least_length * scale:
                found.append(_polyline(name, points, is_closed, channel, settings, scale))
    return found


def lines_of_mask(mask: np.ndarray, settings: LineSettings | None = None) -> list[Polyline]:
    """lines_of() a mask (v, u) of 0 and LANDMARKS; each pixel is certain."""
    channels = np.stack([mask == number for number in LANDMARKS.values()])
    return lines_of(channels.astype(np.float32), None, settings)


def _lines_of_one(channel: np.ndarray, inside: np.ndarray | None, settings: LineSettings, scale: float) -> list[Line]:
    """The lines of one landmark, points about a pixel apart."""
    from skimage.morphology import skeletonize

    found = channel >= settings.threshold
    if inside is not None:
        found &= inside
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    if not len(rows):
        return []
    v, u = int(rows[0]), int(columns[0])
    # A pixel of nothing around it: a skeleton at the border of an array is not that of the same line within one.
    window = np.pad(found[v : rows[-1] + 1, u : columns[-1] + 1], 1)
    skeleton = skeletonize(window)
    if int(skeleton.sum()) > _MOST_PIXELS * scale:
        return []
    lines = ordered_lines(skeleton, settings.spur * scale)
    # Specks are no piers for a bridge.
    lines = [(points + (u - 1, v - 1), closed) for points, closed in lines if len(points) >= settings.spur * scale]
    if len(lines) > _MOST_LINES:
        lines = sorted(lines, key=lambda line: len(line[0]), reverse=True)[:_MOST_LINES]
    return joined_over_gaps(lines, settings.gap * scale)


def _not_beyond(ligament: list[Line], border: list[Line]) -> list[Line]:
    """The ligament without what lies on the far side of `border`; the near side is the one on which most of it lies.

    Each line of the border counts for itself, beside it and not beyond its ends. Where the silhouette lies says nothing
    of the ridge's near side: below the ridge the outline of the liver's underside is a silhouette, too.
    """
    for line, is_closed in border:
        if is_closed:
            continue
        near = int(np.sign(sum(int(beside(points, line).sum()) for points, _ in ligament)))
        if near:
            ligament = [run for part in ligament for run in kept_runs(part, beside(part[0], line) != -near)]
    return ligament


def _polyline(
    name: str, points: np.ndarray, is_closed: bool, channel: np.ndarray, settings: LineSettings, scale: float
) -> Polyline:
    u, v = np.clip(np.round(points).astype(int), 0, np.array(channel.shape[::-1]) - 1).T
    confidence = float(np.clip(channel[v, u].mean(), 0.0, 1.0))
    line = smoothed(points, settings.sigma * scale, is_closed)
    line = simplified(line, settings.tolerance * scale, is_closed)
    axis = 1 if name == "ligament" else 0
    return Polyline(name, line if line[0, axis] <= line[-1, axis] else line[::-1], confidence, is_closed)
