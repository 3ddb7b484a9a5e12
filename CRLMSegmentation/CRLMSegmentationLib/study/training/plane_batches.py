"""Batches of planes for a 2D network, augmented in this process at a few milliseconds a plane.

nnU-Net's DA5 takes longer for a plane of 1 mm pixels than a processor takes to learn from it, so that most of a
training without a GPU would be augmentation. Here all planes stay in memory, every change is made once on small arrays
(plane_looks.py), and turning, zooming, mirroring and bending are a single interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .plane_looks import other_look

if TYPE_CHECKING:
    import torch

# A picture is turned by this much at most, and zoomed by this factor either way: a probe looks down.
TURN_DEG, ZOOM = 15.0, 1.5
MIRRORED, BENT, BEND_PX = 0.5, 0.3, 2.5
# A picture that is smaller than the patch lies in its middle, up to so many pixels off.
_OFF_MIDDLE_PX = 6.0
_TRIES = 4


@dataclass(frozen=True, eq=False)
class Plane:
    """A preprocessed plane: grey 0 to 1, float16 (v, u); tumor, boolean (v, u)."""

    grey: np.ndarray
    tumor: np.ndarray


def planes_in_memory(dataset: Any) -> list[Plane]:
    """The planes of one of nnU-Net's datasets, in the order of their names."""
    planes = []
    for name in sorted(dataset.identifiers):
        data, labels = dataset.load_case(name)[:2]
        grey = np.asarray(data)[0, 0].astype(np.float32)
        grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1e-6)
        planes.append(Plane(grey.astype(np.float16), np.asarray(labels)[0, 0] > 0))
    return planes


def training_batches(
    planes: Sequence[Plane],
    size: int,
    patch: Sequence[int],
    scales: Sequence[Sequence[float]] | None,
    tumor_share: float,
    random: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Endless augmented batches as nnU-Net's trainer takes them: 'data' (size, 1, *patch) float32, 'target' the same of
    labels at each of the `scales`.

    tumor_share  of each batch are planes with tumor, the rest is drawn from all of those without
    """
    with_tumor = [plane for plane in planes if plane.tumor.any()]
    without = [plane for plane in planes if not plane.tumor.any()] or with_tumor
    wanted = round(size * tumor_share)
    while True:
        drawn = [(with_tumor or without)[int(random.integers(len(with_tumor or without)))] for _ in range(wanted)]
        drawn += [without[int(random.integers(len(without)))] for _ in range(size - wanted)]
        yield batch_of([varied(plane, patch, random) for plane in drawn], scales)


def validation_batches(
    planes: Sequence[Plane], size: int, patch: Sequence[int], scales: Sequence[Sequence[float]] | None
) -> Iterator[dict[str, Any]]:
    """Endless batches of the planes as they are, one after the other; those larger than the patch lose their border."""
    number = 0
    while True:
        chosen = [planes[(number + place) % len(planes)] for place in range(size)]
        number = (number + size) % len(planes)
        yield batch_of([placed(plane.grey.astype(np.float32), plane.tumor, patch) for plane in chosen], scales)


def varied(plane: Plane, patch: Sequence[int], random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """The plane with another look, turned, zoomed, perhaps mirrored and bent, in a patch: (1, *patch) each.

    Of a plane with tumor some is kept in the patch, where a few tries find it.
    """
    grey = other_look(plane.grey.astype(np.float32), random)
    for _ in range(_TRIES):
        grid = _grid(plane.grey.shape, patch, random)
        data, tumor = placed(grey, plane.tumor, patch, grid)
        if bool(tumor.any()) or not plane.tumor.any():
            break
    return data, tumor


def placed(
    grey: np.ndarray, tumor: np.ndarray, patch: Sequence[int], grid: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, *patch) float32 each: grey levels with mean 0 and deviation 1 over the picture, and labels 0 and 1.

    grid  (*patch, 2) for torch's grid_sample; None: the picture's middle in that of the patch
    Beside the picture is 0, as nnU-Net fills up a picture that is smaller than its patch.
    """
    import torch
    from torch.nn.functional import grid_sample

    normal = (grey - grey.mean()) / max(float(grey.std()), 1e-6)
    both = torch.from_numpy(np.stack([normal, tumor]).astype(np.float32))[None]
    if grid is None:
        grid = _grid(grey.shape, patch, None)
    sampled = grid_sample(both, grid[None], mode="bilinear", padding_mode="zeros", align_corners=False)[0]
    return sampled[:1], (sampled[1:] >= 0.5).float()


def batch_of(
    planes: Sequence[tuple[torch.Tensor, torch.Tensor]], scales: Sequence[Sequence[float]] | None
) -> dict[str, Any]:
    """As nnU-Net's trainer takes it; without `scales` (of deep supervision) the target is a single tensor."""
    import torch
    from torch.nn.functional import interpolate

    data, labels = torch.stack([one for one, _ in planes]), torch.stack([one for _, one in planes])
    if scales is None:
        return {"data": data, "target": labels}
    sizes = [[round(length * part) for length, part in zip(labels.shape[2:], scale)] for scale in scales]
    return {"data": data, "target": [interpolate(labels, size=size, mode="nearest-exact") for size in sizes]}


def _grid(shape: tuple[int, ...], patch: Sequence[int], random: np.random.Generator | None) -> torch.Tensor:
    """(*patch, 2): where each pixel of the patch lies in a picture of `shape`, as grid_sample counts; without `random`
    the middles lie on each other.
    """
    import torch

    height, width = patch
    v, u = torch.meshgrid(
        torch.arange(height, dtype=torch.float32) - (height - 1) / 2,
        torch.arange(width, dtype=torch.float32) - (width - 1) / 2,
        indexing="ij",
    )
    if random is not None:
        v, u = _moved(v, u, shape, random)
    return torch.stack([2 * u / shape[1], 2 * v / shape[0]], dim=-1)


def _moved(
    v: torch.Tensor, u: torch.Tensor, shape: tuple[int, ...], random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    zoom = ZOOM ** random.uniform(-1, 1)
    turn = math.radians(random.uniform(-TURN_DEG, TURN_DEG))
    sideways = -1.0 if random.uniform() < MIRRORED else 1.0
    spare = [max(_OFF_MIDDLE_PX, (size * zoom - length) / 2) for size, length in zip(shape, v.shape)]
    v, u = (axis + random.uniform(-off, off) for axis, off in zip((v, u), spare))
    if random.uniform() < BENT:
        v, u = v + _bend(v.shape, random), u + _bend(u.shape, random)
    v, u = (v * math.cos(turn) - u * math.sin(turn)) / zoom, (v * math.sin(turn) + u * math.cos(turn)) / zoom
    return v, sideways * u


def _bend(shape: Sequence[int], random: np.random.Generator) -> torch.Tensor:
    import torch
    from torch.nn.functional import interpolate

    coarse = torch.from_numpy(random.normal(0, BEND_PX, (1, 1, 5, 6)).astype(np.float32))
    return interpolate(coarse, size=tuple(shape), mode="bicubic", align_corners=True)[0, 0]
