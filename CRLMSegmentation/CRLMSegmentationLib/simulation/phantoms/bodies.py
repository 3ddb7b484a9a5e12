"""What lies in a phantom, as an ultrasound beam meets it: layers, bone-like arches, wires in water."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..tubes import paint_tubes
from ..ultrasound.kernels.tissue import fill_from_coarse, to_amplitude
from ..ultrasound.liver import BEYOND, CALCIFICATION, COARSE_STEP_MM, SPACING_MM, Liver, smooth_noise

WIRE_DB, BONE_DB, WATER_DB = 26.0, 20.0, -32.0


def build_phantom(rng: np.random.Generator, lower: ArrayLike, upper: ArrayLike, kind: str) -> Liver:
    """The phantom within the box lower..upper (3,) each, in mm of the frame in which the probe moves."""
    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    shape = tuple((np.ceil((upper - lower) / SPACING_MM).astype(int) + 1).tolist())
    coarse_shape = tuple((np.ceil((upper - lower) / COARSE_STEP_MM).astype(int) + 3).tolist())
    level = np.empty(shape, dtype=np.float32)
    coarse = rng.uniform(0.2, 2.0) * smooth_noise(rng, coarse_shape, rng.uniform(1.0, 6.0))
    fill_from_coarse(level, lower, SPACING_MM, coarse, lower - COARSE_STEP_MM / 2, COARSE_STEP_MM)
    tissue = np.zeros(shape, dtype=np.uint8)
    x, y, z = np.meshgrid(
        *(lower[axis] + np.arange(shape[axis]) * SPACING_MM for axis in range(3)), indexing="ij", sparse=True
    )
    fading_db_mm = rng.uniform(0.0, 1.2)
    level += (rng.uniform(0.0, 14.0) - fading_db_mm * np.maximum(z, 0)).astype(np.float32)
    bend, slope = rng.uniform(-0.004, 0.004), rng.uniform(-0.15, 0.15, 2)
    sheet = z + slope[0] * x + slope[1] * y + bend * x * x
    if kind == "wires":
        level += np.float32(WATER_DB if rng.uniform() < 0.6 else -8.0)
        wires = _draw_wires(rng, lower, upper)
        distance = np.full(shape, 99.0, dtype=np.float32)
        paint_tubes(distance, lower, SPACING_MM, wires, 1.0)
        level[distance < 0] = WIRE_DB
    else:
        for depth in np.cumsum(rng.uniform(4, 14, 5)):
            level += (rng.uniform(-6, 6) * np.clip(sheet - depth + 0.5, 0, 1)).astype(np.float32)
            if rng.uniform() < 0.5:
                level += (rng.uniform(6, 14) * (np.abs(sheet - depth) < rng.uniform(0.3, 0.8))).astype(np.float32)
    if kind == "bone":
        for _ in range(int(rng.integers(1, 5))):
            away = np.abs(sheet + _arch(rng, x, y, lower, upper))
            thick = rng.uniform(0.5, 1.5)
            level[away < thick] = BONE_DB - rng.uniform(0, 8)
            tissue[away < thick] = CALCIFICATION
    floor = rng.uniform(30, 90)
    tissue[np.broadcast_to(z > floor, shape)] = BEYOND
    attenuation = np.zeros(6)
    attenuation[CALCIFICATION], attenuation[BEYOND] = rng.uniform(3.0, 12.0), 0.4
    to_amplitude(level)
    return Liver(level, tissue, lower, attenuation, {"fading_db_mm": float(fading_db_mm)})


def _arch(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """How much deeper than its top an arch, a ridge or a knob lies at (x, y); out of reach beside it."""
    middle = rng.uniform(0.2, 0.8, 2) * (upper - lower)[:2] + lower[:2]
    width, length = rng.uniform(5, 18), rng.uniform(6, 60)
    turned = rng.uniform(0, math.pi)
    across = (x - middle[0]) * math.cos(turned) + (y - middle[1]) * math.sin(turned)
    along = -(x - middle[0]) * math.sin(turned) + (y - middle[1]) * math.cos(turned)
    height = rng.uniform(4, 16)
    drop = height * ((across / width) ** 2 + (along / length) ** 2)
    return np.where(drop < height * 1.2, -rng.uniform(12, 50) - drop, 1e3)


def _draw_wires(rng: np.random.Generator, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """(n, 8) thin straight tubes, as draw_trees gives them, in parallel planes and slanted between them."""
    wires = []
    for _ in range(int(rng.integers(4, 16))):
        depth, side = rng.uniform(10, 60), rng.uniform(lower[0], upper[0], 2)
        if rng.uniform() < 0.6:
            side[1] = side[0]
        radius = rng.uniform(0.2, 0.5)
        wires.append([side[0], lower[1], depth, side[1], upper[1], depth + rng.uniform(-3, 3), radius, radius])
    return np.array(wires)
