"""The loop that grows a vessel tree into its territory, compiled by numba.

A branch heads for the middle of the territory that it supplies, and forks where it has gone about half of the way; the
territory is split across the direction in which it is widest, and each half is supplied by one of the two branches. A
branch's flow is the volume of its territory, its radius follows Murray's law (Proc Natl Acad Sci 12, 1926): the cubes
of the radii add up. It is constrained constructive optimisation (Schreiner and Buxbaum, IEEE Trans Biomed Eng 40,
1993) without the search for the least volume. A branch keeps clear of the capsule and of all other trees; one that
finds no way ends where it is.
"""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled

ATTEMPTS = 14
PIECE_MM = 2.5
_LOOKED_AT_MM = 0.5


@compiled
def cube_root(value: float) -> float:
    """Of a number from 0 to 1, by Newton's steps: every machine gives the same last digit."""
    if value <= 0.0:
        return 0.0
    root = 1.0
    for _ in range(60):
        root = (2.0 * root + value / (root * root)) / 3.0
    return root


@compiled
def clearance_at(free: np.ndarray, origin: np.ndarray, step: float, x: float, y: float, z: float) -> float:
    """`free` (k, j, i) float32 between its grid points (trilinear); far below 0 outside of the grid."""
    x, y, z = (x - origin[0]) / step, (y - origin[1]) / step, (z - origin[2]) / step
    i, j, k = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
    if i < 0 or j < 0 or k < 0 or k > free.shape[0] - 2 or j > free.shape[1] - 2 or i > free.shape[2] - 2:
        return -1e3
    x, y, z = x - i, y - j, z - k
    below = (free[k, j, i] * (1 - x) + free[k, j, i + 1] * x) * (1 - y) + (
        free[k, j + 1, i] * (1 - x) + free[k, j + 1, i + 1] * x
    ) * y
    above = (free[k + 1, j, i] * (1 - x) + free[k + 1, j, i + 1] * x) * (1 - y) + (
        free[k + 1, j + 1, i] * (1 - x) + free[k + 1, j + 1, i + 1] * x
    ) * y
    result: float = below * (1 - z) + above * z
    return result


@compiled
def lay_path(path: np.ndarray, start: np.ndarray, control: np.ndarray, end: np.ndarray) -> int:
    """Write points of the curve from `start` to `end` that is drawn to `control` (quadratic Bezier) into `path`
    (most, 3), without the start; returns how many.
    """
    length = 0.0
    for a in range(3):
        length += (end[a] - start[a]) ** 2
    pieces = min(path.shape[0], max(2, int(math.sqrt(length) / PIECE_MM) + 1))
    for n in range(pieces):
        t = (n + 1) / pieces
        for a in range(3):
            path[n, a] = (1 - t) * (1 - t) * start[a] + 2 * t * (1 - t) * control[a] + t * t * end[a]
    return int(pieces)


@compiled
def _touches(
    path: np.ndarray, pieces: int, start: np.ndarray, radius: float, free: np.ndarray, origin: np.ndarray, step: float
) -> bool:
    """True when a place of the path, every half millimetre, is nearer than `radius` to another tree's wall."""
    px, py, pz = start[0], start[1], start[2]
    for n in range(pieces):
        dx, dy, dz = path[n, 0] - px, path[n, 1] - py, path[n, 2] - pz
        count = int(math.sqrt(dx * dx + dy * dy + dz * dz) / _LOOKED_AT_MM) + 1
        for m in range(1, count + 1):
            w = m / count
            if clearance_at(free, origin, step, px + w * dx, py + w * dy, pz + w * dz) < radius:
                return True
        px, py, pz = path[n, 0], path[n, 1], path[n, 2]
    return False


