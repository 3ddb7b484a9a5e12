"""One simulated patient: a sweep as PLUS would record it, the true tumor, and every parameter."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from ..errors import ConfigurationError
from ..geometry import Volume, corners_of_extent, transform_points
from ..sweep import Pose, Sweep, TrackedFrame
from .lesion import Lesion, draw_lesion, sphere_directions
from .liver import build_liver
from .motion import ProbeMotion, draw_motion, draw_tracker_errors, rigid, rotation_about, small_rotation
from .picture import Painter, draw_settings
from .probe import Probe, draw_probe
from .settings import LesionSettings, ProbeSettings, SweepSettings

TRUTH_SPACING_MM = 0.5
# The liver's x, y (sweep) and z (depth) along R, S and P when the reference sensor sits straight.
LIVER_TO_RAS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class SimulatedCase:
    """sweep: poses as the tracker measured them; tumor: uint8 mask in Reference; parameters: plain JSON values."""

    sweep: Sweep
    tumor: Volume
    parameters: dict


def _place_lesion(rng, lesion: Lesion, motion: ProbeMotion, probe: Probe, margin_mm: float) -> np.ndarray | None:
    """(3,) a center in the liver's frame whose lesion is swept in full with `margin_mm` to spare; None if none is found."""
    directions = sphere_directions(150)
    surface = directions * (lesion.shape.radius_mm(directions) + margin_mm)[:, None]
    liver_to_face = np.linalg.inv(motion.face_to_liver(np.linspace(0, 1, 61)))
    largest = lesion.shape.largest_radius_mm()
    for _ in range(300):
        depth = rng.uniform(min(largest + 6, probe.depth_mm / 2), max(probe.depth_mm - largest - 3, probe.depth_mm / 2))
        half_width = (depth + probe.radius_mm) * math.tan(probe.half_angle_rad)
        center = np.array(
            [
                rng.uniform(-0.75, 0.75) * max(half_width - largest, 0.0),
                rng.uniform(-0.5, 0.5) * max(motion.travel_mm - 2 * largest, 0.0),
                depth,
            ]
        )
        center = np.round(center, 6)
        points = np.einsum("nab,pb->npa", liver_to_face[:, :3, :3], surface + center) + liver_to_face[:, None, :3, 3]
        elevation = points[..., 2]
        crossed = (elevation.min(axis=0) < 0) & (elevation.max(axis=0) > 0)
        nearest = np.abs(elevation).argmin(axis=0)
        at_crossing = points[nearest, np.arange(points.shape[1])]
        if (crossed & probe.inside_fan(at_crossing[:, 0], at_crossing[:, 1])).all():
            return center
    return None


