"""`crlm repair`: finish a recording that was cut off, or all of a folder."""

from __future__ import annotations

from pathlib import Path

from ..errors import RecordingError
from ..sweep.recovery import recover, recover_unfinished
from .options.progress import progress_bar

EXAMPLES = ("crlm repair sweep.igs.mha", "crlm repair recordings")


def add_arguments(parser):
    parser.add_argument("file", help="the recording, its .journal, or a folder with such")


def run(arguments):
    path = Path(arguments.file)
    with progress_bar("Repair") as progress:
        if not path.is_dir():
            print(f"recovered {', '.join(str(made) for made in recover(path, progress))}")
            return
        recoveries = recover_unfinished(path, progress)
    if not recoveries:
        print(f"nothing to repair in {path}")
    for recovery in recoveries:
        print(recovery)
    failed = sum(bool(recovery.problem) for recovery in recoveries)
    if failed:
        raise RecordingError(f"{failed} of {len(recoveries)} recordings in {path} could not be recovered.")
