"""Names of transforms as PLUS writes them, and the way from one coordinate frame to another.

'ProbeToTracker' maps points given in Probe to Tracker. As in IGSIO's transform repository
(vtkIGSIOTransformRepository), a transform is found by walking the known ones, forwards or backwards, and is valid
only when every one of them on the way is.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError, TransformError
from ..geometry import as_affine
from ..words import tr
from .tracked_frame import Pose

_NAME = re.compile(r"^([A-Z][A-Za-z0-9]*?)To([A-Z][A-Za-z0-9]*)$")

# vsnprintf of Microsoft's C library, old (1.#IND) and new (-nan(ind)).
_NOT_FINITE = re.compile(
    r"[-+]?(?:(?P<nan>nan(?:\(\w*\))?|\d\.#(?:ind|qnan|snan|nan)\d*)|inf(?:inity)?|\d\.#inf\d*)\Z", re.IGNORECASE
)


def split_transform_name(name: str) -> tuple[str, str]:
    """'ProbeToTracker' as ('Probe', 'Tracker'). Raises TransformError when it is not such a name."""
    match = _NAME.match(name)
    if match is None:
        raise TransformError(
            tr("'{name}' is not a transform name; PLUS writes them as in 'ProbeToTracker'.", name=name)
        )
    return match.group(1), match.group(2)


def is_transform_name(name: str) -> bool:
    """True for PLUS's form, 'ProbeToReference'."""
    return _NAME.match(name) is not None


def parse_number(text: str) -> float:
    """A number as C++ programs write it; NaN and infinity also in the words of Microsoft's ('-nan(ind)', '1.#QNAN').

    Raises ValueError when it is none.
    """
    if match := _NOT_FINITE.match(text.strip()):
        return math.nan if match.group("nan") else math.copysign(math.inf, -1.0 if text.strip()[0] == "-" else 1.0)
    return float(text)


def parse_matrix(text: str, name: str) -> np.ndarray:
    """Sixteen numbers, row by row, as (4, 4) float64. Raises TransformError when they are not that."""
    try:
        values = np.array([parse_number(word) for word in text.split()], dtype=np.float64)
    except ValueError:
        raise TransformError(
            tr("{name} holds something that is not a number: '{text}'.", name=name, text=text[:80])
        ) from None
    if values.size != 16:
        raise TransformError(tr("{name} holds {size} numbers; a transform has 16.", name=name, size=values.size))
    return values.reshape(4, 4)


def format_matrix(matrix: ArrayLike) -> str:
    """Sixteen numbers, row by row, that read back to the same doubles."""
    return " ".join(f"{value:.17g}" for value in np.asarray(matrix, dtype=np.float64).ravel().tolist())


def find_path(names: Iterable[str], source: str, target: str) -> list[tuple[str, bool]] | None:
    """The shortest way from `source` to `target` through transforms called `names`.

    A list of (name, forwards) in the order of use, [] when source is target, None when there is no way.
    """
    if source == target:
        return []
    edges: dict[str, list[tuple[str, str, bool]]] = {}
    for name in names:
        start, end = split_transform_name(name)
        edges.setdefault(start, []).append((end, name, True))
        edges.setdefault(end, []).append((start, name, False))
    ways: dict[str, list[tuple[str, bool]]] = {source: []}
    waiting = deque([source])
    while waiting:
        here = waiting.popleft()
        for there, name, forwards in edges.get(here, ()):
            if there not in ways:
                ways[there] = ways[here] + [(name, forwards)]
                if there == target:
                    return ways[there]
                waiting.append(there)
    return None


def compose(transforms: Mapping[str, Pose], source: str, target: str) -> Pose | None:
    """The pose of `source` in `target` ('Image', 'Reference' give ImageToReference); None when no way leads there.

    It is invalid when a transform on the way is invalid, not finite, or has to be inverted and cannot be.
    """
    path = find_path(transforms, source, target)
    if path is None:
        return None
    return follow((name, forwards, transforms[name]) for name, forwards in path)


def follow(steps: Iterable[tuple[str, bool, Pose]]) -> Pose:
    """The pose at the end of a way of (name, forwards, transform); see compose()."""
    matrix, valid, status = np.eye(4), True, "OK"
    for name, forwards, step in steps:
        if not step.valid:
            valid, status = False, step.status
        try:
            affine = as_affine(step.matrix, name)
            matrix = (affine if forwards else np.linalg.inv(affine)) @ matrix
        except GeometryError:
            # A lost tool is often written as zeros or NaN: the frame has no pose, the file is still good.
            return Pose(np.full((4, 4), np.nan), False, status if not valid else "INVALID")
    return Pose(matrix, valid, status)
