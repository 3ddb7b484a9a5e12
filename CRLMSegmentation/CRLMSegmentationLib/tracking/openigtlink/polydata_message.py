"""POLYDATA: a surface of points, vertices, lines, polygons and triangle strips with attributes, in pyigtl's form.

Specification: OpenIGTLink protocol version 3, POLYDATA; the C++ library's igtl_polydata.h. Positions are in mm in the
frame that the two programs have agreed on (RAS with 3D Slicer).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from pyigtl import MessageBase

from .message_parts import Content, MalformedMessage, text_of

_HEADER = struct.Struct("> 10I")
_ATTRIBUTE = struct.Struct("> B B I")
_MOST_ATTRIBUTES = 256
_LONGEST_NAME = 255
_KINDS = ("scalar", "vector", "normal", "tensor", "rgba")
# How many numbers each point or cell has, where that is not free.
_COMPONENTS = {"vector": 3, "normal": 3, "tensor": 9, "rgba": 4}
_OF_CELLS = 0x10
# The numbers of the points of each cell; (n, k) where all have k.
Cells = np.ndarray | Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class PolyDataAttribute:
    """Numbers for each point, or each cell: values (n, components) float32; kind is one of scalar, vector, ..."""

    name: str
    values: np.ndarray
    kind: str = "scalar"
    of_cells: bool = False


class PolyDataMessage(MessageBase):
    """POLYDATA with `points` (n, 3) float32 and cells, each an array of the numbers of its points.

    vertices, lines, polygons, triangle_strips   lists of (k,) uint32
    attributes                                   list of PolyDataAttribute
    """

    def __init__(
        self, points: ArrayLike = (), polygons: Cells = (), vertices: Cells = (), lines: Cells = (),
        triangle_strips: Cells = (), attributes: Sequence[PolyDataAttribute] = (), timestamp: float | None = None,
        device_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(timestamp, device_name)
        self._message_type = "POLYDATA"
        self.points = np.asarray(points, dtype=np.float32).reshape(-1, 3)
        self.polygons, self.vertices, self.lines = polygons, vertices, lines
        self.triangle_strips, self.attributes = triangle_strips, list(attributes)
        self._valid_message = True

    def content_asstring(self) -> str:
        return f"{len(self.points)} points, {len(self.polygons)} polygons"

    def triangles(self) -> np.ndarray:
        """(n, 3) numbers of points: the polygons, those of more corners as fans of triangles."""
        if isinstance(self.polygons, np.ndarray) and self.polygons.ndim == 2 and self.polygons.shape[1] == 3:
            return self.polygons.astype(np.uint32, copy=False)
        fans = [[cell[0], cell[k], cell[k + 1]] for cell in self.polygons for k in range(1, len(cell) - 1)]
        return np.array(fans, dtype=np.uint32).reshape(-1, 3)

    def _pack_content(self) -> bytes:
        cells = [_pack_cells(each) for each in (self.vertices, self.lines, self.polygons, self.triangle_strips)]
        counts = [number for count, data in cells for number in (count, len(data))]
        parts = [_HEADER.pack(len(self.points), *counts, len(self.attributes)), self.points.astype(">f4").tobytes()]
        parts += [data for _, data in cells]
        names, values = b"", []
        for attribute in self.attributes:
            data = np.asarray(attribute.values, dtype=np.float32)
            data = data.reshape(len(data), -1)
            kind = _KINDS.index(attribute.kind) | (_OF_CELLS if attribute.of_cells else 0)
            parts.append(_ATTRIBUTE.pack(kind, data.shape[1], len(data)))
            names += attribute.name.encode("utf8")[:_LONGEST_NAME] + b"\0"
            values.append(data.astype(">f4").tobytes())
        return b"".join([*parts, names + b"\0" * (len(names) % 2), *values])

    def _unpack_content(self, content: Content) -> None:
        if len(content) < _HEADER.size:
            raise MalformedMessage("a surface without its header")
        point_count, *counts, attribute_count = _HEADER.unpack_from(content)
        if attribute_count > _MOST_ATTRIBUTES:
            raise MalformedMessage("a surface with too many attributes")
        rest = content[_HEADER.size :]
        data, rest = _split(rest, 12 * point_count)
        self.points = np.frombuffer(data, ">f4").astype(np.float32).reshape(-1, 3)
        found = []
        for count, size in zip(counts[::2], counts[1::2]):
            data, rest = _split(rest, size)
            found.append(_unpack_cells(data, count, point_count))
        self.vertices, self.lines, self.polygons, self.triangle_strips = found
        self.attributes = _unpack_attributes(rest, attribute_count)


def _split(data: Content, length: int) -> tuple[Content, Content]:
    if length > len(data):
        raise MalformedMessage("a surface longer than its message")
    return data[:length], data[length:]


def _pack_cells(cells: Cells) -> tuple[int, bytes]:
    """(number of cells, each as its length and the numbers of its points)."""
    if isinstance(cells, np.ndarray) and cells.ndim == 2:
        lengths = np.full((len(cells), 1), cells.shape[1])
        return len(cells), np.hstack([lengths, cells]).astype(">u4").tobytes()
    return len(cells), b"".join(np.array([len(cell), *cell], dtype=">u4").tobytes() for cell in cells)


def _unpack_cells(data: Content, count: int, point_count: int) -> Cells:
    """The cells as (count, k) when all have k points, else as a list. Raises MalformedMessage."""
    if len(data) % 4 or count > len(data) // 4:
        raise MalformedMessage("a surface with a piece of a cell")
    numbers = np.frombuffer(data, ">u4").astype(np.uint32)
    cells: np.ndarray | list[np.ndarray]
    if not count:
        cells = np.zeros((0, 3), np.uint32)
        complete = not numbers.size
    elif numbers.size % count == 0 and (numbers[:: numbers.size // count] == numbers.size // count - 1).all():
        cells = numbers.reshape(count, -1)[:, 1:]
        complete = True
    else:
        found: list[np.ndarray] = []
        start = 0
        while len(found) < count and start < numbers.size:
            end = start + 1 + int(numbers[start])
            found.append(numbers[start + 1 : end])
            start = end
        cells, complete = found, len(found) == count and start == numbers.size
    if not complete:
        raise MalformedMessage("a surface whose cells do not fill their part of the message")
    highest = max((int(cell.max()) for cell in cells if cell.size), default=-1) if isinstance(cells, list) else (
        int(cells.max()) if cells.size else -1
    )  # fmt: skip
    if highest >= point_count:
        raise MalformedMessage("a surface with a cell of points that are not there")
    return cells


def _unpack_attributes(data: Content, count: int) -> list[PolyDataAttribute]:
    raw_heads, rest = _split(data, _ATTRIBUTE.size * count)
    heads = list(_ATTRIBUTE.iter_unpack(raw_heads))
    raw, names, length = bytes(rest), [], 0
    for _ in range(count):
        end = raw.find(b"\0", length)
        if end < 0 or end - length > _LONGEST_NAME:
            raise MalformedMessage("an attribute without a name")
        names.append(text_of(raw[length:end]))
        length = end + 1
    rest = rest[length + length % 2 :]
    attributes = []
    for (kind, components, number), name in zip(heads, names):
        number_of_kind = kind & ~_OF_CELLS
        if number_of_kind >= len(_KINDS):
            raise MalformedMessage("an attribute of no known kind")
        components = _COMPONENTS.get(_KINDS[number_of_kind], components)
        if components < 1:
            raise MalformedMessage("an attribute without components")
        raw_values, rest = _split(rest, 4 * components * number)
        values = np.frombuffer(raw_values, ">f4").astype(np.float32).reshape(number, components)
        attributes.append(PolyDataAttribute(name, values, _KINDS[number_of_kind], bool(kind & _OF_CELLS)))
    if len(rest):
        raise MalformedMessage("a surface with something behind it")
    return attributes
