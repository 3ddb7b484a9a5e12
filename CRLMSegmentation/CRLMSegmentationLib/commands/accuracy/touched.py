"""`crlm accuracy SWEEP --targets FILE`: a phantom's targets touched with the stylus."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, today
from ...calibration.accuracy.touched import find_touches
from ...errors import CalibrationError
from ...session.accuracy.accuracy_page import PageFacts, write_accuracy_page
from ...session.accuracy.phantom_accuracy import PhantomAccuracy, amounts_of, measured_accuracy
from ...session.accuracy.seen_frames import SeenFrames
from ...session.accuracy.target_file import read_targets
from ...sweep import PlusConfiguration, read_sweep
from ...sweep.plus_configuration import read_plus_configuration
from ...sweep.sequence_files.sequence_formats import read_sequence_header
from ...sweep.sequence_files.tool_poses import read_tool_poses
from ...sweep.sweep import SIMULATED
from ..options.calibrations_option import read_calibrations
from ..options.printing import print_doubt, print_facts, print_rows
from ..options.tip_option import known_tip


def run_touched(arguments: argparse.Namespace) -> None:
    """Find the touches, and say how far off they are and how far off they are stated to be."""
    known = read_calibrations(arguments.calibrations) if arguments.calibrations else Calibrations()
    targets = read_targets(arguments.targets, known.phantom)
    configuration = read_plus_configuration(arguments.plus_config) if arguments.plus_config else PlusConfiguration()
    tip_to_tool, _ = known_tip(arguments.tool, known, configuration)
    recorded = read_tool_poses(arguments.sweep, arguments.tool, "Reference")
    if not recorded.valid.any():
        raise CalibrationError(f"{arguments.tool} was never seen by the tracker in {arguments.sweep}.")
    found = find_touches(
        targets, recorded.matrices[recorded.valid], recorded.times_s[recorded.valid], tip_to_tool[:3, 3]
    )
    frames = _seen_frames(arguments.sweep, known, configuration) if targets.is_seen else None
    measured = measured_accuracy(found, known, arguments.tool, tip_to_tool, frames)
    is_simulated = _is_simulated(arguments.sweep)
    _print(measured, is_simulated)
    if arguments.output:
        about = PageFacts(arguments.tool, Path(arguments.targets).name, Path(arguments.sweep).name, today(),
                          is_simulated)  # fmt: skip
        print(write_accuracy_page(arguments.output, measured, about))


def _seen_frames(path: str, known: Calibrations, configuration: PlusConfiguration) -> SeenFrames | None:
    """The images of the recording, where it has some and they can be placed."""
    if not read_sequence_header(path).has_images:
        return None
    calibration = dict(configuration.transforms)
    if known.image is not None:
        calibration["ImageToProbe"] = known.image.image_to_probe
    frames = SeenFrames.of(read_sweep(path, calibration, "Reference"))
    return frames if len(frames.to_image) else None


def _is_simulated(path: str) -> bool:
    return any(fields.get("DataOrigin") == SIMULATED for fields in read_sequence_header(path).frame_fields)


def _print(measured: PhantomAccuracy, is_simulated: bool) -> None:
    touches, errors = measured.touches, measured.distance_errors_mm
    amounts, distances = amounts_of(measured.errors_mm), amounts_of(np.abs(errors))
    within, by_target = float(measured.is_within.mean()), measured.by_target()
    depth_mm, error_mm = measured.by_depth()
    print_facts({
        "simulated": is_simulated,
        "targets": [{"target": one.name, "touches": one.touches, "error_mm": one.median_mm,
                     "largest_mm": one.largest_mm, "offset_mm": list(one.offset_mm)} for one in by_target],
        "touches": len(touches.touches), "pauses_elsewhere": touches.elsewhere,
        **amounts, "offset_mm": touches.offsets_mm.mean(axis=0), "distances": {"count": errors.size, **distances,
        "bias_mm": float(errors.mean()), "stated_mm": measured.stated_mm, "within_stated_95": within},
        "directions": {name: {"mean_mm": float(one.mean()), "rms_mm": float(np.sqrt((one**2).mean()))}
                       for name, one in measured.by_direction().items()},
        "depths": [{"depth_mm": depth, "error_mm": error}
                   for depth, error in zip(depth_mm.tolist(), error_mm.tolist())],
        "unknown": dict(measured.unknown),
    })  # fmt: skip
    print_rows({
        "touched": f"{len(by_target)} targets in {len(touches.touches)} touches"
                   + (f"; {touches.elsewhere} pauses elsewhere" if touches.elsewhere else ""),
        "tip to target": f"median {amounts['median_mm']:.2f} mm ({amounts['q25_mm']:.2f} to {amounts['q75_mm']:.2f}), "
                         f"95 % within {amounts['p95_mm']:.2f} mm",
        "distances": f"median {distances['median_mm']:.2f} mm, 95 % within {distances['p95_mm']:.2f} mm off, over "
                     f"{errors.size} from each touch to the other targets",
        "stated error": f"{measured.stated_mm:.2f} mm (one standard deviation); {within:.0%} of the distances lie "
                        "within the stated 95 %",
        **{name: f"{one.mean():+.2f} mm in the mean, {np.sqrt((one**2).mean()):.2f} root mean square"
           for name, one in measured.by_direction().items()},
        **{f"target {one.name}": f"{one.median_mm:.2f} mm in {one.touches} touches" for one in by_target},
    })  # fmt: skip
    if measured.unknown:
        print_doubt(f"The error is stated too small: {'; '.join(dict.fromkeys(measured.unknown.values()))}.")
    if not touches.targets.is_seen:
        print_doubt("The targets are the phantom's own: what the image and its delay add is not in it.")
