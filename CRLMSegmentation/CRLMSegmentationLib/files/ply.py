"""Surfaces in PLY files, read without VTK: its reader ends the process on a file that is cut off or damaged.

Format: G. Turk, The PLY Polygon File Format (1994).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": ""}
_CORNERS = ("vertex_indices", "vertex_index")


@dataclass(frozen=True)
class PlySurface:
    """points (n, 3) float64, faces a list of int arrays with the numbers of their points, comments as they stand."""

    points: np.ndarray
    faces: list[np.ndarray]
    comments: list[str]


@dataclass(frozen=True)
class _Property:
    """One value of an element, or a list of them when `count_type` is given."""

    name: str
    type: str
    count_type: str = ""


def read_ply(path: Path) -> PlySurface:
    """The surface in `path`. Raises ValueError when it is no whole PLY file, and OSError when it cannot be read."""
    content = path.read_bytes()
    header, end, _ = content[: 1 << 16].partition(b"end_header")
    start = content.find(b"\n", len(header)) + 1
    if not content.startswith(b"ply") or not end or not start:
        raise ValueError("no PLY file")
    order, elements, comments = _header(header.decode("latin-1"))
    source = _Text(content[start:]) if order == "" else _Binary(content, start, order)
    values = {name: source.element(count, properties) for name, (count, properties) in elements.items()}
    try:
        points = np.stack([np.asarray(values["vertex"][axis], dtype=np.float64) for axis in "xyz"], axis=-1)
    except KeyError as missing:
        raise ValueError(f"no {missing}") from None
    of_faces = values.get("face", {})
    corners = next((of_faces[name] for name in _CORNERS if name in of_faces), [])
    faces = [np.asarray(face, dtype=np.int64) for face in corners]
    if faces and not all(((0 <= face) & (face < len(points))).all() for face in faces):
        raise ValueError("faces name points that are not there")
    return PlySurface(points, faces, comments)


def _header(text: str) -> tuple[str, dict[str, tuple[int, list[_Property]]], list[str]]:
    layout = ""
    elements: dict[str, tuple[int, list[_Property]]] = {}
    comments: list[str] = []
    for line in text.splitlines():
        tokens = line.split()
        try:
            if tokens[:1] == ["format"]:
                layout = tokens[1]
            elif tokens[:1] == ["comment"]:
                comments.append(line.partition("comment")[2].strip())
            elif tokens[:1] == ["element"]:
                elements[tokens[1]] = (int(tokens[2]), [])
            elif tokens[:2] == ["property", "list"]:
                elements[list(elements)[-1]][1].append(_Property(tokens[4], _TYPES[tokens[3]], _TYPES[tokens[2]]))
            elif tokens[:1] == ["property"]:
                elements[list(elements)[-1]][1].append(_Property(tokens[2], _TYPES[tokens[1]]))
        except (IndexError, KeyError):
            raise ValueError(f"the header has the line '{line[:80]}'") from None
    if layout not in _ORDERS or any(count < 0 for count, _ in elements.values()):
        raise ValueError("no known format")
    return _ORDERS[layout], elements, comments


class _Binary:
    """The elements one after another, in bytes."""

    def __init__(self, content: bytes, place: int, order: str) -> None:
        self._content, self._place, self._order = content, place, order

    def element(self, count: int, properties: list[_Property]) -> dict[str, list[Any]]:
        if not any(one.count_type for one in properties):
            rows = self._take(np.dtype([(one.name, self._order + one.type) for one in properties]), count)
            return {one.name: list(rows[one.name]) for one in properties}
        values: dict[str, list[Any]] = {one.name: [] for one in properties}
        for _ in range(count):
            for one in properties:
                length = 1
                if one.count_type:
                    length = int(self._take(np.dtype(self._order + one.count_type), 1)[0])
                taken = self._take(np.dtype(self._order + one.type), length)
                values[one.name].append(taken if one.count_type else taken[0])
        return values

    def _take(self, dtype: np.dtype, count: int) -> np.ndarray:
        end = self._place + count * dtype.itemsize
        if count < 0 or end > len(self._content):
            raise ValueError("cut off")
        taken = np.frombuffer(self._content, dtype, count, self._place)
        self._place = end
        return taken


class _Text:
    """The elements one after another, as tokens."""

    def __init__(self, content: bytes) -> None:
        self._tokens = content.split()
        self._place = 0

    def element(self, count: int, properties: list[_Property]) -> dict[str, list[Any]]:
        if count * len(properties) > len(self._tokens) - self._place:
            raise ValueError("cut off")
        values: dict[str, list[Any]] = {one.name: [] for one in properties}
        for _ in range(count):
            for one in properties:
                if one.count_type:
                    values[one.name].append(self._take(int(self._take(1)[0])))
                else:
                    values[one.name].append(self._take(1)[0])
        return values

    def _take(self, count: int) -> list[float]:
        tokens = self._tokens[self._place : self._place + count]
        if count < 0 or len(tokens) < count:
            raise ValueError("cut off")
        self._place += count
        return [float(word) for word in tokens]
