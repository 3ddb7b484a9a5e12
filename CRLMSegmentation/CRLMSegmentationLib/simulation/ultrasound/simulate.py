"""A sweep over a liver with one metastasis, as PLUS would record it, and the truth about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...geometry import transform_points
from ...sweep import Sweep
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ...values.progress import Progress
from .case import SimulatedCase, check_seed
from .frames import paint_frames, tracked_frames
from .lesion import Lesion, draw_lesion
from .liver import build_liver
from .motion import ProbeMotion
from .picture import Painter, draw_settings
from .placement import draw_sweep_over_lesion, swept_corners
from .probe import Probe, draw_probe
from .settings import LesionSettings, ProbeSettings, SweepSettings
from .tracking import Tracking, draw_tracking
from .truth import as_plain_values, lesion_parameters, mask_of_lesion, probe_parameters, tissue_labels


def simulate_case(
    seed: int,
    *,
    lesion: LesionSettings | None = None,
    probe: ProbeSettings | None = None,
    sweep: SweepSettings | None = None,
    progress: Progress | None = None,
) -> SimulatedCase:
    """The case number `seed`: always the same liver, lesion, motion and pictures for the same seed and settings.

    seed      whole number >= 0
    lesion, probe, sweep   what to fix; everything left at None is drawn from the population
    progress  called with the fraction done, 0 to 1, and a short text

    Returns a sweep whose frames carry ImageToReference as measured (with tracking error and latency), ProbeToReference
    and StylusToReference; frames whose pose was lost hold the last measured one, marked invalid. The tumor mask is
    uint8, [k, j, i], 0.5 mm, along the axes of Reference, of the liver at rest, and covers the swept region.

    Each part draws from its own generator, PCG64 on a child of SeedSequence(seed), in a fixed order, and nothing
    depends on threads: the outcome is reproducible to the bit for one set of library versions. Between machines only
    the last bit of sine, exponential and logarithm can differ, which may turn a grey level by 1 once in a great many
    pixels.

    Raises ConfigurationError if the seed or the settings cannot be used together.
    """
    seed = check_seed(seed)
    report = progress or (lambda fraction, text: None)
    streams = [np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(8)]
    report(0.0, "Drawing the lesion and the sweep")
    drawn = _draw_recording(streams, lesion or LesionSettings(), probe or ProbeSettings(), sweep or SweepSettings())
    center, transducer = drawn.center_liver_mm, drawn.probe

    report(0.02, "Growing the liver")
    swept = swept_corners(drawn.motion, transducer)
    liver = build_liver(streams[4], swept.min(axis=0) - 4, swept.max(axis=0) + 4, drawn.lesion, center)
    lesion_share = math.atan2(center[0], center[2] + transducer.radius_mm) / transducer.half_angle_rad
    knobs = draw_settings(streams[6], transducer, lesion_share)
    painter = Painter(transducer, liver, knobs, key=streams[6].integers(0, 2**32, 3, dtype=np.uint32))
    pictures = paint_frames(painter, drawn.motion, drawn.moments, streams[7], report)

    report(0.98, "Drawing the truth")
    to_reference = drawn.tracking.liver_to_reference
    in_reference = transform_points(to_reference, swept)
    lower, upper = np.floor(in_reference.min(axis=0)) - 1, np.ceil(in_reference.max(axis=0)) + 1
    center_reference = transform_points(to_reference, center)
    mask = mask_of_lesion(drawn.lesion, center_reference, np.linalg.inv(to_reference), lower, upper)
    parameters = {
        "seed": seed,
        "lesion": lesion_parameters(drawn.lesion, center, center_reference, liver.summary),
        "liver": {name: value for name, value in liver.summary.items() if not name.startswith("lesion_")},
        "probe": probe_parameters(transducer, knobs),
        **_recording_parameters(drawn, sweep or SweepSettings()),
    }
    recorded = Sweep(tracked_frames(pictures, drawn.tracking), f"Simulated case {seed}", {ORIGIN_FIELD: SIMULATED})
    report(1.0, "Simulated")
    return SimulatedCase(recorded, mask, tissue_labels(liver, to_reference), as_plain_values(parameters), to_reference)


@dataclass(frozen=True, eq=False)
class _Recording:
    """What is scanned, with what, and how: `moments` (n,) of the frames in the sweep, 0 to 1."""

    lesion: Lesion
    center_liver_mm: np.ndarray
    probe: Probe
    motion: ProbeMotion
    moments: np.ndarray
    rate_hz: float
    tracking: Tracking


def _draw_recording(
    streams: Sequence[np.random.Generator], lesion: LesionSettings, probe: ProbeSettings, sweep: SweepSettings
) -> _Recording:
    """The order of the draws within each stream is what a seed means: never change it."""
    tumor = draw_lesion(streams[0], lesion)
    transducer = draw_probe(streams[1], probe, tumor.shape.longest_diameter_mm() + 16)
    motion, center = draw_sweep_over_lesion(streams[2], streams[3], tumor, transducer, lesion, sweep)
    frames, rate_hz = int(streams[2].integers(38, 96)), float(streams[2].uniform(8.0, 14.0))
    moments = np.linspace(0, 1, frames if sweep.frames is None else int(sweep.frames))
    tracking = draw_tracking(streams[5], motion, transducer, moments, rate_hz, sweep)
    return _Recording(tumor, center, transducer, motion, moments, rate_hz, tracking)


def _recording_parameters(drawn: _Recording, settings: SweepSettings) -> dict[str, Any]:
    """The sweep and where everything really was, for parameters.json."""
    motion, tracking = drawn.motion, drawn.tracking
    true_poses = tracking.liver_to_reference @ motion.face_to_liver(drawn.moments) @ drawn.probe.image_to_face()
    return {
        "sweep": {
            "frames": len(drawn.moments),
            "frames_per_second": drawn.rate_hz,
            "swept_volume_ml": motion.swept_volume_ml(drawn.probe),
            "travel_mm": motion.travel_mm,
            "fan_deg": motion.fan_deg,
            "latency_s": tracking.latency_s,
            "tracking_noise_mm": settings.tracking_noise_mm,
            "tracking_noise_deg": settings.tracking_noise_deg,
            "tracking_error_rms_mm": float(np.sqrt((tracking.position_error_mm**2).sum(axis=1).mean())),
            "lost_frames": sorted(tracking.lost_frames),
        },
        "image_to_probe": tracking.image_to_probe,
        "liver_to_reference": tracking.liver_to_reference,
        "true_image_to_reference": np.round(true_poses, 8),
    }
