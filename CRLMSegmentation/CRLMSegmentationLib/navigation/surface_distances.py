"""Distances from many points to a surface of triangles at once.

A tree of points spread over the triangles shows which triangle is the nearest, and the distance to that is computed
exactly.
"""

from __future__ import annotations

import math

import numpy as np

_MOST_SAMPLES = 400_000


class SurfaceDistances:
    """Distances to the triangles with corners `points` (n, 3) mm and indices `triangles` (m, 3).

    spacing_mm  the samples lie closer together than this, as far as a few hundred thousand of them allow
    """

    def __init__(self, points: np.ndarray, triangles: np.ndarray, spacing_mm: float):
        from scipy.spatial import cKDTree

        self._corners = points[triangles]
        samples, self._triangle_of = _samples(self._corners, spacing_mm)
        self._tree = cKDTree(samples)

    def nearest_samples(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) mm from `places` (n, 3) to the nearest sample, never nearer than the surface; and (n,) which one."""
        away_mm, which = self._tree.query(places)
        return np.asarray(away_mm), np.asarray(which)

    def to_triangle_of(self, samples: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(n,) mm from `places` to the triangles that their nearest samples lie in.

        Another triangle may be a little nearer where a place is opposite to an edge: by some hundredths of a millimeter
        when the samples lie 2 mm apart and the surface 1 mm away.
        """
        squared = _squared_to_triangles(places, self._corners[self._triangle_of[samples]])
        return np.asarray(np.sqrt(squared))


def _samples(corners: np.ndarray, spacing_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """(k, 3) points spread over the triangles (m, 3, 3), and the triangle that each lies in.

    A triangle gets the middles of the n x n small ones that it is cut into.
    """
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    for _ in range(8):
        cuts = np.maximum(1, np.ceil(longest / spacing_mm)).astype(int)
        if int((cuts.astype(float) ** 2).sum()) <= _MOST_SAMPLES + len(corners):
            break
        spacing_mm *= math.sqrt(2)
    samples, triangle_of = [], []
    for count in np.unique(cuts):
        which = np.flatnonzero(cuts == count)
        weights = _middles(int(count))
        samples.append(np.einsum("wc,mcx->mwx", weights, corners[which]).reshape(-1, 3))
        triangle_of.append(np.repeat(which, len(weights)))
    return np.concatenate(samples), np.concatenate(triangle_of)


def _middles(count: int) -> np.ndarray:
    """(count², 3) barycentric coordinates of the middles of the small triangles of one that is cut so often."""
    middles = []
    for row in range(count):
        for column in range(count - row):
            middles.append((row + 1 / 3, column + 1 / 3))
            if row + column < count - 1:
                middles.append((row + 2 / 3, column + 2 / 3))
    first, second = np.array(middles).T / count
    return np.stack([1 - first - second, first, second], axis=1)


def _squared_to_triangles(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(n,) squared distance of each place (n, 3) to its triangle (n, 3, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    to_b, to_c, to_place = b - a, c - a, places - a
    bb, bc, cc = _dot(to_b, to_b), _dot(to_b, to_c), _dot(to_c, to_c)
    b_place, c_place = _dot(to_b, to_place), _dot(to_c, to_place)
    area = bb * cc - bc * bc
    # where the place is opposite to: a + v * to_b + w * to_c, times the area
    v, w = cc * b_place - bc * c_place, bb * c_place - bc * b_place
    opposite = (v >= 0) & (w >= 0) & (v + w <= area) & (area > 0)
    squared = np.empty(len(places))
    in_plane = (v * b_place + w * c_place)[opposite] / area[opposite]
    squared[opposite] = np.maximum(_dot(to_place, to_place)[opposite] - in_plane, 0)
    beside = ~opposite
    places, a, b, c = places[beside], a[beside], b[beside], c[beside]
    squared[beside] = np.minimum.reduce([_squared_to_segments(places, *ends) for ends in ((a, b), (b, c), (c, a))])
    return squared


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", one, other))


def _squared_to_segments(places: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along, to_place = end - start, places - start
    length = _dot(along, along)
    share = _dot(to_place, along) / np.where(length > 0, length, 1)
    apart = to_place - np.clip(share, 0, 1)[:, None] * along
    return _dot(apart, apart)
