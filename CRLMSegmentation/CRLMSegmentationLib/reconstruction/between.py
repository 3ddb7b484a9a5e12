"""What lies between frames that follow each other.

Between two frames every pixel is thought to move in a straight line, in steps below a voxel, and to change from the
grey level that it has in one frame to that in the other: near a frame it looks like that frame, half-way like the mean
of both. What a step lands on was swept. What was swept and seen by no pixel is a hole, and the grey levels that the
steps leave there are its filling: weighted by the distance to the two frames, never from farther than the gap between
them, and never outside the swept region.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import DTypeLike

from ..compilation.jit import compiled
from ..geometry import transform_points
from ..values.progress import Progress
from ..words import tr
from .footprint import row_runs
from .inserter import Inserter, exact_coefficients
from .kernels.nearest import BYTES, EXACT, LATEST, nearest_kernel
from .region import Region, image_to_voxel_matrix
from .settings import ReconstructionSettings

_BIN_VOXELS = 0.6  # below 1 as well
_STEP_VOXELS = 0.7  # below 1, so that slanted images leave few voxels out; join_swept closes those


def pixel_size_mm(pose: np.ndarray) -> np.ndarray:
    """(2,) distance of neighbouring columns and of neighbouring rows of an image, mm."""
    size_mm: np.ndarray = np.linalg.norm(np.asarray(pose, dtype=np.float64)[:3, :2], axis=0)
    return size_mm


def gaps_mm(poses: Sequence[np.ndarray], image_size: tuple[int, int]) -> np.ndarray:
    """(n - 1,) how far the farthest corner of the image moves from each frame to the next, mm."""
    width, height = image_size
    corners = np.array([(u, v, 0.0) for u in (0, width - 1) for v in (0, height - 1)])
    points = np.array([transform_points(pose, corners) for pose in poses])
    return np.linalg.norm(np.diff(points, axis=0), axis=2).max(axis=1) if len(points) > 1 else np.zeros(0)


def widest_filled_mm(
    poses: Sequence[np.ndarray], image_size: tuple[int, int], settings: ReconstructionSettings
) -> float:
    """The widest gap across the images (SweepQuality.gap_mm) that is filled by distance, mm; 0.0 where nothing is."""
    from .quality.sweep_quality import gap_map_mm

    if settings.fill != "distance" or len(poses) < 2:
        return 0.0
    is_filled = gaps_mm(poses, image_size) <= settings.longest_gap_mm
    return float(gap_map_mm(poses, image_size, settings)[is_filled].max(initial=0.0))


# See steps_between().
Step = tuple[int, float, np.ndarray, float]


def steps_between(
    poses: Sequence[np.ndarray], image_size: tuple[int, int], settings: ReconstructionSettings
) -> Iterator[Step]:
    """Number of the first of two frames, part of the way to the second, pose there, distance to the nearer frame in mm.

    Frames farther apart than `longest_gap_mm` are not one sweep: nothing lies between them.
    """
    step_mm = _STEP_VOXELS * min(settings.spacing_mm)
    for number, gap in enumerate(gaps_mm(poses, image_size)):
        if step_mm < gap <= settings.longest_gap_mm:
            steps = int(np.ceil(gap / step_mm))
            for step in range(1, steps):
                part = step / steps
                pose = poses[number] + (poses[number + 1] - poses[number]) * part
                yield number, part, pose, gap * min(part, 1 - part)


def mark_between(
    poses: Sequence[np.ndarray],
    image_size: tuple[int, int],
    region: Region,
    settings: ReconstructionSettings,
    between: np.ndarray,
) -> None:
    """Set `between`, contiguous uint8 (k, j, i), to 1 where something lies between frames that follow each other."""
    if len(poses) < 2:
        return
    runs, scale = _thinned_runs(poses[0], image_size, settings)
    kernel = nearest_kernel(EXACT, LATEST, BYTES)
    pixels = np.ones((runs.shape[0], -(-image_size[0] // scale[0])), dtype=np.uint8)
    pixels.flags.writeable = False
    i, j, k = region.dimensions
    strides = np.array([1, i, i * j], dtype=np.int64)
    low, size = np.zeros(3, dtype=np.int64), np.array([i, j, k], dtype=np.int64)
    flat, nothing = between.reshape(-1), np.zeros(1)

    def mark(step: Step) -> None:
        coefficients = exact_coefficients(image_to_voxel_matrix(step[2], region) * (scale[0], scale[1], 1.0), False)
        kernel(pixels, runs, coefficients, low, size - 1, size, strides, flat, flat, nothing, -np.inf)

    # threads may mark the same voxel at the same time: they all write 1
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:
        list(pool.map(mark, steps_between(poses, image_size, settings)))


class BetweenInserter(Inserter):
    """The mean of the grey levels between frames that follow each other, voxel by voxel.

    Images are made smaller by whole numbers of pixels first, as far as the voxels allow.
    """

    def __init__(
        self,
        region: Region,
        image_size: tuple[int, int],
        dtype: DTypeLike,
        settings: ReconstructionSettings,
        pixel_mm: np.ndarray,
    ) -> None:
        plain = settings.with_changes(
            interpolation="nearest", compounding="mean", definition="exact", fill="none", pixel_rejection_threshold=None
        )
        super().__init__(region, image_size, dtype, plain)
        self._image_size, self._fill_radius_mm = image_size, settings.fill_radius_mm
        bins = np.maximum(1, np.floor(_BIN_VOXELS * min(settings.spacing_mm) / np.asarray(pixel_mm))).astype(int)
        self._columns, self._rows = (int(min(count, size)) for count, size in zip(bins, image_size))
        self.image_shape = (image_size[1] // self._rows, image_size[0] // self._columns)
        runs = self.runs[self._rows // 2 :: self._rows][: self.image_shape[0]]
        self.runs = np.stack([-(-runs[:, :, 0] // self._columns), (runs[:, :, 1] + 1) // self._columns - 1], axis=2)
        self.runs = np.ascontiguousarray(self.runs, dtype=np.int32)
        self._bin_to_image = np.diag([self._columns, self._rows, 1.0, 1.0])
        self._bin_to_image[:2, 3] = (self._columns - 1) / 2, (self._rows - 1) / 2

    def insert_between(
        self,
        frames: Sequence[np.ndarray],
        poses: Sequence[np.ndarray],
        progress: Progress | None = None,
    ) -> None:
        """Add what lies between these frames, (v, u) arrays with their ImageToReference, in the order of the sweep, and
        no farther than `fill_radius_mm` from one of them.
        """
        steps = [
            step for step in steps_between(poses, self._image_size, self.settings) if step[3] <= self._fill_radius_mm
        ]
        rounding = 0.0 if self.dtype.kind == "f" else 0.5
        batch = 8 * self.threads  # of images held at a time
        for first in range(0, len(steps), batch):
            part = steps[first : first + batch]
            numbers = sorted({step[0] for step in part} | {step[0] + 1 for step in part})
            binned = {number: np.empty(self.image_shape, dtype=np.float32) for number in numbers}

            def bin_one(number: int, binned: dict[int, np.ndarray] = binned) -> None:
                bin_image(frames[number], self._rows, self._columns, binned[number])

            self._on_threads(bin_one, numbers)
            images = [np.empty(self.image_shape, dtype=self.dtype) for _ in part]

            def blend(
                place: int, part: list[Step] = part, binned: dict[int, np.ndarray] = binned,
                images: list[np.ndarray] = images,
            ) -> None:  # fmt: skip
                number, weight, _, _ = part[place]
                blend_images(binned[number], binned[number + 1], weight, rounding, images[place])

            self._on_threads(blend, range(len(part)))
            self.insert(images, [step[2] @ self._bin_to_image for step in part])
            if progress:
                progress((first + len(part)) / len(steps), tr("filling between frames"))


@compiled
def bin_image(image: np.ndarray, rows: int, columns: int, result: np.ndarray) -> None:
    """The mean over `rows` x `columns` pixels into each pixel of `result`, float32."""
    share = np.float32(1.0 / (rows * columns))
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            total = np.float32(0.0)
            for v in range(row * rows, (row + 1) * rows):
                for u in range(column * columns, (column + 1) * columns):
                    total += np.float32(image[v, u])
            result[row, column] = total * share


@compiled
def blend_images(first: np.ndarray, second: np.ndarray, part: float, rounding: float, result: np.ndarray) -> None:
    """(1 - part) * first + part * second into `result`; `rounding` is 0.5 for integers and 0 for floats."""
    weight_first, weight_second = np.float32(1 - part), np.float32(part)
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            mixed = weight_first * first[row, column] + weight_second * second[row, column]
            result[row, column] = np.floor(mixed + np.float32(rounding)) if rounding > 0 else mixed


@compiled
def join_swept(seen: np.ndarray, between: np.ndarray, swept: np.ndarray, first_k: int, last_k: int) -> None:
    """Write slices `first_k` to `last_k` of `swept`: 1 where `seen` or `between` is, or both neighbours along an axis
    are.

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


def _thinned_runs(
    pose: np.ndarray, image_size: tuple[int, int], settings: ReconstructionSettings
) -> tuple[np.ndarray, np.ndarray]:
    """The used pixels of an image with only as many columns and rows as a step needs, and every how many are kept."""
    scale = np.maximum(1, np.floor(_STEP_VOXELS * min(settings.spacing_mm) / pixel_size_mm(pose))).astype(int)
    runs = row_runs(image_size, settings)[:: scale[1]]
    thinned = np.stack([-(-runs[:, :, 0] // scale[0]), runs[:, :, 1] // scale[0]], axis=2)
    return np.ascontiguousarray(thinned, dtype=np.int32), scale
