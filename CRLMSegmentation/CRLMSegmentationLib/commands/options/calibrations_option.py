"""The option --calibrations: what a calibration found, and how well it is known, goes into the session's own file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ...calibration.accuracy.calibrations import Calibrations, calibrations_of
from ...files.calibrations.calibrations_file import read_calibrations_file, write_calibrations_file
from .outputs import Output, check_outputs


def add_calibrations_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--calibrations", metavar="JSON",
        help="put it, with its uncertainty and date, into this file of calibrations; the other entries stay",
    )  # fmt: skip


def check_calibrations(path: str | None, inputs: list[str | None]) -> None:
    """Before any work: the file can be written, and is one of calibrations where it is there already."""
    if path:
        check_outputs([Output("--calibrations", path, (".json",), False)], inputs, force=True)
        read_calibrations(path)


def read_calibrations(path: str | Path) -> Calibrations:
    """What the file holds; nothing where there is none yet. Raises FileFormatError or ConfigurationError."""
    if not Path(path).exists():
        return Calibrations()
    return calibrations_of(read_calibrations_file(path), str(path))


def add_to_calibrations(path: str | None, change: Callable[[Calibrations], Calibrations]) -> None:
    """Write the file with one more entry, or another in its place, and say so."""
    if path:
        print(write_calibrations_file(path, change(read_calibrations(path)).to_plain()))
