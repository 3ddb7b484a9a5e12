"""Random patterns that are fixed in space: smooth noise on a lattice, and its octaves (Perlin, 'An image synthesizer',
SIGGRAPH 1985). Sums and products of numbers that are drawn by an integer hash, so that every processor rounds alike.
"""

from __future__ import annotations

import math

import numpy as np

from ....compilation.jit import compiled


def noise_at(places: np.ndarray, wavelength_mm: float, seed: int, octaves: int = 1) -> np.ndarray:
    """(...) float64, about -1 to 1 and 0 on average: smooth noise at `places` (..., 3), mm, with details of
    `wavelength_mm`, and of a half, a quarter, ... of it at half the strength each.
    """
    flat = np.ascontiguousarray(places, dtype=np.float64).reshape(-1, 3)
    values = np.empty(len(flat))
    _fill(values, flat, 1.0 / wavelength_mm, seed % 2**31, octaves)
    return values.reshape(places.shape[:-1])


def slope_at(places: np.ndarray, wavelength_mm: float, seed: int, octaves: int = 1) -> np.ndarray:
    """(..., 3): how noise_at() rises along each axis over a tenth of the wavelength."""
    here, step = noise_at(places, wavelength_mm, seed, octaves), wavelength_mm / 10
    rises = [noise_at(places + step * axis, wavelength_mm, seed, octaves) - here for axis in np.eye(3)]
    return np.stack(rises, axis=-1)


def threads_at(places: np.ndarray, spacing_mm: float, width: float, seed: int) -> np.ndarray:
    """(...) 0 to 1: winding threads such as small vessels, 1 in their middle; where the noise changes its sign.

    width  of a thread as a share of their spacing
    """
    middle = np.abs(noise_at(places, spacing_mm, seed, 3)) / width
    here_and_there = np.clip(2.5 * noise_at(places, 3.1 * spacing_mm, seed + 1) + 0.7, 0.0, 1.0)
    threads: np.ndarray = np.clip(1.0 - middle, 0.0, 1.0) * here_and_there
    return threads


@compiled
def _at_corner(x: int, y: int, z: int, seed: int) -> float:
    """-1 to 1, of a corner of the lattice."""
    mixed = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (seed * 2654435761)
    mixed = mixed & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    mixed = mixed ^ (mixed >> 16)
    return mixed / 2147483647.5 - 1.0


@compiled
def _smooth(x: float, y: float, z: float, seed: int) -> float:
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - i, y - j, z - k
    # Flat at the corners in slope and curvature.
    u = u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
    v = v * v * v * (v * (v * 6.0 - 15.0) + 10.0)
    w = w * w * w * (w * (w * 6.0 - 15.0) + 10.0)
    total = 0.0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                weight = (u if a else 1.0 - u) * (v if b else 1.0 - v) * (w if c else 1.0 - w)
                total += weight * _at_corner(int(i) + a, int(j) + b, int(k) + c, seed)
    return total


@compiled
def _fill(values: np.ndarray, places: np.ndarray, frequency: float, seed: int, octaves: int) -> None:
    for n in range(places.shape[0]):
        total, strength, at, sum_of_strengths = 0.0, 1.0, frequency, 0.0
        for octave in range(octaves):
            total += strength * _smooth(places[n, 0] * at, places[n, 1] * at, places[n, 2] * at, seed + 101 * octave)
            sum_of_strengths += strength
            strength *= 0.5
            at *= 2.0
        # The mean of corners is seldom near 1.
        values[n] = 1.6 * total / sum_of_strengths
