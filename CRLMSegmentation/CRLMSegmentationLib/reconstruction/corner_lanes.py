"""The eight voxels around a pixel, worked on side by side.

While pixel after pixel falls between the same eight voxels, what they hold is kept in one small array, the 'lanes', so
that the processor does several corners with each vector instruction. Within a voxel the order stays that of the pixels.

Lanes are float64. That changes nothing: every pixel type, IGSIO's integer weights and the integer sums are exact in it.
The lanes of the four lower corners along i and of the four upper ones lie far apart, values and weights as well: the
compiler sees that they never meet. A loop over four corners gets their number as an argument, because the compiler
unrolls a loop of known length before it thinks of vectors.
"""

from __future__ import annotations

import numpy as np

from .arithmetic import IGSIO_BITS, igsio_floor, wrapped_to_32_bits
from .jit import inlined, pasted

UPPER_I = 128  # from the lane of a corner to that of its neighbour along i
SECOND = 256  # from the lane of a value to that of its weight, or of SEEN and HIT
LANES = 512
SEEN, HIT = 1, 2  # of 'latest' and 'maximum': a pixel came near; it also left its value

# corner q of the four lies at j + (q & 1) and k + (q >> 1); its weight along an axis is _AT_0 + _CHANGE * part
UPPER_J = np.array([0, 1, 0, 1], dtype=np.int64)
UPPER_K = np.array([0, 0, 1, 1], dtype=np.int64)
_AT_0_J, _CHANGE_J = 1.0 - UPPER_J, 2.0 * UPPER_J - 1.0
_AT_0_K, _CHANGE_K = 1.0 - UPPER_K, 2.0 * UPPER_K - 1.0

# what becomes of pixels that meet in a voxel
(KEEP_LATEST, KEEP_MAXIMUM, PACKED_SUM, PLAIN_SUM, IGSIO_BYTES, IGSIO_INTEGERS, IGSIO_FLOATS, IGSIO_DOUBLES,
 PLAIN_INTEGERS, PLAIN_SINGLES, PLAIN_DOUBLES) = range(11)  # fmt: skip

_IGSIO_ONE = 1 << IGSIO_BITS
_HALF = _IGSIO_ONE // 2
_ONE = float(_IGSIO_ONE)
_HEAVIEST = 65535.0  # in 1/256: IGSIO's weights stop there
_TO_INTEGER = 6755399441055744.0  # 1.5 * 2^52
_QUOTIENT_OFFSET = 412316860416.0  # 1.5 * 2^38: adding it rounds a double to multiples of 2^-14
_ABOVE_A_TIE = 2.0**-16
_ROUNDED_UP = 0.5 + 2.0**-15
_BELOW_A_TIE = 2.0**-40 - 0.5


@inlined
def _nearest_integer(value):
    """Of a double below 2^50, ties to even; without the function call that floor() may become."""
    return (value + _TO_INTEGER) - _TO_INTEGER


@inlined
def plain_weight_jk(corner, part_j, part_k):
    """Weight of one of the four corners along j and k of a pixel at `part_j`, `part_k` (0 to 1) between them."""
    return (_AT_0_J[corner] + _CHANGE_J[corner] * part_j) * (_AT_0_K[corner] + _CHANGE_K[corner] * part_k)


@inlined
def igsio_weight_jk(corner, part_j, part_k):
    """The same in IGSIO's fixed point: a whole number of 2^-14, halves rounded up."""
    return _nearest_integer(plain_weight_jk(corner, part_j, part_k) * _ONE + _ABOVE_A_TIE)


@inlined
def igsio_weight(weight_i, weight_jk):
    """Of `weight_i` (0 to 1) and a whole number of 2^-14 again one."""
    return _nearest_integer(weight_i * weight_jk + _ABOVE_A_TIE)


@pasted
def keep_latest(lanes, at, weight, pixel, least):
    if weight >= least:
        lanes[at] = pixel
        lanes[at + SECOND] = HIT


@pasted
def keep_maximum(lanes, at, weight, pixel, least):
    if weight >= least:
        if pixel > lanes[at]:
            lanes[at] = pixel
            lanes[at + SECOND] = HIT
        else:
            lanes[at + SECOND] = max(lanes[at + SECOND], SEEN)


