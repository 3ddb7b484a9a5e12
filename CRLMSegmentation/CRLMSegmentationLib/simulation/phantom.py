"""Sweeps over training phantoms: layers, bone-like arches, wires in water, and no tumor anywhere.

They teach a network what is not a metastasis: pictures of real phantoms (spine, wire, blocks) look nothing like a
liver, and a model that has only seen livers with tumors finds one in everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..geometry import transform_points
from ..sweep import Sweep
from ..sweep.sweep import ORIGIN_FIELD, SIMULATED
from ..values import Volume
from .case import SimulatedCase, check_seed, paint_frames, tracked_frames
from .placement import swept_corners
from .settings import ProbeSettings, SweepSettings
from .truth import TRUTH_SPACING_MM, as_plain_values, tissue_labels
from .ultrasound.liver import BEYOND, CALCIFICATION, COARSE_STEP_MM, SPACING_MM, Liver, smooth_noise
from .ultrasound.motion import draw_motion
from .ultrasound.picture import Painter, draw_settings
from .ultrasound.probe import draw_probe
from .ultrasound.tracking import draw_tracking

PHANTOMS = ("layers", "bone", "wires")
WIRE_DB, BONE_DB, WATER_DB = 26.0, 20.0, -32.0


def simulate_phantom(
    seed: int, *, kind: str | None = None, progress: Callable[[float, str], None] | None = None
) -> SimulatedCase:
    """A sweep over a phantom of this kind (one of PHANTOMS, drawn when None) with an empty tumor mask.

    Deterministic as simulate_case is; depth, opening and curvature of the probe vary more than over a liver, and the
    echo may fade quickly with depth or saturate near the face. Raises ConfigurationError for the seed.
    """
    seed = check_seed(seed)
    report = progress or (lambda fraction, text: None)
    streams = [np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence([seed, 77]).spawn(6)]
    probe_rng, motion_rng, body_rng, tracker_rng, picture_rng, noise_rng = streams
    kind = kind or str(body_rng.choice(PHANTOMS))
    settings = ProbeSettings(
        radius_mm=float(round(probe_rng.uniform(12, 80), 2)),
        field_of_view_deg=float(round(probe_rng.uniform(32, 80), 2)),
        depth_mm=float(probe_rng.choice([45.0, 55.0, 65.0, 75.0])),
    )
    transducer = draw_probe(probe_rng, settings, 40.0)
    motion = draw_motion(motion_rng, transducer, motion_rng.uniform(60, 250), 25.0)
    moments = np.linspace(0, 1, int(motion_rng.integers(20, 96)))
    tracking = draw_tracking(tracker_rng, motion, transducer, moments, motion_rng.uniform(8, 14), SweepSettings())

    swept = swept_corners(motion, transducer)
    body = build_phantom(body_rng, swept.min(axis=0) - 4, swept.max(axis=0) + 4, kind)
    knobs = draw_settings(picture_rng, transducer, 0.0)
    knobs = replace(knobs, parenchyma_grey=float(picture_rng.uniform(60, 200)))
    painter = Painter(transducer, body, knobs, key=picture_rng.integers(0, 2**32, 3, dtype=np.uint32))
    pictures = paint_frames(painter, motion, moments, noise_rng, report)

    in_reference = transform_points(tracking.liver_to_reference, swept)
    lower = np.floor(in_reference.min(axis=0)) - 1
    size = np.ceil((np.ceil(in_reference.max(axis=0)) + 1 - lower) / TRUTH_SPACING_MM).astype(int) + 1
    grid = np.diag([TRUTH_SPACING_MM] * 3 + [1.0])
    grid[:3, 3] = lower
    parameters = {"seed": seed, "phantom": {"kind": kind, **body.summary}, "image_to_probe": tracking.image_to_probe}
    sweep = Sweep(tracked_frames(pictures, tracking), f"Simulated phantom {seed}", {ORIGIN_FIELD: SIMULATED})
    report(1.0, "Simulated")
    empty = Volume(np.zeros(tuple(size[::-1]), np.uint8), grid)
    to_reference = tracking.liver_to_reference
    return SimulatedCase(sweep, empty, tissue_labels(body, to_reference), as_plain_values(parameters), to_reference)


def build_phantom(rng: np.random.Generator, lower, upper, kind: str) -> Liver:
    """The phantom within the box lower..upper (3,) each, in mm of the frame in which the probe moves."""
    from .ultrasound.kernels import fill_from_coarse, paint_tubes, to_amplitude

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


def _arch(rng: np.random.Generator, x, y, lower, upper) -> np.ndarray:
    """How much deeper than its top an arch, a ridge or a knob lies at (x, y); out of reach beside it."""
    middle = rng.uniform(0.2, 0.8, 2) * (upper - lower)[:2] + lower[:2]
    width, length = rng.uniform(5, 18), rng.uniform(6, 60)
    turned = rng.uniform(0, math.pi)
    across = (x - middle[0]) * math.cos(turned) + (y - middle[1]) * math.sin(turned)
    along = -(x - middle[0]) * math.sin(turned) + (y - middle[1]) * math.cos(turned)
    height = rng.uniform(4, 16)
    drop = height * ((across / width) ** 2 + (along / length) ** 2)
    return np.where(drop < height * 1.2, -rng.uniform(12, 50) - drop, 1e3)


def _draw_wires(rng: np.random.Generator, lower, upper) -> np.ndarray:
    """(n, 8) thin straight tubes, as draw_trees gives them, in parallel planes and slanted between them."""
    wires = []
    for _ in range(int(rng.integers(4, 16))):
        depth, side = rng.uniform(10, 60), rng.uniform(lower[0], upper[0], 2)
        if rng.uniform() < 0.6:
            side[1] = side[0]
        radius = rng.uniform(0.2, 0.5)
        wires.append([side[0], lower[1], depth, side[1], upper[1], depth + rng.uniform(-3, 3), radius, radius])
    return np.array(wires)
