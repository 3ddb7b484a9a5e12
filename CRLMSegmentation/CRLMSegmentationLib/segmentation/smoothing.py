"""Smoothing of closed triangle surfaces that keeps their size: Taubin's windowed sinc filter.

Taubin, Zhang, Golub: Optimal surface smoothing as filter design (ECCV 1996). The filter is that of VTK's
vtkWindowedSincPolyDataFilter without its treatment of borders and edges, which a closed surface does not have; a sparse
matrix does it in a third of the time, and the same with every version of VTK.
"""

from __future__ import annotations

import numpy as np


def smooth_points(points: np.ndarray, corners: np.ndarray, iterations: int, pass_band: float) -> np.ndarray:
    """Points (n, 3) of a closed surface, moved; `corners` (3, m) are the point numbers of its triangles.

    iterations  order of the filter, at least 2
    pass_band   0..2: what changes more slowly along the surface is kept, such as 0.05
    """
    half_mean = _half_mean(corners, len(points))
    weights = _weights(iterations, pass_band)
    middle = points.mean(axis=0)
    before = points - middle
    now = half_mean @ before
    smooth = weights[0] * before + weights[1] * now
    for weight in weights[2:]:
        before, now = now, 2 * (half_mean @ now) - before
        smooth += weight * now
    return smooth + middle


def _half_mean(corners: np.ndarray, count: int):
    """The sparse (count, count) matrix that takes the mean of a point and the mean of its neighbours."""
    from scipy.sparse import csr_matrix

    # On a closed surface every edge is run along once in either direction.
    start, end = corners.ravel(), np.roll(corners, -1, axis=0).ravel()
    neighbours = np.bincount(start, minlength=count)
    itself = np.arange(count)
    values = np.concatenate([0.5 / neighbours[start], np.where(neighbours > 0, 0.5, 1.0)])
    places = np.concatenate([start, itself]), np.concatenate([end, itself])
    return csr_matrix((values, places), shape=(count, count))


def _weights(iterations: int, pass_band: float) -> np.ndarray:
    """Chebyshev coefficients of the low-pass filter with a Hamming window, its edge moved so that it is 1 there."""
    number = np.arange(iterations + 1)
    window = 0.54 + 0.46 * np.cos(number * np.pi / (iterations + 1))
    edge = np.arccos(1 - pass_band / 2)

    def coefficients(shift: float) -> np.ndarray:
        angle = edge + shift
        values = 2 * window[1:] * np.sin(number[1:] * angle) / (number[1:] * np.pi)
        return np.concatenate([[window[0] * angle / np.pi], values])

    def transfer(shift: float) -> float:
        return float(coefficients(shift) @ np.cos(number * edge))

    low, high = 0.0, np.pi - edge
    for _ in range(60):
        shift = (low + high) / 2
        low, high = (shift, high) if transfer(shift) < 1 else (low, shift)
    return coefficients(low)
