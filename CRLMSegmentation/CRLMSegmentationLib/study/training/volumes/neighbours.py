"""What lies beside a tumor and is none: walls such as the diaphragm, and vessels. Grey levels 0 to 255 [k, j, i]."""

from __future__ import annotations

import numpy as np

# A wall's grey level; how thick it is in voxels, and what of the grey behind it is left.
WALL_GREY, WALL_VOXELS, BEHIND = (150.0, 255.0), (0.5, 2.0), (0.1, 1.0)
VESSEL_VOXELS, VESSEL_DARKER, RIM_BRIGHTER = (0.8, 3.5), (25.0, 90.0), (15.0, 80.0)


def with_neighbours(grey: np.ndarray, tumor: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A wall, one to three vessels or both, which end where the tumor is."""
    kind = random.uniform()
    changed = grey
    if kind < 0.65:
        changed = _with_wall(changed, tumor, random)
    if kind > 0.4:
        for _ in range(int(random.integers(1, 4))):
            changed = _with_vessel(changed, random)
    from scipy import ndimage

    kept = ndimage.gaussian_filter(tumor.astype(np.float32), 0.5)
    mixed: np.ndarray = grey * kept + changed * (1 - kept)
    return mixed.astype(np.float32)


def _with_wall(grey: np.ndarray, tumor: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A part of a large sphere as a bright sheet, with less or other echo behind it; mostly beside the tumor."""
    radius = random.uniform(0.8, 6.0) * max(grey.shape)
    direction = random.standard_normal(3)
    direction /= np.sqrt((direction**2).sum())
    size = np.array(grey.shape)
    at = (size - 1) / 2 + direction * random.uniform(0.1, 0.5) * size
    if tumor.any():  # outside of the tumor, as seen from its middle
        places = np.argwhere(tumor)
        reach = float(((places - places.mean(axis=0)) @ direction).max())
        at = places.mean(axis=0) + direction * (reach + random.uniform(0.0, 8.0))
    curved = 1.0 if random.uniform() < 0.7 else -1.0
    middle = at - curved * direction * radius
    k, j, i = np.ogrid[tuple(slice(length) for length in grey.shape)]
    away = np.sqrt((k - middle[0]) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2).astype(np.float32)
    outward = curved * (away - radius)
    thick = random.uniform(*WALL_VOXELS)
    sheet = np.exp(-0.5 * (outward / thick) ** 2) * random.uniform(0.4, 1.0)
    behind = np.clip(outward / thick, 0, 1)
    changed = grey * (1 - behind * (1 - random.uniform(*BEHIND)))
    walled: np.ndarray = changed + sheet * (random.uniform(*WALL_GREY) - changed)
    return walled


def _with_vessel(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A dark, straight tube, with a bright wall or without."""
    direction = random.standard_normal(3)
    direction /= np.sqrt((direction**2).sum())
    through = random.uniform(0, 1, 3) * np.array(grey.shape)
    axes = [np.arange(size, dtype=np.float32) - at for size, at in zip(grey.shape, through)]
    k, j, i = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
    along = k * direction[0] + j * direction[1] + i * direction[2]
    away = np.sqrt(np.maximum(k * k + j * j + i * i - along * along, 0))
    radius = random.uniform(*VESSEL_VOXELS)
    lumen = np.clip(radius + 0.5 - away, 0, 1)
    dark: np.ndarray = grey - lumen * random.uniform(*VESSEL_DARKER)
    if random.uniform() < 0.4:
        dark = dark + np.exp(-0.5 * ((away - radius - 0.7) / 0.6) ** 2) * random.uniform(*RIM_BRIGHTER)
    return dark
