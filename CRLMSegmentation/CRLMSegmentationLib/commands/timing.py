"""`crlm timing`: find the delay between the images and the poses of a recording."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np

from ..calibration.accuracy.calibrations import today
from ..calibration.temporal_calibration import estimate_image_delay, with_image_delay
from ..errors import TimingError, TransformError
from ..sweep import Sweep, read_sweep, write_sweep
from ..values.progress import Progress
from .options.calibrations_option import add_calibrations_option, add_to_calibrations, check_calibrations
from .options.outputs import SWEEP_ENDINGS, Output, add_force_option, check_outputs
from .options.printing import print_facts
from .options.progress import progress_bar
from .options.sweep_options import add_sweep_options, configuration_from, read_given_sweep

EXAMPLES = ("crlm timing sweep.igs.mha --plus-config plus.xml", "crlm timing sweep.igs.mha -o corrected.igs.mha")
JSON = "print one JSON object: the delay, how well it is known, and whether it is to be set"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", help="recording of the probe moving up and down over something flat")
    parser.add_argument("--longest", type=float, default=0.5, metavar="SECONDS", help="delay looked for (default 0.5)")
    parser.add_argument("-o", "--output", metavar="SWEEP", help="write the recording with its poses corrected")
    add_calibrations_option(parser)
    add_force_option(parser)
    add_sweep_options(parser)


def run(arguments: argparse.Namespace) -> None:
    check_outputs(
        [Output("-o", arguments.output, SWEEP_ENDINGS)], [arguments.sweep, arguments.plus_config], arguments.force
    )
    check_calibrations(arguments.calibrations, [arguments.sweep, arguments.plus_config, arguments.output])
    with progress_bar("Read") as progress:
        sweep, is_calibrated = _read(arguments, progress)
    estimate = estimate_image_delay(sweep, arguments.longest, is_calibrated)
    print_facts(
        {
            "delay_s": estimate.image_delay_s,
            "uncertainty_s": estimate.standard_error_s,
            "image_delay_s": estimate.image_delay_s,
            "standard_error_s": estimate.standard_error_s,
            "correlation": estimate.correlation,
            "frames": estimate.frames,
            "scale": estimate.scale,
            "is_known": estimate.is_known,
            "is_to_be_set": estimate.is_to_be_set,
            "judgement": estimate.judgement,
        }
    )
    print(estimate)
    if not estimate.is_known or (arguments.output and not estimate.is_to_be_set):
        raise TimingError(estimate.judgement + (f" {arguments.output} is not written." if arguments.output else ""))
    if estimate.is_to_be_set:
        print(f"in PLUS: LocalTimeOffsetSec of the video device = {-estimate.image_delay_s:.4f}; "
              f"with crlm record: --image-delay {estimate.image_delay_s:.4f} --interpolate 0.2")  # fmt: skip
    else:
        print(estimate.judgement)
    add_to_calibrations(
        arguments.calibrations, lambda known: replace(known, delay_s=estimate.standard_error_s, delay_date=today())
    )
    if arguments.output:
        if not is_calibrated:
            raise TimingError(f"{arguments.output} is not written: that needs the calibration (ImageToProbe).")
        print(write_sweep(with_image_delay(sweep, estimate.image_delay_s), arguments.output))


def _read(arguments: argparse.Namespace, progress: Progress) -> tuple[Sweep, bool]:
    """The recording and whether its poses are those of the images; else they are those of the probe."""
    try:
        return read_given_sweep(arguments.sweep, arguments, configuration_from(arguments), progress), True
    except TransformError as error:
        # Before the probe is calibrated its own pose is all that there is, and all that is needed.
        for frame in filter(None, (arguments.reference, "Reference", "Tracker")):
            try:
                sweep = read_sweep(arguments.sweep, {"ImageToProbe": np.eye(4)}, frame, progress)
            except TransformError:
                continue
            print("note: without ImageToProbe the probe's own motion is used", file=sys.stderr)
            return sweep, False
        raise error
