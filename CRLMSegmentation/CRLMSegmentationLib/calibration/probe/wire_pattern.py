"""Which dot of an image is which wire of the phantom, from the geometry of its patterns alone.

The three wires of an N are on one line in any image. The parallel wires are cut like a picture of the phantom that is
stretched a little across: an affine map of their places, nearly a similarity, as long as the image is not far from
square to the wires. So lines of three dots of the right length are tried as first and second pattern, and the map that
they give has to lead to a dot for every other wire.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .phantom import NWirePhantom

# What a pattern in the image may be off: its scale against the size of the pixels, dots beside their line or place, the
# directions of two patterns, and how much the image may be stretched one way.
_SCALE_OFF, _BESIDE_MM, _TURNED_SINE, _LEAST_STRETCH = 0.3, 1.0, 0.17, 0.75
_MOST_LINES, _MOST_PAIRS = 80, 400
_DARK_COSTS_MM = 0.1

# By the number of patterns, as _solvers() makes them.
_Solvers = dict[int, np.ndarray | None]


@dataclass(frozen=True, eq=False)
class FoundPattern:
    """The wires of the phantom in one image.

    points          (wires, 2) pixels
    off_mm          root mean square distance of the dots from where the pattern has them
    is_mirrored     the first wires of the patterns are at the left: PLUS defines them from right to left
    is_upside_down  the first pattern is the lowest: PLUS defines them from the transducer on
    """

    points: np.ndarray
    off_mm: float
    is_mirrored: bool
    is_upside_down: bool

    def pixel_mm(self, phantom: NWirePhantom) -> float:
        """The size of a pixel that the distances between first and third wires tell, as if seen square to them."""
        runs = self.points[2::3] - self.points[0::3]
        widths = phantom.across_mm[:, 1] - phantom.across_mm[:, 0]
        return float(np.median(np.linalg.norm(widths, axis=1) / np.linalg.norm(runs, axis=1)))


@dataclass(frozen=True)
class _Line:
    """Three dots on a line, as the wires of one pattern."""

    first: int
    second: int
    third: int


def find_pattern(dots: np.ndarray, phantom: NWirePhantom, pixel_mm: float) -> FoundPattern | None:
    """The wires among (n, 3) `dots` (u, v, brightness); None when not all of them are seen.

    Of several ways to see the pattern, that is taken which fits; of those which fit alike, as in a symmetric phantom,
    the one as PLUS defines it.
    """
    places = phantom.across_mm
    widths = np.linalg.norm(places[:, 1] - places[:, 0], axis=1)
    if len(dots) < 3 * len(places):
        return None
    lines = [_lines(dots, width, pixel_mm) for width in widths]
    candidates = []
    solvers = _solvers(places)
    for one, other in itertools.islice(_pairs(dots, lines[0], lines[1], widths), _MOST_PAIRS):
        found = _completed(dots, [one, other], lines, places, solvers, pixel_mm)
        if found is not None:
            candidates.append(found)
    if not candidates:
        return None
    # A tenth of a millimetre decides; below that the way in which PLUS defines it.
    return min(candidates, key=lambda found: found.off_mm + 0.1 * (found.is_mirrored + found.is_upside_down))


def _lines(dots: np.ndarray, width_mm: float, pixel_mm: float) -> list[_Line]:
    """All lines of three dots that may be a pattern of this width, either way round, the brightest first."""
    lines = []
    places = dots[:, :2]
    runs = places[None] - places[:, None]
    lengths = np.hypot(runs[..., 0], runs[..., 1])
    for first, third in np.argwhere((lengths > 0) & (np.abs(lengths * pixel_mm / width_mm - 1) <= _SCALE_OFF)).tolist():
        run, length = runs[first, third], lengths[first, third]
        off = places - places[first]
        share = off @ run / length**2
        beside_mm = np.abs(off[:, 0] * run[1] - off[:, 1] * run[0]) / length * pixel_mm
        between = np.flatnonzero((beside_mm < _BESIDE_MM) & (share > 0.02) & (share < 0.98))
        lines += [_Line(first, int(second), third) for second in between]
    return sorted(lines, key=lambda line: -min(dots[[line.first, line.second, line.third], 2]))[:_MOST_LINES]


def _pairs(
    dots: np.ndarray, ones: list[_Line], others: list[_Line], widths: np.ndarray
) -> Iterator[tuple[_Line, _Line]]:
    """Two lines of different dots that run nearly the same way, and are as long as the first two patterns are wide;
    the brightest first.
    """
    if not ones or not others:
        return
    (a, runs), (b, other_runs) = (_numbers_and_runs(dots, lines) for lines in (ones, others))
    lengths, other_lengths = (np.hypot(run[:, 0], run[:, 1]) for run in (runs, other_runs))
    sine = np.abs(runs[:, :1] * other_runs[:, 1] - runs[:, 1:] * other_runs[:, 0]) / np.outer(lengths, other_lengths)
    ratio = lengths[:, None] / other_lengths * widths[1] / widths[0]
    fits = (sine < _TURNED_SINE) & (runs @ other_runs.T > 0) & (np.abs(ratio - 1) < _TURNED_SINE)
    fits &= ~(a[:, None, :, None] == b[None, :, None, :]).any(axis=(2, 3))
    for one, other in np.argwhere(fits):
        yield ones[one], others[other]


def _numbers_and_runs(dots: np.ndarray, lines: list[_Line]) -> tuple[np.ndarray, np.ndarray]:
    """(lines, 3) numbers of their dots, and (lines, 2) from the first to the third."""
    numbers = np.array([[line.first, line.second, line.third] for line in lines])
    return numbers, dots[numbers[:, 2], :2] - dots[numbers[:, 0], :2]


def _completed(
    dots: np.ndarray, chosen: list[_Line], lines: list[list[_Line]], places: np.ndarray, solvers: _Solvers,
    pixel_mm: float,
) -> FoundPattern | None:  # fmt: skip
    """The whole pattern from the lines of its first two; None when they do not fit, or another wire is missing."""
    for number in range(len(chosen), len(places)):
        affine = _affine(dots, chosen, solvers)
        if affine is None or not _is_nearly_similar(affine, pixel_mm):
            return None
        expected = np.column_stack([places[number], np.ones(2)]) @ affine
        taken = {dot for line in chosen for dot in (line.first, line.second, line.third)}
        near = [
            line for line in lines[number]
            if not {line.first, line.second, line.third} & taken
            and np.linalg.norm(dots[[line.first, line.third], :2] - expected, axis=1).max() * pixel_mm < 2 * _BESIDE_MM
        ]  # fmt: skip
        if not near:
            return None
        # The lines are sorted by brightness.
        chosen = [*chosen, near[0]]
    return _judged(dots, chosen, places, solvers, pixel_mm)


def _judged(
    dots: np.ndarray, chosen: list[_Line], places: np.ndarray, solvers: _Solvers, pixel_mm: float
) -> FoundPattern | None:
    affine = _affine(dots, chosen, solvers)
    if affine is None or not _is_nearly_similar(affine, pixel_mm):
        return None
    ends = np.array([[line.first, line.third] for line in chosen])
    design = np.concatenate([places.reshape(-1, 2), np.ones((2 * len(places), 1))], axis=1)
    off_mm = np.linalg.norm(dots[ends.reshape(-1), :2] - design @ affine, axis=1) * pixel_mm
    if off_mm.max() > _BESIDE_MM:
        return None
    numbers = [dot for line in chosen for dot in (line.first, line.second, line.third)]
    dark_mm = _DARK_COSTS_MM * (1 - dots[numbers, 2].min() / dots[:, 2].max())
    points = dots[numbers, :2]
    runs = points[2::3] - points[0::3]
    middles = points.reshape(len(places), 3, 2).mean(axis=1)
    is_mirrored = bool(runs[:, 0].sum() > 0)
    is_upside_down = bool(middles[0, 1] > middles[-1, 1])
    return FoundPattern(points, float(np.sqrt((off_mm**2).mean()) + dark_mm), is_mirrored, is_upside_down)


def _solvers(places: np.ndarray) -> _Solvers:
    """For the first so many patterns: (3, ends) what makes least squares of the ends of their lines; None when these
    lie on one line.
    """
    solvers: _Solvers = {}
    for count in range(1, len(places) + 1):
        design = np.column_stack([places[:count].reshape(-1, 2), np.ones(2 * count)])
        solvers[count] = np.linalg.pinv(design) if np.linalg.matrix_rank(design) == 3 else None
    return solvers


def _affine(dots: np.ndarray, chosen: list[_Line], solvers: _Solvers) -> np.ndarray | None:
    """(3, 2) from (x, y, 1) in mm across the wires to pixels; None when the places lie on one line."""
    solver = solvers[len(chosen)]
    if solver is None:
        return None
    affine: np.ndarray = solver @ dots[[dot for line in chosen for dot in (line.first, line.third)], :2]
    return affine


def _is_nearly_similar(affine: np.ndarray, pixel_mm: float) -> bool:
    sizes = np.linalg.svd(affine[:2], compute_uv=False) * pixel_mm
    return bool(np.abs(sizes - 1).max() < _SCALE_OFF and sizes[1] / sizes[0] > _LEAST_STRETCH)
