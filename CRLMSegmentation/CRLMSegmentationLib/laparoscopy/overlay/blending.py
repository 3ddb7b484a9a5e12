"""Colours laid over a picture, compiled: pixel by pixel where something is seen, and nothing elsewhere."""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled


@compiled
def lay_color(colors: np.ndarray, color: np.ndarray, opacity: np.ndarray, strength: float) -> None:
    """Draw `colors` (v, u, 3) float32 toward `color` (3,) by opacity (v, u) times strength, 0 to 1."""
    for v in range(opacity.shape[0]):
        for u in range(opacity.shape[1]):
            share = np.float32(opacity[v, u] * strength)
            if share > 0:
                for c in range(3):
                    colors[v, u, c] += share * (color[c] - colors[v, u, c])


@compiled
def lay_surface(
    colors: np.ndarray, color: np.ndarray, depth: np.ndarray, nearest: np.ndarray, facing: np.ndarray,
    faded: np.ndarray, darkest: float, strength: float,
) -> None:  # fmt: skip
    """The same where a surface at `depth` (v, u) mm, infinite where it is not, is not behind `nearest` (v, u): by
    faded (v, u) times strength; where it does not face the camera (facing (v, u), 0 to 1) darker, to `darkest`.
    """
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            if not depth[v, u] < math.inf or depth[v, u] > nearest[v, u]:
                continue
            share = np.float32(faded[v, u] * strength)
            light = np.float32(darkest + (1 - darkest) * facing[v, u])
            for c in range(3):
                colors[v, u, c] += share * (light * color[c] - colors[v, u, c])


@compiled
def fade(faded: np.ndarray, depth: np.ndarray, surface: np.ndarray, fade_mm: float, faintest: float) -> None:
    """Put into `faded` (v, u) how strong a surface at `depth` (v, u) mm is drawn under another one at `surface`
    (v, u): 1 where it is not under it, 1 / e at fade_mm below it, `faintest` at least. Both infinite for nothing.
    """
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            below = depth[v, u] - surface[v, u]
            if not below < math.inf or not below > 0:
                faded[v, u] = 1.0
            else:
                faded[v, u] = max(math.exp(-below / fade_mm), faintest)


@compiled
def as_bytes(drawn: np.ndarray, colors: np.ndarray) -> None:
    """Put `colors` (v, u, 3) float32, rounded, into `drawn` uint8."""
    for v in range(colors.shape[0]):
        for u in range(colors.shape[1]):
            for c in range(3):
                drawn[v, u, c] = np.uint8(min(max(np.rint(colors[v, u, c]), 0.0), 255.0))
