"""The part of a volume that the image plane passed through, whether or not a pixel landed there.

Between two frames that follow each other the image is moved in a straight line, in steps of half a voxel at most, and
the voxels that it meets are marked. What is marked and not seen is a hole; what is not marked was never swept and must
not be filled.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Sequence

import numpy as np

from ..geometry import transform_points
from .footprint import row_runs
from .jit import compiled
from .nearest import BYTES, EXACT, LATEST, nearest_kernel
from .region import Region, image_to_voxel_matrix
from .settings import ReconstructionSettings


def gaps_mm(poses: Sequence[np.ndarray], image_size: tuple[int, int]) -> np.ndarray:
    """(n - 1,) how far the farthest corner of the image moves from each frame to the next, mm."""
    width, height = image_size
    corners = np.array([(u, v, 0.0) for u in (0, width - 1) for v in (0, height - 1)])
    points = np.array([transform_points(pose, corners) for pose in poses])
    return np.linalg.norm(np.diff(points, axis=0), axis=2).max(axis=1) if len(points) > 1 else np.zeros(0)


def swept_voxels(
    poses: Sequence[np.ndarray],
    image_size: tuple[int, int],
    region: Region,
    settings: ReconstructionSettings,
    seen: np.ndarray,
    longest_gap_mm: float,
) -> np.ndarray:
    """uint8 (k, j, i): 1 where `seen` is, and between frames that follow each other at most `longest_gap_mm` apart."""
    swept = seen.copy()
    if len(poses) < 2:
        return swept
    runs, scale = _thinned_runs(poses[0], image_size, region, settings)
    kernel = nearest_kernel(EXACT, LATEST, BYTES)
    pixels = np.ones((runs.shape[0], -(-image_size[0] // scale[0])), dtype=np.uint8)
    i, j, k = region.dimensions
    strides = np.array([1, i, i * j], dtype=np.int64)
    low, high = np.zeros(3, dtype=np.int64), np.array([i, j, k], dtype=np.int64) - 1
    flat, nothing = swept.reshape(-1), np.zeros(1)
    half_voxel = 0.5 * min(region.spacing_mm)
    gaps = gaps_mm(poses, image_size)

    def mark_between(number):
        if half_voxel < gaps[number] <= longest_gap_mm:
            steps = int(np.ceil(gaps[number] / half_voxel))
            for step in range(1, steps):
                pose = poses[number] + (poses[number + 1] - poses[number]) * (step / steps)
                coefficients = np.zeros((3, 4))
                coefficients[:, :3] = image_to_voxel_matrix(pose, region) * (scale[0], scale[1], 1.0)
                kernel(pixels, runs, coefficients, low, high, strides, flat, flat, nothing, -np.inf)

    # threads may mark the same voxel at the same time: they all write 1
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:
        list(pool.map(mark_between, range(len(gaps))))
    close_pinholes(swept)
    return swept


@compiled
def close_pinholes(marked):
    """Mark what lies between two marked neighbours along an axis: the image was sampled in steps, and steps can miss."""
    size_k, size_j, size_i = marked.shape
    for k in range(size_k):
        for j in range(size_j):
            for i in range(size_i):
                if marked[k, j, i] == 0:
                    if (
                        (0 < i < size_i - 1 and marked[k, j, i - 1] == 1 and marked[k, j, i + 1] == 1)
                        or (0 < j < size_j - 1 and marked[k, j - 1, i] == 1 and marked[k, j + 1, i] == 1)
                        or (0 < k < size_k - 1 and marked[k - 1, j, i] == 1 and marked[k + 1, j, i] == 1)
                    ):
                        marked[k, j, i] = 2  # not 1: it must not close others in turn
    for k in range(size_k):
        for j in range(size_j):
            for i in range(size_i):
                if marked[k, j, i] == 2:
                    marked[k, j, i] = 1


def _thinned_runs(pose, image_size, region, settings):
    """The used pixels of an image with only as many rows and columns as 0.7 voxels need, and the columns and rows kept."""
    pixel_mm = np.linalg.norm(np.asarray(pose)[:3, :2], axis=0)
    scale = np.maximum(1, np.floor(0.7 * min(region.spacing_mm) / pixel_mm)).astype(int)
    runs = row_runs(image_size, settings)[:: scale[1]]
    thinned = np.stack([-(-runs[:, :, 0] // scale[0]), runs[:, :, 1] // scale[0]], axis=2)
    return np.ascontiguousarray(thinned, dtype=np.int32), scale
