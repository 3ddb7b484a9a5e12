"""`crlm calibrate pointer`: where the image lies on its probe, from places in it where a tracked tip is seen."""

from __future__ import annotations

import argparse

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, ImageCalibration, today
from ...calibration.probe.pointer_estimate import PointerEstimate, estimate_with_pointer
from ...calibration.probe.pointer_points import numbers_of, paired_points
from ...errors import CalibrationError
from ...files.calibrations.plus_calibration_file import write_plus_calibration
from ...files.image_points_file import read_image_points
from ...navigation.tool_transforms import DEFAULT_TOOL
from ...sweep.plus_configuration import PlusConfiguration, read_plus_configuration
from ...sweep.sequence_files.sequence_formats import read_sequence_header
from ...sweep.sequence_files.tool_poses import read_tool_poses
from ..options.calibrations_option import (
    add_calibrations_option,
    add_to_calibrations,
    check_calibrations,
    read_calibrations,
)
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_doubt, print_facts, print_rows
from ..options.tip_option import known_tip

EXAMPLES = (
    "crlm calibrate pointer touches.igs.mha points.csv --calibrations calibrations.json -o image.xml",
    "crlm calibrate pointer touches.igs.mha points.csv --plus-config plus.xml --tool Pointer",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", help="recording in which the tip of a tracked pointer is held into the image")
    parser.add_argument("points", help="where the tip is seen: CSV with the columns time_s (or frame), u, v; or JSON")
    parser.add_argument(
        "--tool", default=DEFAULT_TOOL, metavar="NAME", help=f"as PLUS names it (default {DEFAULT_TOOL})"
    )
    parser.add_argument("--plus-config", metavar="XML",
                        help="PLUS configuration with the tip, where --calibrations has none; its ImageToProbe tells "
                        "whether the image is mirrored")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="XML", help="write ImageToProbe as a PLUS configuration")
    add_calibrations_option(parser)
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    inputs = [arguments.sweep, arguments.points, arguments.plus_config]
    check_outputs([Output("-o", arguments.output, (".xml",), False)], inputs, arguments.force)
    check_calibrations(arguments.calibrations, [*inputs, arguments.output])
    configuration = read_plus_configuration(arguments.plus_config) if arguments.plus_config else PlusConfiguration()
    known = read_calibrations(arguments.calibrations) if arguments.calibrations else Calibrations()
    tip_to_tool, tip = known_tip(arguments.tool, known, configuration)
    header = read_sequence_header(arguments.sweep)
    if not header.has_images:
        raise CalibrationError(f"{arguments.sweep} holds no images: give the recording whose images were marked.")
    recorded = read_tool_poses(arguments.sweep, arguments.tool, "Probe")
    marked = read_image_points(arguments.points)
    numbers = numbers_of(marked.times_s, recorded) if marked.frames is None else marked.frames
    points, lost = paired_points(marked.pixels, numbers, recorded, tip_to_tool[:3, 3])
    found = estimate_with_pointer(
        points, header.image_size, None if tip is None else tip.covariance_mm2,
        configuration.transforms.get("ImageToProbe"),
    )  # fmt: skip
    _print(found, lost)
    if tip is None:
        print_doubt(f"How well the tip of {arguments.tool} is known is not in it: calibrate it with --calibrations.")
    if "ImageToProbe" not in configuration.transforms:
        print_doubt(
            "No pointer can tell a mirrored image: touch the probe's marked side, which has to show at the left."
        )
    if arguments.output:
        notes = {"CornerStandardDeviationMm": f"{found.corner_deviation_mm.max():.3f}",
                 "PointsUsed": str(found.used.sum()), "ImageSize": "{} {}".format(*found.image_size)}  # fmt: skip
        print(write_plus_calibration(arguments.output, "Image", "Probe", found.matrix, found.error_mm, notes))
    made = ImageCalibration(
        found.matrix, found.image_to_probe.covariance, found.image_size, today(), found.error_mm
    )  # fmt: skip
    add_to_calibrations(arguments.calibrations, lambda there: there.with_image(made))


def _print(found: PointerEstimate, lost: int) -> None:
    corners, used = found.corner_deviation_mm, int(found.used.sum())
    left_out = np.flatnonzero(~found.used)
    print_facts({
        "image_to_probe": found.matrix, "points_used": used, "points": len(found.used), "points_lost": lost,
        "left_out": left_out, "errors_mm": found.image_to_probe.errors_mm[:, 0], "error_mm": found.error_mm,
        "corner_deviation_mm": corners, "covered": found.covered, "missing": found.missing,
    })  # fmt: skip
    sizes = np.linalg.norm(found.matrix[:3, :2], axis=0)
    print_rows({
        "pixel": f"{sizes[0]:.4f} x {sizes[1]:.4f} mm",
        "points": f"{used} of {len(found.used)} used" + (f", {lost} more without a pose" if lost else ""),
        "error": f"{found.error_mm:.2f} mm (root mean square distance of the tip from where it is seen)",
        "corners known to": " ".join(f"{value:.1f}" for value in corners) + " mm (one standard deviation)",
    })  # fmt: skip
    if found.missing:
        print_doubt(f"It could be better: {'; '.join(found.missing)}.")
