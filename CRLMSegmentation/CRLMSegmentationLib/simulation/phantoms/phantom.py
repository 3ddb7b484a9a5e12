"""Sweeps over training phantoms: layers, bone-like arches, wires in water, and no tumor anywhere.

They teach a network what is not a metastasis: pictures of real phantoms (spine, wire, blocks) look nothing like a
liver, and a model that has only seen livers with tumors finds one in everything.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...geometry import transform_points
from ...sweep import Sweep
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ...values import Volume
from ...values.progress import Progress
from ..ultrasound.case import SimulatedCase, check_seed
from ..ultrasound.frames import paint_frames, tracked_frames
from ..ultrasound.motion import draw_motion
from ..ultrasound.picture import Painter, draw_settings
from ..ultrasound.placement import swept_corners
from ..ultrasound.probe import draw_probe
from ..ultrasound.settings import ProbeSettings, SweepSettings
from ..ultrasound.tracking import draw_tracking
from ..ultrasound.truth import TRUTH_SPACING_MM, as_plain_values, tissue_labels
from .bodies import build_phantom

PHANTOMS = ("layers", "bone", "wires")


def simulate_phantom(seed: int, *, kind: str | None = None, progress: Progress | None = None) -> SimulatedCase:
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
