"""What a person can do to calibrate: it belongs to no step of the workflow, and stands beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...words import mark, tr
from ..state import (
    NO_CALIBRATION,
    NO_RESULT,
    NOTHING_ACCEPTED,
    NOTHING_COMES,
    NOTHING_MEASURED,
    RECORDING_GOES_ON,
)
from .action import Action

if TYPE_CHECKING:
    from ..session import Session

_RUNS = mark("A calibration is going on: end or discard it first.")


def _without_stream(session: Session) -> str:
    if session.calibration.is_running:
        return _RUNS
    status = session.stream.status
    return "" if status is not None and status.connected else NOTHING_COMES


def _without_images(session: Session) -> str:
    status = session.stream.status
    is_silent = status is not None and status.connected and status.frames_per_second == 0
    return tr("No new image comes: the probe cannot be calibrated.") if is_silent else _without_stream(session)


def _without_run(session: Session) -> str:
    return "" if session.calibration.is_running and not session.calibration.is_ending else NO_CALIBRATION


def _without_result(session: Session) -> str:
    result = session.calibration.result
    if result is None or not result.is_calibration:
        return NO_RESULT
    return RECORDING_GOES_ON if result.is_of_image and session.recording.state is not None else ""


def _without_measurement(session: Session) -> str:
    result = session.calibration.result
    return NOTHING_MEASURED if result is None or result.is_calibration else ""


def _without_anything(session: Session) -> str:
    part = session.calibration
    return "" if part.is_running or part.result is not None else tr("There is nothing to discard.")


def _without_accepted(session: Session) -> str:
    return "" if session.calibration.accepted else NOTHING_ACCEPTED


def _calibrate_stylus(session: Session, tool: str) -> None:
    """Find the tip of this tool; see CalibrationPart.start_stylus()."""
    session.calibration.start_stylus(tool)


def _calibrate_probe(session: Session, configuration: str | Path) -> None:
    """Find where the image lies on the probe; see CalibrationPart.start_probe()."""
    session.calibration.start_probe(configuration)


def _measure_accuracy(session: Session, tool: str, targets: str | Path) -> None:
    """Touch the targets of a phantom with this tool; see CalibrationPart.start_accuracy()."""
    session.calibration.start_accuracy(tool, targets)


CALIBRATE_STYLUS = Action(
    "calibrate_stylus", None, mark("Calibrate the stylus"),
    mark("Find where the tip is: hold it in a dimple, and tilt the stylus to all sides"), _calibrate_stylus,
    _without_stream,
)  # fmt: skip
CALIBRATE_PROBE = Action(
    "calibrate_probe", None, mark("Calibrate the probe"),
    mark("Find where the image lies on the probe, on an N-wire phantom"), _calibrate_probe, _without_images,
)  # fmt: skip
MEASURE_ACCURACY = Action(
    "measure_accuracy", None, mark("Measure on a phantom"),
    mark("Touch targets whose places are known with the stylus, and see how far off the tip is said to be"),
    _measure_accuracy, _without_stream,
)  # fmt: skip
WRITE_ACCURACY = Action(
    "write_accuracy", None, mark("Keep as a page"),
    mark("Write what was measured, with pictures, as a page for any browser"),
    lambda session: session.calibration.write_accuracy(), _without_measurement,
)  # fmt: skip
END_CALIBRATION = Action(
    "end_calibration", None, mark("Done: show the result"),
    mark("Take no more, and compute the result with its uncertainty"),
    lambda session: session.calibration.stop(), _without_run,
)  # fmt: skip
ACCEPT_CALIBRATION = Action(
    "accept_calibration", None, mark("Use this calibration"),
    mark("It counts from now on, in place of what the stream says"),
    lambda session: session.calibration.accept(), _without_result,
)  # fmt: skip
DISCARD_CALIBRATION = Action(
    "discard_calibration", None, mark("Discard"), mark("What counted before goes on to count"),
    lambda session: session.calibration.discard(), _without_anything,
)  # fmt: skip
KEEP_CALIBRATIONS = Action(
    "keep_calibrations", None, mark("Keep for another day"), mark("Write what was taken into the file of calibrations"),
    lambda session: session.calibration.save(), _without_accepted,
)  # fmt: skip
USE_KEPT_CALIBRATIONS = Action(
    "use_kept_calibrations", None, mark("Use what was kept"),
    mark("Tips and image of the file of calibrations count from now on: only with the same tools, probe and depth"),
    lambda session: session.calibration.load(), _without_stream,
)  # fmt: skip

CALIBRATION_ACTIONS = (
    CALIBRATE_STYLUS, CALIBRATE_PROBE, MEASURE_ACCURACY, END_CALIBRATION, ACCEPT_CALIBRATION, WRITE_ACCURACY,
    DISCARD_CALIBRATION, KEEP_CALIBRATIONS, USE_KEPT_CALIBRATIONS,
)  # fmt: skip
