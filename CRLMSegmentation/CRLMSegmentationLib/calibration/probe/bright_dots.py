"""Bright dots in an ultrasound image, the cuts through the wires of a phantom: what PLUS takes for them, where it does.

The echo of a wire is no point, and it is not symmetric: below it comes a tail. Where in it the wire is said to be is a
convention, and a calibration fits another one only when both keep to the same. So a dot here is what PLUS defines
(PlusFidSegmentation, of PLUS's user manual 'Segmentation'): what is left of the image when everything is taken away
that holds a bar of a given length in one of four directions, and then all that is smaller than a circle; its place is
the mean of its pixels weighted by what is left there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# PLUS does without these two: a dark image has no dots, and noise is none.
_NOISES, _LEAST_GREY = 6.0, 1.0
_MOST_DOTS = 24


@dataclass(frozen=True)
class DotShape:
    """What counts as a dot; the defaults are those of PLUS.

    bar_mm      half the length of the bar: what holds such a bar is no dot (MorphologicalOpeningBarSizeMm)
    circle_mm   radius of the smallest dot (MorphologicalOpeningCircleRadiusMm)
    least_share of the brightest dot's height, which the pixels of a dot have at least (ThresholdImagePercent / 100)
    """

    bar_mm: float = 2.0
    circle_mm: float = 0.27
    least_share: float = 0.1


PLUS_DOT = DotShape()


def bright_dots(pixels: np.ndarray, pixel_mm: float, shape: DotShape = PLUS_DOT) -> np.ndarray:
    """(n, 3) u, v in pixels and brightness of at most 24 dots, the brightest first.

    pixels    (v, u) of one image
    pixel_mm  roughly the size of a pixel
    """
    from scipy import ndimage

    risen = _without_bars(pixels.astype(np.float32), 2 * max(1, _in_pixels(shape.bar_mm, pixel_mm)) + 1)
    radius = _in_pixels(shape.circle_mm, pixel_mm)
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    risen = ndimage.grey_opening(risen, footprint=rows**2 + columns**2 <= radius**2)
    noise = 1.4826 * float(np.median(risen))
    # PLUS counts in whole grey levels.
    least = max(np.floor(shape.least_share * risen.max(initial=0.0) + 0.5), _LEAST_GREY, _NOISES * noise)
    risen[risen < least] = 0
    labels, _count = ndimage.label(risen, structure=np.ones((3, 3)))
    dots = []
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        weights = np.where(labels[place] == number, risen[place], 0)
        v, u = (float(middle) + part.start for middle, part in zip(ndimage.center_of_mass(weights), place))
        dots.append((u, v, float(weights.max())))
    return np.array(sorted(dots, key=lambda dot: -dot[2])[:_MOST_DOTS]).reshape(-1, 3)


def _in_pixels(length_mm: float, pixel_mm: float) -> int:
    return int(length_mm / pixel_mm + 0.5)


def _without_bars(image: np.ndarray, length: int) -> np.ndarray:
    """The image without what holds a bar of so many pixels: across, on one diagonal, down, on the other."""
    for turned, is_slanted in ((np.transpose, False), (_same, True), (_same, False), (np.fliplr, True)):
        turned_image = turned(image)
        image = turned(np.maximum(turned_image - _opened(turned_image, length, is_slanted), 0))
    return image


def _same(image: np.ndarray) -> np.ndarray:
    return image


def _opened(image: np.ndarray, length: int, is_slanted: bool) -> np.ndarray:
    """Grey opening with a bar that runs down the columns, or one column to the left with each row."""
    from scipy import ndimage

    # Beyond the image the bar is cut off.
    for filtered, beyond in ((ndimage.minimum_filter1d, np.inf), (ndimage.maximum_filter1d, 0.0)):
        if not is_slanted:
            image = filtered(image, length, axis=0, mode="constant", cval=beyond)
            continue
        rows, columns = image.shape
        # Read with one pixel less in each row, the diagonals stand upright.
        wide = np.full((rows, columns + rows + 1), beyond, image.dtype)
        wide[:, :columns] = image
        upright = wide.reshape(-1)[: rows * (columns + rows)].reshape(rows, columns + rows)
        upright[:] = filtered(upright, length, axis=0, mode="constant", cval=beyond)
        image = wide[:, :columns]
    return image
