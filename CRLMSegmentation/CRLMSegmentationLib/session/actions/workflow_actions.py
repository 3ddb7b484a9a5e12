"""What a person can do in the steps of the workflow, and with the case as a whole.

A new step of the workflow is a row here and a function of one of the session's parts; each front end only says where
its button stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...words import mark, tr
from ..state import (
    BEING_FOUND,
    IS_SAVING,
    NO_BOX,
    NO_PROPOSAL,
    NO_RECORDING,
    NO_SWEEP,
    RECORDING_GOES_ON,
    TUMOR_BEING_FOUND,
    Step,
    StepStatus,
)
from .action import Action

if TYPE_CHECKING:
    import numpy as np

    from ...sweep import Sweep
    from ...values import Box
    from ..session import Session


# When it can be done


def _always(session: Session) -> str:
    return ""


def _without_stream(session: Session) -> str:
    return "" if session.stream.status is not None else tr("Nothing is connected.")


def _without_images(session: Session) -> str:
    """Why no recording can begin."""
    status = session.stream.status
    if session.recording.state is not None:
        return RECORDING_GOES_ON
    if status is None or not status.connected:
        return tr("Connect first: nothing comes that could be recorded.")
    if status.frames_per_second == 0:
        return tr("No new image comes: there is nothing to record.")
    return session.case.question or _while_computing(session)


def _without_recording(session: Session) -> str:
    return "" if session.recording.state is not None else NO_RECORDING


def _while_recording(session: Session) -> str:
    return "" if session.recording.state is None else RECORDING_GOES_ON


def _while_computing(session: Session) -> str:
    running = session.jobs.running
    if running is None:
        return ""
    if running is Step.SEGMENT:
        return TUMOR_BEING_FOUND
    return tr("The volume is being made: wait until that has ended, or cancel it.")


def _while_idle(session: Session) -> str:
    return "" if session.jobs.running is not None else tr("Nothing is being computed.")


def _without_sweep(session: Session) -> str:
    if session.recording.sweep is None:
        return NO_SWEEP
    return _while_recording(session) or _while_computing(session)


def _without_volume(session: Session) -> str:
    """Why no box can be placed."""
    if session.state.status(Step.BOX) is StepStatus.WAITING:
        return tr("There is no volume yet; record a sweep first.")
    return session.case.question or ""


def _without_box(session: Session) -> str:
    """Why no tumor can be looked for."""
    box = session.state[Step.BOX]
    if box.status is StepStatus.FAILED and box.message:
        return f"{box.message[:1].upper()}{box.message[1:]}."
    if box.status is StepStatus.READY:
        return NO_BOX
    return _without_volume(session) or _while_computing(session)


def _without_place_to_grow(session: Session) -> str:
    if session.state.status(Step.BOX) is StepStatus.READY:
        return tr("Place the box first: the region grows within it.")
    return _without_box(session)


def _without_outlines(session: Session) -> str:
    """Why frames cannot be outlined. What is on can be switched off."""
    return "" if session.live.is_on else session.live.why_not


def _without_proposal(session: Session) -> str:
    return NO_PROPOSAL if session.live.proposal is None else _without_volume(session)


def _without_tumor(session: Session) -> str:
    if session.case.question is not None:
        return session.case.question
    return tr("Find the tumor first.") if session.state.status(Step.NAVIGATE) is StepStatus.WAITING else ""


def _without_tumor_to_correct(session: Session) -> str:
    if session.jobs.running is Step.SEGMENT:
        return BEING_FOUND
    return _without_tumor(session)


def _without_corrections(session: Session) -> str:
    if not session.tumor.has_hand_corrections:
        return tr("Nothing was corrected by hand.")
    return session.case.question or _while_computing(session)


def _without_doubts(session: Session) -> str:
    return tr("There is nothing new to look at.") if session.state.doubts_acknowledged else ""


def _without_data(session: Session) -> str:
    if session.case.is_saving:
        return IS_SAVING
    return tr("Nothing to save yet.") if session.case.is_empty else ""


def _without_case(session: Session) -> str:
    is_empty = session.case.is_empty and not session.preoperative.is_there
    return tr("The case is empty: nothing was recorded or opened yet.") if is_empty else ""


def _without_question(session: Session) -> str:
    return "" if session.case.question is not None else tr("Images and case are of one source: nothing is asked.")


# What it does


def _connect(session: Session, host: str, port: int, calibration: Mapping[str, np.ndarray] | None = None) -> None:
    """Receive from an OpenIGTLink server; see StreamPart.connect()."""
    session.stream.connect(host, port, calibration)


def _replay(session: Session, path: str | Path, configuration: str | Path | None = None, **options: Any) -> None:
    """Receive a recording as though it were live; see StreamPart.replay()."""
    session.stream.replay(path, configuration, **options)


def _stop(session: Session) -> None:
    """End the recording; its volume follows where it did not grow meanwhile."""
    session.recording.stop()
    if Step.RECONSTRUCT not in session.jobs.steps:
        session.volume.start()


def _open_sweep(
    session: Session, path: str | Path, configuration: str | Path | None = None, sweep: Sweep | None = None
) -> None:
    """Take a recording from a file, or `sweep` that was read from it, and make its volume."""
    session.recording.open(path, configuration, sweep=sweep)
    session.volume.start()


def _place_box(session: Session, box: Box, tight: bool = False) -> None:
    """Place `box`; tight: it fits the tumor closely."""
    session.box.set(box, tight)


def _switch_outlines(session: Session, wanted: bool) -> None:
    """Outline live frames from now on, or no more."""
    session.live.switch(wanted)


def _grow(session: Session, seed_ras: np.ndarray) -> None:
    """Grow the tumor from a place (3,) RAS mm in it."""
    session.tumor.start_region_growing(seed_ras)


def _set_margin(session: Session, margin_mm: float) -> None:
    """Warn of a tool tip that is nearer to the tumor."""
    session.structures.set_margin_mm(margin_mm)


def _save(session: Session, folder: str | Path) -> None:
    """Save the case as it is now into `folder`, in the background."""
    session.case.begin_save(folder)


def _open_case(session: Session, folder: str | Path) -> None:
    """Go on from the case in `folder`."""
    session.case.load(folder)


# In the order of the workflow

CONNECT = Action(
    "connect",
    Step.CONNECT,
    mark("Connect to PLUS"),
    mark("Receive the tracked ultrasound image from PLUS"),
    _connect,
    _always,
)
REPLAY = Action(
    "replay",
    Step.CONNECT,
    mark("Replay a recording"),
    mark("Play the chosen recording as though PLUS sent it"),
    _replay,
    _always,
)
DISCONNECT = Action(
    "disconnect", Step.CONNECT, mark("Disconnect"), mark("Receive no more images; what was recorded stays"),
    lambda session: session.stream.disconnect(), _without_stream,
)  # fmt: skip
RECORD = Action(
    "record", Step.RECORD, mark("Start recording"), mark("Keep every frame from now on, on disk as it comes"),
    lambda session: session.recording.start(), _without_images,
)  # fmt: skip
STOP = Action(
    "stop", Step.RECORD, mark("Stop recording"), mark("The sweep is done: make its volume"), _stop, _without_recording
)  # fmt: skip
OUTLINE = Action(
    "outline", Step.RECORD, mark("Outline live"),
    mark("The tumor outlined in every live image: a hint, no measurement"),
    _switch_outlines, _without_outlines,
)  # fmt: skip
OPEN_SWEEP = Action(
    "open_sweep", Step.RECORD, mark("Open a recorded sweep"), mark("Take a sweep from a file instead of recording one"),
    _open_sweep, _while_recording,
)  # fmt: skip
RECONSTRUCT = Action(
    "reconstruct", Step.RECONSTRUCT, mark("Make the volume again"),
    mark("Reconstruct the recorded sweep with these settings"),
    lambda session: session.volume.start(), _without_sweep,
)  # fmt: skip
PLACE_BOX = Action(
    "place_box", Step.BOX, mark("Place the box"),
    mark("Then click once on the middle of the tumor, in any slice view; drag the handles to resize"),
    _place_box, _without_volume,
)  # fmt: skip
ACCEPT_BOX = Action(
    "accept_box", Step.BOX, mark("Take the proposed box"),
    mark("The box around what the live outlines have shown together"),
    lambda session: session.live.accept_box(), _without_proposal,
)  # fmt: skip
FIND = Action(
    "find", Step.SEGMENT, mark("Find the tumor"), mark("Segment the tumor in the box"),
    lambda session: session.tumor.start(), _without_box,
)  # fmt: skip
CANCEL = Action(
    "cancel", Step.SEGMENT, mark("Cancel"), mark("Stop what is being computed; what was there before stays"),
    lambda session: session.jobs.cancel(), _while_idle,
)  # fmt: skip
GROW = Action(
    "grow", Step.SEGMENT, mark("Semi-automatic"),
    mark("Without the model: click once inside the tumor, and the region grows from there"), _grow,
    _without_place_to_grow,
)  # fmt: skip
CORRECT = Action(
    "correct", Step.SEGMENT, mark("Correct by hand"), mark("Paint, erase or cut the tumor; the surface follows"),
    lambda session: session.tumor.begin_correction(), _without_tumor_to_correct,
)  # fmt: skip
DISCARD = Action(
    "discard", Step.SEGMENT, mark("Discard corrections by hand"),
    mark("Take back everything that was painted, erased or cut by hand; the tumor is as it was found"),
    lambda session: session.tumor.discard_corrections(), _without_corrections,
)  # fmt: skip
ACKNOWLEDGE = Action(
    "acknowledge", Step.SEGMENT, mark("I have looked: go on"),
    mark("You have seen what speaks against this tumor in the slices, and navigate by it"),
    lambda session: session.tumor.acknowledge_doubts(), _without_doubts,
)  # fmt: skip
NAVIGATE = Action(
    "navigate", Step.NAVIGATE, mark("Navigate"), mark("Live ultrasound beside the tumor and the tools in 3D"),
    lambda session: session.refresh(), _without_tumor,
)  # fmt: skip
MARGIN = Action(
    "margin", Step.NAVIGATE, mark("Margin"),
    mark("Safety margin around the tumor, shown as a shell; a tool tip within it is warned of; 0 hides it"),
    _set_margin, _always,
)  # fmt: skip
KEEP_CASE = Action(
    "keep_case", None, mark("The same patient"),
    mark("The images that come now show the patient of this case: go on with it"),
    lambda session: session.case.keep(), _without_question,
)  # fmt: skip
SAVE = Action(
    "save", None, mark("Save the case"),
    mark("Write everything of this case into a folder that opens again; no patient name is in it"), _save,
    _without_data,
)  # fmt: skip
OPEN_CASE = Action(
    "open_case", None, mark("Open a case"), mark("Open a case that was saved before"), _open_case, _always
)  # fmt: skip
NEW_CASE = Action(
    "new_case", None, mark("New case"), mark("Begin anew, for another patient or another lesion; the stream goes on"),
    lambda session: session.case.begin(), _without_case,
)  # fmt: skip

WORKFLOW_ACTIONS = (
    CONNECT, REPLAY, DISCONNECT, RECORD, STOP, OUTLINE, OPEN_SWEEP, RECONSTRUCT, PLACE_BOX, ACCEPT_BOX, FIND, CANCEL,
    GROW, CORRECT, DISCARD, ACKNOWLEDGE, NAVIGATE, MARGIN, KEEP_CASE, SAVE, OPEN_CASE, NEW_CASE,
)  # fmt: skip
