"""A box that is turned against the volume: seen along its own axes, and its answer back on the volume's voxels.

The network learned on boxes that fit closely. It sees the block that covers the box resampled along the box's axes
(along_box), and its answer comes back onto the voxels of the block (onto_block): all that follows knows one grid only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry import transform_points
from ..values import Volume
from .crop import INDEX_TOLERANCE, Crop


def along_box(block: Crop, unseen: np.ndarray | None = None) -> Volume:
    """The ultrasound along the axes of the turned box of `block`, linearly interpolated, at the spacing of the volume.

    unseen  boolean [k, j, i] on the block, where the probe did not pass: stays exactly 0, as in a box that is not
            turned, and so does what lies outside the volume; nothing of that zero is mixed into what was seen
    What was seen is taken from the nearest voxel.
    """
    box, voxels = block.turned_box, block.volume.voxels
    assert box is not None, "the box of the block is turned"
    spacing = block.volume.spacing_mm
    samples = np.maximum(1, np.ceil(box.size_mm / spacing - INDEX_TOLERANCE)).astype(int)
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = box.axes_ras * spacing
    ijk_to_ras[:3, 3] = box.center_ras - ijk_to_ras[:3, :3] @ ((samples - 1) / 2)
    # A box can be much larger than the volume: where there is nothing, nothing is sampled.
    covered = transform_points(np.linalg.inv(ijk_to_ras), block.volume.corners_ras())
    first = np.clip(np.floor(covered.min(axis=0)), 0, samples - 1).astype(int)
    end = np.clip(np.ceil(covered.max(axis=0)), first, samples - 1).astype(int) + 1
    ijk_to_ras[:3, 3] = transform_points(ijk_to_ras, first)
    place, shape = block.volume.ras_to_ijk @ ijk_to_ras, tuple(end - first)[::-1]
    turned = _sampled(voxels, place, shape)
    if unseen is not None:
        seen = (~unseen).view(np.uint8)
        turned /= np.maximum(_sampled(seen, place, shape), 1e-3)
        turned[_sampled(seen, place, shape, nearest=True) == 0] = 0
    if voxels.dtype.kind in "biu":
        turned = np.rint(turned, out=turned)
    known = block.volume.seen
    if known is not None:
        known = _sampled(known.view(np.uint8), place, shape, nearest=True) != 0
    return replace(block.volume, voxels=turned.astype(voxels.dtype), ijk_to_ras=ijk_to_ras, seen=known)


def onto_block(probability: Volume, block: Crop) -> Volume:
    """`probability`, found on along_box(block), on the voxels of `block`: float32, linearly interpolated, 0 outside
    the turned box.
    """
    place = probability.ras_to_ijk @ block.volume.ijk_to_ras
    voxels = _sampled(probability.voxels, place, block.volume.voxels.shape, beyond=True)
    return block.volume.on_grid(block.within(voxels))


def _sampled(
    voxels: np.ndarray, place: np.ndarray, shape: tuple[int, ...], nearest: bool = False, beyond: bool = False
) -> np.ndarray:
    """float32 of `shape`: `voxels` at the indices (i, j, k) to which `place`, (4, 4), maps those of the result.

    Between voxel centres linear (or the `nearest`), up to the outer edge of the outermost voxels their value; further
    out 0, or with `beyond` that value too.
    """
    import SimpleITK

    to_voxels = SimpleITK.AffineTransform(3)
    to_voxels.SetMatrix([float(value) for value in place[:3, :3].ravel()])
    to_voxels.SetTranslation([float(value) for value in place[:3, 3]])
    image = SimpleITK.GetImageFromArray(voxels if voxels.dtype == np.uint8 else voxels.astype(np.float32))
    sampled = SimpleITK.Resample(
        image,
        [int(size) for size in shape[::-1]],
        to_voxels,
        SimpleITK.sitkNearestNeighbor if nearest else SimpleITK.sitkLinear,
        [0.0] * 3,
        [1.0] * 3,
        [1.0, 0, 0, 0, 1, 0, 0, 0, 1],
        0.0,
        SimpleITK.sitkFloat32,
        beyond,
    )
    return SimpleITK.GetArrayFromImage(sampled)
