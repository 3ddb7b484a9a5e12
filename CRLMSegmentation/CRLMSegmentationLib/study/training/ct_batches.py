"""Batches of patches of CTs for a 3D network, augmented in this process at some ten milliseconds a patch.

All CTs stay in memory as nnU-Net preprocessed them, in the wide window (windowing.py). Turning and zooming are a single
interpolation, and half of the patches are cut out as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...preoperative.structures import TUMOR, VALUES
from .windowing import WINDOWS, RandomWindows, Window

# How often a patch is turned and zoomed, by how much at most about each axis, and by which factor either way.
MOVED, TURN_DEG, ZOOM = 0.5, 15.0, 1.25
# How often each change of grey levels is made; of a window's width: noise, brightness; contrast and gamma as factors.
CHANGED, NOISE, BRIGHTNESS, CONTRAST, GAMMA, BLUR_VOXELS = 0.2, 0.1, 0.1, 1.25, 1.4, 0.9
# Of each lesion so many places are known, again and again where it has fewer voxels.
PLACES_OF_LESION = 64


@dataclass(frozen=True, eq=False)
class KnownCt:
    """A preprocessed CT: seen (k, j, i) float16, 0 to 1 in the wide window; labels (k, j, i) int8; places of the
    structures on which patches are centred, (n, 3) voxels each; those of the tumors are shared out by lesion.
    """

    name: str
    seen: np.ndarray
    labels: np.ndarray
    places: tuple[np.ndarray, ...]


def cts_in_memory(dataset: Any) -> list[KnownCt]:
    """The CTs of one of nnU-Net's datasets, in the order of their names."""
    cts = []
    for name in sorted(dataset.identifiers):
        data, labels, *_, properties = dataset.load_case(name)
        seen, marked = np.asarray(data[:])[0].astype(np.float16), np.asarray(labels[:])[0].astype(np.int8)
        # nnU-Net's mark for what lies beside the body; nothing does that is not background.
        marked = np.maximum(marked, 0)
        # nnU-Net's places have the channel before the voxel.
        places = [np.asarray(one)[:, 1:] for one in properties["class_locations"].values() if len(one)]
        cts.append(KnownCt(name, seen, marked, tuple(by_lesion(one, marked) for one in places)))
    return cts


def by_lesion(places: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n, 3) voxels of a structure as they are; of tumors as many of each lesion, so that a patch shows a small one as
    often as a large one, which has hundreds of times its voxels.
    """
    from scipy import ndimage

    tumor = labels == VALUES[TUMOR]
    if not tumor[tuple(places.T)].all():
        return places
    lesions, count = ndimage.label(tumor)
    each = [np.argwhere(lesions == number) for number in range(1, count + 1)]
    return np.concatenate([one[np.linspace(0, len(one) - 1, PLACES_OF_LESION).astype(int)] for one in each])


@dataclass(frozen=True)
class PatchMaker:
    """What all patches of a training have in common.

    patch    voxels along k, j, i
    regions  the label values of each structure, in the order of the network's answers; None for one label a voxel
    scales   of deep supervision; None without
    windows  drawn anew for each training patch; None for the base window
    """

    patch: tuple[int, ...]
    regions: tuple[tuple[int, ...], ...] | None
    scales: Sequence[Sequence[float]] | None
    windows: RandomWindows | None = WINDOWS

    def training(
        self, cts: Sequence[KnownCt], size: int, structure_share: float, random: np.random.Generator
    ) -> Iterator[dict[str, Any]]:
        """Endless augmented batches of `size`; so large a share of the patches is centred on a structure."""
        while True:
            chosen = [cts[int(random.integers(len(cts)))] for _ in range(size)]
            yield self._batch(chosen, [self._varied(one, structure_share, random) for one in chosen])

    def validation(self, cts: Sequence[KnownCt], size: int, count: int, share: float) -> Iterator[dict[str, Any]]:
        """Endless batches: the same `count` of them again and again, through the base window."""
        random = np.random.default_rng(604)
        chosen = [cts[number % len(cts)] for number in range(size * count)]
        middles = [_middle(one, self.patch, share, random) for one in chosen]
        while True:
            for first in range(0, len(chosen), size):
                these = slice(first, first + size)
                cut = [_cut(one, middle, self.patch) for one, middle in zip(chosen[these], middles[these])]
                yield self._batch(chosen[these], [(shown(seen, WINDOWS.base), labels) for seen, labels in cut])

    def _varied(
        self, ct: KnownCt, structure_share: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        middle = _middle(ct, self.patch, structure_share, random)
        if random.uniform() < MOVED:
            seen, labels = _moved(ct, middle, self.patch, random)
        else:
            seen, labels = _cut(ct, middle, self.patch)
        window = WINDOWS.base if self.windows is None else self.windows.draw(random)
        return other_grey(shown(seen, window), random), labels

    def _batch(self, cts: Sequence[KnownCt], pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
        """As nnU-Net's trainer takes it."""
        import torch
        from torch.nn.functional import interpolate

        data = torch.from_numpy(np.stack([seen for seen, _ in pairs])[:, None])
        labels = np.stack([labels for _, labels in pairs])
        of_each = [labels] if self.regions is None else [np.isin(labels, region) for region in self.regions]
        target = torch.from_numpy(np.stack(of_each, axis=1)).float()
        targets: Any = target
        if self.scales is not None:
            sizes = [[round(length * part) for length, part in zip(self.patch, scale)] for scale in self.scales]
            targets = [target if size == list(self.patch) else interpolate(target, size=size) for size in sizes]
        return {"data": data, "target": targets, "keys": [one.name for one in cts]}


