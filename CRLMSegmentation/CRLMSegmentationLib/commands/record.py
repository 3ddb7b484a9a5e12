"""`crlm record`: receive a tracked sweep into a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..sweep.recovery import recover_unfinished
from ..tracking import RecordingSummary, record
from ..tracking.openigtlink.port import checked_port
from .options.outputs import SWEEP_ENDINGS, Output, check_outputs
from .options.printing import print_facts
from .options.progress import progress_bar
from .options.server_options import add_server_options
from .options.sweep_options import add_sweep_options, calibration_from, configuration_from

EXAMPLES = (
    "crlm record -o sweep.igs.mha",
    "crlm record --host scanner --port 18944 -o sweep.igs.mha --plus-config plus.xml --seconds 60",
)
JSON = "print one JSON object: the files, the frames, and what of the stream was lost"
# The exit status of a recording without a single valid pose.
NO_VALID_POSE = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", required=True, metavar="SWEEP", help="file to write (.igs.mha or .igs.nrrd)")
    add_server_options(parser)
    parser.add_argument("--seconds", type=float, help="stop after this long")
    parser.add_argument("--frames", type=int, help="stop after this many frames")
    parser.add_argument("--until-closed", action="store_true", help="stop when the server closes the connection")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS",
                        help="seconds to wait for the server or an image (default 10)")  # fmt: skip
    parser.add_argument("--log", metavar="FILE", help="append how the stream is, each second, as a line of JSON")
    parser.add_argument("--keep-patient-fields", action="store_true",
                        help="record fields that can tell who the patient is (dropped otherwise)")  # fmt: skip
    parser.add_argument("--image-delay", type=float, default=0.0, metavar="SECONDS",
                        help="the images are so much older than their time (see crlm timing; default 0)")  # fmt: skip
    parser.add_argument("--interpolate", type=float, metavar="SECONDS",
                        help="interpolate poses between two measurements that are no more than this apart")  # fmt: skip
    add_sweep_options(parser)


def run(arguments: argparse.Namespace) -> int:
    checked_port(arguments.port)
    for name in ("seconds", "frames", "timeout"):
        value = getattr(arguments, name)
        if value is not None and not value > 0:
            raise ConfigurationError(f"--{name} is {value}; it must be greater than 0.")
    if arguments.image_delay and arguments.interpolate is None:
        raise ConfigurationError(
            "--image-delay needs poses of other times than the image's: give --interpolate as well."
        )
    # What is there under the recording's name is refused where it is begun, and a log is continued.
    check_outputs(
        [Output("-o", arguments.output, SWEEP_ENDINGS), Output("--log", arguments.log, by_library=False)],
        [arguments.plus_config], force=True,
    )  # fmt: skip
    with progress_bar("Recover") as progress:
        for recovery in recover_unfinished(Path(arguments.output).parent, progress):
            print(recovery, file=sys.stderr)
    with progress_bar("Record") as progress:
        summary = record(
            arguments.output,
            arguments.host,
            arguments.port,
            seconds=arguments.seconds,
            frames=arguments.frames,
            until_closed=arguments.until_closed,
            timeout_s=arguments.timeout,
            calibration=calibration_from(arguments, configuration_from(arguments)),
            reference=arguments.reference or "Reference",
            progress=progress,
            log=arguments.log,
            image_name=arguments.image_name,
            keep_identifying=arguments.keep_patient_fields,
            image_delay_s=arguments.image_delay,
            interpolation_gap_s=arguments.interpolate,
        )
    print_facts(_facts(summary))
    _print_lines(summary)
    trouble = _trouble(summary)
    if trouble:
        print(f"crlm record: {trouble}", file=sys.stderr)
    return NO_VALID_POSE if trouble else 0


def _facts(summary: RecordingSummary) -> dict[str, Any]:
    """The names are those of `crlm stream --json`, where both have the same."""
    return {
        "files": summary.files,
        "frames": summary.frames,
        "invalid": summary.invalid,
        "lost": summary.dropped,
        "missing": summary.missing,
        "repeated": summary.repeated,
        "has_images": summary.has_images,
        "pose_problem": summary.pose_problem,
        "interruptions": [
            {"began_at": one.began_at, "duration_s": one.duration_s, "reason": one.reason}
            for one in summary.interruptions
        ],
        "notes": summary.notes,
        "receive_s": summary.receive_s,
        "finish_s": summary.finish_s,
    }


def _print_lines(summary: RecordingSummary) -> None:
    files = ", ".join(str(path) for path in summary.files)
    skipped = f", about {summary.missing} skipped by the sender" if summary.missing else ""
    repeated = f", {summary.repeated} repeated ones left out" if summary.repeated else ""
    print(f"{files}: {summary.frames} frames in {summary.receive_s:.1f} s, "
          f"{summary.invalid} without a valid pose, {summary.dropped} lost{skipped}{repeated}")  # fmt: skip
    if summary.pose_problem and summary.has_images:
        print(f"without a valid pose: {summary.pose_problem}")
    for interruption in summary.interruptions:
        print(f"no connection: {interruption}")
    for note in summary.notes:
        print(f"note: {note}", file=sys.stderr)


def _trouble(summary: RecordingSummary) -> str:
    """Why no volume can be made of the recording; '' when one can."""
    if not summary.has_images:
        return "No image came; the poses alone were recorded, and no volume can be made of them."
    if summary.invalid == summary.frames:
        return "No frame has a valid pose, so that no volume can be made of this recording."
    return ""
