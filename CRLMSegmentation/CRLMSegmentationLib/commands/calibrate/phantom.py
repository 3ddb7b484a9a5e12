"""`crlm calibrate phantom`: where a phantom stands, from its landmarks that were touched with the calibrated stylus."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, today
from ...calibration.probe.landmarks import landmarks_of
from ...calibration.probe.phantom import wire_places
from ...calibration.probe.phantom_registration import PhantomRegistration
from ...calibration.probe.phantom_touches import register_touches
from ...errors import CalibrationError
from ...files.calibrations.plus_calibration_file import write_plus_calibration
from ...geometry import transform_points
from ...navigation.tool_transforms import DEFAULT_TOOL
from ...sweep.plus_configuration import read_plus_configuration, read_plus_xml
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
    "crlm calibrate phantom landmarks.igs.mha --plus-config plus.xml --calibrations calibrations.json -o phantom.xml",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sequence", help="recording of the stylus, its tip held at each landmark in the file's order")
    parser.add_argument("--plus-config", required=True, metavar="XML",
                        help="PLUS configuration with the phantom's Landmarks")  # fmt: skip
    parser.add_argument(
        "--tool", default=DEFAULT_TOOL, metavar="NAME", help=f"as PLUS names it (default {DEFAULT_TOOL})"
    )
    parser.add_argument("-o", "--output", metavar="XML", help="write PhantomToReference as a PLUS configuration")
    add_calibrations_option(parser)
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    inputs = [arguments.sequence, arguments.plus_config]
    check_outputs([Output("-o", arguments.output, (".xml",), False)], inputs, arguments.force)
    check_calibrations(arguments.calibrations, [*inputs, arguments.output])
    root = read_plus_xml(arguments.plus_config)
    names, landmarks = landmarks_of(root, arguments.plus_config)
    known = read_calibrations(arguments.calibrations) if arguments.calibrations else Calibrations()
    tip_to_tool, tip = known_tip(arguments.tool, known, read_plus_configuration(arguments.plus_config))
    recorded = read_tool_poses(arguments.sequence, arguments.tool, "Reference")
    if not recorded.valid.any():
        raise CalibrationError(f"{arguments.tool} was never seen by the tracker in {arguments.sequence}.")
    found = register_touches(
        landmarks, names, recorded.matrices[recorded.valid], recorded.times_s[recorded.valid], tip_to_tool[:3, 3],
        None if tip is None else tip.covariance_mm2,
    )  # fmt: skip
    wires = wire_places(root, arguments.plus_config)
    _print(found, landmarks, wires, tip is None)
    if arguments.output:
        notes = {"Landmarks": str(len(names))}
        matrix = found.phantom_to_reference
        print(write_plus_calibration(arguments.output, "Phantom", "Reference", matrix, found.fre_mm, notes))
    made = replace(found, date=today())
    add_to_calibrations(arguments.calibrations, lambda known: replace(known, phantom=made))


def _print(found: PhantomRegistration, landmarks: np.ndarray, wires: np.ndarray, is_tip_unknown: bool) -> None:
    targets = wires if len(wires) else landmarks
    expected = np.array([found.expected_error_mm(place) for place in _placed(found, targets)])
    print_facts({
        "phantom_to_reference": found.phantom_to_reference, "fre_mm": found.fre_mm, "landmarks": len(landmarks),
        "expected_tre_mm": float(expected.max()), "targets": "wires" if len(wires) else "landmarks",
        "covariance": found.covariance, "middle_mm": found.middle_mm,
    })  # fmt: skip
    print_rows({
        "landmarks": f"{len(landmarks)} touched",
        "FRE": f"{found.fre_mm:.2f} mm (root mean square distance of the landmarks from where they were touched)",
        "expected TRE": f"{expected.min():.2f} to {expected.max():.2f} mm at the "
                        + ("wires" if len(wires) else "landmarks") + " (root mean square)",
    })  # fmt: skip
    if is_tip_unknown:
        print_doubt("How well the tip is known is not in it: calibrate the stylus with the same --calibrations first.")


def _placed(found: PhantomRegistration, places: np.ndarray) -> np.ndarray:
    return np.asarray(transform_points(found.phantom_to_reference, places))
