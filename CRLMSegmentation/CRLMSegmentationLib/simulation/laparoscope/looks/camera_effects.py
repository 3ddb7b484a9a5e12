"""From light to the camera's picture: smoke, focus, motion, exposure, bloom, the circle's border and the sensor."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .appearance import PatientLooks, ViewLooks
from .noise import noise_at

_SMOKE = np.array([0.30, 0.29, 0.30])
# The brightest tissue in the picture's middle, highlights left out, comes near white.
_EXPOSED_PERCENT, _EXPOSED_TO = 92.0, 0.5


def taken(light: np.ndarray, depth_mm: np.ndarray, patient: PatientLooks, view: ViewLooks) -> np.ndarray:
    """(v, u, 3) uint8 of red, green and blue: the picture of `light` (v, u, 3), linear, of what lies depth_mm (v, u)
    deep.
    """
    rng = np.random.default_rng([view.seed, 2])
    inside = within_border(light.shape[:2], patient)
    v, u = (slice(size // 6, -(size // 6)) for size in light.shape[:2])
    metered = float(np.percentile(light[v, u].max(axis=-1), _EXPOSED_PERCENT))
    exposed = light * (_EXPOSED_TO * view.exposure / max(metered, 1e-9))
    exposed = _smoky(exposed, depth_mm, view)
    exposed *= 1.0 + patient.warmth * np.array([0.07, 0.0, -0.07])
    for channel in range(3):
        exposed[..., channel] = _moved(ndimage.gaussian_filter(exposed[..., channel], view.blur_px), view)
        # What is too bright for the sensor shines into its neighbourhood.
        exposed[..., channel] += 0.25 * ndimage.gaussian_filter(np.maximum(exposed[..., channel] - 0.9, 0.0), 5.0)
    exposed *= _vignette(light.shape[:2])[..., None]
    border = ndimage.gaussian_filter(inside.astype(np.float64), 1.0)
    exposed = exposed * border[..., None] + 0.002
    grain = rng.standard_normal(exposed.shape) * 0.6 + rng.standard_normal(exposed.shape[:2])[..., None] * 0.8
    curved = _curve(exposed) + view.noise * ndimage.gaussian_filter(grain, (0.6, 0.6, 0)) * 1.5
    picture: np.ndarray = np.clip(np.round(255.0 * curved), 0, 255).astype(np.uint8)
    return picture


def within_border(shape: tuple[int, int], looks: PatientLooks) -> np.ndarray:
    """(v, u) boolean: what the endoscope's circle shows; all of it where the circle is larger than the picture."""
    if looks.border is None:
        return np.ones(shape, dtype=bool)
    rng = np.random.default_rng([looks.seed, 3])
    middle = np.array(shape) / 2 - 0.5 + rng.uniform(-0.01, 0.01, 2) * shape[1]
    v, u = np.ogrid[: shape[0], : shape[1]]
    within: np.ndarray = (v - middle[0]) ** 2 + (u - middle[1]) ** 2 <= (looks.border * shape[1]) ** 2
    return within


def _smoky(light: np.ndarray, depth_mm: np.ndarray, view: ViewLooks) -> np.ndarray:
    if not view.smoke:
        return light
    shape = light.shape[:2]
    v, u = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    clouds = noise_at(np.stack([u, v, np.zeros(shape)], axis=-1), 0.3 * shape[1], view.seed, 4)
    # The more of it, the farther one looks through it.
    far = np.where(depth_mm > 0, depth_mm, depth_mm.max()) / max(float(depth_mm.max()), 1e-9)
    share = np.clip(view.smoke * (0.7 + 0.6 * clouds) * (0.5 + 0.5 * far), 0.0, 0.85)[..., None]
    smoky: np.ndarray = light + share * (_SMOKE - light)
    return smoky


def _moved(channel: np.ndarray, view: ViewLooks) -> np.ndarray:
    """The mean along the camera's way during the exposure."""
    if view.motion_px == (0.0, 0.0):
        return channel
    steps = np.linspace(-0.5, 0.5, 5)
    shifted = [ndimage.shift(channel, (s * view.motion_px[1], s * view.motion_px[0]), order=1, mode="nearest")
               for s in steps]  # fmt: skip
    mean: np.ndarray = np.mean(shifted, axis=0)
    return mean


def _vignette(shape: tuple[int, int]) -> np.ndarray:
    v, u = np.ogrid[: shape[0], : shape[1]]
    half = shape[1] / 2
    square = ((v - shape[0] / 2) / half) ** 2 + ((u - half) / half) ** 2
    darker: np.ndarray = 1.0 / (1.0 + 0.35 * square + 0.3 * square * square)
    return darker


def _curve(light: np.ndarray) -> np.ndarray:
    """From linear light to the picture's values, 0 to 1: the square root stands for the usual gamma of 2.2, and what is
    brighter than white is pressed together.
    """
    light = np.maximum(light, 0.0)
    pressed = light * (1.0 + light / 2.5) / (1.0 + light)
    curved: np.ndarray = np.sqrt(np.minimum(1.25 * pressed, 1.0))
    return curved
