"""One simulated patient: a sweep as PLUS would record it, the true tumor, and every parameter."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError
from ..geometry import transform_points
from ..sweep import Pose, Sweep, TrackedFrame
from ..sweep.sweep import ORIGIN_FIELD, SIMULATED
from ..values import Volume
from .placement import draw_sweep_over_lesion, swept_corners
from .settings import LesionSettings, ProbeSettings, SweepSettings
from .truth import as_plain_values, lesion_parameters, mask_of_lesion, probe_parameters, tissue_labels
from .ultrasound.lesion import draw_lesion
from .ultrasound.liver import build_liver
from .ultrasound.motion import ProbeMotion
from .ultrasound.picture import Painter, draw_settings
from .ultrasound.probe import draw_probe
from .ultrasound.tracking import Tracking, draw_tracking


@dataclass(frozen=True, eq=False)
class SimulatedCase:
    """One simulated patient.

    sweep               poses as the tracker measured them
    tumor               uint8 mask in Reference, the liver at rest; empty for a phantom
    tissue              uint8 labels in Reference, the liver at rest: see truth.TISSUES
    parameters          plain JSON values
    liver_to_reference  (4, 4) from the frame in which everything was laid out to Reference
    """

    sweep: Sweep
    tumor: Volume
    tissue: Volume
    parameters: dict
    liver_to_reference: np.ndarray


def simulate_case(
    seed: int,
    *,
    lesion: LesionSettings | None = None,
    probe: ProbeSettings | None = None,
    sweep: SweepSettings | None = None,
    progress: Callable[[float, str], None] | None = None,
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
    lesion_settings, sweep_settings = lesion or LesionSettings(), sweep or SweepSettings()
    report = progress or (lambda fraction, text: None)
    streams = [np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(8)]
    lesion_rng, probe_rng, motion_rng, place_rng, liver_rng, tracker_rng, picture_rng, noise_rng = streams

    report(0.0, "Drawing the lesion and the sweep")
    tumor = draw_lesion(lesion_rng, lesion_settings)
    transducer = draw_probe(probe_rng, probe or ProbeSettings(), tumor.shape.longest_diameter_mm() + 16)
    motion, center = draw_sweep_over_lesion(motion_rng, place_rng, tumor, transducer, lesion_settings, sweep_settings)
    frames, rate = int(motion_rng.integers(38, 96)), motion_rng.uniform(8.0, 14.0)
    moments = np.linspace(0, 1, frames if sweep_settings.frames is None else int(sweep_settings.frames))
    tracking = draw_tracking(tracker_rng, motion, transducer, moments, rate, sweep_settings)

    report(0.02, "Growing the liver")
    swept = swept_corners(motion, transducer)
    liver = build_liver(liver_rng, swept.min(axis=0) - 4, swept.max(axis=0) + 4, tumor, center)
    lesion_share = math.atan2(center[0], center[2] + transducer.radius_mm) / transducer.half_angle_rad
    knobs = draw_settings(picture_rng, transducer, lesion_share)
    painter = Painter(transducer, liver, knobs, key=picture_rng.integers(0, 2**32, 3, dtype=np.uint32))

    pictures = paint_frames(painter, motion, moments, noise_rng, report)

    report(0.98, "Drawing the truth")
    to_reference = tracking.liver_to_reference
    in_reference = transform_points(to_reference, swept)
    center_reference = transform_points(to_reference, center)
    mask = mask_of_lesion(
        tumor, center_reference, np.linalg.inv(to_reference),
        np.floor(in_reference.min(axis=0)) - 1, np.ceil(in_reference.max(axis=0)) + 1,
    )  # fmt: skip
    parameters = {
        "seed": seed,
        "lesion": lesion_parameters(tumor, center, center_reference, liver.summary),
        "liver": {name: value for name, value in liver.summary.items() if not name.startswith("lesion_")},
        "probe": probe_parameters(transducer, knobs),
        "sweep": {
            "frames": len(moments),
            "frames_per_second": rate,
            "swept_volume_ml": motion.swept_volume_ml(transducer),
            "travel_mm": motion.travel_mm,
            "fan_deg": motion.fan_deg,
            "latency_s": tracking.latency_s,
            "tracking_noise_mm": sweep_settings.tracking_noise_mm,
            "tracking_noise_deg": sweep_settings.tracking_noise_deg,
            "tracking_error_rms_mm": float(np.sqrt((tracking.position_error_mm**2).sum(axis=1).mean())),
            "lost_frames": sorted(tracking.lost_frames),
        },
        "image_to_probe": tracking.image_to_probe,
        "liver_to_reference": to_reference,
        "true_image_to_reference": np.round(
            to_reference @ motion.face_to_liver(moments) @ transducer.image_to_face(), 8
        ),
    }
    recorded = Sweep(tracked_frames(pictures, tracking), f"Simulated case {seed}", {ORIGIN_FIELD: SIMULATED})
    report(1.0, "Simulated")
    return SimulatedCase(recorded, mask, tissue_labels(liver, to_reference), as_plain_values(parameters), to_reference)


def check_seed(seed) -> int:
    """`seed` as an int. Raises ConfigurationError unless it is a whole number of at least 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ConfigurationError(f"The seed is {seed!r}; it must be a whole number of at least 0.")
    return int(seed)