@pasted
def add_to_packed_sum(lanes, at, weight, pixel, unit):
    """Weight and weighted pixel in whole units, of which `unit` are 1."""
    units = _nearest_integer(weight * unit)
    lanes[at] += units * np.float64(pixel)
    lanes[at + SECOND] += units


@pasted
def add_to_plain_sum(lanes, at, weight, pixel):
    if weight != 0:
        lanes[at] += weight * pixel
        lanes[at + SECOND] += weight


@pasted
def igsio_mean_of_bytes(lanes, at, weight, pixel):
    """IGSIO's running mean of uint8, new value = (weight * pixel + known * value) / (weight + known).

    IGSIO rounds the quotient to 2^-14 and then to an integer, halves up. So the value is n from n - 0.5 - 2^-15 on, a
    border that the quotient of two such integers meets exactly or misses by 2^-38 and more. That leaves room to multiply
    by the reciprocal, which is ready before the numerator is: each pixel waits for the value that the one before left.
    """
    value, known = lanes[at], lanes[at + SECOND]
    added = weight * (256 / _ONE)  # known and added are in 1/256
    numerator = (added * (np.float64(pixel) + _ROUNDED_UP) + known * _ROUNDED_UP) + known * value
    reciprocal = 1.0 / (added + known) if weight != 0 else 0.0
    lanes[at] = _nearest_integer(numerator * reciprocal + (_BELOW_A_TIE if weight != 0 else value))
    lanes[at + SECOND] = min(_nearest_integer(known + (added + 2.0**-8)), _HEAVIEST)


@pasted
def igsio_mean_of_integers(lanes, at, weight, pixel, lowest):
    """The same for integers of two bytes from `lowest` on; IGSIO lets their product with the weight overflow a C int."""
    if weight != 0:
        before = np.int64(lanes[at + SECOND]) << 6
        after = np.int64(weight) + before
        total = wrapped_to_32_bits(np.int64(weight) * np.int64(pixel) + before * np.int64(lanes[at]))
        quotient = np.float64(total) / np.float64(after) + _QUOTIENT_OFFSET
        rounded = np.int64((quotient - _QUOTIENT_OFFSET) * _ONE)
        lanes[at] = _wrapped((rounded + _HALF) >> IGSIO_BITS, lowest, 65535)
        _keep_igsio_weight(lanes, at, after)


@pasted
def igsio_mean_of_floats(lanes, at, weight, pixel):
    """The same in single precision, without rounding to integers."""
    if weight != 0:
        before = np.int64(lanes[at + SECOND]) << 6
        after = np.int64(weight) + before
        known = np.float32(before) * np.float32(1 / _ONE)
        added = np.float32(weight) * np.float32(1 / _ONE)
        both = np.float32(after) * np.float32(1 / _ONE)
        lanes[at] = (added * np.float32(pixel) + known * np.float32(lanes[at])) / both
        _keep_igsio_weight(lanes, at, after)


@pasted
def igsio_mean_of_doubles(lanes, at, weight, pixel):
    """The same in double precision."""
    if weight != 0:
        before = np.int64(lanes[at + SECOND]) << 6
        after = np.int64(weight) + before
        lanes[at] = (np.int64(weight) * pixel + before * lanes[at]) / np.float64(after)
        _keep_igsio_weight(lanes, at, after)


@pasted
def _keep_igsio_weight(lanes, at, after):
    weight_256 = ((after << 8) + _HALF) >> IGSIO_BITS
    lanes[at + SECOND] = weight_256 if (after << 8) < (np.int64(_HEAVIEST) << IGSIO_BITS) else _HEAVIEST


@pasted
def igsio_plain_mean_of_integers(lanes, at, weight, pixel, lowest, mask):
    """IGSIO's mean with weights in doubles."""
    if weight != 0:
        mean, weight_256 = _plain_mean(lanes, at, weight, pixel)
        lanes[at] = _wrapped(igsio_floor(mean + 0.5), lowest, mask)
        lanes[at + SECOND] = weight_256


@pasted
def igsio_plain_mean_of_floats(lanes, at, weight, pixel, single):
    """The same, without rounding to integers but to `single` precision."""
    if weight != 0:
        mean, weight_256 = _plain_mean(lanes, at, weight, pixel)
        lanes[at] = np.float64(np.float32(mean)) if single else mean
        lanes[at + SECOND] = weight_256


