"""`crlm timing`: find the delay between the images and the poses of a recording."""

from __future__ import annotations

from ..openigtlink.temporal_calibration import estimate_image_delay, with_image_delay
from ..sweep import write_sweep
from .outputs import SWEEP_ENDINGS, Output, add_force_option, check_outputs
from .progress import progress_bar
from .sweep_options import add_sweep_options, configuration_from, read_given_sweep

EXAMPLES = ("crlm timing sweep.igs.mha --plus-config plus.xml", "crlm timing sweep.igs.mha -o corrected.igs.mha")


def add_arguments(parser):
    parser.add_argument("sweep", help="recording of the probe moving up and down over something flat")
    parser.add_argument("--longest", type=float, default=0.5, metavar="SECONDS", help="delay looked for (default 0.5)")
    parser.add_argument("-o", "--output", metavar="SWEEP", help="write the recording with its poses corrected")
    add_force_option(parser)
    add_sweep_options(parser)


def run(arguments):
    check_outputs(
        [Output("-o", arguments.output, SWEEP_ENDINGS)], [arguments.sweep, arguments.plus_config], arguments.force
    )
    with progress_bar("Read") as progress:
        configuration = configuration_from(arguments)
        sweep = read_given_sweep(arguments.sweep, arguments, configuration, progress)
    estimate = estimate_image_delay(sweep, arguments.longest)
    print(estimate)
    print(f"in PLUS: LocalTimeOffsetSec of the video device = {-estimate.image_delay_s:.4f}; "
          f"with crlm record: --image-delay {estimate.image_delay_s:.4f} --interpolate 0.2")  # fmt: skip
    if arguments.output:
        print(write_sweep(with_image_delay(sweep, estimate.image_delay_s), arguments.output))
