"""What is done for each pixel of a thinned line, compiled: a frame of video leaves a few milliseconds for all of it."""

from __future__ import annotations

import numpy as np

from ...compilation.jit import compiled

_STEPS = np.array([(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)])


@compiled
def trace(skeleton: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The graph of `skeleton` (v, u) boolean, whose border is empty.

    Returns (n, 2) pixels (v, u);  (n,) the node of each, -1 for those of a chain;  (p,) the pixels of all chains one
    after the other;  (c + 1,) where each chain begins in it;  (c, 2) nodes at its start and end, -1 for a free end;
    (c,) whether it is a ring. Pixels are neighbours by a side, or by a corner that no side leads to; a pixel with more
    than two belongs to a node, and those that touch are one node.
    """
    count = int(skeleton.sum())
    number = np.full(skeleton.shape, -1, dtype=np.int32)
    pixels = np.empty((count, 2), dtype=np.int32)
    n = 0
    for v in range(1, skeleton.shape[0] - 1):
        for u in range(1, skeleton.shape[1] - 1):
            if skeleton[v, u]:
                number[v, u] = n
                pixels[n, 0], pixels[n, 1] = v, u
                n += 1
    near = np.full((n, 8), -1, dtype=np.int32)
    degree = np.zeros(n, dtype=np.int32)
    for i in range(n):
        v, u = pixels[i, 0], pixels[i, 1]
        for s in range(8):
            dv, du = _STEPS[s, 0], _STEPS[s, 1]
            other = number[v + dv, u + du]
            if other < 0 or (s > 3 and (number[v + dv, u] >= 0 or number[v, u + du] >= 0)):
                continue
            near[i, degree[i]] = other
            degree[i] += 1
    node_of = np.full(n, -1, dtype=np.int32)
    stack = np.empty(n, dtype=np.int32)
    nodes = 0
    for i in range(n):
        if degree[i] < 3 or node_of[i] >= 0:
            continue
        top, stack[0], node_of[i] = 1, i, nodes
        while top:
            top -= 1
            here = stack[top]
            for k in range(degree[here]):
                other = near[here, k]
                if degree[other] > 2 and node_of[other] < 0:
                    node_of[other] = nodes
                    stack[top] = other
                    top += 1
        nodes += 1
    order = np.empty(n, dtype=np.int32)
    starts = np.zeros(n + 1, dtype=np.int32)
    ends = np.full((n, 2), -1, dtype=np.int32)
    rings = np.zeros(n, dtype=np.bool_)
    seen = node_of >= 0
    chains, filled = 0, 0
    # Free ends first, then what leaves a node, then rings.
    for kind in range(3):
        for i in range(n):
            tries = 1
            if kind == 0 and (seen[i] or degree[i] > 1):
                continue
            if kind == 1:
                if node_of[i] < 0:
                    continue
                tries = degree[i]
            if kind == 2 and seen[i]:
                continue
            for k in range(tries):
                here, before = i, -1
                if kind == 1:
                    here, before = near[i, k], i
                    if seen[here]:
                        continue
                    ends[chains, 0] = node_of[i]
                rings[chains] = kind == 2
                while True:
                    seen[here] = True
                    order[filled] = here
                    filled += 1
                    ahead = -1
                    for j in range(degree[here]):
                        other = near[here, j]
                        if other != before and (node_of[other] >= 0 or not seen[other]):
                            ahead = other
                            break
                    if ahead < 0:
                        break
                    if node_of[ahead] >= 0:
                        ends[chains, 1] = node_of[ahead]
                        break
                    before, here = here, ahead
                chains += 1
                starts[chains] = filled
    return pixels, node_of, order[:filled], starts[: chains + 1], ends[:chains], rings[:chains]


@compiled
def nearest(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) distance and number of the nearest of `line` (m, 2) to each of `points` (n, 2)."""
    away, found = np.empty(len(points)), np.empty(len(points), dtype=np.int64)
    for i in range(len(points)):
        best, at = np.inf, 0
        for j in range(len(line)):
            x, y = points[i, 0] - line[j, 0], points[i, 1] - line[j, 1]
            here = x * x + y * y
            if here < best:
                best, at = here, j
        away[i], found[i] = np.sqrt(best), at
    return away, found


@compiled
def important_vertices(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Boolean (n,): which of `points` (n, 2) the algorithm of Ramer (1972), Douglas and Peucker (1973) keeps: no point
    lies farther than `tolerance` from the line of those.
    """
    kept = np.zeros(len(points), dtype=np.bool_)
    kept[0] = kept[-1] = True
    stack = np.empty((len(points) + 1, 2), dtype=np.int64)
    stack[0, 0], stack[0, 1] = 0, len(points) - 1
    top = 1
    while top:
        top -= 1
        first, last = stack[top, 0], stack[top, 1]
        x, y = points[first, 0], points[first, 1]
        dx, dy = points[last, 0] - x, points[last, 1] - y
        square = dx * dx + dy * dy
        farthest, at = tolerance * tolerance, -1
        for i in range(first + 1, last):
            px, py = points[i, 0] - x, points[i, 1] - y
            # Of the piece, not of the straight line through it: a line may turn back behind its end.
            along = min(1.0, max(0.0, (px * dx + py * dy) / square)) if square > 0.0 else 0.0
            away = (px - along * dx) ** 2 + (py - along * dy) ** 2
            if away > farthest:
                farthest, at = away, i
        if at >= 0:
            kept[at] = True
            stack[top, 0], stack[top, 1] = first, at
            stack[top + 1, 0], stack[top + 1, 1] = at, last
            top += 2
    return kept