def paint_frames(painter: Painter, motion: ProbeMotion, moments: np.ndarray, noise_rng, report) -> list[np.ndarray]:
    """One (v, u) uint8 picture for each of `moments` (n,) of the sweep, 0 to 1."""
    poses, pushes = motion.face_to_liver(moments), motion.push_mm(moments)
    pictures = []
    for number, moment in enumerate(moments):
        report(0.08 + 0.9 * number / len(moments), f"Imaging frame {number + 1} of {len(moments)}")
        pictures.append(painter.frame(poses[number], float(pushes[number]), float(moment), noise_rng))
    return pictures


def tracked_frames(pictures: list[np.ndarray], tracking: Tracking) -> list[TrackedFrame]:
    """The pictures with their poses; a lost pose repeats the last measured one, marked invalid, as trackers do."""
    frames = []
    for number, pixels in enumerate(pictures):
        valid = number not in tracking.lost_frames
        if valid:
            probe_to_reference = tracking.probe_to_reference[number]
        frames.append(
            TrackedFrame(
                pixels=pixels,
                image_to_reference=np.round(probe_to_reference @ tracking.image_to_probe, 8),
                timestamp=float(tracking.timestamps_s[number]),
                valid=valid,
                transforms={
                    "ProbeToReference": Pose(probe_to_reference, valid=valid),
                    "StylusToReference": Pose(tracking.stylus_to_reference[number]),
                },
            )
        )
    return frames


# What write_case() puts into its folder.
CASE_FILES = ("sweep.igs.mha", "tumor.nrrd", "tumor.vtp", "liver.nrrd", "parameters.json")


def write_case(case: SimulatedCase, folder) -> None:
    """Write `sweep.igs.mha` and the truth into `folder`, which is made if it is not there.

    The truth: `tumor.nrrd` and `tumor.vtp` (mask and surface; no surface where there is no tumor), `liver.nrrd`
    (labels of tissue) and `parameters.json`, which is written last.
    """
    from ..files import write_surface, write_volume
    from ..sweep import write_sweep

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_sweep(case.sweep, folder / "sweep.igs.mha")
    write_volume(case.tumor, folder / "tumor.nrrd")
    write_volume(case.tissue, folder / "liver.nrrd")
    if case.tumor.voxels.any():
        from ..segmentation.surface import surface_from_mask

        write_surface(surface_from_mask(case.tumor), folder / "tumor.vtp")
    else:
        (folder / "tumor.vtp").unlink(missing_ok=True)  # of another case
    (folder / "parameters.json").write_text(json.dumps(case.parameters, indent=2) + "\n", encoding="utf-8")
