"""Cutting the voxels of a box out of a volume, and putting a result back in its place.

A crop is a block of the volume's own voxels, so that it can be pasted back exactly. A box that is turned against the
volume gives the block that covers it and says which of its voxels lie in the box; turned_box.py goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import permutations, product

import numpy as np

from ..errors import GeometryError
from ..geometry import transform_points
from ..values import Box, Volume
from ..words import tr

# A box edge that runs along a voxel's border must not take or lose a voxel through rounding.
INDEX_TOLERANCE = 1e-4
# Up to here the block that covers a box stands in for it, and nothing is resampled. With the shipped model (0.2.0) on
# tight boxes around six tumors of simulated livers the mean Dice of the block against that of the turned box was 0.81
# and 0.81 at 2 degrees, 0.78 and 0.82 at 3.5, 0.74 and 0.81 at 5, 0.71 and 0.82 at 7.
LARGEST_ALIGNED_ANGLE_DEG = 2.0
# No probability in a box is made 0, so that a stored one shows which voxels of the block lie in it.
SMALLEST_INSIDE = 1e-6
# The orders and signs that three axes can be given, and the handedness of each such way.
_WAYS = [
    (list(order), np.array(signs), np.sign(np.linalg.det(np.eye(3)[:, order] * signs)))
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]


@dataclass(frozen=True, eq=False)
class Crop:
    """A block of voxels and where it came from.

    volume      the block, with its own ijk_to_ras
    start_ijk   index of its first voxel in the volume that it was cut from
    warnings    sentences for the user, such as that the box reached outside the volume
    turned_box  the box with its margin, where it is turned against the volume; its axes are those of the volume to
                which they are nearest, in order and direction. None where the block is the box
    inside      boolean [k, j, i]: the voxels of the block that lie in the box; None when all do
    """

    volume: Volume
    start_ijk: tuple[int, int, int]
    warnings: tuple[str, ...] = ()
    turned_box: Box | None = None
    inside: np.ndarray | None = field(default=None, repr=False)

    def within(self, probability: np.ndarray) -> np.ndarray:
        """`probability`, float32 on the voxels of the block: 0 outside the box, SMALLEST_INSIDE at least inside."""
        probability = np.maximum(probability, np.float32(SMALLEST_INSIDE))
        return probability if self.inside is None else np.where(self.inside, probability, np.float32(0))


def crop(volume: Volume, box: Box, margin_mm: float = 0.0) -> Crop:
    """The voxels of `volume` whose centres lie in `box` grown by `margin_mm` on every side.

    A box with an axis more than LARGEST_ALIGNED_ANGLE_DEG away from the volume's nearest gives the block that covers
    it; whether the box's axes are named or directed otherwise than the volume's makes no difference. A box that holds
    no voxel centre gives the one voxel that its middle lies in (the few around it when it is turned). Where the box
    reaches outside the volume it is clipped, with a warning. Raises GeometryError when it lies outside altogether or
    has no size.
    """
    if (box.size_mm + 2 * margin_mm <= 0).any():
        raise GeometryError(
            tr(
                "A margin of {margin_mm:g} mm leaves nothing of a box whose edges are {edges} mm.",
                margin_mm=margin_mm,
                edges=_edges(box),
            )
        )
    grown, angle_deg = _along_axes_of(volume, box.expanded(margin_mm))
    corners = transform_points(volume.ras_to_ijk, grown.corners_ras())
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    size = np.array(volume.dimensions)
    is_outside = (upper < -0.5).any() or (lower > size - 0.5).any()
    found = None
    if not is_outside:
        is_turned = angle_deg > LARGEST_ALIGNED_ANGLE_DEG
        found = _turned(volume, grown, lower, upper) if is_turned else _aligned(volume, lower, upper)
    if found is None:
        raise GeometryError(
            tr(
                "The box ({edges} mm around R A S {point}) lies outside the volume, which covers "
                "{covered}: place the box on the volume.",
                edges=_edges(box),
                point=_point(box.center_ras),
                covered=_covered(volume),
            )
        )
    return found


def crop_volume(volume: Volume, box: Box, margin_mm: float = 0.0) -> Volume:
    """The volume of `crop`, for callers who need neither its place nor its warnings."""
    return crop(volume, box, margin_mm).volume


def paste(block: Volume, onto: Volume) -> Volume:
    """`block`, cut from the grid of `onto` earlier, on that whole grid again: zeros elsewhere, dtype of the block.

    Where the block knows what was seen, nothing was seen elsewhere.

    Raises GeometryError when the voxels of `block` are not voxels of `onto`.
    """
    block.check_frame_of(onto)
    start = transform_points(onto.ras_to_ijk, block.origin_ras)
    index = np.round(start).astype(int)
    end = index + block.dimensions
    same_axes = np.allclose(block.ijk_to_ras[:3, :3], onto.ijk_to_ras[:3, :3], atol=1e-4)
    if not same_axes or np.abs(start - index).max() > 1e-2 or (index < 0).any() or (end > onto.dimensions).any():
        raise GeometryError(tr("The block of voxels was not cut from this volume: their grids do not coincide."))

    def on_the_whole(values: np.ndarray) -> np.ndarray:
        whole = np.zeros(onto.voxels.shape, dtype=values.dtype)
        whole[index[2] : end[2], index[1] : end[1], index[0] : end[0]] = values
        return whole

    seen = None if block.seen is None else on_the_whole(block.seen)
    return replace(block, voxels=on_the_whole(block.voxels), ijk_to_ras=onto.ijk_to_ras, seen=seen)


def _along_axes_of(volume: Volume, box: Box) -> tuple[Box, float]:
    """The same box with its axes in the order and direction in which they run most nearly along i, j, k, keeping the
    volume's handedness; and the largest angle, in degrees, between an axis of it and that of the volume.
    """
    grid = volume.ijk_to_ras[:3, :3] / volume.spacing_mm
    handedness = np.sign(np.linalg.det(box.axes_ras) * np.linalg.det(grid))
    alike = [(order, box.axes_ras[:, order] * signs) for order, signs, handed in _WAYS if handed == handedness]
    order, axes = max(alike, key=lambda way: (way[1] * grid).sum())
    angle_deg = np.degrees(np.arccos(np.clip((axes * grid).sum(axis=0), -1, 1))).max()
    return Box(box.center_ras, box.size_mm[order], axes), float(angle_deg)


def _aligned(volume: Volume, lower: np.ndarray, upper: np.ndarray) -> Crop:
    """What lies between two corners, continuous indices (i, j, k)."""
    size = np.array(volume.dimensions)
    first = np.ceil(lower - INDEX_TOLERANCE).astype(int)
    last = np.floor(upper + INDEX_TOLERANCE).astype(int)
    middle = np.round((lower + upper) / 2).astype(int)
    first, last = np.where(last < first, middle, first), np.where(last < first, middle, last)
    inside_first, inside_last = np.clip(first, 0, size - 1), np.clip(last, 0, size - 1)
    warnings: tuple[str, ...] = ()
    if (inside_first != first).any() or (inside_last != last).any():
        missing = 1 - float(np.prod(inside_last - inside_first + 1) / np.prod((last - first + 1).astype(float)))
        warnings = (_cut_off(missing),)
    return Crop(*_block(volume, inside_first, inside_last), warnings)


def _turned(volume: Volume, box: Box, lower: np.ndarray, upper: np.ndarray) -> Crop | None:
    """The block that covers `box`, whose corners lie between two indices; None when no voxel lies in the box."""
    size = np.array(volume.dimensions)
    first, last = np.clip(np.floor(lower), 0, size - 1).astype(int), np.clip(np.ceil(upper), 0, size - 1).astype(int)
    block, start = _block(volume, first, last)
    # As wide as a voxel is in its direction at least, so that a thin box has no gaps and the smallest one voxel.
    size_mm = np.maximum(box.size_mm, np.abs(box.axes_ras.T @ volume.ijk_to_ras[:3, :3]).sum(axis=1))
    inside = _voxels_within(box, size_mm, block)
    if not inside.any():
        return None
    warnings: tuple[str, ...] = ()
    if (lower < -0.5 - INDEX_TOLERANCE).any() or (upper > size - 0.5 + INDEX_TOLERANCE).any():
        warnings = (_cut_off(max(0.0, 1 - float(inside.sum() * block.voxel_volume_mm3 / np.prod(size_mm)))),)
    return Crop(block, start, warnings, box, inside)


def _block(volume: Volume, first: np.ndarray, last: np.ndarray) -> tuple[Volume, tuple[int, int, int]]:
    """The voxels from index `first` to index `last`, both inclusive; and where they begin."""
    (i, j, k), (to_i, to_j, to_k) = first, last + 1
    ijk_to_ras = volume.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = transform_points(volume.ijk_to_ras, first)
    part = slice(k, to_k), slice(j, to_j), slice(i, to_i)
    voxels = np.ascontiguousarray(volume.voxels[part])
    seen = None if volume.seen is None else np.ascontiguousarray(volume.seen[part])
    return replace(volume, voxels=voxels, ijk_to_ras=ijk_to_ras, seen=seen), (int(i), int(j), int(k))


def _voxels_within(box: Box, size_mm: np.ndarray, block: Volume) -> np.ndarray:
    """Boolean [k, j, i]: voxel centres in a box of `size_mm` with the place and axes of `box`."""
    to_box = np.linalg.inv(box.box_to_ras) @ block.ijk_to_ras
    k, j, i = np.ogrid[tuple(slice(size) for size in block.voxels.shape)]
    inside = np.ones(block.voxels.shape, dtype=bool)
    for along, edge, spacing in zip(to_box, size_mm, block.spacing_mm):
        plane_mm = (along[0] * i + along[1] * j + along[3]).astype(np.float32)
        away_mm = plane_mm + (along[2] * k).astype(np.float32)
        inside &= np.abs(away_mm, out=away_mm) <= edge / 2 + INDEX_TOLERANCE * spacing
    return inside


def _cut_off(missing: float) -> str:
    share = tr("less than 1%") if missing < 0.005 else f"{missing:.0%}"
    return tr("The box reaches outside the volume: {share} of it was cut off.", share=share)


def _edges(box: Box) -> str:
    return " x ".join(f"{edge:g}" for edge in box.size_mm)


def _point(point: np.ndarray) -> str:
    return " ".join(f"{value:.1f}" for value in point)


def _covered(volume: Volume) -> str:
    corners = volume.corners_ras()
    return tr("{point} to {point_2} mm", point=_point(corners.min(axis=0)), point_2=_point(corners.max(axis=0)))
