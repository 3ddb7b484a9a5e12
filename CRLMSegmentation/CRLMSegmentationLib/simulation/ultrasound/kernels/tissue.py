"""Painting the liver on its grid, compiled: smooth fields, vessels, and decibels to amplitudes."""

from __future__ import annotations

import math

import numpy as np

from ....compilation.jit import compiled


@compiled
def sample_coarse(grid: np.ndarray, origin: np.ndarray, step: float, x: float, y: float, z: float) -> float:
    """Trilinear sample of a coarse (x, y, z) grid; it must cover the point."""
    fx, fy, fz = (x - origin[0]) / step, (y - origin[1]) / step, (z - origin[2]) / step
    i = min(max(int(math.floor(fx)), 0), grid.shape[0] - 2)
    j = min(max(int(math.floor(fy)), 0), grid.shape[1] - 2)
    k = min(max(int(math.floor(fz)), 0), grid.shape[2] - 2)
    fx -= i
    fy -= j
    fz -= k
    below = (grid[i, j, k] * (1 - fx) + grid[i + 1, j, k] * fx) * (1 - fy) + (
        grid[i, j + 1, k] * (1 - fx) + grid[i + 1, j + 1, k] * fx
    ) * fy
    above = (grid[i, j, k + 1] * (1 - fx) + grid[i + 1, j, k + 1] * fx) * (1 - fy) + (
        grid[i, j + 1, k + 1] * (1 - fx) + grid[i + 1, j + 1, k + 1] * fx
    ) * fy
    result: float = below * (1 - fz) + above * fz
    return result


@compiled
def fill_from_coarse(
    level_db: np.ndarray,
    origin: np.ndarray,
    spacing: float,
    grid: np.ndarray,
    grid_origin: np.ndarray,
    grid_step: float,
) -> None:
    """Write the smooth coarse grid (dB) into `level_db` (x, y, z)."""
    for i in range(level_db.shape[0]):
        for j in range(level_db.shape[1]):
            for k in range(level_db.shape[2]):
                level_db[i, j, k] = sample_coarse(
                    grid,
                    grid_origin,
                    grid_step,
                    origin[0] + i * spacing,
                    origin[1] + j * spacing,
                    origin[2] + k * spacing,
                )


@compiled
def lay_vessels(
    level_db: np.ndarray,
    kind: np.ndarray,
    hepatic: np.ndarray,
    portal: np.ndarray,
    wall_mm: float,
    wall_db: float,
    lumen_db: float,
    lumen_kind: int,
) -> None:
    """Vessels into `level_db`: dark lumina, bright portal walls, edges 0.5 mm soft."""
    for i in range(level_db.shape[0]):
        for j in range(level_db.shape[1]):
            for k in range(level_db.shape[2]):
                p = portal[i, j, k]
                if p < wall_mm + 0.5:
                    share = min(1.0, max(0.0, (wall_mm + 0.5 - p) / 0.5))
                    level_db[i, j, k] += share * (wall_db - level_db[i, j, k])
                inner = min(p, hepatic[i, j, k])
                if inner < 0.25:
                    share = min(1.0, max(0.0, 0.5 - inner / 0.5))
                    level_db[i, j, k] += share * (lumen_db - level_db[i, j, k])
                    if inner < 0:
                        kind[i, j, k] = lumen_kind


@compiled
def to_amplitude(level_db: np.ndarray) -> None:
    """dB to linear amplitude, in place."""
    for i in range(level_db.shape[0]):
        for j in range(level_db.shape[1]):
            for k in range(level_db.shape[2]):
                level_db[i, j, k] = math.exp(level_db[i, j, k] * 0.11512925464970229)
