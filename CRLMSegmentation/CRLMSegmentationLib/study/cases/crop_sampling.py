"""Which boxes of a case a network learns from: tight and straying ones around the tumor, and ones beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...geometry import transform_points
from ...segmentation.crop import crop
from ...values import Box, Volume
from ..checked_fields import check_fields, limited
from .appearance import vary_appearance
from .dataset import Case
from .sweep_variation import SweepVariation

# Edge lengths of boxes without a tumor, in mm, margin included: the range of boxes around tumors.
EMPTY_EDGE_MM = (26.0, 62.0)
LEAST_SEEN = 0.5
PLACES_TRIED = 60


@dataclass(frozen=True)
class CropSampling:
    """How many crops of a case, and how they stray.

    straying        crops around the tumor beside the tight one
    empty           crops of a case with a tumor that hold nothing of it
    empty_only      crops of a case without a tumor
    shift_mm        a straying box moves by up to this along each of its axes, evenly distributed
    edge_mm         each of its edges changes by something between these two: a person's box is rather too large, and a
                    network that could infer the tumor's size from the box's would be wrong in it
    appearance      the straying and the empty crops also get another gain, gamma, blur and noise
    variation       of the sweep from which the straying and the empty crops are made; of cases that have one
    """

    straying: int = limited(0, least=0)
    empty: int = limited(0, least=0)
    empty_only: int = limited(0, least=0)
    shift_mm: float = limited(8.0, least=0)
    edge_mm: tuple[float, float] = (-5.0, 20.0)
    appearance: bool = False
    variation: SweepVariation = SweepVariation()

    def __post_init__(self) -> None:
        check_fields(self, "The sampling of crops")


@dataclass(frozen=True, eq=False)
class SampledCrop:
    """name: unique within the case; image, mask: on one grid; has_tumor: whether the box was drawn around it."""

    name: str
    image: Volume
    mask: Volume
    has_tumor: bool


# Reconstructions that the straying and the empty crops take turns in: (hole filling, every n-th frame).
RECONSTRUCTIONS = (("stick", 1), ("none", 1), ("stick", 2))


def sample_crops(
    load: Callable[[str, int], Case],
    margin_mm: float,
    sampling: CropSampling,
    seed: int,
    load_varied: Callable[[str, int, np.random.Generator], Case] | None = None,
) -> Iterator[SampledCrop]:
    """The crops of one case. The same `seed` gives the same crops.

    load         gives the case as reconstructed with that hole filling and every n-th frame; called in turn
    load_varied  gives it from a sweep that is varied by the random numbers; None where there is no sweep to vary
    """
    random = np.random.default_rng([seed, 501])
    case = load("stick", 1)
    has_tumor = bool(case.tumor.voxels.any())
    if has_tumor:
        yield _cut(case, Box.around_mask(case.tumor).expanded(margin_mm), "tight", True)
    straying = sampling.straying if has_tumor else 0
    jobs = [True] * straying + [False] * (sampling.empty if has_tumor else sampling.empty_only)
    for turn, reconstruction in enumerate(RECONSTRUCTIONS):
        if len(jobs) <= turn:
            break
        if load_varied is not None and sampling.variation.is_any:
            case = load_varied(*reconstruction, np.random.default_rng([seed, 505, turn]))
        else:
            case = load(*reconstruction)
        for number in range(turn, len(jobs), len(RECONSTRUCTIONS)):
            box: Box | None
            if jobs[number]:
                box = _stray(Box.around_mask(case.tumor), sampling, random).expanded(margin_mm)
            else:
                box = empty_box(case, random)
            if box is None:
                continue
            sampled = _cut(case, box, f"{number:02d}{'stray' if jobs[number] else 'empty'}", jobs[number])
            if sampling.appearance and random.uniform() < (0.7 if jobs[number] else 0.85):
                strength = 1.0 if jobs[number] else 1.6
                varied = vary_appearance(sampled.image.voxels, random, strength)
                sampled = SampledCrop(sampled.name, sampled.image.with_voxels(varied), sampled.mask, sampled.has_tumor)
            yield sampled


def _stray(tight: Box, sampling: CropSampling, random: np.random.Generator) -> Box:
    shift = random.uniform(-1, 1, 3) * sampling.shift_mm
    size = np.maximum(tight.size_mm + random.uniform(*sampling.edge_mm, 3), 0.5 * tight.size_mm)
    return Box(tight.center_ras + tight.axes_ras @ shift, size, tight.axes_ras)


def empty_box(case: Case, random: np.random.Generator) -> Box | None:
    """A box that the probe saw at least half of and that holds nothing of any tumor; None if none was found."""
    volume = case.volume
    axes = volume.ijk_to_ras[:3, :3] / volume.spacing_mm
    size = np.array(volume.dimensions)
    for _ in range(PLACES_TRIED):
        edges = random.uniform(*EMPTY_EDGE_MM) * random.uniform(0.75, 1.25, 3)
        half = np.minimum(edges / volume.spacing_mm, size) / 2
        middle = half + random.uniform(0, 1, 3) * np.maximum(size - 2 * half, 0)
        box = Box(transform_points(volume.ijk_to_ras, middle), edges, axes)
        if (crop(volume, box).volume.voxels > 0).mean() < LEAST_SEEN or crop(case.tumor, box).volume.voxels.any():
            continue
        if case.others is not None and crop(case.others, box).volume.voxels.any():
            continue
        return box
    return None


def _cut(case: Case, box: Box, name: str, has_tumor: bool) -> SampledCrop:
    return SampledCrop(name, crop(case.volume, box).volume, crop(case.tumor, box).volume, has_tumor)