@pasted
def _plain_mean(lanes, at, weight, pixel):
    known = lanes[at + SECOND] / 256.0
    both = weight + known
    weight_256 = both * 256.0
    kept = np.float64(igsio_floor(weight_256 + 0.5)) if weight_256 < _HEAVIEST else _HEAVIEST
    return (weight * pixel + known * lanes[at]) / both, kept


@inlined
def _wrapped(value, lowest, mask):
    """An int64 as it is after being put into an integer of fewer bits."""
    return ((value - lowest) & mask) + lowest


@pasted
def add_to_corner(way, lanes, at, weight, pixel, limit, lowest, mask):
    """Take `pixel` with `weight` into the lane `at`, in one of the ways named above.

    way, limit, lowest, mask  constants of the caller, so that only one of the branches is compiled
    limit                     least weight that counts for KEEP_LATEST and KEEP_MAXIMUM; units in 1 for PACKED_SUM
    lowest, mask              of integer voxels: their lowest value, and as many ones as they have bits
    """
    if way == KEEP_LATEST:
        keep_latest(lanes, at, weight, pixel, limit)
    elif way == KEEP_MAXIMUM:
        keep_maximum(lanes, at, weight, pixel, limit)
    elif way == PACKED_SUM:
        add_to_packed_sum(lanes, at, weight, pixel, limit)
    elif way == PLAIN_SUM:
        add_to_plain_sum(lanes, at, weight, pixel)
    elif way == IGSIO_BYTES:
        igsio_mean_of_bytes(lanes, at, weight, pixel)
    elif way == IGSIO_INTEGERS:
        igsio_mean_of_integers(lanes, at, weight, pixel, lowest)
    elif way == IGSIO_FLOATS:
        igsio_mean_of_floats(lanes, at, weight, pixel)
    elif way == IGSIO_DOUBLES:
        igsio_mean_of_doubles(lanes, at, weight, pixel)
    elif way == PLAIN_INTEGERS:
        igsio_plain_mean_of_integers(lanes, at, weight, pixel, lowest, mask)
    else:
        igsio_plain_mean_of_floats(lanes, at, weight, pixel, way == PLAIN_SINGLES)


@pasted
def take_corners(way, lanes, i, j, k, low, high, strides, volume, hits, sums):
    """Fill the lanes from the voxels (i, j, k) to (i + 1, j + 1, k + 1) that lie from `low` to `high`.

    Lanes of others keep what they had: it goes nowhere.
    """
    if way == PACKED_SUM:
        lanes[:] = 0.0
        return
    for corner in range(8):
        upper_i, upper_j, upper_k = corner >> 2, corner & 1, (corner >> 1) & 1
        if _inside(i + upper_i, j + upper_j, k + upper_k, low, high):
            index = (i + upper_i) * strides[0] + (j + upper_j) * strides[1] + (k + upper_k) * strides[2]
            at = upper_i * UPPER_I + (corner & 3)
            lanes[at] = sums[index] if way == PLAIN_SUM else volume[index]
            lanes[at + SECOND] = hits[index]


@pasted
def put_corners_back(way, sum_bits, lanes, i, j, k, low, high, strides, volume, hits, sums):
    """Write the lanes to the voxels that `take_corners` took them from."""
    for corner in range(8):
        upper_i, upper_j, upper_k = corner >> 2, corner & 1, (corner >> 1) & 1
        if _inside(i + upper_i, j + upper_j, k + upper_k, low, high):
            index = (i + upper_i) * strides[0] + (j + upper_j) * strides[1] + (k + upper_k) * strides[2]
            at = upper_i * UPPER_I + (corner & 3)
            if way == PACKED_SUM:
                weight, total = np.uint64(lanes[at + SECOND]), np.uint64(lanes[at])
                sums[index] += (weight << np.uint64(sum_bits)) + total
            else:
                if way == PLAIN_SUM:
                    sums[index] = lanes[at]
                else:
                    volume[index] = lanes[at]
                hits[index] = lanes[at + SECOND]


@pasted
def _inside(i, j, k, low, high):
    return low[0] <= i <= high[0] and low[1] <= j <= high[1] and low[2] <= k <= high[2]
