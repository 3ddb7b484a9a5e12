"""The poses of one transform in all frames of a recording at once, and how they are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

import numpy as np

from ..errors import GeometryError, TransformError
from ..geometry import as_affine
from .transforms import is_transform_name, parse_matrix, split_transform_name


@dataclass(frozen=True, eq=False)
class Poses:
    """One transform in n frames.

    matrices  (n, 4, 4) float64; identity where it is not known or cannot be used
    valid     (n,) True where it was measured
    known     (n,) True where anything was recorded
    """

    matrices: np.ndarray
    valid: np.ndarray
    known: np.ndarray

    @classmethod
    def constant(cls, matrix: np.ndarray, count: int) -> Poses:
        """The same pose in `count` frames."""
        return cls(np.tile(np.asarray(matrix, np.float64), (count, 1, 1)), np.ones(count, bool), np.ones(count, bool))


@dataclass(frozen=True, eq=False)
class RecordedPoses:
    """Poses by name, and the names of those of which a frame holds something else than sixteen numbers."""

    usable: dict[str, Poses]
    unusable: list[str]


def poses_of(frame_fields: Sequence[Mapping[str, str]], transform_field, status_field) -> RecordedPoses:
    """The transforms in the text fields of frames, whose names the two patterns match."""
    count = len(frame_fields)
    columns: dict[str, Poses] = {}
    unusable: dict[str, None] = {}
    for number, fields in enumerate(frame_fields):
        for field, text in fields.items():
            match = transform_field.match(field)
            if match is None or not is_transform_name(match.group(1)):
                continue
            name = match.group(1)
            if name not in columns:
                columns[name] = Poses(np.tile(np.eye(4), (count, 1, 1)), np.zeros(count, bool), np.zeros(count, bool))
            column = columns[name]
            try:
                matrix = parse_matrix(text, name)
            except TransformError:
                unusable[name] = None
                continue
            column.known[number] = True
            # A lost tool is often written as zeros or NaN.
            if _is_affine(matrix):
                column.matrices[number] = matrix
                column.valid[number] = fields.get(f"{name}TransformStatus", "OK").upper() == "OK"
    unusable.update(dict.fromkeys(name for name in columns if len(set(split_transform_name(name))) == 1))
    return RecordedPoses({name: column for name, column in columns.items() if name not in unusable}, list(unusable))


def _is_affine(matrix: np.ndarray) -> bool:
    try:
        as_affine(matrix)
    except GeometryError:
        return False
    return True


def composed(poses: Mapping[str, Poses], way: Sequence[tuple[str, bool]], count: int = 0) -> Poses:
    """The poses along a way as find_path() gives it; for an empty one, identity in `count` frames."""
    result = None
    for name, forwards in way:
        step = poses[name] if forwards else inverted(poses[name])
        result = step if result is None else product(step, result)
    return result if result is not None else Poses.constant(np.eye(4), count)


def product(second: Poses, first: Poses) -> Poses:
    """`first`, then `second`."""
    return Poses(second.matrices @ first.matrices, second.valid & first.valid, second.known & first.known)


def inverted(poses: Poses) -> Poses:
    return Poses(np.linalg.inv(poses.matrices), poses.valid, poses.known)


def same_place(one: Poses, other: Poses, where: np.ndarray, image_size: tuple[int, int], within_mm: float) -> bool:
    """True when the corners of an image of `image_size` pixels lie no further apart than `within_mm` in any frame.

    where  (n,) the frames to look at
    """
    width, height = max(image_size[0] - 1, 1), max(image_size[1] - 1, 1)
    corners = np.array([(0, 0, 0, 1), (width, 0, 0, 1), (0, height, 0, 1), (width, height, 0, 1)], float).T
    difference = ((one.matrices[where] - other.matrices[where]) @ corners)[:, :3]
    return bool(np.linalg.norm(difference, axis=1).max(initial=0.0) <= within_mm)
