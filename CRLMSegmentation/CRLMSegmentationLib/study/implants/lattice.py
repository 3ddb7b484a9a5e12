"""Random fields that are fixed in space, so that every frame that passes a place sees the same there."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

# Points along an edge; a coarser lattice where the tumor is large.
MOST_POINTS = 150
# Between layers of scatterers over the elevation, in standard deviations of the beam's thickness.
LAYER = 0.6


class Scatterers:
    """White complex noise over a cube about a middle, blurred over the thickness of the beam when it is read.

    axes          (3, 3) columns: along the rows of pixels, along the columns, out of the plane of some frame
                  through the middle
    middle        (3,) mm; reach_mm: half of the edge
    step_mm       between points in the plane, at least; the nearest one is read
    elevation_mm  standard deviation of the beam's thickness
    """

    def __init__(
        self, random: np.random.Generator, axes: np.ndarray, middle: np.ndarray, reach_mm: float, step_mm: float,
        elevation_mm: float,
    ):  # fmt: skip
        step = max(step_mm, 2 * reach_mm / MOST_POINTS)
        self.steps_mm = np.array([step, step, max(LAYER * elevation_mm, step)])
        self.axes, self.middle, self.elevation_mm = axes, middle, elevation_mm
        self.size = np.ceil(2 * reach_mm / self.steps_mm).astype(int) + 1
        real, imaginary = random.standard_normal((2, *self.size), dtype=np.float32)
        self.values = real + 1j * imaginary

    def at(self, points: np.ndarray) -> np.ndarray:
        """(...) complex64 at points (..., 3) mm; beyond the cube it is repeated."""
        index = (points - self.middle) @ self.axes / self.steps_mm
        u, v = (np.rint(index[..., axis]).astype(np.int64) % self.size[axis] for axis in (0, 1))
        layer = index[..., 2]
        nearest = np.rint(layer)
        width = self.elevation_mm / self.steps_mm[2]
        total = np.zeros(points.shape[:-1], dtype=np.complex64)
        reach = max(1, round(2.2 * width))
        for further in range(-reach, reach + 1):
            weight = np.exp(-(((nearest + further - layer) / width) ** 2) / 2).astype(np.float32)
            total += weight * self.values[u, v, (nearest.astype(np.int64) + further) % self.size[2]]
        return total


class Lumps:
    """Smooth noise of mean 0 and standard deviation 1 over a cube about a middle; size_mm is that of its lumps."""

    def __init__(self, random: np.random.Generator, middle: np.ndarray, reach_mm: float, size_mm: float):
        self.step_mm = max(size_mm / 3, 2 * reach_mm / 60)
        count = math.ceil(2 * reach_mm / self.step_mm) + 1
        self.lower = middle - (count - 1) / 2 * self.step_mm
        noise = ndimage.gaussian_filter(random.standard_normal((count,) * 3), size_mm / 2 / self.step_mm, mode="wrap")
        self.values = ((noise - noise.mean()) / noise.std()).astype(np.float32)

    def at(self, points: np.ndarray) -> np.ndarray:
        """(...) float32 at points (..., 3) mm."""
        index = np.moveaxis((points - self.lower) / self.step_mm, -1, 0)
        result: np.ndarray = ndimage.map_coordinates(self.values, index, order=1, mode="nearest")
        return result
