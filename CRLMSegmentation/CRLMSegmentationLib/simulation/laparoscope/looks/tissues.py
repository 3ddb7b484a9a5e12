"""The colour of each tissue, and how uneven and wet it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .appearance import PatientLooks
from .noise import noise_at, slope_at, threads_at
from .scene import FAT, GALLBLADDER, JAWS, LIGAMENT, LIVER, SHAFT, STOMACH, WALL

# Of small vessels on pale tissues, and of pale spots of fibrosis; linear.
_BLOOD, _PALE = np.array([0.30, 0.02, 0.02]), np.array([0.50, 0.36, 0.22])
_METAL = np.array([0.36, 0.37, 0.40])


@dataclass(frozen=True, eq=False)
class Surface:
    """Of n places of a tissue.

    color   (n, 3) share of red, green and blue light that it returns
    bumps   (n, 3) what is added to its normal
    shine   (n,) strength of highlights
    """

    color: np.ndarray
    bumps: np.ndarray
    shine: np.ndarray


def surface_of(tissue: int, places: np.ndarray, looks: PatientLooks) -> Surface:
    """The surface of `tissue` (a number of scene.py) at `places` (n, 3), mm."""
    return _KINDS[tissue](places, looks)


def _liver(places: np.ndarray, looks: PatientLooks) -> Surface:
    seed = looks.seed + 1000
    cloudy, fine = noise_at(places, 30.0, seed, 3), noise_at(places, 1.7, seed + 1, 2)
    color = np.array(looks.liver) * (1.0 + looks.mottling * cloudy + 0.13 * fine)[:, None]
    if looks.fibrosis:
        spots = noise_at(places, looks.spot_mm, seed + 2, 3) + 0.45 * noise_at(places, 25.0, seed + 3)
        pale = _step(spots, 0.72 - 1.5 * looks.fibrosis, 0.45) * (0.75 + 0.25 * noise_at(places, 5.0, seed + 7))
        color = _mixed(color, _PALE * (1 + 0.3 * fine)[:, None], 0.85 * pale)
    color = _mixed(color, _BLOOD, 0.3 * threads_at(places, 17.0, 0.05, seed + 4))
    bumps = 0.10 * slope_at(places, 9.0, seed + 5, 2) + 0.30 * slope_at(places, 1.9, seed + 6, 2)
    bumps += (0.5 if looks.fibrosis else 0.1) * slope_at(places, 1.4 * looks.spot_mm, seed + 2, 1)
    return Surface(color, bumps, np.full(len(places), looks.wetness))


def _fat(places: np.ndarray, looks: PatientLooks) -> Surface:
    seed = looks.seed + 2000
    lobules = noise_at(places, 5.0, seed, 3)
    color = np.array(looks.fat) * (1.0 + 0.22 * lobules + 0.15 * noise_at(places, 40.0, seed + 1))[:, None]
    color = _mixed(color, np.array([0.55, 0.12, 0.06]), 0.35 * _step(noise_at(places, 50.0, seed + 3, 2), 0.1, 0.5))
    color = _mixed(color, _BLOOD, 0.8 * threads_at(places, 30.0, 0.06, seed + 2))
    color = _mixed(color, _BLOOD, 0.5 * threads_at(places, 12.0, 0.05, seed + 5))
    bumps = 0.9 * slope_at(places, 6.0, seed, 3) + 0.25 * slope_at(places, 1.8, seed + 4)
    return Surface(color, bumps, np.full(len(places), 0.55 * looks.wetness))


def _gallbladder(places: np.ndarray, looks: PatientLooks) -> Surface:
    seed = looks.seed + 3000
    color = np.array(looks.gallbladder) * (1.0 + 0.15 * noise_at(places, 14.0, seed, 2))[:, None]
    color = _mixed(color, _BLOOD, 0.75 * threads_at(places, 12.0, 0.09, seed + 1))
    color = _mixed(color, _BLOOD, 0.5 * threads_at(places, 6.0, 0.08, seed + 4))
    bumps = 0.2 * slope_at(places, 7.0, seed + 2, 2) + 0.1 * slope_at(places, 1.6, seed + 3)
    return Surface(color, bumps, np.full(len(places), 1.1 * looks.wetness))


def _stomach(places: np.ndarray, looks: PatientLooks) -> Surface:
    seed = looks.seed + 4000
    color = np.array([0.55, 0.27, 0.22]) * (1.0 + 0.18 * noise_at(places, 18.0, seed, 3))[:, None]
    color = _mixed(color, _BLOOD, 0.55 * threads_at(places, 20.0, 0.05, seed + 1))
    return Surface(color, 0.2 * slope_at(places, 5.0, seed + 2, 2), np.full(len(places), 0.7 * looks.wetness))


def _ligament(places: np.ndarray, looks: PatientLooks) -> Surface:
    seed = looks.seed + 5000
    fatty = _step(noise_at(places, 22.0, seed, 2), 0.0, 0.6)
    color = _mixed(np.array([0.52, 0.28, 0.23]), np.array(looks.fat) * 0.9, 0.75 * fatty)
    color = color * (1.0 + 0.18 * noise_at(places, 3.0, seed + 1, 2))[:, None]
    color = _mixed(color, _BLOOD, 0.6 * threads_at(places, 9.0, 0.08, seed + 2))
    bumps = 0.5 * slope_at(places, 3.2, seed + 3, 2)
    return Surface(color, bumps, np.full(len(places), 0.8 * looks.wetness))


def _wall(places: np.ndarray, looks: PatientLooks) -> Surface:
    seed = looks.seed + 6000
    color = np.array(looks.wall) * (1.0 + 0.25 * noise_at(places, 45.0, seed, 3))[:, None]
    color = _mixed(color, np.array([0.52, 0.30, 0.10]), 0.6 * _step(noise_at(places, 75.0, seed + 1, 2), 0.22, 0.25))
    # Tendon of the diaphragm, and muscle that shows through.
    color = _mixed(color, np.array([0.42, 0.36, 0.36]), 0.5 * _step(noise_at(places, 60.0, seed + 2, 2), 0.3, 0.3))
    stretched = places * [1.0, 0.25, 1.0]
    color = color * (1.0 + 0.12 * noise_at(stretched, 7.0, seed + 3, 2))[:, None]
    color = _mixed(color, _BLOOD, 0.5 * threads_at(places, 30.0, 0.045, seed + 4))
    bumps = 0.35 * slope_at(places, 16.0, seed + 5, 3)
    return Surface(color, bumps, np.full(len(places), 0.45 * looks.wetness))


def _shaft(places: np.ndarray, looks: PatientLooks) -> Surface:
    color = np.array([0.035, 0.035, 0.04]) if looks.seed % 3 else 0.8 * _METAL
    return Surface(np.tile(color, (len(places), 1)), np.zeros_like(places), np.full(len(places), 0.5))


def _jaws(places: np.ndarray, looks: PatientLooks) -> Surface:
    color = _METAL * (1.0 + 0.3 * noise_at(places, 1.5, looks.seed + 8000))[:, None]
    return Surface(color, 0.2 * slope_at(places, 2.0, looks.seed + 8001), np.full(len(places), 1.5))


def _step(values: np.ndarray, start: float, width: float) -> np.ndarray:
    """0 below `start`, 1 above start + width, smooth between."""
    share = np.clip((values - start) / width, 0.0, 1.0)
    smooth: np.ndarray = share * share * (3.0 - 2.0 * share)
    return smooth


def _mixed(color: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = color + share[:, None] * (other - color)
    return mixed


_KINDS: dict[int, Callable[[np.ndarray, PatientLooks], Surface]] = {
    LIVER: _liver, LIGAMENT: _ligament, GALLBLADDER: _gallbladder, STOMACH: _stomach, FAT: _fat, WALL: _wall,
    SHAFT: _shaft, JAWS: _jaws,
}  # fmt: skip
