"""What metal does to a slice of a CT: streaks of beam hardening, photon starvation and motion around surgical clips.

The rays that pass a clip are followed through the slice (parallel beams over half a turn). What a detector makes of a
spectrum of 120 kV behind tissue and titanium is compared with what a reconstruction expects of it, and the difference
is reconstructed by filtered back projection (Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988,
chapter 3) and added to the slice. Hardening: De Man et al., IEEE Trans Nucl Sci 46, 1999. Coefficients of attenuation:
NIST XCOM. Only rays through metal differ, so that the cost is small.
"""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled

_ANGLES = 360
# keV 40, 60, 80, 100: share of the detected spectrum, water and titanium per mm.
_SPECTRUM = np.array([0.12, 0.38, 0.32, 0.18])
_WATER = np.array([0.02683, 0.02059, 0.01837, 0.01707])
_TITANIUM = np.array([0.9985, 0.3455, 0.1827, 0.1227])
_MEAN_WATER = float((_SPECTRUM * _WATER).sum())
# What is expected of titanium: so many mm of water for each mm of it, as at 70 keV.
TITANIUM_HU = 12000.0
_PHOTONS = 4.0e5
_MARGIN_PIXELS = 3
# The clip moves with heart and breath while the gantry turns.
_MOTION_MM = 1.2


def streaks(rng: np.random.Generator, slice_hu: np.ndarray, metal: np.ndarray, pixel_mm: float) -> np.ndarray:
    """(j, i) float32 HU to be added to a slice.

    slice_hu  (j, i) float32 HU of everything but the metal
    metal     (parts, j, i) float32, share of each pixel that is metal, in planes through the slice's thickness
    """
    rows, columns = np.nonzero(metal.any(axis=0))
    added = np.zeros(slice_hu.shape, dtype=np.float32)
    if len(rows) == 0:
        return added
    # The gantry begins its turn anywhere.
    angles = rng.uniform(0, math.pi) + np.arange(_ANGLES) * (math.pi / _ANGLES)
    # Rounded, since sines may differ in the last digit between machines.
    cosine, sine = np.round(np.cos(angles), 12), np.round(np.sin(angles), 12)
    middle_j, middle_i = (slice_hu.shape[0] - 1) / 2, (slice_hu.shape[1] - 1) / 2
    x, y = columns - middle_i, rows - middle_j
    offsets = x[None, :] * cosine[:, None] + y[None, :] * sine[:, None]
    moved = _motion(rng) / pixel_mm
    first = np.floor(offsets.min(axis=1) - abs(moved).max() - _MARGIN_PIXELS).astype(np.int64)
    count = int((np.ceil(offsets.max(axis=1)) - first).max() + abs(moved).max()) + _MARGIN_PIXELS + 1
    water = np.maximum(1.0 + slice_hu.astype(np.float64) / 1000.0, 0.0)
    box = np.array([rows.min(), rows.max(), columns.min(), columns.max()], dtype=np.int64)
    difference = np.zeros((_ANGLES, count))
    noise = rng.standard_normal((_ANGLES, count))
    _project(difference, first, cosine, sine, water, metal.astype(np.float64), box, moved, pixel_mm, noise,
             _SPECTRUM, _WATER, _TITANIUM, _MEAN_WATER, 1 + TITANIUM_HU / 1000, _PHOTONS)  # fmt: skip
    _back_project(added, difference, first, cosine, sine, pixel_mm)
    return added


def _motion(rng: np.random.Generator) -> np.ndarray:
    """(angles, 2) mm, x and y: where the clip is while the gantry turns, on average where it belongs."""
    way = np.linspace(-1, 1, _ANGLES)
    direction = rng.uniform(-1, 1, 2)
    drift = way[:, None] * direction * _MOTION_MM
    beat = np.round(np.sin(3 * math.pi * way + rng.uniform(0, 6)), 9)[:, None] * rng.uniform(-0.4, 0.4, 2)
    return np.asarray(drift + beat - beat.mean(axis=0))


