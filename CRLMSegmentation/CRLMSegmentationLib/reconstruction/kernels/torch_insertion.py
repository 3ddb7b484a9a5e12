"""Frames into voxels on a GPU: the exact definition of uint8 and uint16 pixels, the same to the voxel as on the CPU.

Everything that pixels do to a voxel here is a sum or a maximum of integers, which come out the same in any order: the
packed sum of the exact mean, the brightest pixel, and for 'latest' the largest of (when it came, its grey level).
Pixels outside, and corners that do not count, go to one voxel after the last, so that nothing is copied through a
mask.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from ...values.progress import Progress
from ..inserter import Inserter
from ..settings import ReconstructionSettings
from .arithmetic import EXACT_BITS
from .linear_sums import WEIGHT_BITS
from .nearest import EXACT, SUM_BITS

_GREY_BITS = 16  # of the key of 'latest'
_LEAST_WEIGHT = 0.125


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
) -> None:
    """Do what `inserter.insert` does for the first frames of an inserter, on the torch device named."""
    import torch

    assert inserter.arithmetic == EXACT and inserter.dtype in (np.uint8, np.uint16)
    count = inserter.region.number_of_voxels
    totals = torch.zeros(count + 1, dtype=torch.int64, device=device)
    places = torch.from_numpy(_pixels_of(inserter.runs)).to(device)
    rows, columns = places[0], places[1]
    size = inserter.region.dimensions
    strides = tuple(int(stride) for stride in inserter.strides)
    threshold = inserter.settings.pixel_rejection_threshold
    for number, (frame, pose) in enumerate(zip(frames, poses)):
        pixels = torch.from_numpy(np.array(inserter._checked(frame), dtype=np.int32)).to(device)[rows, columns].long()
        matrix = inserter.coefficients(pose)
        parts = [(0, 0, 0)]
        if inserter.packed:
            parts = inserter.packed_sums.parts_of(matrix, inserter.image_shape)
        positions = [
            (rows * int(matrix[axis, 1]) + int(matrix[axis, 2])) + columns * int(matrix[axis, 0]) for axis in range(3)
        ]
        used = torch.ones_like(pixels, dtype=torch.bool) if threshold is None else pixels >= threshold
        for first, last, weight in parts:
            within = used
            if inserter.packed:
                _make_room(totals, inserter, weight)
                within = used if len(parts) == 1 else used & (rows >= first) & (rows <= last)
            if inserter.linear:
                half = 1 << (EXACT_BITS - 1)
                for axis in range(3):  # nearest to a voxel of the volume
                    within = within & (positions[axis] >= -half)
                    within = within & (positions[axis] < (size[axis] << EXACT_BITS) - half)
                for index, weight in _corners(positions, size, strides, within, count):
                    _take(totals, inserter, index, pixels, weight, number)
            else:
                indices = [position >> EXACT_BITS for position in positions]
                index = _flat_index(indices, size, strides, within, count)
                _take(totals, inserter, index, pixels, None, number)
        if progress:
            progress((number + 1) / len(frames), "inserting frames")
    _hand_over(totals[:count].cpu().numpy(), inserter)


def _make_room(totals, inserter: Inserter, weight: int) -> None:
    """See PackedSums.make_room; the totals come over to the processor only when a voxel may be full."""
    import torch

    emptied = inserter.packed_sums.make_room(lambda: totals[:-1].cpu().numpy().view(np.uint64), weight)
    if emptied is not None:
        totals[:-1] = torch.from_numpy(emptied.view(np.int64)).to(totals.device)


def _pixels_of(runs: np.ndarray) -> np.ndarray:
    """(2, n) int64 rows and columns of the used pixels, in raster order."""
    columns = np.arange(max(1, int(runs[:, :, 1].max()) + 1))
    used = ((columns >= runs[:, :, :1]) & (columns <= runs[:, :, 1:])).any(axis=1)
    return np.stack(np.nonzero(used)).astype(np.int64)


def _flat_index(indices, size, strides, used, outside: int):
    """Flat voxel index of every pixel; `outside` where it is not used or lies outside the volume."""
    inside = used
    for index, number in zip(indices, size):
        inside = inside & (index >= 0) & (index < number)
    flat = indices[0] * strides[0] + indices[1] * strides[1] + indices[2] * strides[2]
    return flat.where(inside, flat.new_full((), outside))


def _corners(positions, size, strides, used, outside: int):
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
        yield _flat_index(indices, size, strides, used, outside), weights[0] * (weights[1] * weights[2])


def _take(totals, inserter: Inserter, index, pixels, weight, number: int) -> None:
    """Put the pixels of frame `number` into `totals`: see _hand_over for what they hold."""
    import torch

    outside = totals.numel() - 1
    compounding = inserter.settings.compounding
    if compounding == "mean":
        units = torch.ones_like(pixels)
        if weight is not None:
            units = torch.round(weight * float(1 << WEIGHT_BITS[inserter.kind])).long()
        totals.index_add_(0, index, units * ((1 << SUM_BITS[inserter.kind]) + pixels))
        return
    if weight is not None:
        index = torch.where(weight >= _LEAST_WEIGHT, index, outside)
    keys = pixels + 1
    if compounding == "latest":
        order = torch.arange(1, pixels.numel() + 1, device=pixels.device) + number * pixels.numel()
        keys = (order << _GREY_BITS) + pixels
    totals.scatter_reduce_(0, index, keys, "amax")


def _hand_over(totals: np.ndarray, inserter: Inserter) -> None:
    """Turn the totals (packed sums; grey level + 1; or order and grey level) into the inserter's own arrays."""
    compounding = inserter.settings.compounding
    if compounding == "mean":
        inserter.sums[:] = totals.view(np.uint64)
        return
    seen = totals != 0
    inserter.hits[:] = seen
    if compounding == "maximum":
        totals -= seen
    inserter.values[:] = totals & ((1 << _GREY_BITS) - 1)