def _mask_of_lesion(lesion: Lesion, center_reference, reference_to_liver, lower, upper) -> Volume:
    """The lesion at rest on a grid along the axes of Reference over lower..upper (3,) mm."""
    dimensions = np.ceil((upper - lower) / TRUTH_SPACING_MM).astype(int) + 1
    voxels = np.zeros(tuple(dimensions[::-1]), dtype=np.uint8)
    reach = lesion.shape.largest_radius_mm() + 1
    first = np.maximum(np.floor((center_reference - reach - lower) / TRUTH_SPACING_MM).astype(int), 0)
    last = np.minimum(np.ceil((center_reference + reach - lower) / TRUTH_SPACING_MM).astype(int) + 1, dimensions)
    axes = [lower[a] + np.arange(first[a], last[a]) * TRUTH_SPACING_MM - center_reference[a] for a in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    points = np.stack([x, y, z], axis=-1) @ reference_to_liver[:3, :3].T
    voxels[first[2] : last[2], first[1] : last[1], first[0] : last[0]] = lesion.shape.radial_distance_mm(points) <= 0
    ijk_to_ras = np.diag([TRUTH_SPACING_MM] * 3 + [1.0])
    ijk_to_ras[:3, 3] = lower
    return Volume(voxels, ijk_to_ras)


def _swept_corners(motion: ProbeMotion, probe: Probe) -> np.ndarray:
    """(n, 3) corners of the fan along the sweep, in the liver's frame."""
    outline = corners_of_extent(
        (-probe.half_width_mm, -probe.face_sag_mm, 0), (probe.half_width_mm, probe.depth_mm, 0)
    )
    return np.concatenate([transform_points(pose, outline) for pose in motion.face_to_liver(np.linspace(0, 1, 61))])


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

    Returns a sweep whose frames carry ImageToReference as measured (with tracking error and latency), 'ProbeToReference'
    and 'StylusToReference'; frames whose pose was lost hold the last measured one, marked invalid. The tumor mask is
    uint8, [k, j, i], 0.5 mm, along the axes of Reference, of the liver at rest, and covers the swept region.

    Each part draws from its own generator PCG64(SeedSequence(seed).spawn(...)), in a fixed order, and there is no
    threading: the outcome is reproducible to the bit for one set of library versions. Between machines only the last
    bit of sine, exponential and logarithm can differ, which may turn a grey level by 1 once in a great many pixels.

    Raises ConfigurationError if the seed or the settings cannot be used together.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ConfigurationError(f"The seed is {seed!r}; it must be a whole number of at least 0.")
    seed = int(seed)
    lesion_settings, probe_settings = lesion or LesionSettings(), probe or ProbeSettings()
    sweep_settings = sweep or SweepSettings()
    report = progress or (lambda fraction, text: None)
    streams = [np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(8)]
    lesion_rng, probe_rng, motion_rng, place_rng, liver_rng, tracker_rng, picture_rng, noise_rng = streams

    report(0.0, "Drawing the lesion and the sweep")
    tumor = draw_lesion(lesion_rng, lesion_settings)
    longest = tumor.shape.longest_diameter_mm()
    transducer = draw_probe(probe_rng, probe_settings, longest + 16)
    motion, center = None, None
    wanted_volume = motion_rng.uniform(165.0, 335.0)
    if sweep_settings.swept_volume_ml is not None:
        wanted_volume = sweep_settings.swept_volume_ml
    shortest = longest + 2 * max(lesion_settings.margin_mm, 0) + 2
    if sweep_settings.swept_volume_ml is not None:
        shortest = 0.0
    for _ in range(8):
        motion = draw_motion(motion_rng, transducer, wanted_volume, shortest)
        center = _place_lesion(place_rng, tumor, motion, transducer, lesion_settings.margin_mm)
        if center is not None:
            break
    if center is None:
        raise ConfigurationError(
            f"A lesion of {longest:.0f} mm with {lesion_settings.margin_mm:g} mm to spare does not fit a sweep of "
            f"{motion.swept_volume_ml(transducer):.0f} mL and {transducer.depth_mm:g} mm depth; ask for a smaller "
            "lesion, a larger swept volume, or more depth."
        )

    report(0.02, "Growing the liver")
    swept = _swept_corners(motion, transducer)
    liver = build_liver(liver_rng, swept.min(axis=0) - 4, swept.max(axis=0) + 4, tumor, center)

    frames = int(motion_rng.integers(38, 96))
    rate = motion_rng.uniform(8.0, 14.0)
    if sweep_settings.frames is not None:
        frames = int(sweep_settings.frames)
    moments = np.linspace(0, 1, frames)
    poses = motion.face_to_liver(moments)
    pushes = motion.push_mm(moments)
    lesion_share = math.atan2(center[0], center[2] + transducer.radius_mm) / transducer.half_angle_rad
    settings = draw_settings(picture_rng, transducer, lesion_share)
    key = picture_rng.integers(0, 2**32, 3, dtype=np.uint32)
    painter = Painter(transducer, liver, settings, key)

    # Where Reference is, and where the sensor sits on the probe.
    turn = small_rotation(np.radians(np.clip(tracker_rng.normal(0, 9, 3), -20, 20)))
    liver_to_reference = np.round(rigid(turn @ LIVER_TO_RAS, tracker_rng.uniform(-80, 80, 3)), 6)
    sensor_to_face = rigid(
        rotation_about(2, np.radians(tracker_rng.uniform(-180, 180)))
        @ small_rotation(np.radians(tracker_rng.uniform(-15, 15, 3))),
        np.array([tracker_rng.uniform(-10, 10), tracker_rng.uniform(-45, -25), tracker_rng.uniform(-10, 10)]),
    )
    image_to_probe = np.round(np.linalg.inv(sensor_to_face) @ transducer.image_to_face(), 8)
    latency = float(np.clip(tracker_rng.normal(0, 0.015), -0.04, 0.04))
    if sweep_settings.latency_s is not None:
        latency = float(sweep_settings.latency_s)
    seconds = (frames - 1) / rate
    timestamps = np.round(100 + tracker_rng.uniform(0, 100) + moments * seconds, 4)
    errors = draw_tracker_errors(
        tracker_rng, moments, sweep_settings.tracking_noise_mm, sweep_settings.tracking_noise_deg
    )
    lost = int(tracker_rng.choice([0, 1, 2, 3, 4], p=[0.5, 0.2, 0.15, 0.1, 0.05]))
    if sweep_settings.lost_poses is not None:
        lost = sweep_settings.lost_poses
    # The first and last frame stay, so that the region is the one that was swept.
    lost_frames = set(tracker_rng.permutation(np.arange(1, frames - 1))[:lost].tolist())
    late = motion.face_to_liver(np.clip(moments - latency / max(seconds, 1e-6), 0, 1))
    probe_to_reference = liver_to_reference @ late @ sensor_to_face
    probe_to_reference[:, :3, :3] = small_rotation(errors.angles_rad) @ probe_to_reference[:, :3, :3]
    probe_to_reference[:, :3, 3] += errors.offsets_mm
    probe_to_reference = np.round(probe_to_reference, 6)
    stylus = rigid(
        small_rotation(tracker_rng.uniform(-0.6, 0.6, 3)),
        transform_points(liver_to_reference, [tracker_rng.uniform(40, 70), 0, -60]),
    )
    stylus_jitter = 0.1 * tracker_rng.standard_normal((frames, 3)) * min(sweep_settings.tracking_noise_mm, 1)

    tracked = []
    probe_pose = Pose(probe_to_reference[0])
    for number in range(frames):
        report(0.08 + 0.9 * number / frames, f"Imaging frame {number + 1} of {frames}")
        pixels = painter.frame(poses[number], float(pushes[number]), float(moments[number]), noise_rng)
        valid = number not in lost_frames
        probe_pose = Pose(probe_to_reference[number]) if valid else Pose(probe_pose.matrix, valid=False)
        stylus_pose = stylus.copy()
        stylus_pose[:3, 3] += stylus_jitter[number]
        tracked.append(
            TrackedFrame(
                pixels=pixels,
                image_to_reference=np.round(probe_pose.matrix @ image_to_probe, 8),
                timestamp=float(timestamps[number]),
                valid=valid,
                transforms={"ProbeToReference": probe_pose, "StylusToReference": Pose(np.round(stylus_pose, 6))},
            )
        )

    report(0.98, "Drawing the truth")
    reference = transform_points(liver_to_reference, swept)
    lower = np.round(np.floor(reference.min(axis=0)) - 1, 3)
    center_reference = transform_points(liver_to_reference, center)
    mask = _mask_of_lesion(
        tumor, center_reference, np.linalg.inv(liver_to_reference), lower, np.ceil(reference.max(axis=0)) + 1
    )
    parameters = _parameters(
        seed=seed,
        lesion={
            "echogenicity": tumor.echogenicity,
            "near_isoechoic": tumor.near_isoechoic,
            "contrast_db": tumor.contrast_db,
            "mean_level_db": liver.summary["lesion_mean_level_db"],
            "equivalent_diameter_mm": tumor.equivalent_diameter_mm,
            "longest_diameter_mm": longest,
            "volume_ml": tumor.shape.volume_ml(),
            "center_ras_mm": center_reference,
            "center_liver_mm": center,
            "border_mm": tumor.border_mm,
            "heterogeneity_db": tumor.heterogeneity_db,
            "halo_thickness_mm": tumor.halo_thickness_mm,
            "core_fraction": tumor.core_fraction,
            "attenuation_excess_db_cm_mhz": tumor.attenuation_excess_db_cm_mhz,
            "calcifications": liver.summary["lesion_calcifications"],
        },
        liver={name: value for name, value in liver.summary.items() if not name.startswith("lesion_")},
        probe={
            "radius_mm": transducer.radius_mm,
            "field_of_view_deg": math.degrees(2 * transducer.half_angle_rad),
            "depth_mm": transducer.depth_mm,
            "frequency_mhz": transducer.frequency_mhz,
            "focus_mm": transducer.focus_mm,
            "elevation_focus_mm": transducer.elevation_focus_mm,
            "lines": transducer.lines,
            "image_size_px": [transducer.image_width_px, transducer.image_height_px],
            "pixel_size_mm": transducer.pixel_size_mm,
            "dynamic_range_db": transducer.dynamic_range_db,
            "fan": transducer.fan_in_pixels(),
            "noise_at_depth_db": settings.noise_at_depth_db,
            "parenchyma_grey": settings.parenchyma_grey,
            "shadows": [vars(shadow) for shadow in settings.shadows],
        },
        sweep={
            "frames": frames,
            "frames_per_second": rate,
            "swept_volume_ml": motion.swept_volume_ml(transducer),
            "travel_mm": motion.travel_mm,
            "fan_deg": motion.fan_deg,
            "latency_s": latency,
            "tracking_noise_mm": sweep_settings.tracking_noise_mm,
            "tracking_noise_deg": sweep_settings.tracking_noise_deg,
            "tracking_error_rms_mm": float(np.sqrt((errors.offsets_mm**2).sum(axis=1).mean())),
            "lost_frames": sorted(lost_frames),
        },
        image_to_probe=image_to_probe,
        liver_to_reference=liver_to_reference,
        true_image_to_reference=np.round(liver_to_reference @ poses @ transducer.image_to_face(), 8),
    )
    report(1.0, "Simulated")
    return SimulatedCase(Sweep(tracked, name=f"Simulated case {seed}"), mask, parameters)


def _parameters(**groups) -> dict:
    """`groups` as plain JSON values: arrays become lists, numbers lose digits that mean nothing."""

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, np.ndarray):
            return plain(value.tolist())
        if isinstance(value, np.generic):
            return plain(value.item())
        return round(value, 8) if isinstance(value, float) else value

    return plain(groups)


def write_case(case: SimulatedCase, folder) -> None:
    """Write `sweep.igs.mha`, `tumor.nrrd` and `parameters.json` into `folder`, which is made if it is not there."""
    from ..files import write_volume
    from ..sweep import write_sweep

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_sweep(case.sweep, folder / "sweep.igs.mha")
    write_volume(case.tumor, folder / "tumor.nrrd")
    (folder / "parameters.json").write_text(json.dumps(case.parameters, indent=2) + "\n", encoding="utf-8")