@compiled
def _sample(image: np.ndarray, j: float, i: float) -> float:
    """Between the pixels (bilinear); 0 outside."""
    b, a = int(math.floor(j)), int(math.floor(i))
    if b < 0 or a < 0 or b > image.shape[0] - 2 or a > image.shape[1] - 2:
        return 0.0
    v, u = j - b, i - a
    above = image[b, a] * (1 - u) + image[b, a + 1] * u
    value: float = above * (1 - v) + (image[b + 1, a] * (1 - u) + image[b + 1, a + 1] * u) * v
    return value


@compiled
def _project(
    difference: np.ndarray, first: np.ndarray, cosine: np.ndarray, sine: np.ndarray, water: np.ndarray,
    metal: np.ndarray, box: np.ndarray, moved: np.ndarray, pixel_mm: float, noise: np.ndarray, spectrum: np.ndarray,
    of_water: np.ndarray, of_metal: np.ndarray, mean_water: float, expected_ratio: float, photons: float,
) -> None:  # fmt: skip
    """Write (angles, rays) mm of water by which a detector errs: measured less expected."""
    middle_j, middle_i = (water.shape[0] - 1) / 2, (water.shape[1] - 1) / 2
    half = math.sqrt(middle_j * middle_j + middle_i * middle_i)
    parts = metal.shape[0]
    for n in range(difference.shape[0]):
        for ray in range(difference.shape[1]):
            s = float(first[n] + ray)
            in_water = expected = 0.0
            in_metal = np.zeros(parts)
            steps = int(2 * half) + 1
            for step in range(steps):
                t = step - half
                i = middle_i + s * cosine[n] - t * sine[n]
                j = middle_j + s * sine[n] + t * cosine[n]
                in_water += _sample(water, j, i)
                if box[0] - 8 <= j <= box[1] + 8 and box[2] - 8 <= i <= box[3] + 8:
                    for part in range(parts):
                        expected += _sample(metal[part], j, i) / parts
                        in_metal[part] += _sample(metal[part], j - moved[n, 1], i - moved[n, 0])
            if expected == 0.0 and in_metal.max() == 0.0:
                continue
            in_water *= pixel_mm
            plain = through = 0.0
            for e in range(spectrum.shape[0]):
                left = spectrum[e] * math.exp(-of_water[e] * in_water)
                plain += left
                for part in range(parts):
                    through += left * math.exp(-of_metal[e] * in_metal[part] * pixel_mm) / parts
            # Tissue alone is what the water calibration puts right: what metal adds to it is what errs.
            measured = math.log(plain / through) / mean_water
            spread = math.sqrt(max(1.0 / (photons * through) - 1.0 / (photons * plain), 0.0)) / mean_water
            difference[n, ray] = measured - expected * pixel_mm * expected_ratio + spread * noise[n, ray]


@compiled
def _back_project(
    added: np.ndarray, difference: np.ndarray, first: np.ndarray, cosine: np.ndarray, sine: np.ndarray, pixel_mm: float
) -> None:
    """Filtered back projection of (angles, rays) mm of water into `added` (j, i) HU; rays are a pixel apart."""
    middle_j, middle_i = (added.shape[0] - 1) / 2, (added.shape[1] - 1) / 2
    reach = int(math.sqrt(middle_j * middle_j + middle_i * middle_i)) + 2
    filtered = np.zeros(2 * reach + 1)
    weight = math.pi / difference.shape[0] / pixel_mm * 1000.0
    for n in range(difference.shape[0]):
        for s in range(-reach, reach + 1):
            total = 0.0
            for ray in range(difference.shape[1]):
                value = difference[n, ray]
                if value != 0.0:
                    # The ramp filter of Ramachandran and Lakshminarayanan, smoothed over three rays as Hann's is.
                    apart = s - first[n] - ray
                    total += value * (0.5 * _ramp(apart) + 0.25 * (_ramp(apart - 1) + _ramp(apart + 1)))
            filtered[s + reach] = total
        for j in range(added.shape[0]):
            for i in range(added.shape[1]):
                s = (i - middle_i) * cosine[n] + (j - middle_j) * sine[n] + reach
                a = int(s)
                u = s - a
                added[j, i] += weight * (filtered[a] * (1 - u) + filtered[a + 1] * u)


@compiled
def _ramp(apart: int) -> float:
    if apart == 0:
        return 0.25
    if apart % 2 == 0:
        return 0.0
    return -1.0 / (math.pi * math.pi * apart * apart)
