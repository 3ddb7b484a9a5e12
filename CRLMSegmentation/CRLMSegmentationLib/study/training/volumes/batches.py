"""Batches of boxes for a 3D network, augmented in this process at some milliseconds a box.

All boxes stay in memory at the network's voxels, with the grey levels that the display had: what another scanner would
have made of them (looks.py) is then clipped at black and white as there, before the normalisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....inference.averaging import average_mask, average_seen, averaged_shape
from ...cases.dataset import RawDataset
from .looks import GreyBox, other_look

if TYPE_CHECKING:
    import torch

# How often a box is also turned freely, by how much at most along each axis, and zoomed by which factor either way.
TURNED, TURN_DEG, ZOOM = 0.35, 25.0, 1.35
_TRIES = 4


def boxes_in_memory(raw: RawDataset, names: Sequence[str], spacing_mm: Sequence[float]) -> list[GreyBox]:
    """The images of these names at the network's spacing [k, j, i]: means of the voxels that were seen."""
    boxes = []
    for name in sorted(names):
        (image,), labels = raw.read(name)
        shape = averaged_shape(image.voxels.shape, [float(mm) for mm in image.spacing_mm[::-1]], spacing_mm)
        boxes.append(GreyBox(average_seen(image.voxels, shape), average_mask(labels.voxels, shape) > 0))
    return boxes


def training_batches(
    boxes: Sequence[GreyBox],
    size: int,
    patch: Sequence[int],
    scales: Sequence[Sequence[float]] | None,
    tumor_share: float,
    random: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Endless augmented batches as nnU-Net's trainer takes them: 'data' (size, 1, *patch) float32, 'target' the same of
    labels at each of the `scales` (of deep supervision).

    tumor_share  of each batch are boxes with tumor, the rest is drawn from all
    """
    from ..plane_batches import batch_of

    with_tumor = [box for box in boxes if box.tumor.any()] or list(boxes)
    wanted = round(size * tumor_share)
    while True:
        pools = [with_tumor] * wanted + [boxes] * (size - wanted)
        drawn = [pool[int(random.integers(len(pool)))] for pool in pools]
        yield batch_of([varied(box, patch, random) for box in drawn], scales)


def validation_batches(
    boxes: Sequence[GreyBox], size: int, patch: Sequence[int], scales: Sequence[Sequence[float]] | None
) -> Iterator[dict[str, Any]]:
    """Endless batches of the boxes, one after the other: as they are, and then each with a look that is its own in
    every round.
    """
    from ..plane_batches import batch_of

    looked = [other_look(box, np.random.default_rng([number, 601])) for number, box in enumerate(boxes)]
    judged, number = [*boxes, *looked], 0
    while True:
        chosen = [judged[(number + place) % len(judged)] for place in range(size)]
        number = (number + size) % len(judged)
        yield batch_of([placed(box, patch) for box in chosen], scales)


def varied(box: GreyBox, patch: Sequence[int], random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """The box with another look, mirrored, turned and zoomed, in a patch: (1, *patch) each.

    Of a tumor some is kept in the patch, where a few tries find it.
    """
    looked = other_look(box, random)
    axes = random.permutation(3)
    mirrored = tuple(int(axis) for axis in np.flatnonzero(random.uniform(size=3) < 0.5))
    grey, tumor = (np.flip(one.transpose(axes), mirrored) for one in (looked.grey, looked.tumor))
    turned = GreyBox(np.ascontiguousarray(grey), np.ascontiguousarray(tumor))
    for _ in range(_TRIES):
        data, labels = placed(turned, patch, random)
        if bool(labels.any()) or not turned.tumor.any():
            break
    return data, labels


def placed(
    box: GreyBox, patch: Sequence[int], random: np.random.Generator | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, *patch) float32 each: grey levels with mean 0 and deviation 1 over the box, and labels 0 and 1.

    Without `random` the middles lie on each other. Beside the box is 0, as nnU-Net fills up a box that is smaller than
    its patch.
    """
    import torch
    from torch.nn.functional import grid_sample

    normal = (box.grey - box.grey.mean()) / max(float(box.grey.std()), 1e-6)
    both = torch.from_numpy(np.stack([normal, box.tumor]).astype(np.float32))[None]
    grid = _grid(box.grey.shape, patch, random)
    sampled = grid_sample(both, grid[None], mode="bilinear", padding_mode="zeros", align_corners=False)[0]
    return sampled[:1], (sampled[1:] >= 0.5).float()


def _grid(shape: tuple[int, ...], patch: Sequence[int], random: np.random.Generator | None) -> torch.Tensor:
    """(*patch, 3): where each voxel of the patch lies in a box of `shape`, as grid_sample counts (i, j, k)."""
    import torch

    way, shift = np.eye(3), np.zeros(3)
    if random is not None:
        zoom = ZOOM ** random.uniform(-1, 1)
        if random.uniform() < TURNED:
            from scipy.spatial.transform import Rotation

            way = Rotation.from_euler("xyz", random.uniform(-TURN_DEG, TURN_DEG, 3), degrees=True).as_matrix()
        way = way / zoom
        # What does not fit the patch is looked at in turns, and what does lies a little beside its middle.
        spare = np.maximum(2.0, (np.array(shape) - np.array(patch) / zoom) / 2)
        shift = random.uniform(-1, 1, 3) * spare
    axes = [torch.arange(size, dtype=torch.float32) - (size - 1) / 2 for size in patch]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1) @ torch.from_numpy(way.T.astype(np.float32))
    place = (place + torch.from_numpy(shift.astype(np.float32))) * 2 / torch.tensor(shape, dtype=torch.float32)
    return place.flip(-1)
