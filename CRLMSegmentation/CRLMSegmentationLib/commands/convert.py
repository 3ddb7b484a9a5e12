"""`crlm convert`: a recording in the other format, and as PLUS takes it."""

from __future__ import annotations

import argparse

from ..sweep.sequence_files.conversion import convert_sequence
from ..sweep.sequence_files.sequence_formats import read_sequence_header
from .options.outputs import SWEEP_ENDINGS, Output, add_force_option, check_outputs
from .options.printing import print_facts
from .options.progress import progress_bar
from .options.sweep_options import add_sweep_options, calibration_from, configuration_from

EXAMPLES = ("crlm convert old.igs.mha -o new.igs.mha", "crlm convert sweep.igs.mha -o sweep.igs.nrrd --uncompressed")
JSON = "print one JSON object: the file that was written, its frames, and whether colors were made grey"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", help="recording (.igs.mha, .igs.nrrd, .mha, .mhd, .nrrd, .nhdr)")
    parser.add_argument("-o", "--output", required=True, metavar="SWEEP", help="file to write (.igs.mha or .igs.nrrd)")
    parser.add_argument("--uncompressed", action="store_true", help="write the images as they are, not compressed")
    add_sweep_options(parser)
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    check_outputs(
        [Output("-o", arguments.output, SWEEP_ENDINGS)], [arguments.sweep, arguments.plus_config], arguments.force
    )
    calibration = calibration_from(arguments, configuration_from(arguments))
    header = read_sequence_header(arguments.sweep)
    with progress_bar("Convert") as progress:
        path = convert_sequence(
            arguments.sweep, arguments.output, calibration, arguments.reference, not arguments.uncompressed, progress
        )
    print_facts({"recording": path, "frames": header.frame_count, "made_grey": header.channels > 1})
    print(f"{path}: {header.frame_count} frames" + (", the colored images now grey" if header.channels > 1 else ""))
