"""Bodies of triangles: lumpy ellipsoids, and rings swept along a line."""

from __future__ import annotations

import numpy as np

from ....laparoscopy.surface.mesh import Mesh
from .noise import noise_at

# Sines are rounded, since they may differ in the last digit between machines.
_DIGITS = 6


def lumpy_ellipsoid(
    center: np.ndarray, radii: np.ndarray, lumps_mm: float, wavelength_mm: float, seed: int, around: int = 48
) -> Mesh:
    """An ellipsoid along the axes with `around` points around it, whose surface is moved outwards and inwards by up to
    about `lumps_mm`.
    """
    turn, height = np.linspace(0, 2 * np.pi, around + 1)[:-1], np.linspace(0, np.pi, around // 2 + 1)[1:-1]
    rings = np.stack([
        np.outer(np.sin(height), np.cos(turn)), np.outer(np.sin(height), np.sin(turn)),
        np.outer(np.cos(height), np.ones(around)),
    ], axis=-1)  # fmt: skip
    unit = np.round(np.vstack([[(0.0, 0.0, 1.0)], rings.reshape(-1, 3), [(0.0, 0.0, -1.0)]]), _DIGITS)
    places = center + unit * radii
    mesh = Mesh(places, _closed_rings(len(rings), around))
    return Mesh(places + lumps_mm * noise_at(places, wavelength_mm, seed, 2)[:, None] * mesh.normals, mesh.triangles)


def swept(centers: np.ndarray, one_way: np.ndarray, other_way: np.ndarray, around: int = 16) -> Mesh:
    """Ellipses around `centers` (n, 3) with semi-axes one_way and other_way (n, 3), joined, and closed at both ends."""
    turn = np.round(np.linspace(0, 2 * np.pi, around + 1)[:-1], 12)
    cosine, sine = np.round(np.cos(turn), _DIGITS), np.round(np.sin(turn), _DIGITS)
    rings = centers[:, None] + cosine[:, None] * one_way[:, None] + sine[:, None] * other_way[:, None]
    # Rings run from the last center to the first one: seen from outside, triangles turn the right way.
    points = np.vstack([centers[-1:], rings[::-1].reshape(-1, 3), centers[:1]])
    return _outwards(Mesh(points, _closed_rings(len(centers), around)))


def tube(start: np.ndarray, end: np.ndarray, radii: np.ndarray, step_mm: float = 2.0) -> Mesh:
    """A straight tube whose radius goes evenly through `radii` (m,) from `start` to `end` (3,)."""
    length = float(np.linalg.norm(end - start))
    share = np.linspace(0, 1, max(len(radii), int(length / step_mm) + 2))
    across = np.cross(end - start, np.eye(3)[int(np.argmin(np.abs(end - start)))])
    across /= np.linalg.norm(across)
    other = np.cross((end - start) / length, across)
    radius = np.interp(share, np.linspace(0, 1, len(radii)), radii)[:, None]
    return swept(start + share[:, None] * (end - start), radius * across, radius * other)


def _closed_rings(rings: int, around: int) -> np.ndarray:
    """Triangles between a first point, rings of points, and a last point."""
    number = 1 + np.arange(rings * around).reshape(rings, around)
    following = np.roll(number, -1, axis=1)
    last = rings * around + 1
    triangles = [
        np.column_stack([np.zeros(around, int), number[0], following[0]]),
        np.column_stack([number[:-1].ravel(), number[1:].ravel(), following[1:].ravel()]),
        np.column_stack([number[:-1].ravel(), following[1:].ravel(), following[:-1].ravel()]),
        np.column_stack([number[-1], np.full(around, last), following[-1]]),
    ]
    return np.vstack(triangles).astype(np.int64)


def _outwards(mesh: Mesh) -> Mesh:
    corners = (mesh.points - mesh.points.mean(axis=0))[mesh.triangles]
    volume = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum()
    return mesh if volume >= 0 else Mesh(mesh.points, np.ascontiguousarray(mesh.triangles[:, ::-1]))