def shown(seen: np.ndarray, window: Window) -> np.ndarray:
    """float32, 0 to 1 through `window`, of what is 0 to 1 in the wide window."""
    wide = WINDOWS.wide_window
    scale, shift = wide.width_hu / window.width_hu, (wide.lower_hu - window.lower_hu) / window.width_hu
    narrow: np.ndarray = np.clip(seen.astype(np.float32) * np.float32(scale) + np.float32(shift), 0.0, 1.0)
    return narrow


def other_grey(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Blurred, noisy, of other contrast, brightness and gamma: each now and then."""
    from scipy import ndimage

    blurs, noises, contrasts, bends = random.uniform(size=4) < CHANGED
    if blurs:
        grey = ndimage.gaussian_filter(grey, random.uniform(0.4, BLUR_VOXELS), truncate=2.5)
    if noises:
        grey = grey + np.float32(random.uniform(0, NOISE)) * random.standard_normal(grey.shape, dtype=np.float32)
    if contrasts:
        factor, more = CONTRAST ** random.uniform(-1, 1), random.uniform(-BRIGHTNESS, BRIGHTNESS)
        grey = (grey - np.float32(0.5)) * np.float32(factor) + np.float32(0.5 + more)
    grey = np.clip(grey, 0.0, 1.0)
    return np.power(grey, np.float32(GAMMA ** random.uniform(-1, 1))) if bends else grey


def _middle(ct: KnownCt, patch: Sequence[int], share: float, random: np.random.Generator) -> np.ndarray:
    """(3,) voxel in the middle of a patch: on a structure, or anywhere where the patch lies within the CT."""
    if ct.places and random.uniform() < share:
        voxels = ct.places[int(random.integers(len(ct.places)))]
        return np.asarray(voxels[int(random.integers(len(voxels)))], dtype=np.int64)
    half = np.array(patch) // 2
    last = np.maximum(np.array(ct.seen.shape) - (np.array(patch) - half), half)
    drawn: np.ndarray = random.integers(np.minimum(half, last), last + 1)
    return drawn


def _cut(ct: KnownCt, middle: np.ndarray, patch: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The patch about a voxel, kept within the CT where it fits; beside the CT is air."""
    size, shape = np.array(patch), np.array(ct.seen.shape)
    first = np.clip(middle - size // 2, np.minimum(0, shape - size), np.maximum(0, shape - size))
    inside = tuple(slice(max(0, low), low + length) for low, length in zip(first, size))
    before = np.maximum(0, -first)
    parts = []
    for whole in (ct.seen, ct.labels):
        part = whole[inside]
        after = size - before - part.shape
        parts.append(np.pad(part, np.stack([before, after], axis=1)) if before.any() or after.any() else part)
    return parts[0], parts[1]


def _moved(
    ct: KnownCt, middle: np.ndarray, patch: Sequence[int], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The patch about a voxel, turned and zoomed; cut from what is needed of the CT alone."""
    import torch
    from scipy.spatial.transform import Rotation
    from torch.nn.functional import affine_grid, grid_sample

    size = np.array(patch)
    turn = Rotation.from_euler("xyz", random.uniform(-TURN_DEG, TURN_DEG, 3), degrees=True).as_matrix()
    way = turn / ZOOM ** random.uniform(-1, 1)
    around = np.ceil(np.abs(way) @ size).astype(int) + 2
    seen, labels = _cut(ct, middle, around)
    # From the patch's corners at -1 and 1 to those of what was cut; torch counts i, j, k.
    affine = ((way * size) / around[:, None])[::-1, ::-1]
    matrix = torch.from_numpy(np.column_stack([affine, np.zeros(3)]).astype(np.float32))[None]
    grid = affine_grid(matrix, [1, 1, *(int(length) for length in size)], align_corners=False)
    grey, found = (
        grid_sample(torch.from_numpy(part.astype(np.float32))[None, None], grid, mode=mode, align_corners=False)
        for part, mode in ((seen, "bilinear"), (labels, "nearest"))
    )
    return grey[0, 0].numpy(), np.rint(found[0, 0].numpy()).astype(np.int8)


def regions_of(label_manager: Any) -> tuple[tuple[int, ...], ...]:
    """The label values of each structure of nnU-Net's label manager."""
    regions: Mapping[int, Any] | Sequence[Any] = label_manager.foreground_regions
    return tuple(tuple(region) if isinstance(region, (tuple, list)) else (int(region),) for region in regions)
