"""Filling voxels that no pixel reached: the compiled part.

`fill_sticks` is IGSIO's (vtkIGSIOFillHolesInVolume, after Vaughan et al., Hole filling with oriented sticks in ultrasound
volume reconstruction, J Med Imaging 2015): along thirteen directions the nearest seen voxel on either side is looked for;
the shortest such sticks are interpolated along and averaged.

`fill_by_distance` averages the seen voxels around a hole by the inverse square of their distance (Shepard, A
two-dimensional interpolation function for irregularly-spaced data, 1968), out to twice the distance of the nearest. It
takes what is left over after between.py: pinholes, and holes between pixels that are farther apart than voxels.
"""

from __future__ import annotations

import numpy as np

from .jit import compiled

STICKS = np.array(
    [
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
        (1, 1, 0), (1, 0, 1), (0, 1, 1),
        (1, -1, 0), (1, 0, -1), (0, 1, -1),
        (1, 1, 1), (-1, 1, 1), (1, -1, 1), (-1, -1, 1),
    ],
    dtype=np.int64,
)  # fmt: skip
STICK_LENGTHS = np.sqrt((STICKS * STICKS).sum(axis=1).astype(np.float64))
BLOCK_BITS = 3  # edge of the blocks in which `occupied_blocks` looks for seen voxels: 8 voxels


@compiled
def occupied_blocks(known, first_block, last_block, occupied):
    """Set `occupied` (blocks k, j, i) to 1 where a block of `known` (k, j, i) has a voxel that is not 0."""
    size_k, size_j, size_i = known.shape
    for k in range(first_block << BLOCK_BITS, min((last_block + 1) << BLOCK_BITS, size_k)):
        for j in range(size_j):
            for i in range(size_i):
                if known[k, j, i] != 0:
                    occupied[k >> BLOCK_BITS, j >> BLOCK_BITS, i >> BLOCK_BITS] = 1


@compiled
def widened_blocks(occupied, reach):
    """1 for every block that has an occupied one within `reach` blocks along each axis."""
    size_k, size_j, size_i = occupied.shape
    near = np.zeros(occupied.shape, dtype=np.uint8)
    for k in range(size_k):
        for j in range(size_j):
            for i in range(size_i):
                if occupied[k, j, i] != 0:
                    near[
                        max(0, k - reach) : k + reach + 1, max(0, j - reach) : j + reach + 1, max(0, i - reach) : i + reach + 1
                    ] = 1
    return near


@compiled
def take_over(values, seen, filled, known, swept, first_k, last_k):
    """In slices `first_k` to `last_k`, put the voxels that were `seen` over what `filled` has from between frames.

    known  not 0 where `filled` has a value; becomes not 0 where either has
    swept  see between.join_swept
    Returns the number of swept voxels that only `filled` has, and of those that neither has.
    """
    only_filled, neither = 0, 0
    for k in range(first_k, last_k + 1):
        for j in range(values.shape[1]):
            for i in range(values.shape[2]):
                if seen[k, j, i] != 0:
                    filled[k, j, i] = values[k, j, i]
                    known[k, j, i] = 1
                elif known[k, j, i] != 0:
                    only_filled += 1
                elif swept[k, j, i] != 0:
                    neither += 1
    return only_filled, neither


