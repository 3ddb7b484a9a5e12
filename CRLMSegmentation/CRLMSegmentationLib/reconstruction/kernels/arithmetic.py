"""Small compiled helpers that the insertion kernels share.

Voxel indices are computed in fixed point: IGSIO's, with 14 bits after the point, or ours, with 40, which is as good as
double precision and faster. IGSIO's other arithmetic is in doubles: `igsio_floor` is the floor of vtkImageReslice,
which first rounds a double to multiples of 2^-16; adding 0.5 before it gives IGSIO's rounding to the nearest integer.
"""

from __future__ import annotations

import numpy as np

from ...compilation.jit import inlined

IGSIO_BITS = 14  # after the point
EXACT_BITS = 40  # of ours: a pixel is placed to 1e-9 of a voxel, in volumes of up to four million voxels along an axis
RECURSIVE_AFTER = 255  # pixels in one voxel, from which on IGSIO's mean becomes a recursive filter
_ROUNDING_OFFSET = 103079215104.0  # 1.5 * 2^36
_ROUNDING_INTEGER = 103079215104
# multiplying by it and shifting by 24 bits divides any number below 2^16 by a number up to 256, exactly
_RECIPROCALS = np.array([0] + [(1 << 24) // divisor + 1 for divisor in range(1, 257)], dtype=np.int64)


def to_fixed_point(values: np.ndarray, bits: int) -> np.ndarray:
    """float64 to int64 in units of 2^-bits, ties to even."""
    return np.rint(np.asarray(values, dtype=np.float64) * float(1 << bits)).astype(np.int64)


@inlined
def igsio_floor(value: float) -> int:
    """IGSIO's PlusMath::Floor: the greatest integer that is not greater than `value`, by its way of rounding."""
    return np.int64(value + _ROUNDING_OFFSET) - _ROUNDING_INTEGER


@inlined
def igsio_index(column: float, step: int, start: float, shift: int) -> int:
    """IGSIO's nearest voxel index of a column in double precision; sums in its order."""
    return np.int64(column * step + start + shift + (_ROUNDING_OFFSET + 0.5)) - _ROUNDING_INTEGER


@inlined
def wrapped_to_32_bits(value: float) -> int:
    """What is left of an int64 in a C int."""
    return ((value + 2147483648) & 4294967295) - 2147483648


@inlined
def truncated_quotient(numerator: int, denominator: int) -> int:
    """C's integer division, rounding towards zero; denominator > 0."""
    if numerator >= 0:
        return numerator // denominator
    return -((-numerator) // denominator)


@inlined
def running_mean_of_bytes(value: float, count: int, pixel: float) -> float:
    """IGSIO's running mean of uint8, truncated at every pixel; a recursive filter after 255 of them."""
    if count < RECURSIVE_AFTER:
        total = np.int64(pixel) + np.int64(value) * count
        return np.uint8((total * _RECIPROCALS[count + 1]) >> 24)
    return np.uint8((np.int64(pixel) + 255 * np.int64(value)) >> 8)


@inlined
def running_mean_of_integers(value: float, count: int, pixel: float) -> float:
    """The same for longer integers, whose product with the weight overflows a C int; IGSIO lets it."""
    if count < RECURSIVE_AFTER:
        total = wrapped_to_32_bits(np.int64(pixel) * 256 + np.int64(value) * (256 * count))
        return truncated_quotient(total, 256 * (count + 1))
    return np.int64(np.float64(pixel) * (1 / 256) + np.float64(value) * (255 / 256))


@inlined
def running_mean_of_floats(value: float, count: int, pixel: float) -> float:
    """The same in single precision, without rounding to integers."""
    if count < RECURSIVE_AFTER:
        return (pixel + value * np.float32(count)) / np.float32(count + 1)
    return np.float32(np.float64(pixel) * (1 / 256) + np.float64(value) * (255 / 256))


@inlined
def running_mean_of_doubles(value: float, count: int, pixel: float) -> float:
    """The same in double precision."""
    if count < RECURSIVE_AFTER:
        return (pixel + value * np.float64(count)) / np.float64(count + 1)
    return pixel * (1 / 256) + value * (255 / 256)


@inlined
def columns_within_fixed(start: float, step: int, low: int, high: int, first: int, last: int) -> tuple[int, int]:
    """The part of columns `first` to `last` whose start + step * column lies from `low` to `high`."""
    if step == 0:
        if start < low or start > high:
            return first, first - 1
        return first, last
    if step > 0:
        lowest = -((start - low) // step)
        highest = (high - start) // step
    else:
        lowest = -((high - start) // -step)
        highest = (start - low) // -step
    return max(first, lowest), min(last, highest)


@inlined
def columns_near_slab(
    coefficients: np.ndarray,
    row: int,
    last: int,
    low: np.ndarray,
    high: np.ndarray,
    size: np.ndarray,
    bits: int,
    exact: bool,
) -> tuple[int, int, int, int]:
    """Of the columns 0 to `last` of a row, the first and last whose pixels come near to a voxel of a slab; and of those
    whose eight voxels all lie in it.

    low, high  (3,) first and last voxel of the slab; size: (3,) voxels of the volume
    exact      also where only the nearest of the eight voxels lies in the volume; else all eight do (IGSIO's rule)
    """
    first, inner_first, inner_last = np.int64(0), np.int64(0), last
    for axis in range(3):
        start = coefficients[axis, 1] * row + coefficients[axis, 2]
        step = coefficients[axis, 0]
        if exact:  # within a voxel of the slab, and nearest to a voxel of the volume
            lowest = max((low[axis] - 1) << bits, -(1 << (bits - 1)))
            highest = min(((high[axis] + 1) << bits) - 1, (size[axis] << bits) - (1 << (bits - 1)) - 1)
        else:  # the lower of the two voxels may be the one below the slab, the upper is at most the last
            lowest = max(low[axis] - 1, 0) << bits
            highest = min(((high[axis] + 1) << bits) - 1, (size[axis] - 1) << bits)
        first, last = columns_within_fixed(start, step, lowest, highest, first, last)
        inner_first, inner_last = columns_within_fixed(
            start, step, low[axis] << bits, (high[axis] << bits) - 1, inner_first, inner_last
        )
    return first, last, inner_first, inner_last


@inlined
def columns_within_double(
    step: int, start: float, shift: int, low: int, high: int, first: int, last: int
) -> tuple[int, int]:
    """The part of columns `first` to `last` whose nearest index, which never turns, lies from `low` to `high`."""
    if first > last:
        return first, last
    rising = step >= 0
    at_first = igsio_index(first, step, start, shift)
    at_last = igsio_index(last, step, start, shift)
    if min(at_first, at_last) > high or max(at_first, at_last) < low:
        return first, first - 1
    if at_first < low or at_first > high:  # bisect for the first column that has come in
        outside, inside = first, last
        while inside - outside > 1:
            middle = (outside + inside) // 2
            index = igsio_index(middle, step, start, shift)
            if (index < low) if rising else (index > high):
                outside = middle
            else:
                inside = middle
        first = inside
    if at_last < low or at_last > high:  # bisect for the first column that has gone out again
        inside, outside = first, last
        while outside - inside > 1:
            middle = (outside + inside) // 2
            index = igsio_index(middle, step, start, shift)
            if (index > high) if rising else (index < low):
                outside = middle
            else:
                inside = middle
        last = outside - 1
        # `first` itself lies beyond when the index jumps over the whole range
        index = igsio_index(first, step, start, shift)
        if index < low or index > high:
            return first, first - 1
    return first, last
