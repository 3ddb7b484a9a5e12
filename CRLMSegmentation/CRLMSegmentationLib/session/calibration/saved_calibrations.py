"""The file of calibrations that `crlm calibrate ... --calibrations FILE` writes, read and added to by a session."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...calibration.accuracy.calibrations import Calibrations, calibrations_of
from ...errors import ConfigurationError
from ...files.calibrations.calibrations_file import read_calibrations_file, write_calibrations_file
from .guidance import CalibrationResult


def read_saved(path: Path) -> Calibrations:
    """What the file holds. Raises ConfigurationError where there is none, or for what makes no sense, and
    FileFormatError for a damaged one.
    """
    if not path.is_file():
        raise ConfigurationError(f"There is no {path.name} yet: calibrate, and keep the calibration.")
    return calibrations_of(read_calibrations_file(path), path.name)


def add_to_saved(path: Path, results: Iterable[CalibrationResult]) -> Path:
    """Put results into the file; its other entries stay. Raises as read_saved() does for a file that is none."""
    known = read_saved(path) if path.exists() else Calibrations()
    for result in results:
        known = result.added_to(known)
    return write_calibrations_file(path, known.to_plain())