@compiled
def fill_sticks(volume, known, swept, anywhere, near, filled, first_k, last_k, stick_length, sticks_used):
    """Write into `filled` the slices `first_k` to `last_k` of `volume` with their holes filled.

    volume, filled  (k, j, i), one dtype, not the same array
    known           (k, j, i), not 0 where the volume has a value
    swept           (k, j, i), not 0 where the image passed; a hole elsewhere is filled only with `anywhere` (as IGSIO does)
    near            blocks that a stick could reach a known voxel from (widened_blocks)
    Returns the number of swept voxels filled. A hole without a stick becomes 0.
    """
    size_k, size_j, size_i = volume.shape
    stride_j, stride_k = size_i, size_i * size_j
    flat_volume, flat_known = volume.reshape(-1), known.reshape(-1)
    values = np.zeros(13, dtype=volume.dtype)
    weights = np.zeros(13, dtype=np.float64)
    number_filled = 0
    for k in range(first_k, last_k + 1):
        for j in range(size_j):
            for i in range(size_i):
                if known[k, j, i] != 0:
                    filled[k, j, i] = volume[k, j, i]
                    continue
                filled[k, j, i] = 0
                if near[k >> BLOCK_BITS, j >> BLOCK_BITS, i >> BLOCK_BITS] == 0:
                    continue
                if not anywhere and swept[k, j, i] == 0:
                    continue
                here = k * stride_k + j * stride_j + i
                best = 0.0
                for stick in range(13):
                    weights[stick] = 0.0
                    # with one stick asked for, a longer one than the best so far is of no use; an equally long one is
                    limit = np.int64(stick_length)
                    if sticks_used == 1 and best > 0.0:
                        limit = min(limit, np.int64(1.0 / (best * STICK_LENGTHS[stick]) + 1e-6))
                    if limit < 3:
                        continue
                    di, dj, dk = STICKS[stick, 0], STICKS[stick, 1], STICKS[stick, 2]
                    ahead_room, behind_room = np.int64(limit - 1), np.int64(limit - 1)
                    if di > 0:
                        ahead_room, behind_room = min(ahead_room, size_i - 1 - i), min(behind_room, i)
                    elif di < 0:
                        ahead_room, behind_room = min(ahead_room, i), min(behind_room, size_i - 1 - i)
                    if dj > 0:
                        ahead_room, behind_room = min(ahead_room, size_j - 1 - j), min(behind_room, j)
                    elif dj < 0:
                        ahead_room, behind_room = min(ahead_room, j), min(behind_room, size_j - 1 - j)
                    if dk > 0:
                        ahead_room, behind_room = min(ahead_room, size_k - 1 - k), min(behind_room, k)
                    elif dk < 0:
                        ahead_room, behind_room = min(ahead_room, k), min(behind_room, size_k - 1 - k)
                    stride = di + dj * stride_j + dk * stride_k
                    forward = 1
                    place = here + stride
                    while forward <= ahead_room and flat_known[place] == 0:
                        forward += 1
                        place += stride
                    if forward > ahead_room:
                        continue
                    ahead = flat_volume[place]
                    behind_room = min(behind_room, limit - 1 - forward)
                    backward = 1
                    place = here - stride
                    while backward <= behind_room and flat_known[place] == 0:
                        backward += 1
                        place -= stride
                    if backward > behind_room:
                        continue
                    behind = flat_volume[place]
                    length = np.float64(forward + backward + 1)
                    weight_ahead = (backward + 1) / length
                    weight_behind = 1.0 - weight_ahead
                    values[stick] = weight_behind * behind + weight_ahead * ahead
                    weights[stick] = 1.0 / (length * STICK_LENGTHS[stick])
                    best = max(best, weights[stick])
                used = 0
                total = 0.0
                total_weight = 0.0
                while used < sticks_used and best > 0.0:
                    following = 0.0
                    for stick in range(13):
                        if weights[stick] == best:
                            total += values[stick] * weights[stick]
                            total_weight += weights[stick]
                            used += 1
                            weights[stick] = 0.0
                        else:
                            following = max(following, weights[stick])
                    best = following
                if used > 0:
                    filled[k, j, i] = total / total_weight
                    if swept[k, j, i] != 0:
                        number_filled += 1
    return number_filled


@compiled
def fill_by_distance(volume, known, swept, offsets, squared_mm, filled, first_k, last_k, rounding):
    """Write into `filled` the slices `first_k` to `last_k` of `volume` with their holes filled.

    swept       (k, j, i), not 0 where the image passed; no hole elsewhere is filled
    offsets     (n, 3) int64 i, j, k steps to the voxels within reach, nearest first
    squared_mm  (n,) their squared distances, mm^2
    rounding    0.5 for integer voxels, 0 for floats
    Returns the number of voxels filled. A hole with nothing in reach becomes 0.
    """
    size_k, size_j, size_i = volume.shape
    number_filled = 0
    for k in range(first_k, last_k + 1):
        for j in range(size_j):
            for i in range(size_i):
                if known[k, j, i] != 0:
                    filled[k, j, i] = volume[k, j, i]
                    continue
                filled[k, j, i] = 0
                if swept[k, j, i] == 0:
                    continue
                total = 0.0
                total_weight = 0.0
                farthest = np.inf
                for place in range(offsets.shape[0]):
                    if squared_mm[place] > farthest:
                        break
                    ci, cj, ck = i + offsets[place, 0], j + offsets[place, 1], k + offsets[place, 2]
                    if ci < 0 or cj < 0 or ck < 0 or ci >= size_i or cj >= size_j or ck >= size_k:
                        continue
                    if known[ck, cj, ci] != 0:
                        weight = 1.0 / squared_mm[place]
                        total += weight * volume[ck, cj, ci]
                        total_weight += weight
                        farthest = min(farthest, 4.0 * squared_mm[place])
                if total_weight > 0.0:
                    filled[k, j, i] = np.floor(total / total_weight + rounding) if rounding > 0 else total / total_weight
                    number_filled += 1
    return number_filled
