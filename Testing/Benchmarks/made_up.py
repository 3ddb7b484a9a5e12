"""Made-up ultrasound for benchmarks: speckle with one dark lobed tumor, which any network learns quickly."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"), str(Path(__file__).resolve().parent)]

from CRLMSegmentationLib.values import Volume  # noqa: E402
from default_network import SPACING_MM  # noqa: E402


def made_up_volume(edge: int = 160) -> Volume:
    """uint8 (edge, edge, edge), a tumor of about 17 mm radius in its middle; the same at every call."""
    random = np.random.default_rng(0)
    k, j, i = np.indices((edge,) * 3) - (edge - 1) / 2
    lobes = 4 * np.sin(k / 9) + 3 * np.cos(j / 7) + 3 * np.sin(i / 11)
    tissue = np.where(np.sqrt(k**2 + j**2 + i**2) + lobes < 34, 32.0, 70.0)
    return _volume(random.rayleigh(1.0, tissue.shape) * tissue)


def made_up_case(seed: int, shape: tuple[int, int, int] = (96, 112, 112)) -> tuple[Volume, Volume]:
    """(ultrasound, tumor) as uint8 of `shape`: made_up_volume with another tumor, two vessels, shade and other speckle.

    The tumor has a radius of 7 to 18 mm and 0.35 to 0.6 of the tissue's grey level; vessels are as dark and no tumor.
    """
    from scipy import ndimage

    random = np.random.default_rng(seed)
    places = np.indices(shape) - ((np.array(shape) - 1) / 2 + random.uniform(-12, 12, 3))[:, None, None, None]
    waves = [
        random.uniform(0, 5) * np.sin(axis / random.uniform(6, 12) + random.uniform(0, 2 * np.pi)) for axis in places
    ]
    tumor = np.sqrt((places**2).sum(axis=0)) + sum(waves) < random.uniform(14, 36)
    level = np.where(tumor, random.uniform(0.35, 0.6), 1.0)
    for _ in range(2):
        along = random.normal(size=3)
        along /= np.linalg.norm(along)
        away = places - random.uniform(-40, 40, 3)[:, None, None, None]
        beside = (away**2).sum(axis=0) - np.tensordot(along, away, 1) ** 2
        level[(beside < random.uniform(2, 5) ** 2) & ~tumor] = random.uniform(0.2, 0.5)
    shade = 1 - random.uniform(0, 0.4) * (places[random.integers(3)] / max(shape) + 0.5)
    speckle = random.rayleigh(1.0, shape)
    if random.uniform() < 0.5:
        speckle = ndimage.gaussian_filter(speckle, random.uniform(0.3, 1.0))
    ultrasound = _volume(speckle * shade * level * random.uniform(55, 85))
    return ultrasound, ultrasound.with_voxels(tumor.astype(np.uint8))


def _volume(grey: np.ndarray) -> Volume:
    return Volume(np.clip(grey, 1, 255).astype(np.uint8), np.diag([SPACING_MM] * 3 + [1.0]))
