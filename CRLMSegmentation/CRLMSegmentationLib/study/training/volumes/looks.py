"""Other looks of the same box, as of another scanner, frequency and setting. Grey levels 0 to 255, float32 [k, j, i].

Domain randomisation at the network's own voxels (Tobin et al., IROS 2017; Billot et al., SynthSeg, Med. Image Anal. 86
(2023)), where it costs milliseconds. Coarse speckle comes first in it: on remapped validation boxes the model that had
seen only the simulator's fine speckle lost its tumors to that, and hardly any to gain, gamma or dynamic range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...cases.remaps import speckle_db
from .neighbours import with_neighbours
from .tumors import with_new_tumor, with_other_contrast

WHITE = 255.0
# Tissue lies somewhere here, and its display shows so many dB from black to white.
TISSUE_GREY, RANGE_DB = (25.0, 160.0), (40.0, 80.0)
# Width of a speckle in voxels of the network, and the share of its full strength that compounding leaves.
SPECKLE_VOXELS, SPECKLE_SHARE = (0.7, 5.0), (0.25, 1.0)


@dataclass(frozen=True, eq=False)
class GreyBox:
    """A box at the network's voxels.

    grey   float32 [k, j, i], 0 to 255; 0 where nothing was seen
    tumor  boolean, same shape
    """

    grey: np.ndarray
    tumor: np.ndarray


def other_look(box: GreyBox, random: np.random.Generator) -> GreyBox:
    """The box as it might look elsewhere; the same `random` gives the same one. Each change has a chance of its own.

    A box may get a tumor that it did not have, and walls or vessels beside it; what was not seen stays 0.
    """
    seen = box.grey > 0
    if not seen.any():
        return box
    grey, tumor = box.grey, box.tumor
    if not tumor.any() and random.uniform() < 0.3:
        grey, tumor = with_new_tumor(grey, seen, random)
    elif tumor.any() and random.uniform() < 0.6:
        grey = with_other_contrast(grey, tumor, random)
    if random.uniform() < 0.4:
        grey = with_neighbours(grey, tumor, random)
    grey = displayed(grey, seen, random)
    for chance, change in _CHANGES:
        if random.uniform() < chance:
            grey = change(grey, seen, random)
    return GreyBox(np.where(seen, np.clip(grey, 1, WHITE), 0).astype(np.float32), tumor)


def displayed(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Another grey of the tissue and another dynamic range, with coarser speckle most of the time."""
    tissue = float(np.median(grey[seen]))
    target, range_db = random.uniform(*TISSUE_GREY), random.uniform(*RANGE_DB)
    if random.uniform() < 0.3:
        target, range_db = tissue, 60.0
    scale = 60.0 / range_db
    shown = target + scale * (grey - tissue)
    if random.uniform() < 0.65:
        shown += WHITE / range_db * _speckle_share(random) * speckle_db(grey.shape, _speckle_width(random), random)
    # What is drawn beyond black or white is lost there, as it is on a screen.
    clipped: np.ndarray = np.clip(shown, 1, WHITE).astype(np.float32)
    return clipped


def _speckle_share(random: np.random.Generator) -> float:
    return float(random.uniform(*SPECKLE_SHARE))


def _speckle_width(random: np.random.Generator) -> np.ndarray:
    """Along each axis: across the beam and out of the plane it is some times as wide as along the beam."""
    smallest, largest = np.log(SPECKLE_VOXELS)
    width: np.ndarray = np.exp(random.uniform(smallest, largest)) * np.exp(random.uniform(-0.5, 0.5, 3))
    return width


def _smooth(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Persistence, speckle reduction, a low frequency: by the means of what was seen."""
    from scipy import ndimage

    width = random.uniform(0.2, 1.1) * np.exp(random.uniform(-0.4, 0.4, 3))
    weight = ndimage.gaussian_filter(seen.astype(np.float32), width)
    smoothed: np.ndarray = ndimage.gaussian_filter(np.where(seen, grey, 0), width) / np.maximum(weight, 1e-3)
    return smoothed


def _sharp(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Edge enhancement."""
    sharper: np.ndarray = grey + random.uniform(0.3, 1.0) * (grey - _smooth(grey, seen, random))
    return sharper


def _gamma(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    curved: np.ndarray = WHITE * (np.clip(grey, 0, WHITE) / WHITE) ** np.exp(random.uniform(-0.6, 0.6))
    return curved


def _gain(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Brightness that changes along a direction, with a bend: time gain, attenuation."""
    along = along_direction(grey.shape, random)
    slope, bend = random.uniform((-40.0, -20.0), (40.0, 20.0))
    brighter: np.ndarray = grey + slope * along + bend * (along * along - 0.5)
    return brighter


def _noise(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    noisy: np.ndarray = grey + random.uniform(1.0, 9.0) * random.standard_normal(grey.shape, dtype=np.float32)
    return noisy


def _shadow(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A beam that goes dark from some depth on: gas, a clip, a rib, lost contact."""
    depth, aside = along_direction(grey.shape, random), along_direction(grey.shape, random)
    half, middle, top = random.uniform(0.08, 0.35), random.uniform(-1, 1), random.uniform(-1.2, 0.7)
    width = half * (1 + random.uniform(0.0, 0.5) * depth)
    band = np.clip(1.5 - np.abs(aside - middle) / np.maximum(width, 0.03), 0, 1)
    below = np.clip((depth - top) / 0.15, 0, 1)
    if random.uniform() < 0.4:  # what casts it is bright
        grey = grey + band * np.clip(1 - np.abs(depth - top) / 0.12, 0, 1) * (random.uniform(200, 255) - grey)
    dark: np.ndarray = grey * (1 - random.uniform(0.3, 0.9) * band * below)
    return dark


def along_direction(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """float32 of `shape`: the place along a random direction, about -1 to 1 from one side to the other."""
    direction = random.standard_normal(3)
    direction /= np.sqrt((direction**2).sum())
    k, j, i = (np.linspace(-1, 1, size, dtype=np.float32) * np.float32(part) for size, part in zip(shape, direction))
    place: np.ndarray = k[:, None, None] + j[None, :, None] + i[None, None, :]
    return place


_CHANGES = (
    (0.3, _smooth), (0.1, _sharp), (0.4, _gamma), (0.4, _gain), (0.3, _noise), (0.2, _shadow),
)  # fmt: skip
