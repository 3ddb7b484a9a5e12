"""A line's shape: smoothed, simplified, joined over gaps, and cut where it may not be."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .kernels import important_vertices, nearest

Line = tuple[np.ndarray, bool]
# How nearly straight two ends must face each other over a gap.
_FACING_COS = 0.7
_END_PIXELS = 8


def smoothed(points: np.ndarray, sigma: float, is_closed: bool) -> np.ndarray:
    """(n, 2): `points` (n, 2), about a pixel apart, without the skeleton's steps; ends stay where they are."""
    if len(points) < 3 or sigma <= 0:
        return points
    if is_closed:
        closed: np.ndarray = ndimage.gaussian_filter1d(points, sigma, axis=0, mode="wrap")
        return closed
    # Turned about its ends a line goes on as it came: the filter leaves them in place.
    pad = min(len(points) - 1, int(4 * sigma + 1))
    before = 2 * points[0] - points[pad:0:-1]
    after = 2 * points[-1] - points[-2 : -pad - 2 : -1]
    filtered: np.ndarray = ndimage.gaussian_filter1d(np.vstack([before, points, after]), sigma, axis=0)
    return filtered[pad : pad + len(points)]


def simplified(points: np.ndarray, tolerance: float, is_closed: bool) -> np.ndarray:
    """(m, 2): the vertices of Ramer, Douglas and Peucker, from which no point lies farther than `tolerance` pixels."""
    if is_closed:
        # The algorithm needs two ends: the ring is cut where it is widest.
        far = int(np.argmax(((points - points[0]) ** 2).sum(axis=1)))
        halves = points[: far + 1], np.vstack([points[far:], points[:1]])
        first, second = (half[important_vertices(half, tolerance)] for half in halves)
        return np.vstack([first[:-1], second[:-1]])
    kept: np.ndarray = points[important_vertices(points, tolerance)]
    return kept


def joined_over_gaps(lines: list[Line], gap: float) -> list[Line]:
    """Lines whose ends face each other over `gap` pixels or less become one; the smallest gaps first."""
    lines = list(lines)
    while best := _best_gap(lines, gap):
        _, first, at_first, second, at_second = best
        one, other = lines[first][0], lines[second][0]
        if first == second:
            lines[first] = (one, True)
            continue
        one = one if at_first == 1 else one[::-1]
        other = other if at_second == 0 else other[::-1]
        lines[first] = (np.vstack([one, _between(one[-1], other[0]), other]), False)
        del lines[second]
    return lines


def _best_gap(lines: list[Line], gap: float) -> tuple[float, int, int, int, int] | None:
    """Length, line and end, and the other line and end, of the smallest gap."""
    ends = [(number, at, *_end(points, at)) for number, (points, is_closed) in enumerate(lines) if not is_closed
            for at in (0, 1)]  # fmt: skip
    if not ends:
        return None
    number, at = np.array([one[:2] for one in ends]).T
    here, outward = (np.array([one[part] for one in ends]) for part in (2, 3))
    across = here[None] - here[:, None]
    length = np.sqrt((across * across).sum(axis=-1))
    toward = across / np.maximum(length, 1e-9)[..., None]
    leaves, arrives = (outward[:, None] * toward).sum(axis=-1), -(outward[None] * toward).sum(axis=-1)
    is_facing = (length < 1.5) | ((leaves > _FACING_COS) & (arrives > _FACING_COS))
    # A ring is closed only when it is long: a short line is no ring.
    is_short = np.array([len(points) < 6 * gap for points, _ in lines])[number]
    is_allowed = np.triu(is_facing & (length <= gap) & ~((number[:, None] == number) & is_short[:, None]), 1)
    if not is_allowed.any():
        return None
    one, other = np.unravel_index(np.argmin(np.where(is_allowed, length, np.inf)), length.shape)
    return float(length[one, other]), int(number[one]), int(at[one]), int(number[other]), int(at[other])


def _end(points: np.ndarray, at: int) -> tuple[np.ndarray, np.ndarray]:
    """An end and the (2,) unit direction in which the line leaves it."""
    run = points if at == 0 else points[::-1]
    outward = run[0] - run[min(_END_PIXELS, len(run) - 1)]
    unit: np.ndarray = outward / max(float(np.linalg.norm(outward)), 1e-9)
    return run[0], unit


def _between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n, 2) points about a pixel apart, without the two themselves."""
    count = int(np.linalg.norm(other - one))
    between: np.ndarray = one + (other - one) * (np.arange(1, count)[:, None] / max(count, 1))
    return between


def kept_runs(line: Line, is_kept: np.ndarray) -> list[Line]:
    """The parts of a line at whose points `is_kept` (n,) holds."""
    points, is_closed = line
    if is_kept.all():
        return [line]
    if is_closed:
        start = int(np.argmin(is_kept))
        points, is_kept = np.roll(points, -start, axis=0), np.roll(is_kept, -start)
    cuts = np.flatnonzero(np.diff(is_kept.astype(np.int8))) + 1
    runs = zip(np.split(points, cuts), np.split(is_kept, cuts))
    return [(run, False) for run, kept in runs if kept[0] and len(run) > 1]


def beside(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(n,) on which side of `line` (m, 2) each of `points` (n, 2) lies: 1, -1, or 0 where nothing can be said of it
    (on the line, or beyond its ends).
    """
    away, at = nearest(points, line)
    ahead = line[np.minimum(at + 3, len(line) - 1)] - line[np.maximum(at - 3, 0)]
    off = points - line[at]
    side: np.ndarray = np.sign(ahead[:, 0] * off[:, 1] - ahead[:, 1] * off[:, 0]).astype(np.int64)
    at_end = (at < 1) | (at > len(line) - 2)
    side[at_end | (away < 1.5)] = 0
    return side
