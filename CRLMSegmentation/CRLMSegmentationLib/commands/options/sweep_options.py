"""The options with which a recording is read: its calibration and frame of reference."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError
from ...geometry import as_affine
from ...sweep import PlusConfiguration, Sweep, read_plus_configuration, read_sweep
from ...values.progress import Progress
from .several_values import values


def add_sweep_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plus-config", metavar="XML", help="PLUS configuration with the calibration and settings")
    parser.add_argument(
        "--image-to-probe", metavar="M", type=values,
        help="16 numbers, row by row: pixel to mm in Probe; overrides the configuration",
    )  # fmt: skip
    parser.add_argument(
        "--reference", metavar="NAME",
        help="frame of reference of the volume (default: that in which it was recorded, else Reference)",
    )  # fmt: skip


def configuration_from(arguments: argparse.Namespace) -> PlusConfiguration:
    """The PLUS configuration that was given, or an empty one."""
    return read_plus_configuration(arguments.plus_config) if arguments.plus_config else PlusConfiguration()


def calibration_from(arguments: argparse.Namespace, configuration: PlusConfiguration) -> dict[str, np.ndarray]:
    """Transforms by name from the configuration and the options."""
    calibration = dict(configuration.transforms)
    if arguments.image_to_probe:
        try:
            values = [float(text) for text in " ".join(arguments.image_to_probe).replace(",", " ").split()]
        except ValueError:
            raise ConfigurationError("--image-to-probe holds something that is not a number.") from None
        if len(values) != 16:
            raise ConfigurationError(f"--image-to-probe has {len(values)} numbers; a transform has 16, row by row.")
        rows = [values[start : start + 4] for start in range(0, 16, 4)]
        calibration["ImageToProbe"] = as_affine(rows, "--image-to-probe")
    return calibration


def read_given_sweep(
    path: str | Path,
    arguments: argparse.Namespace,
    configuration: PlusConfiguration,
    progress: Progress | None = None,
) -> Sweep:
    """The recording, with the calibration and the reference of the options; what of them is not used is reported."""
    sweep = read_sweep(path, calibration_from(arguments, configuration), arguments.reference, progress)
    for note in sweep.notes:
        print(f"note: {note}", file=sys.stderr)
    return sweep
