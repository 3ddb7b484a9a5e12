"""Frames into voxels, on several threads.

The volume is cut into slabs, one for each thread; every thread takes all the frames in order. Which thread a voxel
belongs to therefore never changes what it becomes.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..errors import ReconstructionError
from ..values.progress import Progress
from ..words import tr
from .footprint import row_runs
from .kernels.arithmetic import EXACT_BITS, IGSIO_BITS, to_fixed_point
from .kernels.corner_lanes import HIT
from .kernels.finishing import finish_packed_mean, finish_plain_mean
from .kernels.linear import linear_kernel
from .kernels.nearest import (
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
from .kernels.packed_sums import PackedSums
from .kernels.pages import touch_pages
from .memory import check_fits
from .padding import padded
from .region import Region, image_to_voxel_matrix
from .settings import ReconstructionSettings

_COMPOUNDING = {"latest": LATEST, "maximum": MAXIMUM, "mean": MEAN}
_BATCH = 16  # frames between two reports of progress
_FRAMES_WITH_ONE_CUT = 8  # that come one by one: neighbours lie alike
_DTYPES = (np.uint8, np.uint16, np.int16, np.float32, np.float64)
# First and last voxel (i, j, k) of a thread's part.
Slab = tuple[np.ndarray, np.ndarray]
# Frames that go in one after the other: pixels, coefficients, runs.
Batch = list[tuple[np.ndarray, np.ndarray, np.ndarray]]
Part = TypeVar("Part")


class Inserter:
    """The voxels of one region and what is needed to add frames to them."""

    _slabs_left: int  # single frames for which the last cut into slabs is still good
    _kept_slabs: list[Slab]

    def __init__(
        self, region: Region, image_size: tuple[int, int], dtype: DTypeLike, settings: ReconstructionSettings
    ) -> None:
        self.region, self.settings, self.dtype = region, settings, np.dtype(dtype)
        if self.dtype not in _DTYPES:
            raise ReconstructionError(
                f"Pixels of type {self.dtype} cannot be reconstructed; "
                "convert the sweep to uint8, uint16, int16 or float32."
            )
        self.image_shape = (image_size[1], image_size[0])
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
        self.sums_dtype = np.dtype(np.uint64 if self.packed else np.float64)
        self.packed_sums = PackedSums(self.kind, self.linear) if self.packed else None

        check_fits(region, self.bytes_per_voxel(), settings.memory_limit_bytes)
        count = region.number_of_voxels
        self.sums = np.zeros(count if self.exact_mean else 1, dtype=self.sums_dtype)
        self.values = np.zeros(1 if self.exact_mean else count, dtype=self.dtype)
        self.hits = np.zeros(1 if self.packed else count, dtype=self._hits_dtype())
        self.threads = settings.threads or os.cpu_count() or 1
        self._pool: ThreadPoolExecutor | None = None
        self._lay_out()

    def bytes_per_voxel(self) -> float:
        """What a voxel takes in all, with the copies that the result and hole filling make."""
        pasted = self.sums_dtype.itemsize if self.exact_mean else self.dtype.itemsize
        pasted += 0 if self.packed else np.dtype(self._hits_dtype()).itemsize
        size = self.dtype.itemsize
        filled = {"none": 0, "stick": size + 1, "distance": 9 + 2 * size}[self.settings.fill]
        return pasted + (self.dtype.itemsize if self.exact_mean else 0) + 3 + filled

    def _hits_dtype(self) -> type[np.generic]:
        if self.exact_mean and not self.packed:
            return np.float64 if self.linear else np.uint32
        if self.linear and self.settings.compounding == "mean":
            return np.uint16
        return np.uint8

    def coefficients(self, image_to_reference: np.ndarray) -> np.ndarray:
        """(3, 4) as the kernels want it."""
        voxels = image_to_voxel_matrix(image_to_reference, self.region)
        if self.arithmetic == EXACT:
            return exact_coefficients(voxels, self.linear)
        matrix = np.zeros((3, 4))
        matrix[:, :3] = voxels
        if self.arithmetic == FIXED:
            return _fixed(matrix, IGSIO_BITS, self.linear)
        if self.settings.optimization == "none":
            matrix[:, 3], matrix[:, 2] = voxels[:, 2], 0.0
        return matrix

    def insert(
        self, frames: Sequence[np.ndarray], poses: Sequence[np.ndarray], progress: Progress | None = None
    ) -> None:
        """Add frames, (v, u) arrays of one size and dtype with their ImageToReference, in this order."""
        threshold = self.settings.pixel_rejection_threshold
        darkest = -np.inf if threshold is None else float(threshold)
        coefficients = [self.coefficients(pose) for pose in poses]
        if self._slabs_left == 0 or len(frames) > 1:
            self._kept_slabs, self._slabs_left = self._slabs(coefficients), _FRAMES_WITH_ONE_CUT
        self._slabs_left -= 1
        slabs = self._kept_slabs
        size = np.array(self.region.dimensions, dtype=np.int64)

        def paste_into(slab: Slab, batch: Batch) -> None:
            for pixels, matrix, runs in batch:
                self.kernel(pixels, runs, matrix, *slab, size, self.strides, self.values, self.hits, self.sums, darkest)

        for first in range(0, len(frames), _BATCH):
            part = slice(first, first + _BATCH)
            for batch in self._batches(frames[part], coefficients[part]):
                self._on_threads(partial(paste_into, batch=batch), slabs)
            if progress:
                progress(min(1.0, (first + _BATCH) / len(frames)), tr("inserting frames"))

    def _batches(self, frames: Sequence[np.ndarray], coefficients: Sequence[np.ndarray]) -> Iterator[Batch]:
        """(pixels, coefficients, runs) of what can be added without a voxel overflowing: mostly all of it at once."""
        packed = self.packed_sums
        batch: Batch = []
        weight = 0
        for pixels, matrix in zip(frames, coefficients):
            pixels = self._checked(pixels)
            if packed is None:
                batch.append((pixels, matrix, self.runs))
                continue
            parts = packed.parts_of(matrix, self.image_shape)
            for first, last, more in parts:
                if weight + more > packed.room_for_half():
                    packed.make_room(lambda: self.sums, weight)
                    yield batch
                    batch, weight = [], 0
                batch.append((pixels, matrix, self.runs if len(parts) == 1 else self._runs_of_rows(first, last)))
                weight += more
        if packed is not None:
            packed.make_room(lambda: self.sums, weight)
        yield batch

    def _runs_of_rows(self, first: int, last: int) -> np.ndarray:
        runs = self.runs.copy()
        runs[:first] = runs[last + 1 :] = (0, -1)
        return runs

    def _checked(self, pixels: np.ndarray) -> np.ndarray:
        """The same pixels as the kernels know them: contiguous and read-only, whatever they were."""
        if pixels.dtype != self.dtype or pixels.shape != self.image_shape:
            raise ReconstructionError(
                f"A frame has {pixels.shape[1]} x {pixels.shape[0]} pixels of type {pixels.dtype}, but the others have "
                f"{self.image_shape[1]} x {self.image_shape[0]} of type {self.dtype}; all frames must be alike."
            )
        pixels = np.ascontiguousarray(pixels).view()
        pixels.flags.writeable = False
        return pixels

    @cached_property
    def _sample_pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns spread over the used part of the image."""
        rows, columns = np.linspace(0, self.runs.shape[0] - 1, 12), np.linspace(0, self.runs[:, :, 1].max(), 12)
        return np.meshgrid(rows, columns, indexing="ij")

    def _slabs(self, coefficients: Sequence[np.ndarray]) -> list[Slab]:
        """First and last voxel (i, j, k) of each thread's part, so that every frame has about as many pixels in
        each.
        """
        low, high = np.zeros(3, dtype=np.int64), np.array(self.region.dimensions, dtype=np.int64) - 1
        if self.threads == 1 or not coefficients:
            return [(low, high)]
        rows, columns = self._sample_pixels
        unit = {FIXED: float(1 << IGSIO_BITS), EXACT: float(1 << EXACT_BITS), DOUBLE: 1.0}[self.arithmetic]
        sample = np.array(coefficients[:: 1 + len(coefficients) // 32], dtype=np.float64)[:, :, :, None, None] / unit
        places = sample[:, 1:, 0] * columns + sample[:, 1:, 1] * rows + sample[:, 1:, 2] + sample[:, 1:, 3]
        # along j or k, whichever the single frames extend farther along: else only one thread would have work at a time
        axis = 1 + int(places[:, 1].std(axis=(1, 2)).mean() > places[:, 0].std(axis=(1, 2)).mean())
        wanted = np.arange(1, self.threads) / self.threads
        ordered = np.sort(np.clip(places[:, axis - 1], 0, high[axis]), axis=None)
        cuts = np.rint(ordered[(wanted * ordered.size).astype(int)])
        edges = np.unique(np.concatenate([[0], cuts, [high[axis] + 1]])).astype(np.int64)
        slabs = []
        for first, end in itertools.pairwise(edges):
            slab = low.copy(), high.copy()
            slab[0][axis], slab[1][axis] = first, end - 1
            slabs.append(slab)
        return slabs

    def result(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Three arrays (k, j, i): voxels of the pixels' dtype; uint8, 1 where a pixel came; and where hole filling
        finds a value (not 0). They may share memory with what the next frames are added to.
        """
        if self.exact_mean:
            values = np.empty(self.shape, dtype=self.dtype)
            seen = np.empty(self.shape, dtype=np.uint8)
            self._finish_mean(values.reshape(-1), seen.reshape(-1), 0, values.size)
            return values, seen, seen
        hits = self.hits.reshape(self.shape)
        if self.settings.compounding != "mean" and not self.knows_less_than_seen:
            return self.values.reshape(self.shape), hits, hits
        seen = (hits != 0).view(np.uint8)
        return self.values.reshape(self.shape), seen, self._known(hits, seen)

    def write_slices(self, values: np.ndarray, seen: np.ndarray, known: np.ndarray, first_k: int, last_k: int) -> None:
        """Write slices `first_k` to `last_k` of what `result` gives into arrays that the caller keeps."""
        slices = slice(first_k, last_k + 1)
        if self.exact_mean:
            per_slice = self.shape[1] * self.shape[2]
            self._finish_mean(values.reshape(-1), seen.reshape(-1), first_k * per_slice, (last_k + 1) * per_slice)
        else:
            hits = self.hits.reshape(self.shape)[slices]
            values[slices] = self.values.reshape(self.shape)[slices]
            np.not_equal(hits, 0, out=seen[slices].view(bool))
            if known is not seen:
                known[slices] = self._known(hits, seen[slices])

    @property
    def knows_less_than_seen(self) -> bool:
        """IGSIO's linear maximum takes a voxel that saw nothing brighter than 0 for a hole."""
        return self.linear and self.settings.definition == "igsio" and self.settings.compounding == "maximum"

    def _known(self, hits: np.ndarray, seen: np.ndarray) -> np.ndarray:
        return (hits == HIT).view(np.uint8) if self.knows_less_than_seen else seen

    def _finish_mean(self, values: np.ndarray, seen: np.ndarray, first: int, end: int) -> None:
        """Write the exact mean of the voxels `first` to `end` - 1 into flat arrays of the whole volume."""
        parts = self.threads if end - first > 1 << 18 else 1
        edges = np.linspace(first, end, parts + 1).astype(np.int64).tolist()

        def finish(part: tuple[int, int]) -> None:
            begin, stop = part
            if self.packed:
                finish_packed_mean(self.sums, np.uint64(SUM_BITS[self.kind]), values, seen, begin, stop)
            else:
                rounding = 0.0 if self.dtype.kind == "f" else 0.5
                finish_plain_mean(self.sums, self.hits, rounding, values, seen, begin, stop)

        self._on_threads(finish, list(itertools.pairwise(edges)))
        if self.packed_sums is not None:
            self.packed_sums.put_means(self.sums, values, seen)

    def grow(self, before: ArrayLike, after: ArrayLike, occupied: tuple[slice, slice, slice] | None = None) -> None:
        """Add voxels along i, j, k before the first and after the last; what is there stays where it is in space.

        occupied  slices (k, j, i) outside which nothing was inserted yet: only they are copied
        """
        region = self.region
        before, after = np.asarray(before), np.asarray(after)
        x, y, z = (np.array(region.origin_mm) - before * np.array(region.spacing_mm)).tolist()
        i, j, k = (np.array(region.dimensions) + before + after).tolist()
        grown = Region((x, y, z), region.spacing_mm, (int(i), int(j), int(k)))
        check_fits(grown, self.bytes_per_voxel(), self.settings.memory_limit_bytes)
        for name in ("sums", "values", "hits"):
            flat = getattr(self, name)
            if flat.size > 1:
                setattr(self, name, padded(flat.reshape(self.shape), before, after, occupied).reshape(-1))
        self.region, shape = grown, self.shape
        self._lay_out()
        if self.packed_sums is not None:
            self.packed_sums.grow(shape, before, self.shape)

    def _lay_out(self) -> None:
        i, j, k = self.region.dimensions
        self.shape = (k, j, i)
        self.strides = np.array([1, i, i * j], dtype=np.int64)
        self._slabs_left = 0

    @property
    def bytes_per_slice(self) -> float:
        """What the voxels of one slice k take, as frames are inserted."""
        return sum(flat.nbytes for flat in (self.sums, self.values, self.hits)) / self.shape[0]

    def touch_slices(self, first_k: int, last_k: int) -> None:
        """Have the system give memory to the voxels of these slices now, rather than when a frame first meets them."""
        per_slice = self.shape[1] * self.shape[2]
        for flat in (self.sums, self.values, self.hits):
            if flat.size > 1:
                touch_pages(flat, first_k * per_slice, (last_k + 1) * per_slice)

    def close(self) -> None:
        """End the threads that inserted; they come again when they are needed."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _on_threads(self, task: Callable[[Part], object], parts: Sequence[Part]) -> None:
        """Do `task` with every part; this thread works too, as waking one more would take as long as many a task."""
        groups = [parts[n :: self.threads] for n in range(min(self.threads, len(parts)))]

        def work(group: Sequence[Part]) -> None:
            for part in group:
                task(part)

        if len(groups) > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1)
        pool = self._pool
        others = [] if pool is None else [pool.submit(work, group) for group in groups[1:]]
        try:
            work(groups[0] if groups else ())
        finally:
            wait(others)
        for other in others:
            other.result()


def exact_coefficients(voxels: np.ndarray, linear: bool) -> np.ndarray:
    """(3, 4) for the kernels of the exact definition from a (3, 3) of region.image_to_voxel_matrix."""
    matrix = np.zeros((3, 4))
    matrix[:, :3] = voxels
    return _fixed(matrix, EXACT_BITS, linear)


def _fixed(matrix: np.ndarray, bits: int, linear: bool) -> np.ndarray:
    fixed = to_fixed_point(matrix, bits)
    if not linear:
        fixed[:, 2] += 1 << (bits - 1)  # so that cutting off rounds
    return fixed
