"""Whether a PLY file is whole: VTK's reader ends the process on one that is not, or fills it up with rubbish.

Format: G. Turk, The PLY Polygon File Format (1994).
"""

from __future__ import annotations

import struct
from pathlib import Path

_CODES = {
    "char": "b", "int8": "b", "uchar": "B", "uint8": "B", "short": "h", "int16": "h", "ushort": "H", "uint16": "H",
    "int": "i", "int32": "i", "uint": "I", "uint32": "I", "float": "f", "float32": "f", "double": "d", "float64": "d",
}  # fmt: skip
_END = b"end_header"
_LONGEST_HEADER = 64 * 1024


def is_damaged(path: Path) -> bool:
    """True when `path` is no PLY file or ends before its last element. Raises OSError when it cannot be read."""
    content = path.read_bytes()
    end = content.find(_END, 0, _LONGEST_HEADER)
    start = content.find(b"\n", end) + 1
    if not content.startswith(b"ply") or end < 0 or start == 0:
        return True
    try:
        layout, elements = _elements(content[:end].decode("latin-1"))
        if layout == "ascii":
            return len(content[start:].split(b"\n")) <= sum(count for count, _ in elements)
        return _end_of(content, start, "<" if layout == "binary_little_endian" else ">", elements) > len(content)
    except (KeyError, ValueError, IndexError, struct.error):
        return True


def _elements(header: str) -> tuple[str, list[tuple[int, list]]]:
    """The layout, and for each element how many there are and its properties: codes, or (count, value) for a list."""
    layout, elements = "", []
    for line in header.splitlines():
        match line.split():
            case ["format", layout, *_]:
                pass
            case ["element", _, count]:
                elements.append((int(count), []))
            case ["property", "list", count, value, _]:
                elements[-1][1].append((_CODES[count], _CODES[value]))
            case ["property", kind, _]:
                elements[-1][1].append(_CODES[kind])
    if not layout or not elements or any(count < 0 for count, _ in elements):
        raise ValueError("no layout or no element")
    return layout, elements


def _end_of(content: bytes, place: int, order: str, elements: list[tuple[int, list]]) -> int:
    """Where the last element ends. Raises struct.error when that is behind the end."""
    for count, properties in elements:
        if not any(isinstance(one, tuple) for one in properties):
            place += count * struct.calcsize(order + "".join(properties))
            continue
        for _ in range(count):
            for one in properties:
                if isinstance(one, tuple):
                    length = struct.unpack_from(order + one[0], content, place)[0]
                    place += struct.calcsize(order + one[0]) + length * struct.calcsize(order + one[1])
                else:
                    place += struct.calcsize(order + one)
    return place
