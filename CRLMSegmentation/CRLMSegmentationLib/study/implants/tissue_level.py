"""The level of the tissue around every pixel of a frame, without what is small."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# The level is the median over this width: walls and vessels do not move it.
AROUND_MM = 9.0
COARSE_MM = 1.2


def level_around(grey: np.ndarray, inside: np.ndarray, pixel_mm: tuple[float, float]) -> np.ndarray:
    """(v, u) the mean level of the tissue at each pixel, free of speckle and of what is small, from `inside` alone."""
    steps = [max(1, round(COARSE_MM / size)) for size in pixel_mm[::-1]]
    known = inside[:: steps[0], :: steps[1]]
    smooth = ndimage.uniform_filter(grey * inside, steps) / np.maximum(
        ndimage.uniform_filter(inside * 1.0, steps), 1e-3
    )
    coarse = smooth[:: steps[0], :: steps[1]]
    if known.any() and not known.all():
        nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
        coarse = coarse[tuple(nearest)]
    window = [max(3, round(AROUND_MM / size / step)) for size, step in zip(pixel_mm[::-1], steps)]
    coarse = ndimage.gaussian_filter(ndimage.median_filter(coarse, window, mode="nearest"), [one / 4 for one in window])
    v, u = np.indices(grey.shape)
    result: np.ndarray = ndimage.map_coordinates(coarse, [v / steps[0], u / steps[1]], order=1, mode="nearest")
    return result
