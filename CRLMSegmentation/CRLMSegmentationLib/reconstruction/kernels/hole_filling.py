"""Filling voxels that no pixel reached: the compiled part.

`fill_sticks` is IGSIO's (vtkIGSIOFillHolesInVolume, after Vaughan et al., Hole filling with oriented sticks in
ultrasound volume reconstruction, J Med Imaging 2015): along thirteen directions the nearest seen voxel on either side
is looked for; the shortest such sticks are interpolated along and averaged.

`fill_by_distance` averages the seen voxels around a hole by the inverse square of their distance (Shepard, A
two-dimensional interpolation function for irregularly-spaced data, 1968), out to twice the distance of the nearest. It
takes what is left over after between.py: pinholes, and holes between pixels that are farther apart than voxels.
"""

from __future__ import annotations

import numpy as np

from ...compilation.jit import compiled, inlined

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


@compiled
def pack_bits(known: np.ndarray, words: np.ndarray, first_k: int, last_k: int) -> None:
    """Slices `first_k` to `last_k` of `known` (k, j, i) as bits, 64 voxels along i to a uint64 of `words` (k, j, word).

    The first and the last word of a row stay 0: they stand for what is outside.
    """
    for k in range(first_k, last_k + 1):
        for j in range(known.shape[1]):
            for word in range(words.shape[2] - 2):
                bits = np.uint64(0)
                first = word * 64
                for bit in range(min(64, known.shape[2] - first)):
                    if known[k, j, first + bit] != 0:
                        bits |= np.uint64(1) << np.uint64(bit)
                words[k, j, word + 1] = bits


@inlined
def _bits_ahead(words: np.ndarray, k: int, j: int, word: int, di: int, dj: int, dk: int, reach: int) -> np.uint64:
    """For 64 voxels, whether there is a known voxel within `reach` steps of (di, dj, dk)."""
    found = np.uint64(0)
    for step in range(1, reach + 1):
        at_k, at_j, shift = k + step * dk, j + step * dj, step * di
        if at_k < 0 or at_j < 0 or at_k >= words.shape[0] or at_j >= words.shape[1]:
            break
        here = words[at_k, at_j, word]
        if shift > 0:
            here = (here >> np.uint64(shift)) | (words[at_k, at_j, word + 1] << np.uint64(64 - shift))
        elif shift < 0:
            here = (here << np.uint64(-shift)) | (words[at_k, at_j, word - 1] >> np.uint64(64 + shift))
        found |= here
    return found


@compiled
def take_over(
    values: np.ndarray,
    seen: np.ndarray,
    filled: np.ndarray,
    known: np.ndarray,
    swept: np.ndarray,
    first_k: int,
    last_k: int,
) -> tuple[int, int]:
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
def fill_sticks(
    volume: np.ndarray,
    known: np.ndarray,
    words: np.ndarray,
    swept: np.ndarray,
    anywhere: bool,
    filled: np.ndarray,
    has_value: np.ndarray,
    first_k: int,
    last_k: int,
    stick_length: int,
    sticks_used: int,
) -> int:
    """Write into `filled` the slices `first_k` to `last_k` of `volume` with their holes filled.

    volume, filled  (k, j, i), one dtype, not the same array
    known           (k, j, i), not 0 where the volume has a value
    words           the same as bits, see pack_bits
    swept           (k, j, i), not 0 where the image passed; a hole elsewhere is filled only with `anywhere` (as IGSIO
                    does)
    has_value       (k, j, i) to write into: 1 where `filled` has a value, known or filled, else 0
    Returns the number of swept voxels filled. A hole without a stick becomes 0.
    """
    size_j, size_i = volume.shape[1], volume.shape[2]
    stride_j, stride_k = size_i, size_i * size_j
    flat_volume, flat_known = volume.reshape(-1), known.reshape(-1)
    possible = np.zeros(13, dtype=np.uint64)
    values = np.zeros(13, dtype=volume.dtype)
    weights = np.zeros(13, dtype=np.float64)
    number_filled = 0
    for k in range(first_k, last_k + 1):
        for j in range(size_j):
            for i in range(size_i):
                has_value[k, j, i] = known[k, j, i] != 0
                filled[k, j, i] = volume[k, j, i] if known[k, j, i] != 0 else 0
            for word in range(1, words.shape[2] - 1):
                holes = ~words[k, j, word]
                if holes == np.uint64(0):
                    continue
                # first for 64 voxels at once: along which sticks is there something on both sides?
                any_possible = np.uint64(0)
                for stick in range(13):
                    di, dj, dk = STICKS[stick, 0], STICKS[stick, 1], STICKS[stick, 2]
                    both = holes & _bits_ahead(words, k, j, word, di, dj, dk, stick_length - 2)
                    if both != np.uint64(0):
                        both &= _bits_ahead(words, k, j, word, -di, -dj, -dk, stick_length - 2)
                    possible[stick] = both
                    any_possible |= both
                if any_possible == np.uint64(0):
                    continue
                first_i = (word - 1) * 64
                for bit in range(min(64, size_i - first_i)):
                    if (any_possible >> np.uint64(bit)) & np.uint64(1) == np.uint64(0):
                        continue
                    i = first_i + bit
                    if not anywhere and swept[k, j, i] == 0:
                        continue
                    here = k * stride_k + j * stride_j + i
                    best = 0.0
                    for stick in range(13):
                        weights[stick] = 0.0
                        if (possible[stick] >> np.uint64(bit)) & np.uint64(1) == np.uint64(0):
                            continue
                        # with one stick asked for, a longer one than the best so far is of no use; an equal one is
                        limit = np.int64(stick_length)
                        if sticks_used == 1 and best > 0.0:
                            limit = min(limit, np.int64(1.0 / (best * STICK_LENGTHS[stick]) + 1e-6))
                        stride = STICKS[stick, 0] + STICKS[stick, 1] * stride_j + STICKS[stick, 2] * stride_k
                        forward = 1
                        place = here + stride
                        while forward < limit - 1 and flat_known[place] == 0:
                            forward += 1
                            place += stride
                        if forward >= limit - 1:
                            continue
                        ahead = flat_volume[place]
                        backward = 1
                        place = here - stride
                        while forward + backward < limit and flat_known[place] == 0:
                            backward += 1
                            place -= stride
                        if forward + backward >= limit:
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
                        has_value[k, j, i] = 1
                        if swept[k, j, i] != 0:
                            number_filled += 1
    return number_filled


@compiled
def fill_by_distance(
    volume: np.ndarray,
    known: np.ndarray,
    swept: np.ndarray,
    offsets: np.ndarray,
    squared_mm: np.ndarray,
    filled: np.ndarray,
    has_value: np.ndarray,
    first_k: int,
    last_k: int,
    rounding: float,
) -> int:
    """Write into `filled` the slices `first_k` to `last_k` of `volume` with their holes filled.

    swept       (k, j, i), not 0 where the image passed; no hole elsewhere is filled
    offsets     (n, 3) int64 i, j, k steps to the voxels within reach, nearest first
    squared_mm  (n,) their squared distances, mm^2
    has_value   (k, j, i) to write into: 1 where `filled` has a value, known or filled, else 0
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
                    has_value[k, j, i] = 1
                    continue
                filled[k, j, i] = 0
                has_value[k, j, i] = 0
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
                    filled[k, j, i] = (
                        np.floor(total / total_weight + rounding) if rounding > 0 else total / total_weight
                    )
                    has_value[k, j, i] = 1
                    number_filled += 1
    return number_filled