@compiled
def path_is_free(
    path: np.ndarray,
    pieces: int,
    start: np.ndarray,
    radius: float,
    gap: float,
    depth: np.ndarray,
    free: np.ndarray,
    origin: np.ndarray,
    step: float,
    exempt_mm: float,
) -> bool:
    """True when every point of the path, and the middle of every piece, is farther than radius + gap from the other
    trees' walls (`free`) and from the capsule (`depth`), which does not count within `exempt_mm` of the start, and no
    place between them touches another tree: a path that bends much has long pieces.
    """
    px, py, pz = start[0], start[1], start[2]
    for n in range(pieces):
        for half in range(2):
            w = 0.5 * (half + 1)
            x, y, z = px + w * (path[n, 0] - px), py + w * (path[n, 1] - py), pz + w * (path[n, 2] - pz)
            away2 = (x - start[0]) ** 2 + (y - start[1]) ** 2 + (z - start[2]) ** 2
            if clearance_at(free, origin, step, x, y, z) < radius + gap:
                return False
            if away2 > exempt_mm * exempt_mm and clearance_at(depth, origin, step, x, y, z) < radius + gap:
                return False
        px, py, pz = path[n, 0], path[n, 1], path[n, 2]
    return not _touches(path, pieces, start, radius, free, origin, step)


@compiled
def _middle(places: np.ndarray, order: np.ndarray, first: int, last: int, middle: np.ndarray) -> None:
    middle[:] = 0.0
    for n in range(first, last):
        for a in range(3):
            middle[a] += places[order[n], a]
    for a in range(3):
        middle[a] /= last - first


@compiled
def _unit(vector: np.ndarray) -> float:
    length = math.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2])
    if length > 1e-9:
        for a in range(3):
            vector[a] /= length
    return length


@compiled
def _split(
    places: np.ndarray, order: np.ndarray, first: int, last: int, middle: np.ndarray, heading: np.ndarray, shift: float
) -> int:
    """Reorder `order` from first to last so that what lies on one side of the middle comes first; returns the border.

    The plane holds the heading and lies across the widest of eight directions.
    """
    helper = np.zeros(3)
    helper[0 if abs(heading[0]) < 0.7 else 1] = 1.0
    u = np.empty(3)
    u[0] = heading[1] * helper[2] - heading[2] * helper[1]
    u[1] = heading[2] * helper[0] - heading[0] * helper[2]
    u[2] = heading[0] * helper[1] - heading[1] * helper[0]
    _unit(u)
    v = np.empty(3)
    v[0] = heading[1] * u[2] - heading[2] * u[1]
    v[1] = heading[2] * u[0] - heading[0] * u[2]
    v[2] = heading[0] * u[1] - heading[1] * u[0]
    uu = uv = vv = 0.0
    for n in range(first, last):
        p = order[n]
        a = b = 0.0
        for c in range(3):
            a += (places[p, c] - middle[c]) * u[c]
            b += (places[p, c] - middle[c]) * v[c]
        uu += a * a
        uv += a * b
        vv += b * b
    widest, best_c, best_s = -1.0, 1.0, 0.0
    for n in range(8):
        # Directions of equal steps in the tangent of the half angle: no sine.
        t = (n - 4) / 4.0
        cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        spread = cosine * cosine * uu + 2 * cosine * sine * uv + sine * sine * vv
        if spread > widest:
            widest, best_c, best_s = spread, cosine, sine
    offset = shift * math.sqrt(widest / (last - first))
    low, high = first, last - 1
    while low <= high:
        p = order[low]
        a = 0.0
        for c in range(3):
            a += (places[p, c] - middle[c]) * (best_c * u[c] + best_s * v[c])
        if a < offset:
            low += 1
        else:
            order[low], order[high] = order[high], order[low]
            high -= 1
    return low


