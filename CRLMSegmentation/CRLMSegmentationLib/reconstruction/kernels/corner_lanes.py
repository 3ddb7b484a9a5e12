"""The eight voxels around a pixel, worked on side by side.

While pixel after pixel falls between the same eight voxels, what they hold is kept in one small array, the 'lanes', so
that the processor does several corners with each vector instruction. Within a voxel the order stays that of the pixels.

Lanes are float64. That changes nothing: every pixel type and IGSIO's integer weights are exact in it.
The lanes of values and weights lie far apart: the compiler sees that they never meet. One loop goes over all eight
corners, as many as the widest vectors hold: on a processor with vectors of eight, two loops over four took twice as
long. The loop gets their number as an argument, because the compiler unrolls a loop of known length before it thinks
of vectors.
"""

from __future__ import annotations

import numpy as np

from ...compilation.jit import inlined
from .arithmetic import IGSIO_BITS, igsio_floor, wrapped_to_32_bits

SECOND = 256  # from the lane of a value to that of its weight, or of SEEN and HIT
LANES = 512
SEEN, HIT = 1, 2  # a pixel came near; IGSIO's maximum only: it also left its value

# corner q lies at i + (q & 1), j + (q >> 1 & 1), k + (q >> 2); its weight along an axis is _AT_0 + _CHANGE * part
UPPER_I = np.array([0, 1, 0, 1, 0, 1, 0, 1], dtype=np.int64)
UPPER_J = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
UPPER_K = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=np.int64)
_AT_0_I, _CHANGE_I = 1.0 - UPPER_I, 2.0 * UPPER_I - 1.0
_AT_0_J, _CHANGE_J = 1.0 - UPPER_J, 2.0 * UPPER_J - 1.0
_AT_0_K, _CHANGE_K = 1.0 - UPPER_K, 2.0 * UPPER_K - 1.0

# what becomes of pixels that meet in a voxel: a sum in doubles, IGSIO's means
(PLAIN_SUM, IGSIO_INTEGERS, IGSIO_FLOATS, IGSIO_DOUBLES, PLAIN_INTEGERS, PLAIN_SINGLES, PLAIN_DOUBLES) = range(7)

_IGSIO_ONE = 1 << IGSIO_BITS
_HALF = _IGSIO_ONE // 2
_ONE = float(_IGSIO_ONE)
_HEAVIEST = 65535.0  # in 1/256: IGSIO's weights stop there
_TO_INTEGER = 6755399441055744.0  # 1.5 * 2^52
_QUOTIENT_OFFSET = 412316860416.0  # 1.5 * 2^38: adding it rounds a double to multiples of 2^-14
_ABOVE_A_TIE = 2.0**-16


@inlined
def _nearest_integer(value: float) -> float:
    """Of a double below 2^50, ties to even; without the function call that floor() may become."""
    return (value + _TO_INTEGER) - _TO_INTEGER


@inlined
def corner_weight_jk(corner: int, part_j: float, part_k: float) -> float:
    """Weight of a corner along j and k, of a pixel at `part_j`, `part_k` (0 to 1) between them."""
    return (_AT_0_J[corner] + _CHANGE_J[corner] * part_j) * (_AT_0_K[corner] + _CHANGE_K[corner] * part_k)


@inlined
def corner_weight_i(corner: int, part_i: float) -> float:
    """The same along i."""
    return _AT_0_I[corner] + _CHANGE_I[corner] * part_i


@inlined
def rounded_igsio_weight(weight: float) -> float:
    """A product of IGSIO's fixed-point weights, in units of 2^-14, as a whole number of them; halves are rounded up."""
    return _nearest_integer(weight + _ABOVE_A_TIE)


@inlined
def add_to_plain_sum(value: float, second: float, weight: float, pixel: float) -> tuple[float, float]:
    """Weight and weighted pixel.

    Each of these functions takes a voxel's two lanes, the weight of a pixel there and its grey level, and gives the two
    lanes as they become.
    """
    if weight != 0:
        return value + weight * pixel, second + weight
    return value, second


