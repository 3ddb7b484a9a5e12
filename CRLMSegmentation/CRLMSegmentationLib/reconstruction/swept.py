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
) -> np.ndarray:
    """uint8 (k, j, i): 1 where `seen` is, and between frames that follow each other at most `longest_gap_mm` apart."""
    between = np.zeros_like(seen)
    if len(poses) > 1:
        mark_between(poses, image_size, region, settings, between)
    swept = np.empty_like(seen)
    threads = settings.threads or os.cpu_count() or 1
    edges = np.unique(np.linspace(0, seen.shape[0], threads + 1).astype(int))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: join_swept(seen, between, swept, part[0], part[1] - 1), zip(edges[:-1], edges[1:])))
    return swept


def mark_between(
    poses: Sequence[np.ndarray],
    image_size: tuple[int, int],
    region: Region,
    settings: ReconstructionSettings,
    between: np.ndarray,
) -> None:
    """Set `between`, contiguous uint8 (k, j, i), to 1 between frames that follow each other, but for the frames themselves
    and for frames farther apart than `longest_gap_mm`."""
    runs, scale = _thinned_runs(poses[0], image_size, region, settings)
    kernel = nearest_kernel(EXACT, LATEST, BYTES)
    pixels = np.ones((runs.shape[0], -(-image_size[0] // scale[0])), dtype=np.uint8)
    pixels.flags.writeable = False
    i, j, k = region.dimensions
    strides = np.array([1, i, i * j], dtype=np.int64)
    low, high = np.zeros(3, dtype=np.int64), np.array([i, j, k, k], dtype=np.int64) - 1
    flat, nothing = between.reshape(-1), np.zeros(1)
    half_voxel = 0.5 * min(region.spacing_mm)
    gaps = gaps_mm(poses, image_size)

    def mark(number):
        steps = int(np.ceil(gaps[number] / half_voxel))
        for step in range(1, steps):
            pose = poses[number] + (poses[number + 1] - poses[number]) * (step / steps)
            coefficients = np.zeros((3, 4))
            coefficients[:, :3] = image_to_voxel_matrix(pose, region) * (scale[0], scale[1], 1.0)
            kernel(pixels, runs, coefficients, low, high, strides, flat, flat, nothing, -np.inf)

    # threads may mark the same voxel at the same time: they all write 1
    numbers = np.nonzero((gaps > half_voxel) & (gaps <= settings.longest_gap_mm))[0]
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:
        list(pool.map(mark, numbers))


@compiled
def join_swept(seen, between, swept, first_k, last_k):
    """Write slices `first_k` to `last_k` of `swept`: 1 where `seen` or `between` is, or both neighbours along an axis are.

    The last because the image is moved and sampled in steps, which can miss a voxel. All three arrays are (k, j, i).
    """
    size_k, size_j, size_i = seen.shape
    for k in range(first_k, last_k + 1):
        for j in range(size_j):
            for i in range(size_i):
                swept[k, j, i] = (
                    seen[k, j, i] | between[k, j, i] != 0
                    or (
                        0 < i < size_i - 1
                        and seen[k, j, i - 1] | between[k, j, i - 1] != 0
                        and seen[k, j, i + 1] | between[k, j, i + 1] != 0
                    )
                    or (
                        0 < j < size_j - 1
                        and seen[k, j - 1, i] | between[k, j - 1, i] != 0
                        and seen[k, j + 1, i] | between[k, j + 1, i] != 0
                    )
                    or (
                        0 < k < size_k - 1
                        and seen[k - 1, j, i] | between[k - 1, j, i] != 0
                        and seen[k + 1, j, i] | between[k + 1, j, i] != 0
                    )
                )


def _thinned_runs(pose, image_size, region, settings):
    """The used pixels of an image with only as many rows and columns as 0.7 voxels need, and the columns and rows kept."""
    pixel_mm = np.linalg.norm(np.asarray(pose)[:3, :2], axis=0)
    scale = np.maximum(1, np.floor(0.7 * min(region.spacing_mm) / pixel_mm)).astype(int)
    runs = row_runs(image_size, settings)[:: scale[1]]
    thinned = np.stack([-(-runs[:, :, 0] // scale[0]), runs[:, :, 1] // scale[0]], axis=2)
    return np.ascontiguousarray(thinned, dtype=np.int32), scale
