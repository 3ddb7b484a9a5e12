"""Other looks of the same plane, as of another scanner, depth and setting. Grey levels float32 (v, u), 0 to 1.

Domain randomisation at the network's own pixels, where it costs a millisecond: what varies is the display, the gain,
the grain of the speckle, what was smoothed away, shadows, bright spots with shadows, and marks beside the picture.
"""

from __future__ import annotations

import numpy as np

# Darker is beside the picture or echo-free; it stays as dark.
_BLACK = 0.02


def other_look(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """`grey` as it might look elsewhere; the same `random` gives the same one. Each change has a chance of its own."""
    black = grey < _BLACK
    for chance, change in _CHANGES:
        if random.uniform() < chance:
            grey = change(grey, random)
    grey = np.clip(grey, 0, np.where(black, _BLACK, 1.0))
    if random.uniform() < 0.3:
        grey = _with_marks(grey, black, random)
    looked: np.ndarray = grey.astype(np.float32)
    return looked


def _display(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Another dynamic range, in which white stays white, and another gamma."""
    scale, gamma = np.exp(random.uniform((-0.5, -0.6), (0.5, 0.6)))
    curved: np.ndarray = np.clip(1 + (grey - 1) * scale, 0, 1) ** gamma
    return curved


def _gain(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Brightness that changes along a direction: mostly depth."""
    v, u = (np.linspace(-1, 1, size, dtype=np.float32) for size in grey.shape)
    slope, bend, aside, level = random.uniform((-0.2, -0.15, -0.08, -0.12), (0.2, 0.15, 0.08, 0.12))
    brighter: np.ndarray = grey + level + (slope * v + bend * (v * v - 0.5))[:, None] + (aside * u)[None]
    return brighter


def _speckle(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Multiplied by a grain that is longer across the beams."""
    strength = random.uniform(0.03, 0.3)
    return grey * (1 + strength * _grain(grey.shape, random.uniform(0.0, 1.2), random.uniform(0.3, 2.2), random))


def _noise(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    width = random.uniform(0.0, 1.0)
    return grey + random.uniform(0.01, 0.06) * _grain(grey.shape, width, width, random)


def _grain(shape: tuple[int, ...], along_v: float, along_u: float, random: np.random.Generator) -> np.ndarray:
    from scipy import ndimage

    grain = ndimage.gaussian_filter(random.standard_normal(shape, dtype=np.float32), (along_v, along_u))
    scaled: np.ndarray = grain / max(float(grain.std()), 1e-6)
    return scaled


def _smooth(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    from scipy import ndimage

    smoothed: np.ndarray = ndimage.gaussian_filter(grey, random.uniform(0.3, 1.4))
    return smoothed


def _sharp(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Edge enhancement."""
    from scipy import ndimage

    return grey + random.uniform(0.3, 1.0) * (grey - ndimage.gaussian_filter(grey, random.uniform(0.8, 2.0)))


def _shadow(grey: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A band along the beams, which come from above the middle of the picture, dark from some depth on."""
    height, width = grey.shape
    v, u = np.mgrid[:height, :width].astype(np.float32)
    beam = np.arctan2(u - width / 2, v + random.uniform(0.05, 0.5) * height)
    middle, half = random.uniform(-0.7, 0.7), random.uniform(0.03, 0.15)
    band = np.clip(1.5 - np.abs(beam - middle) / half, 0, 1)
    top = random.uniform(-0.2, 0.8) * height
    below = np.clip((v - top) / random.uniform(2.0, 10.0), 0, 1)
    if top > 0.05 * height and random.uniform() < 0.6:  # gas or a clip that casts it
        spot = np.clip(1.5 - np.hypot(beam - middle, (v - top) / height * 1.5) / half, 0, 1)
        grey = grey + spot * (random.uniform(0.7, 1.0) - grey)
        below = np.clip((v - top - 2) / 4, 0, 1)
    shaded: np.ndarray = grey * (1 - random.uniform(0.3, 0.9) * band * below)
    return shaded


def _with_marks(grey: np.ndarray, black: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Bright blocks such as text and scales, where it is black."""
    height, width = grey.shape
    marks = np.zeros_like(grey)
    for _ in range(int(random.integers(1, 6))):
        v, u = int(random.integers(height)), int(random.integers(width))
        part = marks[v : v + int(random.integers(1, 4)), u : u + int(random.integers(2, 22))]
        part[:] = random.uniform(0.2, 1.0) * random.uniform(size=part.shape)
    return np.where(black, np.maximum(grey, marks), grey)


_CHANGES = (
    (0.25, _shadow), (0.3, _smooth), (0.15, _sharp), (0.5, _speckle), (0.8, _display), (0.5, _gain), (0.4, _noise),
)  # fmt: skip
