"""Frames into voxels on a GPU: the exact definition of uint8 and uint16 pixels, the same to the voxel as on the CPU.

Everything that pixels do to a voxel here is a sum or a maximum of integers, which come out the same in any order: the
packed sum of the exact mean, the brightest pixel, and for 'latest' the largest of (when it came, its grey level).
Pixels outside, and corners that do not count, go to one voxel after the last, so that nothing is copied through a
mask. So a whole sweep, or as many of its frames as the memory has room for, is one tensor (frames, pixels), inserted by
a few kernels; the frames are copied over together, as bytes, and the volume comes back finished.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from ...values.progress import Progress
from ...words import tr
from ..inserter import Inserter
from ..settings import ReconstructionSettings
from .arithmetic import EXACT_BITS
from .linear_sums import WEIGHT_BITS
from .nearest import EXACT, SUM_BITS

if TYPE_CHECKING:
    import torch

_GREY_BITS = 16  # of the key of 'latest'
_LEAST_WEIGHT = 0.125
# What lies between the pixels and the voxels takes so much for each pixel, in about ten tensors of 64 bits; of a card's
# free memory no more than this share is taken, and on a processor no more than its caches like.
_BYTES_A_PIXEL = 160
_MEMORY_SHARE = 0.25
_PIXELS_ON_A_PROCESSOR = 1 << 18


def torch_device(settings: ReconstructionSettings, dtype: DTypeLike) -> str | None:
    """The device on which such a sweep can be reconstructed with torch, None when numba has to do it.

    Torch is not even imported where there is no NVIDIA driver: that would take longer than a reconstruction.
    """
    possible = settings.definition == "exact" and np.dtype(dtype) in (np.uint8, np.uint16)
    if settings.device == "cpu" or not possible:
        return None
    if settings.device == "auto" and not (os.path.exists("/dev/nvidia0") or os.name == "nt"):
        return None
    try:
        import torch
    except ImportError:
        return None
    return "cuda" if torch.cuda.is_available() else None


def insert_with_torch(
    inserter: Inserter,
    frames: Sequence[np.ndarray],
    poses: Sequence[np.ndarray],
    device: str,
    progress: Progress | None = None,
    pixels_at_once: int | None = None,
) -> None:
    """Do what `inserter.insert` does for the first frames of an inserter, on the torch device named.

    pixels_at_once  of all frames that are inserted together, at least one frame; None for what the device has room for
    """
    assert inserter.arithmetic == EXACT and inserter.dtype in (np.uint8, np.uint16)
    insertion = _Insertion(inserter, device)
    at_once = max(1, (pixels_at_once or _room_for_pixels(device)) // max(1, insertion.pixels_of_a_frame))
    matrices = [inserter.coefficients(pose) for pose in poses]
    done = 0
    for batch in _batches(inserter, matrices, at_once):
        insertion.insert([frames[number] for number in batch.numbers], [matrices[n] for n in batch.numbers], batch)
        done = batch.numbers[-1] + 1
        if progress:
            progress(done / len(frames), tr("inserting frames"))
    insertion.hand_over()


class _Batch:
    """Frames that are inserted together: their numbers, the rows of them that are used, and the weight that no voxel's
    gain exceeds.
    """

    def __init__(self, rows: tuple[int, int]):
        self.numbers: list[int] = []
        self.rows, self.weight = rows, 0


def _batches(inserter: Inserter, matrices: Sequence[np.ndarray], at_once: int) -> Iterator[_Batch]:
    """All frames in their order, so many together, fewer where a voxel could be full; a frame that could fill one up
    alone comes in parts.
    """
    all_rows = (0, inserter.image_shape[0] - 1)
    batch = _Batch(all_rows)
    for number, matrix in enumerate(matrices):
        parts = [(*all_rows, 0)]
        if inserter.packed_sums is not None:
            parts = inserter.packed_sums.parts_of(matrix, inserter.image_shape)
        for first, last, weight in parts:
            is_full = inserter.packed_sums is not None and batch.weight + weight > inserter.packed_sums.room_for_half()
            if batch.numbers and (is_full or len(batch.numbers) == at_once or batch.rows != (first, last)):
                yield batch
                batch = _Batch((first, last))
            batch.rows = (first, last)
            batch.numbers.append(number)
            batch.weight += weight
    if batch.numbers:
        yield batch


class _Insertion:
    """The totals of all voxels, and one more for what goes nowhere, on a device."""

    def __init__(self, inserter: Inserter, device: str):
        import torch

        self._inserter, self._device = inserter, torch.device(device)
        count = inserter.region.number_of_voxels
        self._totals = torch.zeros(count + 1, dtype=torch.int64, device=device)
        places = torch.from_numpy(_pixels_of(inserter.runs)).to(device)
        self._rows, self._columns = places[0], places[1]
        self._at = self._rows * inserter.image_shape[1] + self._columns  # in a flat frame

    @property
    def pixels_of_a_frame(self) -> int:
        return self._at.numel()

    def insert(self, frames: Sequence[np.ndarray], matrices: Sequence[np.ndarray], batch: _Batch) -> None:
        """Frames (v, u) with their coefficients (3, 4), all at once."""
        import torch

        inserter = self._inserter
        if inserter.packed:
            self._make_room(batch.weight)
        pixels = self._on_device(frames)[:, self._at].long()
        matrix = torch.from_numpy(np.stack(matrices).astype(np.int64)).to(self._device, non_blocking=True)
        positions = [
            (self._rows * matrix[:, axis, 1, None] + matrix[:, axis, 2, None])
            + self._columns * matrix[:, axis, 0, None]
            for axis in range(3)
        ]
        used = self._used(pixels, batch.rows)
        order = self._order(batch.numbers) if inserter.settings.compounding == "latest" else None
        size = inserter.region.dimensions
        if inserter.linear:
            half = 1 << (EXACT_BITS - 1)
            for position, number in zip(positions, size):  # nearest to a voxel of the volume
                used = used & (position >= -half) & (position < (number << EXACT_BITS) - half)
            for index, weight in self._corners(positions, used):
                self._take(index, pixels, weight, order)
        else:
            self._take(self._flat_index([position >> EXACT_BITS for position in positions], used), pixels, None, order)

    def _on_device(self, frames: Sequence[np.ndarray]) -> torch.Tensor:
        """(frames, v * u), copied over together and as the small integers that they are."""
        import torch

        flat = [self._inserter._checked(frame).reshape(-1) for frame in frames]
        # torch's wide integers of 16 bits have a sign, which is taken off again on the device.
        kind = torch.uint8 if self._inserter.dtype == np.uint8 else torch.int16
        together = torch.empty((len(flat), flat[0].size), dtype=kind, pin_memory=self._device.type == "cuda")
        into = together.numpy().view(self._inserter.dtype)
        for number, frame in enumerate(flat):
            into[number] = frame
        there = together.to(self._device, non_blocking=True)
        return there if kind == torch.uint8 else there.int() & 0xFFFF

    def _used(self, pixels: torch.Tensor, rows: tuple[int, int]) -> torch.Tensor:
        """Boolean, (frames, pixels) or (1, pixels): bright enough, and in the rows."""
        import torch

        used = torch.ones((1, pixels.shape[1]), dtype=torch.bool, device=self._device)
        if rows != (0, self._inserter.image_shape[0] - 1):
            used = used & (self._rows >= rows[0]) & (self._rows <= rows[1])
        threshold = self._inserter.settings.pixel_rejection_threshold
        return used if threshold is None else used & (pixels >= threshold)

    def _order(self, numbers: Sequence[int]) -> torch.Tensor:
        """When a pixel came, (frames, pixels) from 1 on."""
        import torch

        count = self.pixels_of_a_frame
        first = torch.tensor(list(numbers), device=self._device) * count
        return torch.arange(1, count + 1, device=self._device) + first[:, None]

    def _flat_index(self, indices: Sequence[torch.Tensor], used: torch.Tensor) -> torch.Tensor:
        """Flat voxel index of every pixel; the one after the last where it is not used or lies outside the volume."""
        inside = used
        for index, number in zip(indices, self._inserter.region.dimensions):
            inside = inside & (index >= 0) & (index < number)
        i, j, k = (int(stride) for stride in self._inserter.strides)
        flat = indices[0] * i + indices[1] * j + indices[2] * k
        return flat.where(inside, flat.new_full((), self._totals.numel() - 1))

    def _corners(
        self, positions: Sequence[torch.Tensor], used: torch.Tensor
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Flat index and weight of the eight voxels around every pixel, one corner at a time."""
        lower = [position >> EXACT_BITS for position in positions]
        parts = [
            (position - (index << EXACT_BITS)).double() * 2.0**-EXACT_BITS for position, index in zip(positions, lower)
        ]
        for corner in range(8):
            upper = corner & 1, corner >> 1 & 1, corner >> 2
            weights = [part if up else 1.0 - part for part, up in zip(parts, upper)]
            indices = [index + up for index, up in zip(lower, upper)]
            # multiplied in the order of linear.py
            yield self._flat_index(indices, used), weights[0] * (weights[1] * weights[2])

    def _take(
        self, index: torch.Tensor, pixels: torch.Tensor, weight: torch.Tensor | None, order: torch.Tensor | None
    ) -> None:
        """Put pixels into the totals: see hand_over for what they hold."""
        import torch

        kind = self._inserter.kind
        if self._inserter.settings.compounding == "mean":
            values = pixels + (1 << SUM_BITS[kind])
            if weight is not None:
                values = torch.round(weight * float(1 << WEIGHT_BITS[kind])).long() * values
            self._totals.index_add_(0, index.reshape(-1), values.reshape(-1))
            return
        if weight is not None:
            index = torch.where(weight >= _LEAST_WEIGHT, index, self._totals.numel() - 1)
        keys = pixels + 1 if order is None else (order << _GREY_BITS) + pixels
        self._totals.scatter_reduce_(0, index.reshape(-1), keys.reshape(-1), "amax")

    def _make_room(self, weight: int) -> None:
        """See PackedSums.make_room; the totals come over to the processor only when a voxel may be full."""
        import torch

        sums = self._inserter.packed_sums
        assert sums is not None, "only packed sums overflow"
        emptied = sums.make_room(lambda: self._totals[:-1].cpu().numpy().view(np.uint64), weight)
        if emptied is not None:
            self._totals[:-1] = torch.from_numpy(emptied.view(np.int64)).to(self._device)

    def hand_over(self) -> None:
        """Turn the totals (packed sums; grey level + 1; or order and grey level) into the inserter's own arrays."""
        inserter, totals = self._inserter, self._totals[:-1]
        if inserter.settings.compounding == "mean":
            inserter.sums[:] = totals.cpu().numpy().view(np.uint64)
            return
        seen = totals != 0
        if inserter.settings.compounding == "maximum":
            totals = totals - seen.long()
        inserter.hits[:] = seen.byte().cpu().numpy()
        grey = totals & ((1 << _GREY_BITS) - 1)
        grey = grey.byte() if inserter.dtype == np.uint8 else grey.short()
        inserter.values[:] = grey.cpu().numpy().view(inserter.dtype)


def _pixels_of(runs: np.ndarray) -> np.ndarray:
    """(2, n) int64 rows and columns of the used pixels, in raster order."""
    columns = np.arange(max(1, int(runs[:, :, 1].max()) + 1))
    used = ((columns >= runs[:, :, :1]) & (columns <= runs[:, :, 1:])).any(axis=1)
    return np.stack(np.nonzero(used)).astype(np.int64)


def _room_for_pixels(device: str) -> int:
    import torch

    if torch.device(device).type != "cuda":
        return _PIXELS_ON_A_PROCESSOR
    return int(_MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]) // _BYTES_A_PIXEL
