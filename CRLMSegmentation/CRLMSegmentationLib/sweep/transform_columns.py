"""The poses of one transform in all frames of a recording at once, and how they are put together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import TransformError
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


def poses_of(
    frame_fields: Sequence[Mapping[str, str]], transform_field: re.Pattern[str], status_field: re.Pattern[str]
) -> RecordedPoses:
    """The transforms in the text fields of frames, whose names the two patterns match."""
    count = len(frame_fields)
    names: dict[str, str | None] = {}
    columns: dict[str, Poses] = {}
    unusable: dict[str, None] = {}
    for number, fields in enumerate(frame_fields):
        for field, text in fields.items():
            if field not in names:
                match = transform_field.match(field)
                names[field] = match.group(1) if match and is_transform_name(match.group(1)) else None
            name = names[field]
            if name is None:
                continue
            if name not in columns:
                columns[name] = Poses(np.tile(np.eye(4), (count, 1, 1)), np.zeros(count, bool), np.zeros(count, bool))
            try:
                columns[name].matrices[number] = _matrix_of(text, name)
            except TransformError:
                unusable[name] = None
                continue
            columns[name].known[number] = True
            columns[name].valid[number] = fields.get(f"{name}TransformStatus", "OK").upper() == "OK"
    unusable.update(dict.fromkeys(name for name in columns if len(set(split_transform_name(name))) == 1))
    for poses in columns.values():
        # A lost tool is often written as zeros or NaN.
        good = _are_affine(poses.matrices)
        poses.valid[~good] = False
        poses.matrices[~good] = np.eye(4)
    return RecordedPoses({name: column for name, column in columns.items() if name not in unusable}, list(unusable))


def _matrix_of(text: str, name: str) -> np.ndarray:
    values = text.split()
    try:
        return np.array(values, np.float64).reshape(4, 4)
    except ValueError:
        # Slower, and it knows how Microsoft's library writes what is no number.
        return parse_matrix(text, name)


def _are_affine(matrices: np.ndarray) -> np.ndarray:
    """(n,) True where as_affine() takes the matrix."""
    finite = np.isfinite(matrices).all(axis=(1, 2))
    linear = np.where(finite[:, None, None], matrices, np.eye(4))[:, :3, :3]
    scale = np.linalg.norm(linear, axis=1).prod(axis=1)
    last_row = np.isclose(matrices[:, 3], (0, 0, 0, 1), atol=1e-9).all(axis=1)
    affine: np.ndarray = finite & last_row & (scale > 0) & (np.abs(np.linalg.det(linear)) >= 1e-9 * scale)
    return affine


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
    """The way back of each pose; valid and known where the pose is."""
    return Poses(np.linalg.inv(poses.matrices), poses.valid, poses.known)


def same_place(one: Poses, other: Poses, where: np.ndarray, image_size: tuple[int, int], within_mm: float) -> bool:
    """True when the corners of an image of `image_size` pixels lie no further apart than `within_mm` in any frame.

    where  (n,) the frames to check
    """
    width, height = max(image_size[0] - 1, 1), max(image_size[1] - 1, 1)
    corners = np.array([(0, 0, 0, 1), (width, 0, 0, 1), (0, height, 0, 1), (width, height, 0, 1)], float).T
    difference = ((one.matrices[where] - other.matrices[where]) @ corners)[:, :3]
    return bool(np.linalg.norm(difference, axis=1).max(initial=0.0) <= within_mm)
