"""`crlm calibrate stylus`: the tip of a stylus, from a recording in which it is turned about it."""

from __future__ import annotations

import argparse

from ...calibration.accuracy.calibrations import TipCalibration, today
from ...calibration.stylus.stylus_calibration import estimate_tip
from ...errors import CalibrationError
from ...files.calibrations.plus_calibration_file import write_plus_calibration
from ...navigation.tool_transforms import DEFAULT_TOOL
from ...sweep.sequence_files.tool_poses import read_tool_poses
from ..options.calibrations_option import add_calibrations_option, add_to_calibrations, check_calibrations
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_doubt, print_facts, print_rows

EXAMPLES = ("crlm calibrate stylus pivot.igs.mha", "crlm calibrate stylus pivot.igs.mha --tool Pointer -o pointer.xml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sequence", help="recording of the tool turned about its tip, in one place or in several")
    parser.add_argument(
        "--tool", default=DEFAULT_TOOL, metavar="NAME", help=f"as PLUS names it (default {DEFAULT_TOOL})"
    )
    parser.add_argument(
        "--reference", metavar="NAME", help="the frame in which the tip rests (default: Reference, else Tracker)"
    )
    parser.add_argument("-o", "--output", metavar="XML", help="write the tip as a PLUS configuration")
    add_calibrations_option(parser)
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    check_outputs([Output("-o", arguments.output, (".xml",), False)], [arguments.sequence], arguments.force)
    check_calibrations(arguments.calibrations, [arguments.sequence, arguments.output])
    recorded = read_tool_poses(arguments.sequence, arguments.tool, arguments.reference)
    if not recorded.valid.any():
        raise CalibrationError(f"{arguments.tool} was never seen by the tracker in {arguments.sequence}.")
    tip = estimate_tip(recorded.matrices[recorded.valid], recorded.times_s[recorded.valid])
    lost = int((~recorded.valid).sum())
    print_facts({
        "tip_mm": tip.tip_mm, "covariance_mm2": tip.covariance_mm2, "deviation_mm": tip.deviation_mm,
        "residual_mm": tip.residual_mm, "tilt_deg": tip.tilt_deg, "poses_used": tip.poses_used,
        "poses_rejected": tip.poses_rejected, "poses_lost": lost, "pivots": len(tip.pivots_mm), "missing": tip.missing,
    })  # fmt: skip
    print_rows({
        "tip": " ".join(f"{value:.2f}" for value in tip.tip_mm) + f" mm in {arguments.tool}",
        "known to": f"{tip.deviation_mm:.2f} mm (one standard deviation, in the worst direction)",
        "residual": f"{tip.residual_mm:.2f} mm",
        "tilt": f"{tip.tilt_deg:.0f} degrees",
        "poses": f"{tip.poses_used} used, {tip.poses_rejected} rejected, {lost} lost; at {len(tip.pivots_mm)} places",
    })  # fmt: skip
    if tip.missing:
        print_doubt(f"It could be better: {'; '.join(tip.missing)}.")
    if arguments.output:
        notes = {"TipStandardDeviationMm": f"{tip.deviation_mm:.3f}", "TiltDeg": f"{tip.tilt_deg:.1f}",
                 "PosesUsed": str(tip.poses_used)}  # fmt: skip
        print(write_plus_calibration(
            arguments.output, f"{arguments.tool}Tip", arguments.tool, tip.tip_to_tool, tip.residual_mm, notes
        ))  # fmt: skip
    made = TipCalibration(tip.tip_to_tool, tip.covariance_mm2, today(), tip.residual_mm)
    add_to_calibrations(arguments.calibrations, lambda known: known.with_tip(arguments.tool, made))
