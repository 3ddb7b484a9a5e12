"""Eight voxels in vectors of the processor's own, written in LLVM's language.

numba has no vectors that stay in registers from one pixel to the next. Vectors of LLVM are of eight elements on every
processor, which does them in one, two or four of its own.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.extending import intrinsic

from .arithmetic import IGSIO_BITS
from .corner_lanes import UPPER_I, UPPER_J, UPPER_K

GREY_OFFSET = 0.5 + 2.0**-15  # a mean is rounded to 2^-14, then to an integer, halves up
_BELOW_A_TIE = 2.0**-40 - 0.5
_TO_INTEGER = 6755399441055744.0  # 1.5 * 2^52: adding it to a double below 2^50 rounds it to an integer
# Weight, in 2^-14, of a voxel that has none: nothing beside a pixel's. Where a pixel has none either, the voxel stays
# what it is, and that may be a grey level: weights below 2^-9 are kept as none.
_ALMOST_NOTHING = 2.0**-60
_HEAVIEST = 65535  # in 1/256: IGSIO's weights stop there
_FUSED = ("contract",)  # a product and a sum may be rounded as one

_EIGHT_INTEGERS = ir.VectorType(ir.IntType(32), 8)
_EIGHT_DOUBLES = ir.VectorType(ir.DoubleType(), 8)
_EIGHT_WORDS = ir.VectorType(ir.IntType(64), 8)


def _integers(value: int) -> ir.Constant:
    return ir.Constant(_EIGHT_INTEGERS, [value] * 8)


def _doubles(value: float) -> ir.Constant:
    return ir.Constant(_EIGHT_DOUBLES, [value] * 8)


def _words(value: int) -> ir.Constant:
    return ir.Constant(_EIGHT_WORDS, [value] * 8)


def _in_all_lanes(builder: Any, value: Any, kind: ir.VectorType) -> Any:
    alone = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(alone, ir.Constant(kind, ir.Undefined), _integers(0))


def _product(builder: Any, some: Any, others: Any) -> Any:
    """Of two weights in units of 2^-14, halves rounded up."""
    product = builder.add(builder.mul(some, others), _integers(1 << (IGSIO_BITS - 1)))
    return builder.lshr(product, _integers(IGSIO_BITS))


def _weights_of_corners(builder: Any, parts: list[Any]) -> Any:
    """Of a pixel at `parts` (i, j, k; in units of 2^-14) between eight voxels, in the order of corner_lanes."""
    along = []
    for part, upper in zip(parts, (UPPER_I, UPPER_J, UPPER_K), strict=True):
        is_upper = ir.Constant(ir.VectorType(ir.IntType(1), 8), upper.tolist())
        in_all = _in_all_lanes(builder, part, _EIGHT_INTEGERS)
        along.append(builder.select(is_upper, in_all, builder.sub(_integers(1 << IGSIO_BITS), in_all)))
    return _product(builder, _product(builder, along[1], along[2]), along[0])


def _means_with_a_pixel(builder: Any, means: Any, known: Any, weights: Any, grey: Any) -> tuple[Any, Any]:
    """The eight means (doubles) and their weights (integers, 1/256) after a pixel, whose `grey` has GREY_OFFSET added.

    IGSIO rounds the quotient to 2^-14 and then to an integer, halves up. So a value is n from n - 0.5 - 2^-15 on, a
    border that the quotient of two such integers meets exactly or misses by 2^-38 and more. That leaves room to
    multiply by a reciprocal, and to have all but one product and one sum ready before the pixel before is done.
    """
    added = builder.sitofp(weights, _EIGHT_DOUBLES)  # both in 2^-14
    before = builder.fmul(builder.sitofp(known, _EIGHT_DOUBLES), _doubles(64.0), flags=_FUSED)
    before = builder.fadd(before, _doubles(_ALMOST_NOTHING), flags=_FUSED)
    reciprocal = builder.fdiv(_doubles(1.0), builder.fadd(added, before))
    of_pixel = builder.fmul(added, _in_all_lanes(builder, grey, _EIGHT_DOUBLES), flags=_FUSED)
    ready = builder.fadd(of_pixel, builder.fmul(before, _doubles(GREY_OFFSET), flags=_FUSED), flags=_FUSED)
    ready = builder.fadd(builder.fmul(ready, reciprocal, flags=_FUSED), _doubles(_BELOW_A_TIE), flags=_FUSED)
    share = builder.fmul(before, reciprocal)
    means = builder.fadd(builder.fmul(share, means, flags=_FUSED), ready, flags=_FUSED)
    means = builder.fsub(builder.fadd(means, _doubles(_TO_INTEGER)), _doubles(_TO_INTEGER))
    heavier = builder.add(known, builder.lshr(builder.add(weights, _integers(32)), _integers(6)))
    stays = builder.icmp_signed("<", heavier, _integers(_HEAVIEST))
    return means, builder.select(stays, heavier, _integers(_HEAVIEST))


@intrinsic
def greater_bytes(typing_context: Any, some: Any, others: Any) -> Any:
    """The greater in each of the eight bytes of two uint64."""
    return types.uint64(types.uint64, types.uint64), _code_of_greater_bytes


def _code_of_greater_bytes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    some, others = (builder.bitcast(each, ir.VectorType(ir.IntType(8), 8)) for each in arguments)
    greater = builder.select(builder.icmp_unsigned(">", some, others), some, others)
    return builder.bitcast(greater, ir.IntType(64))


@intrinsic
def bytes_above(typing_context: Any, some: Any, others: Any) -> Any:
    """Ones in each of the eight bytes of `some`, a uint64, that is greater than that of `others`; 0 in the rest."""
    return types.uint64(types.uint64, types.uint64), _code_of_bytes_above


def _code_of_bytes_above(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    some, others = (builder.bitcast(each, ir.VectorType(ir.IntType(8), 8)) for each in arguments)
    above = builder.sext(builder.icmp_unsigned(">", some, others), some.type)
    return builder.bitcast(above, ir.IntType(64))


@intrinsic
def igsio_means_of_pixels(
    typing_context: Any, values: Any, known: Any, more_known: Any, parts: Any, greys: Any, first: Any, end: Any
) -> Any:
    """(values, known, more_known) of eight voxels after the pixels `first` to `end` - 1 went in, one after the other.

    values             uint64, a byte for each voxel, the first of corner_lanes in the lowest
    known, more_known  uint64, two bytes for each of the lower and of the upper four: their weights in 1/256
    parts              (3, n) int32, where each pixel lies between them along i, j and k, in 2^-14, below 1
    greys              (n,) float64, grey levels with GREY_OFFSET added
    """
    given = (types.uint64, types.uint64, types.uint64, parts, greys, types.int64, types.int64)
    return types.UniTuple(types.uint64, 3)(*given), _code_of_igsio_means


def _code_of_igsio_means(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    values, known, more_known, parts, greys, first, end = arguments
    parts = context.make_array(signature.args[3])(context, builder, parts)
    greys = context.make_array(signature.args[4])(context, builder, greys)
    columns = builder.extract_value(parts.shape, 1)
    bytes_of_values = builder.bitcast(values, ir.VectorType(ir.IntType(8), 8))
    means = cgutils.alloca_once_value(builder, builder.uitofp(bytes_of_values, _EIGHT_DOUBLES))
    both = ir.Constant(ir.VectorType(ir.IntType(64), 2), ir.Undefined)
    for lane, weights in enumerate((known, more_known)):
        both = builder.insert_element(both, weights, ir.Constant(ir.IntType(32), lane))
    words = builder.bitcast(both, ir.VectorType(ir.IntType(16), 8))
    heavy = cgutils.alloca_once_value(builder, builder.zext(words, _EIGHT_INTEGERS))
    one = ir.Constant(ir.IntType(64), 1)
    with cgutils.for_range_slice(builder, first, end, one, intp=ir.IntType(64)) as (pixel, _):
        at = [pixel]
        for _ in range(2):
            at.append(builder.add(at[-1], columns))
        weights = _weights_of_corners(builder, [builder.load(builder.gep(parts.data, [index])) for index in at])
        grey = builder.load(builder.gep(greys.data, [pixel]))
        after = _means_with_a_pixel(builder, builder.load(means), builder.load(heavy), weights, grey)
        builder.store(after[0], means)
        builder.store(after[1], heavy)
    integers = builder.fptosi(builder.load(means), _EIGHT_INTEGERS)
    values = builder.bitcast(builder.trunc(integers, ir.VectorType(ir.IntType(8), 8)), ir.IntType(64))
    words = builder.trunc(builder.load(heavy), ir.VectorType(ir.IntType(16), 8))
    both = builder.bitcast(words, ir.VectorType(ir.IntType(64), 2))
    halves = [builder.extract_element(both, ir.Constant(ir.IntType(32), lane)) for lane in range(2)]
    return context.make_tuple(builder, signature.return_type, [values, *halves])


@intrinsic
def sums_of_pixels(typing_context: Any, parts: Any, greys: Any, first: Any, end: Any, units: Any, sum_bits: Any) -> Any:
    """What the pixels `first` to `end` - 1 add to eight voxels, weight << sum_bits | weighted sum: eight uint64.

    parts     (3, n) float64, where each pixel lies between them along i, j and k, below 1
    greys     (n,) uint64 below 2^31
    units     float64: so many make a weight of 1; 2^10 at most
    sum_bits  uint64

    No more than 2^31 grey levels times units.
    """
    given = (parts, greys, types.uint64, types.uint64, types.float64, types.uint64)
    return types.UniTuple(types.uint64, 8)(*given), _code_of_sums


def _code_of_sums(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    parts, greys, first, end, units, sum_bits = arguments
    parts = context.make_array(signature.args[0])(context, builder, parts)
    greys = context.make_array(signature.args[1])(context, builder, greys)
    columns = builder.extract_value(parts.shape, 1)
    units = _in_all_lanes(builder, units, _EIGHT_DOUBLES)
    totals = cgutils.alloca_once_value(builder, ir.Constant(_EIGHT_WORDS, [0] * 8))
    one = ir.Constant(ir.IntType(64), 1)
    with cgutils.for_range_slice(builder, first, end, one, intp=ir.IntType(64)) as (pixel, _):
        at = [pixel]
        for _ in range(2):
            at.append(builder.add(at[-1], columns))
        weights = _doubles_of_corners(builder, [builder.load(builder.gep(parts.data, [index])) for index in at])
        # the lower half of such a double is a rounded integer, and a product of two lower halves is one instruction
        rounded = builder.fadd(builder.fmul(weights, units), _doubles(_TO_INTEGER))
        weights = builder.and_(builder.bitcast(rounded, _EIGHT_WORDS), _words(0xFFFFFFFF))
        # both sums in one: the weight from bit 31 on
        factor = builder.or_(builder.load(builder.gep(greys.data, [pixel])), ir.Constant(ir.IntType(64), 1 << 31))
        factor = builder.and_(_in_all_lanes(builder, factor, _EIGHT_WORDS), _words(0xFFFFFFFF))
        builder.store(builder.add(builder.load(totals), builder.mul(weights, factor)), totals)
    both = builder.load(totals)
    weights = builder.shl(builder.lshr(both, _words(31)), _in_all_lanes(builder, sum_bits, _EIGHT_WORDS))
    both = builder.add(weights, builder.and_(both, _words((1 << 31) - 1)))
    elements = [builder.extract_element(both, ir.Constant(ir.IntType(32), lane)) for lane in range(8)]
    return context.make_tuple(builder, signature.return_type, elements)


def _doubles_of_corners(builder: Any, parts: list[Any]) -> Any:
    """Like _weights_of_corners, in doubles: 1 for a pixel in the middle of a voxel."""
    along = []
    for part, upper in zip(parts, (UPPER_I, UPPER_J, UPPER_K), strict=True):
        in_all = _in_all_lanes(builder, part, _EIGHT_DOUBLES)
        change = ir.Constant(_EIGHT_DOUBLES, (2.0 * upper - 1.0).tolist())
        at_0 = ir.Constant(_EIGHT_DOUBLES, (1.0 - upper).tolist())
        along.append(builder.fadd(builder.fmul(in_all, change, flags=_FUSED), at_0, flags=_FUSED))
    return builder.fmul(builder.fmul(along[1], along[2]), along[0])