@compiled
def grow(
    places: np.ndarray, order: np.ndarray, node_xyz: np.ndarray, node_parent: np.ndarray, node_radius: np.ndarray,
    number: int, span: np.ndarray, span_node: np.ndarray, span_radius: np.ndarray, span_heading: np.ndarray,
    span_state: np.ndarray, spans: int, thinnest_now: float, thinnest: float, gap: float, depth: np.ndarray,
    free: np.ndarray, origin: np.ndarray, step: float, draws: np.ndarray, draw: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Grow all branches that are at least `thinnest_now` mm; returns (nodes, territories, next draw) in use.

    places       (n, 3) float64 RAS mm, evenly spread over the liver;  order  (n,) indices, reordered in place
    node_*       xyz (most, 3), parent (most,), radius (most,) of the tree so far, of which `number` are used
    span         (most, 2): a territory is order[first:last]; span_node where its branch begins, span_radius (most, 2)
                 of
                 that branch and how far around its beginning the capsule does not count, span_heading (most, 3) how it
                 sets off, span_state 0 to be grown, 1 grown or left to its two halves, 2 given up. `spans` are used
    thinnest     of the whole tree: a branch whose own branches would be thinner is the last one
    gap          mm to the capsule and to other trees: `depth` and `free`, (k, j, i) float32 mm with origin (3,) and
                 step,
                 say how far away they are
    draws        uniform numbers from -1 to 1, used from `draw` on, over and over
    """
    path, middle, end = np.empty((64, 3)), np.empty(3), np.empty(3)
    control, heading = np.empty(3), np.empty(3)
    at = -1
    while at + 1 < spans:
        at += 1
        radius = span_radius[at, 0]
        if span_state[at] != 0 or radius < thinnest_now:
            continue
        first, last, node = span[at, 0], span[at, 1], span_node[at]
        heading[:] = span_heading[at]
        start = node_xyz[node].copy()
        _middle(places, order, first, last, middle)
        is_last = radius * cube_root(0.5) < thinnest or last - first < 2
        pieces, found = 0, False
        for attempt in range(ATTEMPTS):
            way = (0.92 if is_last else 0.52) + 0.10 * draws[draw % len(draws)]
            draw += 1
            if attempt > 7:
                way *= 0.6
            length = 0.0
            for a in range(3):
                end[a] = start[a] + way * (middle[a] - start[a])
                length += (end[a] - start[a]) ** 2
            length = math.sqrt(length)
            spread = 0.10 + 0.04 * attempt
            for a in range(3):
                end[a] += spread * length * draws[draw % len(draws)]
                draw += 1
            for a in range(3):
                bend = (0.14 + 0.03 * attempt) * length * draws[draw % len(draws)]
                draw += 1
                control[a] = 0.5 * (start[a] + end[a]) + 0.22 * (length * heading[a] - (end[a] - start[a])) + bend
            pieces = lay_path(path, start, control, end)
            if length > 0.5 and path_is_free(
                path, pieces, start, radius, gap, depth, free, origin, step, span_radius[at, 1]
            ):
                found = True
                break
        if number + 64 > len(node_parent) or spans + 2 > len(span):
            span_state[at] = 2
            continue
        before = node
        if found:
            span_state[at] = 1
            for n in range(pieces):
                node_xyz[number] = path[n]
                node_parent[number] = before
                node_radius[number] = radius
                before = number
                number += 1
            for a in range(3):
                heading[a] = node_xyz[before, a] - node_xyz[node_parent[before], a]
            _unit(heading)
        else:
            # Where one branch finds no way, two thinner ones may, each to its own half.
            span_state[at] = 2
        if is_last:
            continue
        for a in range(3):
            control[a] = middle[a] - node_xyz[before, a]
        if _unit(control) < 1e-6:
            control[:] = heading
        border = _split(places, order, first, last, middle, control, 0.35 * draws[draw % len(draws)])
        draw += 1
        for half in range(2):
            span[spans, 0] = first if half == 0 else border
            span[spans, 1] = border if half == 0 else last
            share = (span[spans, 1] - span[spans, 0]) / (last - first)
            if share > 0.0 and radius * cube_root(share) >= thinnest:
                span_node[spans], span_state[spans] = before, 0
                span_radius[spans, 0] = radius * cube_root(share)
                span_radius[spans, 1] = radius if found else span_radius[at, 1]
                span_heading[spans] = heading
                spans += 1
                span_state[at] = 1
    return number, spans, draw
