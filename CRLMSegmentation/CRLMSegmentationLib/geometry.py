"""Affine transforms in one convention.

Lengths are in mm and patient coordinates RAS. A voxel array is indexed [k, j, i]; `ijk_to_ras` maps the
index (i, j, k, 1) of a voxel's centre to RAS mm, as 3D Slicer does. In this project the RAS frame is
*Reference*, the sensor fixed to the liver.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .errors import GeometryError
from .words import tr

# The same both ways: x and y are turned, which is a rotation by 180 degrees about the long axis of the patient.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
LPS_TO_RAS.setflags(write=False)
_LEAST_LENGTH_MM = 1e-9
_LEAST_SINE = 1e-6
# What the last row of an affine matrix is, and by how much it may be off: a file holds it as text.
_LAST_ROW, _LAST_ROW_OFF = np.array([0.0, 0, 0, 1]), np.array([1e-9, 1e-9, 1e-9, 1e-5])


def as_affine(matrix: ArrayLike, name: str = "matrix") -> np.ndarray:
    """`matrix` as a (4, 4) float64 affine.

    Raises GeometryError if it has another shape, holds NaN or infinity, does not end in 0 0 0 1, or is singular.
    """
    affine = np.asarray(matrix, dtype=np.float64)
    if affine.shape != (4, 4):
        raise GeometryError(
            tr("{name} has shape {shape}; an affine transform has shape (4, 4).", name=name, shape=affine.shape)
        )
    if not np.isfinite(affine).all():
        raise GeometryError(tr("{name} holds a value that is not a finite number.", name=name))
    if (np.abs(affine[3] - _LAST_ROW) > _LAST_ROW_OFF).any():
        raise GeometryError(
            tr("The last row of {name} is {tolist}; it must be 0 0 0 1.", name=name, tolist=affine[3].tolist())
        )
    linear = affine[:3, :3]
    scale = np.linalg.norm(linear, axis=0).prod()
    if scale == 0 or abs(np.linalg.det(linear)) < 1e-9 * scale:
        raise GeometryError(tr("{name} is singular: it maps space onto a plane or less.", name=name))
    return affine


def invert_affine(matrix: ArrayLike) -> np.ndarray:
    """The full (4, 4) inverse, not a transpose: tracked rotations are orthonormal to about six digits only."""
    inverse: np.ndarray = np.linalg.inv(as_affine(matrix))
    return inverse


def transform_points(matrix: ArrayLike, points: ArrayLike) -> np.ndarray:
    """`points` (..., 3) mapped by an affine (4, 4), as float64 of the same shape."""
    affine = np.asarray(matrix, dtype=np.float64)
    mapped: np.ndarray = np.asarray(points, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3]
    return mapped


def corners_of_extent(lower: ArrayLike, upper: ArrayLike) -> np.ndarray:
    """The (8, 3) corners of the axis-aligned extent from `lower` to `upper`, each (3,)."""
    ends = np.array([lower, upper], dtype=np.float64)
    pick = np.array([[(corner >> axis) & 1 for axis in range(3)] for corner in range(8)])
    corners: np.ndarray = ends[pick, np.arange(3)]
    return corners


def plane_axes(matrices: ArrayLike) -> np.ndarray:
    """The orthonormal, right-handed axes of the planes that images lie in: (..., 3, 3) of (..., 4, 4) or (..., 3, 3).

    matrices  affine, from pixel (u, v, 0, 1) to mm; what they make of the third column does not matter
    Returns the columns right (along the rows of pixels), down (as the columns of pixels, made perpendicular) and
    right x down. NaN where an image has no plane: its rows or columns have no length, or lie along one line.
    """
    columns = np.asarray(matrices, dtype=np.float64)[..., :3, :2]
    lengths = np.linalg.norm(columns, axis=-2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        right, along = np.moveaxis(columns / np.where(lengths > _LEAST_LENGTH_MM, lengths, np.nan), -1, 0)
        down = along - right * np.sum(right * along, axis=-1, keepdims=True)
        sine = np.linalg.norm(down, axis=-1, keepdims=True)
        down = down / np.where(sine > _LEAST_SINE, sine, np.nan)
    return np.stack([right, down, np.cross(right, down)], axis=-1)


def occupied_extent(array: np.ndarray) -> tuple[slice, ...] | None:
    """The block, a slice along each axis, that holds every nonzero element of `array`; None when there are none."""
    extent = []
    for axis in range(array.ndim):
        places = np.flatnonzero(array.any(axis=tuple(set(range(array.ndim)) - {axis})))
        if places.size == 0:
            return None
        extent.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(extent)
