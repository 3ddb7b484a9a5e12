"""A tracked sweep over a metastasis of a simulated patient in the operation, and the truth about it in Reference."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...geometry import transform_points
from ...sweep import Sweep
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ...values import Volume
from ...values.progress import Progress
from ..patient.export import write_transforms
from ..patient.operation import Operation
from .frames import paint_frames, tracked_frames
from .lesion import Lesion
from .patient_liver import build_patient_liver
from .patient_place import PlacedSweep, place_sweep
from .picture import Painter, draw_settings
from .placement import swept_corners
from .settings import ProbeSettings, SweepSettings
from .tracking import Tracking, draw_tracking
from .truth import TRUTH_SPACING_MM, as_plain_values, probe_parameters, tissue_labels

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

SWEEP_FILES = ("sweep.igs.mha", "tumors.nrrd", "sweep.json", "transforms.json", "operation/liver.vtp")


@dataclass(frozen=True, eq=False)
class PatientSweep:
    """One sweep over a patient.

    sweep        poses as the tracker measured them
    tumors       uint8 in Reference, 0.5 mm, over the swept region: the identity of the metastasis that is there, or 0
    kinds        uint8 in Reference: 1 + kind of tissue of what was painted (truth.TISSUES), the liver under no pressure
    liver        the liver's surface in Reference
    transforms   name to (4, 4) or (n, 4, 4): as PLUS names them, and the true ones
    parameters   plain JSON values
    """

    sweep: Sweep
    tumors: Volume
    kinds: Volume
    liver: vtkPolyData
    transforms: dict[str, np.ndarray]
    parameters: dict[str, Any]


def simulate_patient_sweep(
    operation: Operation,
    *,
    probe: ProbeSettings | None = None,
    sweep: SweepSettings | None = None,
    progress: Progress | None = None,
) -> PatientSweep:
    """The sweep over that patient: always the same one for the same settings.

    Raises ConfigurationError when no metastasis can be reached with these settings.
    """
    report, sweep = progress or (lambda fraction, text: None), sweep or SweepSettings()
    seeds = np.random.SeedSequence(operation.patient.seeds(20264))
    streams = [np.random.Generator(np.random.PCG64(child)) for child in seeds.spawn(6)]
    report(0.0, "Placing the probe")
    placed = place_sweep(operation, streams[:2], probe or ProbeSettings(), sweep)
    motion, transducer = placed.motion, placed.probe
    frames, rate_hz = int(streams[1].integers(38, 96)), float(streams[1].uniform(8.0, 14.0))
    moments = np.linspace(0, 1, frames if sweep.frames is None else int(sweep.frames))
    tracking = draw_tracking(
        streams[2], motion, transducer, moments, rate_hz, sweep, placed.place.liver_to_reference
    )  # fmt: skip

    report(0.02, "Laying the liver under the probe")
    swept = swept_corners(motion, transducer)
    liver, looks = build_patient_liver(
        streams[3], placed.place, placed.capsule, swept.min(axis=0) - 4, swept.max(axis=0) + 4
    )
    center = placed.place.from_ct(placed.lesion.center_ras)
    knobs = draw_settings(
        streams[4], transducer, math.atan2(center[0], center[2] + transducer.radius_mm) / transducer.half_angle_rad
    )
    painter = Painter(transducer, liver, knobs, key=streams[4].integers(0, 2**32, 3, dtype=np.uint32))
    pictures = paint_frames(painter, motion, moments, streams[5], report)

    report(0.98, "Drawing the truth")
    tumors = tumors_in_reference(operation, transform_points(tracking.liver_to_reference, swept))
    true_poses = tracking.liver_to_reference @ motion.face_to_liver(moments) @ transducer.image_to_face()
    title = f"Simulated patient {operation.patient.seed}"
    return PatientSweep(
        Sweep(tracked_frames(pictures, tracking), title, {ORIGIN_FIELD: SIMULATED}),
        tumors,
        tissue_labels(liver, tracking.liver_to_reference),
        operation.in_reference(operation.patient.surface),
        {
            "PatientToReference": operation.patient_to_reference,
            "ImageToProbe": tracking.image_to_probe,
            "TrueImageToReference": np.round(true_poses, 8),
        },
        as_plain_values(_parameters(placed, tracking, looks, probe_parameters(transducer, knobs), rate_hz, sweep)),
    )


def tumors_in_reference(operation: Operation, around: np.ndarray) -> Volume:
    """uint8 [k, j, i], 0.5 mm along the axes of Reference over the points `around` (n, 3): the identity of the
    metastasis that is there, what of it lies in the liver.
    """
    lower, upper = np.floor(around.min(axis=0)) - 1, np.ceil(around.max(axis=0)) + 1
    count = np.ceil((upper - lower) / TRUTH_SPACING_MM).astype(int) + 1
    voxels = np.zeros(tuple(count[::-1]), dtype=np.uint8)
    for lesion in operation.patient.metastases:
        center = operation.ct_to_reference(lesion.center_ras)
        reach = 1.3 * lesion.shape.largest_radius_mm() + 2
        first = np.maximum(np.floor((center - reach - lower) / TRUTH_SPACING_MM).astype(int), 0)
        last = np.minimum(np.ceil((center + reach - lower) / TRUTH_SPACING_MM).astype(int) + 1, count)
        if (last <= first).any():
            continue
        axes = [lower[a] + np.arange(first[a], last[a]) * TRUTH_SPACING_MM for a in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        on_ct = operation.reference_to_ct(np.stack([x, y, z], axis=-1))
        inside = lesion.shape.radial_distance_mm(on_ct - lesion.center_ras) <= 0
        inside &= operation.patient.shape.outside_mm(on_ct.reshape(-1, 3)).reshape(inside.shape) <= 0
        voxels[first[2] : last[2], first[1] : last[1], first[0] : last[0]][inside] = lesion.identity
    ijk_to_ras = np.diag([TRUTH_SPACING_MM] * 3 + [1.0])
    ijk_to_ras[:3, 3] = lower
    return Volume(voxels, ijk_to_ras)


def target_of(recorded: PatientSweep) -> Volume:
    """uint8 0 and 1 in Reference: the metastasis over which the sweep was made, as the truth of a case with one."""
    is_target = recorded.tumors.voxels == recorded.parameters["target"]
    return recorded.tumors.with_voxels(is_target.astype(np.uint8))


def write_patient_sweep(recorded: PatientSweep, folder: str | Path) -> None:
    """Write SWEEP_FILES into `folder`: the sweep; tumors (numbered) and the liver's surface in Reference; what was
    drawn; and the transforms, (4, 4) or one for each frame, mm.
    """
    from ...files import write_surface, write_volume
    from ...sweep import write_sweep

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_sweep(recorded.sweep, folder / "sweep.igs.mha")
    write_volume(recorded.tumors, folder / "tumors.nrrd")
    write_surface(recorded.liver, folder / "operation" / "liver.vtp")
    write_transforms(recorded.transforms, folder)
    (folder / "sweep.json").write_text(json.dumps(recorded.parameters, indent=1, allow_nan=False), encoding="utf-8")


def _parameters(
    placed: PlacedSweep,
    tracking: Tracking,
    looks: list[Lesion],
    probe: dict[str, Any],
    rate_hz: float,
    settings: SweepSettings,
) -> dict[str, Any]:
    metastases = placed.place.operation.patient.metastases
    return {
        "simulated": True,
        "seed": placed.place.operation.patient.seed,
        "target": placed.lesion.identity,
        "target_covered": placed.covered,
        "tumors": [
            {
                "number": lesion.identity,
                "center_reference_mm": placed.place.operation.ct_to_reference(lesion.center_ras),
                "equivalent_diameter_mm": lesion.equivalent_diameter_mm,
                "echogenicity": look.echogenicity,
                "contrast_db": look.contrast_db,
                "near_isoechoic": look.near_isoechoic,
            }
            for lesion, look in zip(metastases, looks, strict=True)
        ],
        "probe": probe,
        "frames_per_second": rate_hz,
        "travel_mm": placed.motion.travel_mm,
        "without_liver_under_the_face": placed.capsule.missing,
        "latency_s": tracking.latency_s,
        "tracking_noise_mm": settings.tracking_noise_mm,
        "tracking_noise_deg": settings.tracking_noise_deg,
        "lost_frames": sorted(tracking.lost_frames),
    }
