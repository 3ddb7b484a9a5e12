"""`crlm repair`: finish a recording that was cut off, or all of a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import RecordingError
from ..sweep.recovery import recover, recover_unfinished
from .options.printing import print_facts
from .options.progress import progress_bar

EXAMPLES = ("crlm repair sweep.igs.mha", "crlm repair recordings")
JSON = "print one JSON object: the files that were recovered, and what could not be"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="the recording, its .journal, or a folder with such")


def run(arguments: argparse.Namespace) -> None:
    path = Path(arguments.file)
    with progress_bar("Repair") as progress:
        if not path.is_dir():
            files = recover(path, progress)
            print_facts({"recovered": [{"files": files}], "failed": []})
            print(f"recovered {', '.join(str(made) for made in files)}")
            return
        recoveries = recover_unfinished(path, progress)
    print_facts(
        {
            "recovered": [{"files": recovery.files} for recovery in recoveries if not recovery.problem],
            "failed": [{"journal": one.journal, "problem": one.problem} for one in recoveries if one.problem],
        }
    )
    if not recoveries:
        print(f"nothing to repair in {path}")
    for recovery in recoveries:
        print(recovery)
    failed = sum(bool(recovery.problem) for recovery in recoveries)
    if failed:
        raise RecordingError(f"{failed} of {len(recoveries)} recordings in {path} could not be recovered.")
