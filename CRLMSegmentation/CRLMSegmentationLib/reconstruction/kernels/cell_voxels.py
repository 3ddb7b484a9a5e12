"""The eight voxels of a cell, fetched from a flat volume and put back.

Two of them at a time lie side by side, along i, and go together. A cell that lies in a slab only in part takes its
voxels one by one. The order is that of corner_lanes: in the integers here, the first voxel is in the lowest bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from ...compilation.jit import inlined

ALL_CORNERS = np.uint64(255)
_NOTHING = np.uint64(0)
_ONE = np.uint64(1)
_WORD, _LANE = ir.IntType(64), ir.IntType(32)


@inlined
def corners_in_slab(i: int, j: int, k: int, low: np.ndarray, high: np.ndarray) -> int:
    """A bit for each corner of the cell at (i, j, k) whose voxel lies in the slab from `low` to `high`."""
    there = _NOTHING
    for corner in range(8):
        at_i, at_j, at_k = i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2)
        if low[0] <= at_i <= high[0] and low[1] <= at_j <= high[1] and low[2] <= at_k <= high[2]:
            there |= _ONE << np.uint64(corner)
    return there


@inlined
def offset_of_corner(corner: int, strides: np.ndarray) -> int:
    """From the first voxel of a cell to the one at its corner."""
    offset = np.uint64(corner & 1)
    if corner & 2:
        offset += np.uint64(strides[1])
    if corner & 4:
        offset += np.uint64(strides[2])
    return offset


@inlined
def bytes_of_cell(flat: np.ndarray, base: int, strides: np.ndarray, there: int) -> int:
    """The voxels (uint8) of the cell whose first one is `base`, as one uint64; 0 for those that are not in the slab.

    there  of corners_in_slab, or ALL_CORNERS
    """
    if there == ALL_CORNERS:
        return whole_cell(flat, base, np.uint64(strides[1]), np.uint64(strides[2]))[0]
    values = _NOTHING
    for corner in range(8):
        if there >> np.uint64(corner) & _ONE:
            values |= np.uint64(flat[base + offset_of_corner(corner, strides)]) << np.uint64(8 * corner)
    return values


@inlined
def put_bytes_of_cell(flat: np.ndarray, base: int, strides: np.ndarray, there: int, values: int) -> None:
    """Write what bytes_of_cell reads."""
    if there == ALL_CORNERS:
        put_whole_cell(flat, base, np.uint64(strides[1]), np.uint64(strides[2]), (values,))
        return
    for corner in range(8):
        if there >> np.uint64(corner) & _ONE:
            flat[base + offset_of_corner(corner, strides)] = (values >> np.uint64(8 * corner)) & np.uint64(255)


@inlined
def words_of_cell(flat: np.ndarray, base: int, strides: np.ndarray, there: int) -> tuple[int, int]:
    """The same of voxels of two bytes (uint16): the lower four and the upper four."""
    if there == ALL_CORNERS:
        return whole_cell(flat, base, np.uint64(strides[1]), np.uint64(strides[2]))
    lower, upper = _NOTHING, _NOTHING
    for corner in range(8):
        if there >> np.uint64(corner) & _ONE:
            word = np.uint64(flat[base + offset_of_corner(corner, strides)]) << np.uint64(16 * (corner & 3))
            if corner < 4:
                lower |= word
            else:
                upper |= word
    return lower, upper


@inlined
def put_words_of_cell(flat: np.ndarray, base: int, strides: np.ndarray, there: int, words: tuple[int, int]) -> None:
    """Write what words_of_cell reads."""
    if there == ALL_CORNERS:
        put_whole_cell(flat, base, np.uint64(strides[1]), np.uint64(strides[2]), words)
        return
    for corner in range(8):
        if there >> np.uint64(corner) & _ONE:
            word = words[0] if corner < 4 else words[1]
            flat[base + offset_of_corner(corner, strides)] = (word >> np.uint64(16 * (corner & 3))) & np.uint64(65535)


@inlined
def add_to_cell(flat: np.ndarray, base: int, strides: np.ndarray, there: int, added: tuple[int, ...]) -> None:
    """Add eight uint64 to the voxels (uint64) of a cell."""
    if there == ALL_CORNERS:
        add_to_whole_cell(flat, base, np.uint64(strides[1]), np.uint64(strides[2]), added)
        return
    for corner in range(8):
        if there >> np.uint64(corner) & _ONE:
            flat[base + offset_of_corner(corner, strides)] += one_of_eight(added, corner)


@intrinsic
def whole_cell(typing_context: Any, flat: Any, base: Any, stride_j: Any, stride_k: Any) -> Any:
    """All eight voxels of the cell whose first one is `base`, in as many uint64 as a voxel has bytes: a tuple.

    They are read one by one, and written in pairs. The cell before may just have written one of them, in a pair with
    another; a processor reads what lies in one write that is under way, but waits for the end of two.
    """
    given = (flat, types.uint64, types.uint64, types.uint64)
    return types.UniTuple(types.uint64, flat.dtype.bitwidth // 8)(*given), _code_of_whole_cell


@intrinsic
def put_whole_cell(typing_context: Any, flat: Any, base: Any, stride_j: Any, stride_k: Any, words: Any) -> Any:
    """Write what whole_cell reads."""
    return types.void(flat, types.uint64, types.uint64, types.uint64, words), _code_of_put_whole_cell


@intrinsic
def one_of_eight(typing_context: Any, words: Any, number: Any) -> Any:
    """An element of a tuple, whose number is not tested: a test that may raise costs counting references to arrays."""
    return types.uint64(words, types.uint64), _code_of_one_of_eight


@intrinsic
def add_to_whole_cell(typing_context: Any, flat: Any, base: Any, stride_j: Any, stride_k: Any, added: Any) -> Any:
    """Add eight uint64 to the voxels (uint64) of a cell, which are read and written as above."""
    return types.void(flat, types.uint64, types.uint64, types.uint64, added), _code_of_add_to_whole_cell


def _code_of_one_of_eight(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.extract_element(_vector_of(builder, arguments[0]), arguments[1])


def _code_of_whole_cell(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pairs = _pairs_of_cell(context, builder, signature, arguments)
    voxels = _read_one_by_one(builder, pairs)
    number = len(signature.return_type)
    words = builder.bitcast(voxels, ir.VectorType(_WORD, number))
    elements = [builder.extract_element(words, ir.Constant(_LANE, lane)) for lane in range(number)]
    return context.make_tuple(builder, signature.return_type, elements)


def _code_of_put_whole_cell(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pairs = _pairs_of_cell(context, builder, signature, arguments)
    words = _vector_of(builder, arguments[-1])
    _write_pairs(builder, pairs, builder.bitcast(words, ir.VectorType(pairs[0].type.pointee.element, 8)))
    return context.get_dummy_value()


def _code_of_add_to_whole_cell(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pairs = _pairs_of_cell(context, builder, signature, arguments)
    _write_pairs(builder, pairs, builder.add(_read_one_by_one(builder, pairs), _vector_of(builder, arguments[-1])))
    return context.get_dummy_value()


def _read_one_by_one(builder: Any, pairs: list[Any]) -> Any:
    """Eight voxels as a vector."""
    voxel = pairs[0].type.pointee.element
    voxels = ir.Constant(ir.VectorType(voxel, 8), ir.Undefined)
    for corner in range(8):
        first = builder.bitcast(pairs[corner // 2], voxel.as_pointer())
        place = builder.gep(first, [ir.Constant(_WORD, corner % 2)])
        # in LLVM's words 'atomic', though without any order, or it would read two at once
        value = builder.load_atomic(place, "monotonic", voxel.width // 8)
        voxels = builder.insert_element(voxels, value, ir.Constant(_LANE, corner))
    return voxels


def _vector_of(builder: Any, words: Any) -> Any:
    """A tuple of uint64 as a vector."""
    number = len(words.type.elements)
    vector = ir.Constant(ir.VectorType(_WORD, number), ir.Undefined)
    for lane in range(number):
        word = builder.extract_value(words, lane)
        vector = builder.insert_element(vector, word, ir.Constant(_LANE, lane))
    return vector


def _write_pairs(builder: Any, pairs: list[Any], voxels: Any) -> None:
    for number, pair in enumerate(pairs):
        lanes = ir.Constant(ir.VectorType(_LANE, 2), [2 * number, 2 * number + 1])
        of_pair = builder.shuffle_vector(voxels, ir.Constant(voxels.type, ir.Undefined), lanes)
        builder.store(of_pair, pair, align=pair.type.pointee.element.width // 8)


def _pairs_of_cell(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Pointers to the four pairs of voxels."""
    flat = context.make_array(signature.args[0])(context, builder, arguments[0])
    base, stride_j, stride_k = arguments[1:4]
    upper = builder.add(base, stride_k)
    pair = ir.VectorType(flat.data.type.pointee, 2).as_pointer()
    places = base, builder.add(base, stride_j), upper, builder.add(upper, stride_j)
    return [builder.bitcast(builder.gep(flat.data, [place]), pair) for place in places]
