"""Light on wet tissue: the lamp is beside the lens, so it fades with the square of the distance, throws narrow shadows,
and is mirrored where a surface faces the camera (Phong 1975; Blinn 1977; Schlick 1994 for the rim).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .appearance import PatientLooks
from .buffers import Buffers
from .tissues import surface_of

# Light enters tissue and leaves it beside: the border between light and dark is soft.
_WRAP = 0.18
_AMBIENT = 0.035
_SHADOW_BLUR_PX = 2.0
# Exponents of the highlights, as powers of two: glints, and a broad sheen.
_GLINT, _SHEEN = 8, 4


def shaded(buffers: Buffers, looks: PatientLooks, light_mm: np.ndarray) -> np.ndarray:
    """(v, u, 3) float64: the light that comes from each pixel, linear; 1 for a white surface as far away as the
    middle of what is seen.
    """
    light = np.zeros((*buffers.tissue.shape, 3))
    if not buffers.tissue.any():
        return light
    lit = ndimage.gaussian_filter(buffers.lit.astype(np.float64), _SHADOW_BLUR_PX)
    usual_mm = float(np.median(buffers.points[..., 2][buffers.tissue > 0]))
    for tissue in np.unique(buffers.tissue[buffers.tissue > 0]):
        here = buffers.tissue == tissue
        surface = surface_of(int(tissue), buffers.places[here], looks)
        points = buffers.points[here]
        normal = _unit(buffers.normals[here] + surface.bumps)
        to_light = light_mm - points
        square = (to_light * to_light).sum(axis=1)
        to_light /= np.sqrt(square)[:, None]
        to_eye = _unit(-points)
        facing = (normal * to_light).sum(axis=1)
        reach = (usual_mm * usual_mm / square) * _beam(points) * lit[here]
        diffuse = np.clip((facing + _WRAP) / (1 + _WRAP), 0.0, 1.0)
        mirrored = np.clip((normal * _unit(to_light + to_eye)).sum(axis=1), 0.0, 1.0)
        rim = (1.0 - np.clip((normal * to_eye).sum(axis=1), 0.0, 1.0)) ** 5
        glints = surface.shine * (1.6 * _power(mirrored, _GLINT) + (0.05 + 0.1 * rim) * _power(mirrored, _SHEEN))
        body = surface.color * (diffuse * reach + _AMBIENT)[:, None]
        light[here] = body + (glints * reach)[:, None]
    return light


def _beam(points: np.ndarray) -> np.ndarray:
    """(n,) how much of the lamp's light goes towards `points` (n, 3): less to the sides."""
    cosine = points[:, 2] / np.sqrt((points * points).sum(axis=1))
    beam: np.ndarray = cosine * cosine * cosine
    return beam


def _power(values: np.ndarray, doublings: int) -> np.ndarray:
    """`values` to the power of 2 ** doublings."""
    for _ in range(doublings):
        values = values * values
    return values


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.maximum(np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True)), 1e-9)
    return unit
