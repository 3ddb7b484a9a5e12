"""`crlm accuracy SWEEP --targets FILE`: a phantom's targets touched with the stylus."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations
from ...calibration.accuracy.error_model import (
    IMAGE,
    OUTLINE,
    TIME,
    TRACKING,
    VOXELS,
    ErrorModel,
    distance_budget,
    surface_covariances,
    tip_covariances,
)
from ...calibration.accuracy.targets import Targets
from ...calibration.accuracy.touched import Touches, find_touches
from ...errors import CalibrationError
from ...session.accuracy.seen_frames import SeenFrames
from ...sweep import PlusConfiguration, read_sweep
from ...sweep.plus_configuration import read_plus_configuration
from ...sweep.sequence_files.sequence_formats import read_sequence_header
from ...sweep.sequence_files.tool_poses import read_tool_poses
from ..options.calibrations_option import read_calibrations
from ..options.printing import print_doubt, print_facts, print_rows
from ..options.tip_option import known_tip
from .target_file import read_targets

# A point that is touched has neither voxels nor an outline; one of the phantom's own was seen in no image.
_OF_A_TUMOR, _OF_AN_IMAGE = (VOXELS, OUTLINE), (IMAGE, TIME)
_EXACT = {source: np.zeros((3, 3)) for source in (IMAGE, TIME, TRACKING)}


@dataclass(frozen=True, eq=False)
class Stated:
    """What the devices' calibrations say of the distances: standard deviations (n,) in mm, and what is not known."""

    deviations_mm: np.ndarray
    unknown: Mapping[str, str]


def run_touched(arguments: argparse.Namespace) -> None:
    """Find the touches, and say how far off they are and how far off they are stated to be."""
    targets = read_targets(arguments.targets)
    known = read_calibrations(arguments.calibrations) if arguments.calibrations else Calibrations()
    configuration = read_plus_configuration(arguments.plus_config) if arguments.plus_config else PlusConfiguration()
    tip_to_tool, _ = known_tip(arguments.tool, known, configuration)
    recorded = read_tool_poses(arguments.sweep, arguments.tool, "Reference")
    if not recorded.valid.any():
        raise CalibrationError(f"{arguments.tool} was never seen by the tracker in {arguments.sweep}.")
    found = find_touches(
        targets, recorded.matrices[recorded.valid], recorded.times_s[recorded.valid], tip_to_tool[:3, 3]
    )
    frames = _seen_frames(arguments.sweep, known, configuration) if targets.is_seen else None
    model = known.model(
        arguments.tool, tip_to_tool, None if frames is None else frames.size,
        None if frames is None else frames.pixel_mm,
    )  # fmt: skip
    _print(found, _stated(found, model, frames))


def _seen_frames(path: str, known: Calibrations, configuration: PlusConfiguration) -> SeenFrames | None:
    """The images of the recording, where it has some and they can be placed."""
    if not read_sequence_header(path).has_images:
        return None
    calibration = dict(configuration.transforms)
    if known.image is not None:
        calibration["ImageToProbe"] = known.image.image_to_probe
    frames = SeenFrames.of(read_sweep(path, calibration, "Reference"))
    return frames if len(frames.to_image) else None


def _stated(found: Touches, model: ErrorModel, frames: SeenFrames | None) -> Stated:
    """What the navigation would state for each distance to another target."""
    targets, deviations = found.targets, []
    unknown: dict[str, str] = {}
    seen = [None if frames is None else frames.seen(place) for place in targets.points_mm]
    tips = [tip_covariances(model, touch.tool_to_reference, touch.tip_mm) for touch in found.touches]
    for number, other, _ in found.distances():
        place = seen[other]
        surface = {} if targets.is_seen else _EXACT
        if place is not None:
            surface = surface_covariances(model, place)
        way = targets.points_mm[other] - found.touches[number].tip_mm
        budget = distance_budget(model, surface, tips[number], way)
        deviations.append(budget.deviation_mm)
        unknown.update(budget.unknown)
    left_out = _OF_A_TUMOR if targets.is_seen else (*_OF_A_TUMOR, *_OF_AN_IMAGE)
    return Stated(np.array(deviations), {name: why for name, why in unknown.items() if name not in left_out})


def _amounts(values: np.ndarray) -> dict[str, float]:
    names = ("q25_mm", "median_mm", "q75_mm", "p95_mm")
    return dict(zip(names, np.percentile(values, [25, 50, 75, 95]).tolist()))


def _by_target(targets: Targets, found: Touches) -> list[dict[str, object]]:
    numbers, offsets = np.array([one.target for one in found.touches]), found.offsets_mm
    rows: list[dict[str, object]] = []
    for number, name in enumerate(targets.names):
        own = offsets[numbers == number]
        lengths = np.linalg.norm(own, axis=1)
        rows.append({"target": name, "touches": len(own), "error_mm": float(np.median(lengths)),
                     "largest_mm": float(lengths.max()), "offset_mm": own.mean(axis=0)})  # fmt: skip
    return rows


def _print(found: Touches, stated: Stated) -> None:
    lengths = np.linalg.norm(found.offsets_mm, axis=1)
    errors = np.array([error for _, _, error in found.distances()])
    amounts, distances = _amounts(lengths), _amounts(np.abs(errors))
    within = float((np.abs(errors) <= 1.96 * stated.deviations_mm).mean())
    by_target = _by_target(found.targets, found)
    stated_mm = float(np.sqrt((stated.deviations_mm**2).mean()))
    print_facts({
        "simulated": False, "targets": by_target, "touches": len(found.touches), "pauses_elsewhere": found.elsewhere,
        **amounts, "offset_mm": found.offsets_mm.mean(axis=0), "distances": {"count": errors.size, **distances,
        "bias_mm": float(errors.mean()), "stated_mm": stated_mm, "within_stated_95": within},
        "unknown": dict(stated.unknown),
    })  # fmt: skip
    print_rows({
        "touched": f"{len(by_target)} targets in {len(found.touches)} touches"
                   + (f"; {found.elsewhere} pauses elsewhere" if found.elsewhere else ""),
        "tip to target": f"median {amounts['median_mm']:.2f} mm ({amounts['q25_mm']:.2f} to {amounts['q75_mm']:.2f}), "
                         f"95 % within {amounts['p95_mm']:.2f} mm",
        "distances": f"median {distances['median_mm']:.2f} mm, 95 % within {distances['p95_mm']:.2f} mm off, over "
                     f"{errors.size} from each touch to the other targets",
        "stated error": f"{stated_mm:.2f} mm (one standard deviation); {within:.0%} of the distances lie within the "
                        "stated 95 %",
        **{f"target {row['target']}": f"{row['error_mm']:.2f} mm in {row['touches']} touches" for row in by_target},
    })  # fmt: skip
    if stated.unknown:
        print_doubt(f"The error is stated too small: {'; '.join(dict.fromkeys(stated.unknown.values()))}.")
    if not found.targets.is_seen:
        print_doubt("The targets are the phantom's own: what the image and its delay add is not in it.")
