"""Tumors of another contrast, and tumors where there were none. Grey levels 0 to 255, float32 [k, j, i]."""

from __future__ import annotations

import numpy as np

# Grey levels against the tissue around, at 255 for 60 dB: about -14 to -5, 2.5 to 5, 4 to 14 and 1 to 2.5 dB; and how
# often each is drawn. Faint and nearly iso-echoic ones are darker or brighter.
CONTRASTS = ((0.4, (-60.0, -21.0)), (0.2, (10.0, 21.0)), (0.3, (17.0, 60.0)), (0.1, (4.0, 10.0)))
_EITHER_SIGN = (1, 3)
SHELL_VOXELS = 3
# Radii of a new tumor, in voxels of the network.
RADIUS_VOXELS = (3.0, 9.0)


def drawn_contrast(random: np.random.Generator) -> float:
    """The grey level of a tumor against the tissue around it."""
    which = int(random.choice(len(CONTRASTS), p=[share for share, _ in CONTRASTS]))
    contrast = float(random.uniform(*CONTRASTS[which][1]))
    return -contrast if which in _EITHER_SIGN and random.uniform() < 0.5 else contrast


def with_other_contrast(grey: np.ndarray, tumor: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The tumor's mean shifted to another contrast with what is around it; its structure stays, stronger or weaker."""
    from scipy import ndimage

    inside = tumor & (grey > 0)
    around = ndimage.binary_dilation(tumor, iterations=SHELL_VOXELS) & ~tumor & (grey > 0)
    contrast, structure, edge = drawn_contrast(random), random.uniform(0.4, 1.3), random.uniform(0.3, 1.0)
    if not inside.any() or not around.any():
        return grey
    mean = float(grey[inside].mean())
    wanted = float(grey[around].mean()) + contrast + structure * (grey - mean)
    share = ndimage.gaussian_filter(tumor.astype(np.float32), edge)
    mixed: np.ndarray = grey + share * (wanted - grey)
    return mixed.astype(np.float32)


def with_new_tumor(grey: np.ndarray, seen: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(grey levels, boolean tumor): a bumpy ellipsoid somewhere in what was seen, with what was there as its texture.

    Nothing is changed where it would hardly have been seen.
    """
    from scipy import ndimage

    inner = random.uniform(*RADIUS_VOXELS) * np.exp(random.uniform(-0.25, 0.25, 3))
    size = np.array(grey.shape)
    radii = np.minimum(inner, size / 2 - 2)
    middle = radii + 1 + random.uniform(0, 1, 3) * np.maximum(size - 2 * radii - 2, 0)
    inside = _bumpy_ellipsoid(grey.shape, middle, np.maximum(radii, 1.5), random)
    tumor = inside & seen
    contrast, edge, texture = drawn_contrast(random), random.uniform(0.3, 1.0), random.uniform(0, 8)
    if inside.sum() < 20 or tumor.sum() < 0.8 * inside.sum():
        return grey, np.zeros_like(tumor)
    blotches = ndimage.gaussian_filter(random.standard_normal(grey.shape, dtype=np.float32), random.uniform(0.6, 2.0))
    blotches *= texture / max(float(blotches.std()), 1e-6)
    share = ndimage.gaussian_filter(inside.astype(np.float32), edge)
    return (grey + share * (contrast + blotches)).astype(np.float32), tumor


def _bumpy_ellipsoid(
    shape: tuple[int, ...], middle: np.ndarray, radii: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    from scipy import ndimage

    k, j, i = np.ogrid[tuple(slice(length) for length in shape)]
    away = np.sqrt(sum(((axis - at) / radius) ** 2 for axis, at, radius in zip((k, j, i), middle, radii)))
    bumps = ndimage.gaussian_filter(random.standard_normal(shape, dtype=np.float32), float(radii.mean()) / 2)
    bumps *= random.uniform(0.0, 0.18) / max(float(bumps.std()), 1e-6)
    inside: np.ndarray = away + bumps < 1
    # Only the piece in the middle.
    pieces, count = ndimage.label(inside)
    if count > 1:
        inside = pieces == 1 + int(np.bincount(pieces.ravel())[1:].argmax())
    return inside
