"""What a person can do with the laparoscope's video: it belongs to no step of the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...words import mark
from ..state import (
    NO_CAMERA,
    NO_LINES,
    NO_SCOPE_BOARDS,
    NO_SCOPE_MODEL,
    NO_SCOPE_RESULT,
    NO_VIDEO,
    NOT_ALIGNED,
    NOT_RECORDED,
    SCOPE_BUSY,
    SCOPE_CALIBRATING,
)
from .action import Action

if TYPE_CHECKING:
    from ..session import Session


def _always(session: Session) -> str:
    return ""


def _while_busy(session: Session) -> str:
    return SCOPE_BUSY if session.laparoscope.is_busy else ""


def _without_video(session: Session) -> str:
    return "" if session.laparoscope.is_open else NO_VIDEO


def _without_recording(session: Session) -> str:
    return "" if session.laparoscope.recording.is_on else NOT_RECORDED


def _without_lines(session: Session) -> str:
    part = session.laparoscope
    if session.case.question is not None:
        return session.case.question
    if part.is_busy:
        return SCOPE_BUSY
    if not part.is_open:
        return NO_VIDEO
    if part.model is None:
        return NO_SCOPE_MODEL
    if part.camera is None:
        return NO_CAMERA
    return "" if part.newest is not None and part.newest.lines else NO_LINES


def _not_calibrated(session: Session) -> str:
    if session.laparoscope.calibration.is_running:
        return SCOPE_CALIBRATING
    return _without_video(session)


def _without_picture(session: Session) -> str:
    part = session.laparoscope
    return session.case.question or _while_busy(session) or part.alignment.why_not


def _without_alignment(session: Session) -> str:
    return _while_busy(session) if session.laparoscope.alignment.is_on else NOT_ALIGNED


def _move(session: Session, move: str, fine: bool = False) -> None:
    """By one of aligned_model.MOVES, a quarter of it when fine."""
    session.laparoscope.move_model(move, fine)


def _without_calibration(session: Session) -> str:
    return "" if session.laparoscope.calibration.is_running else NO_SCOPE_BOARDS


def _without_result(session: Session) -> str:
    return _while_busy(session) if session.laparoscope.calibration.result is not None else NO_SCOPE_RESULT


def _without_either(session: Session) -> str:
    return _without_calibration(session) and _without_result(session)


def _calibrate(session: Session, board: str, square_mm: float) -> None:
    """Find the camera from the video that is open; board as boards.board_of() reads it, side of its squares in mm."""
    session.laparoscope.calibration.start(board, square_mm)


def _open_video(session: Session, path: str | Path) -> None:
    """Play a video, a picture, or a folder of pictures."""
    session.laparoscope.open_video(path)


def _connect(session: Session, host: str, port: int, image_name: str) -> None:
    """Show the colour images of that name of an OpenIGTLink server."""
    session.laparoscope.connect(host, port, image_name)


def _open_model(session: Session, path: str | Path) -> None:
    """Open the model of the liver: a surface or a folder."""
    session.laparoscope.open_model(path)


def _open_camera(session: Session, path: str | Path) -> None:
    """Open the camera's file."""
    session.laparoscope.open_camera(path)


