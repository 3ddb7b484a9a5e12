"""Bright dots in an ultrasound image: the cuts through the wires of a phantom."""

from __future__ import annotations

import numpy as np

# The size of a dot in the image, and of the surroundings that it stands out of.
_DOT_MM, _AROUND_MM, _APART_MM, _LONGEST_MM = 0.2, 0.8, 0.8, 3.0
# Above the noise by so much, and not much darker than the brightest one.
_NOISES, _SHARE_OF_BRIGHTEST, _LEAST_GREY = 6.0, 0.06, 1.0
_MOST_DOTS = 24


def bright_dots(pixels: np.ndarray, pixel_mm: float) -> np.ndarray:
    """(n, 3) u, v in pixels and brightness of at most 24 dots, the brightest first.

    pixels    (v, u) of one image
    pixel_mm  roughly the size of a pixel
    What is longer than 3 mm, such as the bottom of the phantom, is no dot. The place is the mean over the part of the
    dot that is above half its height, weighted by brightness.
    """
    from scipy import ndimage

    image = pixels.astype(np.float32)
    near, around = (ndimage.gaussian_filter(image, size / pixel_mm) for size in (_DOT_MM, _AROUND_MM))
    risen = near - around
    highest = float(risen.max(initial=0.0))
    noise = 1.4826 * float(np.median(np.abs(risen - np.median(risen))))
    reach = max(1, round(_APART_MM / pixel_mm))
    least = max(_NOISES * noise, _SHARE_OF_BRIGHTEST * highest, _LEAST_GREY)
    tops = np.argwhere((risen == ndimage.maximum_filter(risen, 2 * reach + 1)) & (risen > least))
    tops = tops[np.argsort(-risen[tuple(tops.T)], kind="stable")][: 2 * _MOST_DOTS]
    dots = [dot for top in tops if (dot := _dot(risen, top, pixel_mm)) is not None]
    return np.array(dots[:_MOST_DOTS]).reshape(-1, 3)


def _dot(risen: np.ndarray, top: np.ndarray, pixel_mm: float) -> tuple[float, float, float] | None:
    """u, v, brightness of the dot with its top there; None for a part of something longer."""
    from scipy import ndimage

    half = max(2, round(_LONGEST_MM / pixel_mm))
    low = np.maximum(top - half, 0)
    window = risen[low[0] : top[0] + half + 1, low[1] : top[1] + half + 1]
    labels, _ = ndimage.label(window > risen[tuple(top)] / 2)
    rows, columns = np.nonzero(labels == labels[tuple(top - low)])
    if max(np.ptp(rows), np.ptp(columns)) >= half:
        return None
    weights = window[rows, columns]
    v, u = np.average(np.array([rows, columns]), axis=1, weights=weights) + low
    return float(u), float(v), float(risen[tuple(top)])