@inlined
def igsio_mean_of_integers(value: float, known: float, weight: float, pixel: float, lowest: int) -> tuple[float, float]:
    """IGSIO's running mean, (weight * pixel + known * value) / (weight + known), of integers of two bytes from `lowest`
    on. IGSIO lets the numerator overflow a C int.
    """
    if weight == 0:
        return value, known
    before = np.int64(known) << 6
    after = np.int64(weight) + before
    total = wrapped_to_32_bits(np.int64(weight) * np.int64(pixel) + before * np.int64(value))
    quotient = np.float64(total) / np.float64(after) + _QUOTIENT_OFFSET
    rounded = np.int64((quotient - _QUOTIENT_OFFSET) * _ONE)
    return _wrapped((rounded + _HALF) >> IGSIO_BITS, lowest, 65535), _igsio_weight_256(after)


@inlined
def igsio_mean_of_floats(value: float, known: float, weight: float, pixel: float) -> tuple[float, float]:
    """The same in single precision, without rounding to integers."""
    if weight == 0:
        return value, known
    before = np.int64(known) << 6
    after = np.int64(weight) + before
    part_known = np.float32(before) * np.float32(1 / _ONE)
    part_added = np.float32(weight) * np.float32(1 / _ONE)
    both = np.float32(after) * np.float32(1 / _ONE)
    mean = (part_added * np.float32(pixel) + part_known * np.float32(value)) / both
    return np.float64(mean), _igsio_weight_256(after)


@inlined
def igsio_mean_of_doubles(value: float, known: float, weight: float, pixel: float) -> tuple[float, float]:
    """The same in double precision."""
    if weight == 0:
        return value, known
    before = np.int64(known) << 6
    after = np.int64(weight) + before
    return (np.int64(weight) * pixel + before * value) / np.float64(after), _igsio_weight_256(after)


@inlined
def _igsio_weight_256(after: int) -> float:
    weight_256 = ((after << 8) + _HALF) >> IGSIO_BITS
    return np.float64(weight_256) if (after << 8) < (np.int64(_HEAVIEST) << IGSIO_BITS) else _HEAVIEST


@inlined
def igsio_plain_mean_of_integers(
    value: float, known: float, weight: float, pixel: float, lowest: int, mask: int
) -> tuple[float, float]:
    """IGSIO's mean with weights in doubles."""
    if weight == 0:
        return value, known
    mean, weight_256 = _plain_mean(value, known, weight, pixel)
    return _wrapped(igsio_floor(mean + 0.5), lowest, mask), weight_256


@inlined
def igsio_plain_mean_of_floats(
    value: float, known: float, weight: float, pixel: float, single: bool
) -> tuple[float, float]:
    """The same, without rounding to integers but to `single` precision."""
    if weight == 0:
        return value, known
    mean, weight_256 = _plain_mean(value, known, weight, pixel)
    return (np.float64(np.float32(mean)) if single else mean), weight_256


@inlined
def _plain_mean(value: float, known: float, weight: float, pixel: float) -> tuple[float, float]:
    known /= 256.0
    both = weight + known
    weight_256 = both * 256.0
    kept = np.float64(igsio_floor(weight_256 + 0.5)) if weight_256 < _HEAVIEST else _HEAVIEST
    return (weight * pixel + known * value) / both, kept


@inlined
def _wrapped(value: float, lowest: int, mask: int) -> float:
    """An int64 as it is after being put into an integer of fewer bits."""
    return np.float64(((value - lowest) & mask) + lowest)


@inlined
def compounded(
    way: int, value: float, second: float, weight: float, pixel: float, lowest: int, mask: int
) -> tuple[float, float]:
    """A voxel's two lanes after `pixel` with `weight`, in one of the ways named above.

    way, lowest, mask  constants of the caller, so that only one of the branches is compiled
    lowest, mask       of integer voxels: their lowest value, and as many ones as they have bits
    """
    if way == PLAIN_SUM:
        return add_to_plain_sum(value, second, weight, pixel)
    if way == IGSIO_INTEGERS:
        return igsio_mean_of_integers(value, second, weight, pixel, lowest)
    if way == IGSIO_FLOATS:
        return igsio_mean_of_floats(value, second, weight, pixel)
    if way == IGSIO_DOUBLES:
        return igsio_mean_of_doubles(value, second, weight, pixel)
    if way == PLAIN_INTEGERS:
        return igsio_plain_mean_of_integers(value, second, weight, pixel, lowest, mask)
    return igsio_plain_mean_of_floats(value, second, weight, pixel, way == PLAIN_SINGLES)
