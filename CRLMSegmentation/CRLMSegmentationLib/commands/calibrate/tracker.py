"""`crlm calibrate tracker`: write down how accurate the tracker is, as its maker says."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace

from ...errors import ConfigurationError
from ..options.calibrations_option import add_calibrations_option, add_to_calibrations, check_calibrations
from ..options.printing import print_facts

EXAMPLES = ("crlm calibrate tracker --position-mm 0.5 --rotation-deg 0.2 --calibrations calibrations.json",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--position-mm", type=float, required=True, metavar="MM",
                        help="standard deviation of a sensor's position along each axis")  # fmt: skip
    parser.add_argument("--rotation-deg", type=float, required=True, metavar="DEG",
                        help="standard deviation of its orientation about each axis")  # fmt: skip
    parser.add_argument("--serial", metavar="TEXT",
                        help="its serial number: what was calibrated with another tracker is told then")  # fmt: skip
    add_calibrations_option(parser)


def run(arguments: argparse.Namespace) -> None:
    given = arguments.position_mm, arguments.rotation_deg
    if not all(math.isfinite(value) and 0 <= value < 90 for value in given):
        raise ConfigurationError("Give position and rotation as numbers from 0 to 90.")
    check_calibrations(arguments.calibrations, [])
    print_facts({"position_mm": given[0], "rotation_deg": given[1], "serial": arguments.serial or ""})
    if not arguments.calibrations:
        raise ConfigurationError("Give --calibrations: the file of calibrations that it is written into.")
    add_to_calibrations(
        arguments.calibrations,
        lambda known: replace(known, tracker_mm=given[0], tracker_deg=given[1],
                              tracker_serial=arguments.serial or known.tracker_serial),
    )  # fmt: skip
