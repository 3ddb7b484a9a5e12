"""Cutting the voxels of a box out of a volume, and putting a result back in its place.

Nothing is resampled: a crop is a block of the volume's own voxels, so that it can be pasted back exactly. A rotated
box gives the block that covers it (the hull of its corners along the axes of the volume).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError
from ..geometry import Box, Volume, transform_points

# A box edge that runs along a voxel's border must not take or lose a voxel through rounding.
INDEX_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Crop:
    """A block of voxels and where it came from.

    volume     the block, with its own ijk_to_ras
    start_ijk  index of its first voxel in the volume that it was cut from
    warnings   sentences for the user, such as that the box reached outside the volume
    """

    volume: Volume
    start_ijk: tuple[int, int, int]
    warnings: tuple[str, ...] = ()


def crop(volume: Volume, box: Box, margin_mm: float = 0.0) -> Crop:
    """The voxels of `volume` whose centres lie in `box` grown by `margin_mm` on every side.

    A box that holds no voxel centre gives the one voxel that its middle lies in. Where the box reaches outside the
    volume it is clipped, with a warning. Raises GeometryError when it lies outside altogether or has no size.
    """
    grown_mm = box.size_mm + 2 * margin_mm
    if (grown_mm <= 0).any():
        raise GeometryError(f"A margin of {margin_mm:g} mm leaves nothing of a box whose edges are {_edges(box)} mm.")
    corners = transform_points(volume.ras_to_ijk, box.expanded(margin_mm).corners_ras())
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    size = np.array(volume.dimensions)
    if (upper < -0.5).any() or (lower > size - 0.5).any():
        raise GeometryError(
            f"The box ({_edges(box)} mm around R A S {_point(box.center_ras)}) lies outside the volume, which covers "
            f"{_covered(volume)}: place the box on the volume."
        )
    first = np.ceil(lower - INDEX_TOLERANCE).astype(int)
    last = np.floor(upper + INDEX_TOLERANCE).astype(int)
    middle = np.round((lower + upper) / 2).astype(int)
    first, last = np.where(last < first, middle, first), np.where(last < first, middle, last)
    inside_first, inside_last = np.clip(first, 0, size - 1), np.clip(last, 0, size - 1)
    warnings = ()
    if (inside_first != first).any() or (inside_last != last).any():
        missing = 1 - float(np.prod(inside_last - inside_first + 1) / np.prod((last - first + 1).astype(float)))
        warnings = (f"The box reaches outside the volume: {missing:.0%} of it was cut off.",)
    (i, j, k), (to_i, to_j, to_k) = inside_first, inside_last + 1
    ijk_to_ras = volume.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = transform_points(volume.ijk_to_ras, inside_first)
    block = np.ascontiguousarray(volume.voxels[k:to_k, j:to_j, i:to_i])
    return Crop(Volume(block, ijk_to_ras), (int(i), int(j), int(k)), warnings)


def crop_volume(volume: Volume, box: Box, margin_mm: float = 0.0) -> Volume:
    """The volume of `crop`, for callers who need neither its place nor its warnings."""
    return crop(volume, box, margin_mm).volume


def paste(block: Volume, onto: Volume) -> Volume:
    """`block`, cut from the grid of `onto` earlier, on that whole grid again: zeros elsewhere, dtype of the block.

    Raises GeometryError when the voxels of `block` are not voxels of `onto`.
    """
    start = transform_points(onto.ras_to_ijk, block.origin_ras)
    index = np.round(start).astype(int)
    end = index + block.dimensions
    same_axes = np.allclose(block.ijk_to_ras[:3, :3], onto.ijk_to_ras[:3, :3], atol=1e-4)
    if not same_axes or np.abs(start - index).max() > 1e-2 or (index < 0).any() or (end > onto.dimensions).any():
        raise GeometryError("The block of voxels was not cut from this volume: their grids do not coincide.")
    whole = np.zeros(onto.voxels.shape, dtype=block.voxels.dtype)
    whole[index[2]:end[2], index[1]:end[1], index[0]:end[0]] = block.voxels
    return Volume(whole, onto.ijk_to_ras)


def _edges(box: Box) -> str:
    return " x ".join(f"{edge:g}" for edge in box.size_mm)


def _point(point) -> str:
    return " ".join(f"{value:.1f}" for value in point)


def _covered(volume: Volume) -> str:
    corners = volume.corners_ras()
    return f"{_point(corners.min(axis=0))} to {_point(corners.max(axis=0))} mm"