OPEN_SCOPE_VIDEO = Action(
    "open_scope_video", None, mark("Open a video"),
    mark("Of a laparoscope: a video, a picture, or a folder of pictures"),
    _open_video, _always,
)  # fmt: skip
CONNECT_SCOPE = Action(
    "connect_scope", None, mark("Connect to a video"), mark("Colour images over OpenIGTLink"), _connect, _always
)
OPEN_SCOPE_DEVICE = Action(
    "open_scope_device", None, mark("Open a capture device"),
    mark("Such as a grabber at the video tower, by its number"),
    lambda session, number: session.laparoscope.open_device(number), _always,
)  # fmt: skip
CLOSE_SCOPE = Action(
    "close_scope", None, mark("Close the video"), mark("Model and camera stay open"),
    lambda session: session.laparoscope.stop(), _without_video,
)  # fmt: skip
RECORD_SCOPE = Action(
    "record_scope", None, mark("Record the video"), mark("Every frame in its colors, with its time and poses"),
    lambda session: session.laparoscope.recording.start(session.recording.folder),
    lambda session: session.laparoscope.recording.why_not,
)  # fmt: skip
STOP_SCOPE = Action(
    "stop_scope", None, mark("Stop recording the video"), mark("Its file is made in the background"),
    lambda session: session.laparoscope.recording.stop(), _without_recording,
)  # fmt: skip
OPEN_SCOPE_MODEL = Action(
    "open_scope_model", None, mark("Open the model of the liver"),
    mark("A surface, or a folder with liver, vessels and tumors; curves.json beside it marks ridge and ligament"),
    _open_model, _while_busy,
)  # fmt: skip
OPEN_SCOPE_CAMERA = Action(
    "open_scope_camera",
    None,
    mark("Open the camera"),
    mark("As crlm scope calibrate writes it"),
    _open_camera,
    _while_busy,
)
CALIBRATE_SCOPE = Action(
    "calibrate_scope", None, mark("Calibrate the camera"),
    mark("From the video that is open: pictures of a chessboard or ChArUco board; where poses come with "
    "it, also the place "
    "of the camera on the sensor"),
    _calibrate, _not_calibrated,
)  # fmt: skip
END_SCOPE_CALIBRATION = Action(
    "end_scope_calibration", None, mark("That is enough"), mark("Compute the camera from the pictures that are kept"),
    lambda session: session.laparoscope.calibration.end(), _without_calibration,
)  # fmt: skip
ACCEPT_SCOPE_CALIBRATION = Action(
    "accept_scope_calibration", None, mark("Use this camera"),
    mark("And keep it in a file in the folder of recordings"),
    lambda session: session.laparoscope.calibration.accept(session.recording.folder), _without_result,
)  # fmt: skip
DISCARD_SCOPE_CALIBRATION = Action(
    "discard_scope_calibration", None, mark("Discard"), mark("The camera that was used stays"),
    lambda session: session.laparoscope.calibration.discard(), _without_either,
)  # fmt: skip
ALIGN_SCOPE = Action(
    "align_scope", None, mark("Align by hand"),
    mark("Hold this picture and lay the model over it; from there its pose is looked for"),
    lambda session: session.laparoscope.align(), _without_picture,
)  # fmt: skip
MOVE_SCOPE_MODEL = Action(
    "move_scope_model",
    None,
    mark("Move the model"),
    mark("By a step, or by a quarter of one"),
    _move,
    _without_alignment,
)
END_SCOPE_ALIGNMENT = Action(
    "end_scope_alignment", None, mark("Let the video go on"), mark("The model is looked for where you have laid it"),
    lambda session: session.laparoscope.end_alignment(), _without_alignment,
)  # fmt: skip
REGISTER_SCOPE = Action(
    "register_scope", None, mark("Lay the model over the video"),
    mark("Find its pose by the landmarks of this frame; it fades as it grows old"),
    lambda session: session.laparoscope.register(), _without_lines,
)  # fmt: skip

LAPAROSCOPE_ACTIONS = (
    OPEN_SCOPE_VIDEO, CONNECT_SCOPE, OPEN_SCOPE_DEVICE, CLOSE_SCOPE, RECORD_SCOPE, STOP_SCOPE, OPEN_SCOPE_MODEL,
    OPEN_SCOPE_CAMERA, CALIBRATE_SCOPE, END_SCOPE_CALIBRATION, ACCEPT_SCOPE_CALIBRATION, DISCARD_SCOPE_CALIBRATION,
    ALIGN_SCOPE, MOVE_SCOPE_MODEL, END_SCOPE_ALIGNMENT, REGISTER_SCOPE,
)  # fmt: skip
