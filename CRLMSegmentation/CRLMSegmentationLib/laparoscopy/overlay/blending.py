"""Colours laid over a picture, compiled: pixel by pixel where something is seen, and nothing elsewhere."""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled, inlined

_WHOLE = np.float32(1.5 * 2**23)


@inlined
def _faded(depth: float, surface: float, fade_mm: float, faintest: float) -> float:
    """How strong a surface at `depth` mm is drawn under another one at `surface`, which may be infinite for nothing: 1
    where it is not under it, 1 / e at fade_mm below it, `faintest` at least.
    """
    below = depth - surface
    return max(math.exp(-below / fade_mm), faintest) if below > 0 else 1.0


@compiled
def lay_tint(colors: np.ndarray, color: np.ndarray, depth: np.ndarray, share: float) -> None:
    """Draw `colors` (v, u, 3) float32 toward `color` (3,) by `share`, 0 to 1, where a surface is at `depth` (v, u) mm,
    infinite where it is not.
    """
    part = np.float32(share)
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            if depth[v, u] < math.inf:
                for c in range(3):
                    colors[v, u, c] += part * (color[c] - colors[v, u, c])


@compiled
def lay_surface(
    colors: np.ndarray, color: np.ndarray, depth: np.ndarray, nearest: np.ndarray, facing: np.ndarray,
    surface: np.ndarray, fade_mm: float, faintest: float, darkest: float, opacity: float,
) -> None:  # fmt: skip
    """The same where a surface at `depth` (v, u) mm is not behind `nearest` (v, u): by opacity, and less where it lies
    under `surface` (v, u), see _faded(); where it does not face the camera (facing (v, u), 0 to 1) darker, to
    `darkest`.
    """
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            if not depth[v, u] < math.inf or depth[v, u] > nearest[v, u]:
                continue
            share = np.float32(opacity * _faded(depth[v, u], surface[v, u], fade_mm, faintest))
            light = np.float32(darkest + (1 - darkest) * facing[v, u])
            for c in range(3):
                colors[v, u, c] += share * (light * color[c] - colors[v, u, c])


@compiled
def lay_line(
    colors: np.ndarray, color: np.ndarray, line: np.ndarray, depth: np.ndarray, surface: np.ndarray, fade_mm: float,
    faintest: float, opacity: float,
) -> None:  # fmt: skip
    """The same by `line` (v, u) float32, 0 to 1, on a surface at `depth` (v, u) mm, nothing where it is not: by
    opacity, and less where it lies under `surface` (v, u), see _faded().
    """
    for v in range(line.shape[0]):
        for u in range(line.shape[1]):
            if not line[v, u] > 0 or not depth[v, u] < math.inf:
                continue
            share = np.float32(line[v, u] * opacity * _faded(depth[v, u], surface[v, u], fade_mm, faintest))
            for c in range(3):
                colors[v, u, c] += share * (color[c] - colors[v, u, c])


@compiled
def as_bytes(drawn: np.ndarray, colors: np.ndarray) -> None:
    """Put `colors` (n,) float32, 0 to 255, rounded, into `drawn` uint8."""
    for i in range(colors.shape[0]):
        # Beside so large a number float32 has whole numbers only.
        drawn[i] = np.int32(colors[i] + _WHOLE - _WHOLE)
