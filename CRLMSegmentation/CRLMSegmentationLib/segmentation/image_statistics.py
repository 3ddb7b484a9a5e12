"""Plain figures of how an ultrasound image looks, to tell whether a model has learned from such images.

Differences between voxels some way apart are taken by their median, as a robust variogram does (Cressie and Hawkins,
Math. Geol. 12 (1980) 115-125), so that walls, vessels and the tumor itself hardly count beside the speckle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from ..values import Volume
from ..words import mark, tr

# Grey levels that count as black and as white, of 255.
BLACK, WHITE = 3, 252
# Distances over which grey levels are compared, mm.
LAGS_MM = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
# Voxels that a network may see, and how far apart those are that are compared, mm.
COARSE_MM, COARSE_APART_MM = 1.5, 3.0
# So many pairs of voxels are enough for each distance, and fewer than these say nothing.
_PAIRS, _FEWEST = 20_000, 200
# The median of a normal variable's absolute value, in standard deviations.
_MEDIAN_OF_NORMAL = 0.6745


@dataclass(frozen=True)
class ImageStatistics:
    """How a box looks.

    mean_grey   of what was seen and is not 0, up to 255
    grain       what speckle leaves in means over 1.5 mm: the standard deviation of such voxels, from those 3 mm apart
    speckle_mm  the distance over which grey levels lose half of their likeness: half of the variogram's value at 6 mm
    saturated   the share of it that is nearly black or white
    """

    mean_grey: float
    grain: float
    speckle_mm: float
    saturated: float


# How each is named to people, and what it is multiplied with for that.
NAMES = {
    "mean_grey": (mark("mean grey level"), 1),
    "grain": (mark("grain of the speckle"), 1),
    "speckle_mm": (mark("size of the speckle in mm"), 1),
    "saturated": (mark("percent nearly black or white"), 100),
}
Ranges = Mapping[str, tuple[float, float]]


def image_statistics(ultrasound: Volume) -> ImageStatistics | None:
    """Of a box of B-mode ultrasound, grey levels 0 to 255; None where too little was seen, or it is too small."""
    # Black throughout is also what a picture has beside its fan, so that it says nothing about the tissue.
    grey = ultrasound.voxels
    seen: np.ndarray = grey > 0
    spacing_mm = [float(mm) for mm in ultrasound.spacing_mm[::-1]]
    shown = grey[seen]
    coarse, is_coarse, coarse_mm = _means(grey, seen, spacing_mm)
    grains = [_spread(coarse, is_coarse, axis, COARSE_APART_MM / mm) for axis, mm in enumerate(coarse_mm)]
    curve = [_mean_over_axes(grey, seen, spacing_mm, lag_mm) for lag_mm in LAGS_MM]
    known, values = [one for one in grains if one is not None], [one for one in curve if one is not None]
    if shown.size < _FEWEST or not known or len(values) < len(LAGS_MM):
        return None
    return ImageStatistics(
        float(shown.mean(dtype=np.float64)),
        sum(known) / len(known),
        _half_range_mm(np.square(values)),
        float(((shown <= BLACK) | (shown >= WHITE)).mean()),
    )


def unlike(statistics: ImageStatistics, ranges: Ranges) -> str:
    """What of an image lies outside of what a model learned from, for a sentence; '' when nothing does."""
    found, said = asdict(statistics), []
    for name, (words, factor) in NAMES.items():
        low, high = ranges.get(name, (-np.inf, np.inf))
        if not low <= found[name] <= high:
            said.append(
                tr(
                    "{words} {found:.3g}, there {low:.3g} to {high:.3g}",
                    words=tr(words),
                    found=factor * found[name],
                    low=factor * low,
                    high=factor * high,
                )
            )
    return "; ".join(said)


def _half_range_mm(variogram: np.ndarray) -> float:
    rising = np.maximum.accumulate(np.concatenate([[0.0], variogram]))
    # A step that is nowhere flat, so that there is one place at which the half is reached.
    rising += 1e-9 * np.arange(len(rising))
    return float(np.interp(rising[-1] / 2, rising, (0.0, *LAGS_MM)))


def _mean_over_axes(grey: np.ndarray, seen: np.ndarray, spacing_mm: list[float], lag_mm: float) -> float | None:
    spreads = [_spread(grey, seen, axis, lag_mm / mm) for axis, mm in enumerate(spacing_mm)]
    known = [one for one in spreads if one is not None]
    return sum(known) / len(known) if known else None


def _spread(grey: np.ndarray, seen: np.ndarray, axis: int, steps: float) -> float | None:
    """Standard deviation of grey levels, from the differences of voxels `steps` apart along `axis`, both seen; None
    where there are too few.
    """
    step = max(1, round(steps))
    if grey.shape[axis] <= step:
        return None
    every = slice(None, None, max(1, int((grey.size / _PAIRS) ** 0.5)))
    first = tuple(slice(None, -step) if each == axis else every for each in range(3))
    second = tuple(slice(step, None) if each == axis else every for each in range(3))
    both = seen[first] & seen[second]
    apart = np.abs(grey[first][both].astype(np.float32) - grey[second][both])
    if apart.size < _FEWEST:
        return None
    return float(np.median(apart)) / _MEDIAN_OF_NORMAL / 2**0.5


def _means(grey: np.ndarray, seen: np.ndarray, spacing_mm: list[float]) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Means over blocks of whole voxels, about COARSE_MM wide, of what was seen; where half of it was; their size."""
    counts = [max(1, round(COARSE_MM / mm)) for mm in spacing_mm]
    whole = tuple(slice(0, size // count * count) for size, count in zip(grey.shape, counts))

    def summed(values: np.ndarray) -> np.ndarray:
        cut = values[whole]
        parts = [part for size, count in zip(cut.shape, counts) for part in (size // count, count)]
        total: np.ndarray = cut.reshape(parts).sum(axis=(1, 3, 5), dtype=np.float32)
        return total

    count = summed(seen)
    means: np.ndarray = summed(np.where(seen, grey, 0)) / np.maximum(count, 1)
    return means, count * 2 >= float(np.prod(counts)), [mm * count for mm, count in zip(spacing_mm, counts)]
