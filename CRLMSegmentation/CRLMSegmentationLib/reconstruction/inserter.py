"""Frames into voxels, on several threads.

The volume is cut into slabs along k, one for each thread; every thread takes all the frames in order. Which thread a
voxel belongs to therefore never changes what it becomes.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Sequence

import numpy as np

from ..errors import ReconstructionError
from .arithmetic import FIXED_ONE, to_fixed_point
from .finishing import finish_packed_mean, finish_plain_mean
from .footprint import row_runs
from .linear import HIT, linear_kernel
from .nearest import (
    BYTES,
    DOUBLE,
    EXACT,
    FIXED,
    LATEST,
    MAXIMUM,
    MEAN,
    SUM_BITS,
    WORDS,
    nearest_kernel,
    pixel_kind,
)
from .region import Region, image_to_voxel_matrix
from .settings import ReconstructionSettings

_COMPOUNDING = {"latest": LATEST, "maximum": MAXIMUM, "mean": MEAN}
_DTYPES = (np.uint8, np.uint16, np.int16, np.float32, np.float64)


class Inserter:
    """The voxels of one region and what is needed to add frames to them."""

    def __init__(self, region: Region, image_size: tuple[int, int], dtype, settings: ReconstructionSettings):
        self.region, self.settings, self.dtype = region, settings, np.dtype(dtype)
        if self.dtype not in _DTYPES:
            raise ReconstructionError(
                f"Pixels of type {self.dtype} cannot be reconstructed; convert the sweep to uint8, uint16, int16 or float32."
            )
        self.kind = pixel_kind(self.dtype)
        self.runs = row_runs(image_size, settings)
        self.arithmetic = EXACT
        if settings.definition == "igsio":
            self.arithmetic = FIXED if settings.optimization == "full" else DOUBLE
        self.linear = settings.interpolation == "linear"
        compounding = _COMPOUNDING[settings.compounding]
        make = linear_kernel if self.linear else nearest_kernel
        self.kernel = make(self.arithmetic, compounding, self.kind)
        self.exact_mean = self.arithmetic == EXACT and compounding == MEAN
        self.packed = self.exact_mean and self.kind in (BYTES, WORDS)

        i, j, k = region.dimensions
        self.shape = (k, j, i)
        count = region.number_of_voxels
        nothing = np.zeros(1, dtype=np.uint64 if self.packed else np.float64)
        self.sums = nothing
        if self.exact_mean:
            self.sums = np.zeros(count, dtype=nothing.dtype)
        self.values = np.zeros(1 if self.exact_mean else count, dtype=self.dtype)
        self.hits = np.zeros(1 if self.packed else count, dtype=self._hits_dtype())
        self.strides = np.array([1, i, i * j], dtype=np.int64)

    def _hits_dtype(self):
        if self.exact_mean and not self.packed:
            return np.float64 if self.linear else np.uint32
        if self.linear and self.settings.compounding == "mean":
            return np.uint16
        return np.uint8

    def coefficients(self, image_to_reference: np.ndarray) -> np.ndarray:
        """(3, 4) as the kernels want it."""
        matrix = np.zeros((3, 4))
        matrix[:, :3] = image_to_voxel_matrix(image_to_reference, self.region)
        if self.arithmetic == FIXED:
            fixed = to_fixed_point(matrix)
            if not self.linear:
                fixed[:, 2] += FIXED_ONE // 2
            return fixed
        if self.arithmetic == DOUBLE and self.settings.optimization == "none":
            matrix[:, 3], matrix[:, 2] = matrix[:, 2].copy(), 0.0
        return matrix

    def insert(self, frames: Sequence[np.ndarray], poses: Sequence[np.ndarray], progress=None) -> None:
        """Add frames, (v, u) arrays with their ImageToReference, in this order."""
        threshold = self.settings.pixel_rejection_threshold
        darkest = -np.inf if threshold is None else float(threshold)
        coefficients = [self.coefficients(pose) for pose in poses]
        slabs = self._slabs(coefficients)
        last = np.array(self.region.dimensions, dtype=np.int64) - 1

        def paste_into(slab):
            low, high = np.zeros(3, dtype=np.int64), np.append(last, last[2])
            low[2], high[2] = slab
            for number, (pixels, matrix) in enumerate(zip(frames, coefficients)):
                self.kernel(
                    pixels, self.runs, matrix, low, high, self.strides, self.values, self.hits, self.sums, darkest
                )
                if progress and slab is slabs[-1]:
                    progress((number + 1) / len(frames), "inserting frames")

        _on_threads(paste_into, slabs)

    def _slabs(self, coefficients) -> list[tuple[int, int]]:
        """First and last k of each thread's part, so that each gets about as many pixels."""
        threads = self.settings.threads or os.cpu_count() or 1
        last_k = self.region.dimensions[2] - 1
        if threads == 1 or not coefficients:
            return [(0, last_k)]
        rows, columns = np.meshgrid(
            np.linspace(0, self.runs.shape[0] - 1, 12), np.linspace(0, self.runs[:, :, 1].max(), 12), indexing="ij"
        )
        unit = FIXED_ONE if self.arithmetic == FIXED else 1
        k = np.concatenate(
            [((m[2, 0] * columns + m[2, 1] * rows + m[2, 2] + m[2, 3]) / unit).ravel() for m in coefficients]
        )
        cuts = np.quantile(k[(k >= 0) & (k <= last_k)], np.arange(1, threads) / threads) if k.size else []
        edges = np.unique(np.concatenate([[0], np.rint(cuts), [last_k + 1]]).astype(int))
        return [(int(low), int(high) - 1) for low, high in zip(edges[:-1], edges[1:])]

    def result(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Three arrays (k, j, i): voxels of the pixels' dtype; uint8, 1 where a pixel came; and where hole filling finds
        a value (not 0). They may share memory with what the next frames are added to.
        """
        if self.exact_mean:
            values = np.empty(self.shape, dtype=self.dtype)
            seen = np.empty(self.shape, dtype=np.uint8)
            self.finish_mean(values.reshape(-1), seen.reshape(-1), 0, values.size)
            return values, seen, seen
        hits = self.hits.reshape(self.shape)
        values = self.values.reshape(self.shape)
        if hits.dtype == np.uint8 and not self.linear and self.settings.compounding != "mean":
            return values, hits, hits
        seen = (hits != 0).view(np.uint8)
        if self.linear and self.settings.definition == "igsio" and self.settings.compounding == "maximum":
            # IGSIO takes a voxel that saw nothing brighter than 0 for a hole
            return values, seen, (hits == HIT).view(np.uint8)
        return values, seen, seen

    def finish_mean(self, values: np.ndarray, seen: np.ndarray, first: int, end: int) -> None:
        """Write the exact mean of the voxels `first` to `end` - 1 into flat arrays of the whole volume."""
        threads = self.settings.threads or os.cpu_count() or 1
        edges = np.linspace(first, end, threads + 1 if end - first > 1 << 18 else 2).astype(np.int64)

        def finish(part):
            begin, stop = part
            if self.packed:
                finish_packed_mean(self.sums, np.uint64(SUM_BITS[self.kind]), values, seen, begin, stop)
            else:
                finish_plain_mean(self.sums, self.hits, 0.0 if self.dtype.kind == "f" else 0.5, values, seen, begin, stop)

        _on_threads(finish, list(zip(edges[:-1], edges[1:])))


def _on_threads(task, parts) -> None:
    if len(parts) == 1:
        task(parts[0])
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        for _ in pool.map(task, parts):
            pass
