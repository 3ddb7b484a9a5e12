"""`crlm repair`: finish a recording that was cut off."""

from __future__ import annotations

from ..sweep.recorder import recover
from .progress import progress_bar


def add_arguments(parser):
    parser.add_argument("file", help="the recording, or its .journal")


def run(arguments):
    with progress_bar("Repair") as progress:
        files = recover(arguments.file, progress)
    print(f"recovered {', '.join(str(path) for path in files)}")
