"""Other pictures of the same anatomy: gain, gamma, blur and noise of machines that the simulator is not.

Acts on uint8 B-mode before nnU-Net's own augmentation, on the whole crop, and can saturate as a real machine does.
Voxels that no frame passed stay 0.
"""

from __future__ import annotations

import numpy as np


def vary_appearance(voxels: np.ndarray, random: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """uint8 [k, j, i] of the same shape with another appearance; `strength` 1 for tissue, more for bolder changes."""
    from scipy import ndimage

    seen = voxels > 0
    grey: np.ndarray = voxels.astype(np.float32)
    if random.uniform() < 0.5:
        grey = 255 * (grey / 255) ** float(np.exp(random.uniform(-0.5, 0.5) * strength))
    if random.uniform() < 0.6 and seen.any():
        mean = float(grey[seen].mean())
        grey = (grey - mean) * random.uniform(0.55, 1 + 0.5 * strength) + mean + random.uniform(-25, 25) * strength
    if random.uniform() < 0.5:
        grey += _ramp(voxels.shape, random) * random.uniform(0, 45 * strength)
    if random.uniform() < 0.4:
        # Weighted by what was seen, so that the dark outside does not leak in.
        width = random.uniform(0, 1.6, 3)
        weight = ndimage.gaussian_filter(seen.astype(np.float32), width)
        grey = ndimage.gaussian_filter(np.where(seen, grey, 0), width) / np.maximum(weight, 1e-3)
    if random.uniform() < 0.4:
        noise = ndimage.gaussian_filter(random.standard_normal(voxels.shape, dtype=np.float32), random.uniform(0, 1, 3))
        grey += noise / max(float(noise.std()), 1e-6) * random.uniform(3, 18 * strength)
    return np.where(seen, np.clip(np.rint(grey), 1, 255), 0).astype(np.uint8)


def _ramp(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """A slope with a bend along a random direction, -1 to 1 over the crop."""
    direction = random.standard_normal(3)
    direction /= np.sqrt((direction**2).sum())
    axes = [np.linspace(-1, 1, size, dtype=np.float32) * part for size, part in zip(shape, direction)]
    ramp = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
    bend = random.uniform(-0.5, 0.5)
    curved: np.ndarray = ramp + bend * (ramp * ramp - 0.5)
    return curved.astype(np.float32)
