"""Crops as another scanner or setting would show them, by known amounts: what a model is tried on, never trained on.

The simulator's own pictures all lie in a narrow range (tissue at 88 to 122 of 255, a dynamic range of 54 to 68 dB, 6 to
9 MHz). A remap changes one property of a crop at its fine voxels and leaves the anatomy where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...values import Volume

# Of the pictures that are remapped: 255 grey levels show so many dB.
USUAL_RANGE_DB = 60.0
# Mean of ten times the decimal logarithm of a unit exponential variable, and its standard deviation: speckle in dB.
_MEAN_DB = -2.507


@dataclass(frozen=True)
class Remap:
    """How a crop is changed; as it stands, not at all.

    tissue_grey   the median of what was seen is brought there by gain (a shift after log compression); None: left
    range_db      that the display shows from black to white, about the tissue's grey level; None: left
    gamma         of the grey levels
    smooth_mm     standard deviation of a Gaussian filter
    speckle_mm    full width at half maximum of additional, fully developed speckle; 0 for none
    speckle_share of its 5.6 dB
    slope_grey    brighter by so much at one end along the last axis of the array, darker at the other
    """

    tissue_grey: float | None = None
    range_db: float | None = None
    gamma: float = 1.0
    smooth_mm: float = 0.0
    speckle_mm: float = 0.0
    speckle_share: float = 1.0
    slope_grey: float = 0.0


# One thing at a time, and then what a low frequency through the skin does together.
REMAPS: Mapping[str, Remap] = {
    "as simulated": Remap(),
    "tissue at 25": Remap(tissue_grey=25),
    "tissue at 40": Remap(tissue_grey=40),
    "tissue at 60": Remap(tissue_grey=60),
    "tissue at 160": Remap(tissue_grey=160),
    "40 dB shown": Remap(range_db=40),
    "80 dB shown": Remap(range_db=80),
    "gamma 0.5": Remap(gamma=0.5),
    "gamma 2": Remap(gamma=2.0),
    "smoothed by 0.7 mm": Remap(smooth_mm=0.7),
    "smoothed by 1.5 mm": Remap(smooth_mm=1.5),
    "speckle of 1 mm": Remap(speckle_mm=1.0),
    "speckle of 2 mm": Remap(speckle_mm=2.0),
    "speckle of 3.5 mm": Remap(speckle_mm=3.5),
    "speckle of 6 mm": Remap(speckle_mm=6.0),
    "speckle of 3.5 mm, half as strong": Remap(speckle_mm=3.5, speckle_share=0.5),
    "gain from -30 to +30": Remap(slope_grey=30),
    "tissue at 40, speckle of 3.5 mm": Remap(tissue_grey=40, speckle_mm=3.5),
    "tissue at 40, 80 dB, smoothed by 0.7 mm": Remap(tissue_grey=40, range_db=80, smooth_mm=0.7),
    "tissue at 150, 45 dB, speckle of 2 mm": Remap(tissue_grey=150, range_db=45, speckle_mm=2.0),
}


def drawn_remap(random: np.random.Generator) -> Remap:
    """All of it together, by amounts that are drawn: another scanner, frequency and setting."""
    tissue, shown, gamma, smooth, width, share, slope = random.uniform(size=7)
    some = random.uniform(size=4)
    return Remap(
        tissue_grey=25 + 135 * tissue,
        range_db=45 + 35 * shown,
        gamma=float(np.exp(gamma - 0.5)) if some[0] < 0.4 else 1.0,
        smooth_mm=1.2 * smooth if some[1] < 0.4 else 0.0,
        speckle_mm=float(6**width) if some[2] < 0.7 else 0.0,
        speckle_share=0.3 + 0.7 * share,
        slope_grey=60 * (slope - 0.5) if some[3] < 0.4 else 0.0,
    )


def remapped(crop: Volume, remap: Remap, random: np.random.Generator) -> Volume:
    """`crop`, uint8 B-mode, changed; what no frame passed stays 0, and what was seen stays above it."""
    from scipy import ndimage

    seen = crop.voxels > 0
    if not seen.any():
        return crop
    grey: np.ndarray = crop.voxels.astype(np.float32)
    spacing = np.array(crop.spacing_mm[::-1])
    tissue = float(np.median(grey[seen]))
    scale = 1.0 if remap.range_db is None else USUAL_RANGE_DB / remap.range_db
    if remap.speckle_mm > 0:
        grey += 255 / USUAL_RANGE_DB * remap.speckle_share * speckle_db(grey.shape, remap.speckle_mm / spacing, random)
    grey = (tissue if remap.tissue_grey is None else remap.tissue_grey) + scale * (grey - tissue)
    grey += remap.slope_grey * np.linspace(-1, 1, grey.shape[2], dtype=np.float32)
    grey = 255 * (np.clip(grey, 0, 255) / 255) ** remap.gamma
    if remap.smooth_mm > 0:
        width = remap.smooth_mm / spacing
        weight = ndimage.gaussian_filter(seen.astype(np.float32), width)
        grey = ndimage.gaussian_filter(np.where(seen, grey, 0), width) / np.maximum(weight, 1e-3)
    return crop.with_voxels(np.where(seen, np.clip(np.rint(grey), 1, 255), 0).astype(np.uint8))


def speckle_db(shape: tuple[int, ...], width: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """float32 of `shape`: fully developed speckle in dB, with mean 0 and a standard deviation of 5.6 dB.

    width  of a speckle along each axis in voxels, full width at half maximum of its intensity's autocorrelation
    Its intensity is that of two Gaussian fields (Goodman, Speckle Phenomena in Optics, 2007).
    """
    from scipy import ndimage

    # The field's autocorrelation is sqrt(2) times as wide as the filter, and the intensity's is its square.
    sigma = np.asarray(width) / 2.355
    power: np.ndarray = np.zeros(shape, np.float32)
    for _ in range(2):
        field = ndimage.gaussian_filter(random.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
        power += field * field
    decibels: np.ndarray = 10 * np.log10(np.maximum(power / power.mean(), 1e-4)) - _MEAN_DB
    return decibels.astype(np.float32)
