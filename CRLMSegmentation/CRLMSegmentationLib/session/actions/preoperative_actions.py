"""What a person can do with the CT before the operation: it belongs to no step of the workflow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...preoperative.landmark_registration import LEAST_LANDMARKS
from ...preoperative.vessel_refinement import BY_IMAGES
from ...words import mark, tr
from ..preoperative.network import NO_MODEL
from ..state import CT_BUSY, NO_CT, NO_CT_RESULT, NO_CT_VOXELS, NOTHING_SEEN
from .action import Action

if TYPE_CHECKING:
    import numpy as np

    from ...preoperative.into_operation import InOperation
    from ..session import Session


def _while_busy(session: Session) -> str:
    return CT_BUSY if session.preoperative.is_busy else ""


def _while_idle(session: Session) -> str:
    return "" if session.preoperative.is_busy else tr("Nothing is being done with a CT.")


def _without_ct(session: Session) -> str:
    part = session.preoperative
    if part.is_busy:
        return CT_BUSY
    if part.ct is None:
        return NO_CT
    if part.ct.volume is None:
        return NO_CT_VOXELS
    return "" if part.has_model else NO_MODEL


def _without_result(session: Session) -> str:
    return _while_busy(session) or ("" if session.preoperative.has_result else NO_CT_RESULT)


def _without_ultrasound(session: Session) -> str:
    is_seen = session.volume.has_any or session.recording.sweep is not None
    return _without_known_patient(session) or ("" if is_seen else NOTHING_SEEN)


def _without_registration(session: Session) -> str:
    return "" if session.preoperative.registration is not None else tr("The CT is not registered.")


def _without_known_patient(session: Session) -> str:
    return session.case.question if session.case.question is not None else _without_result(session)


def _without_volume(session: Session) -> str:
    seen = "" if session.volume.has_any else NOTHING_SEEN
    return _without_known_patient(session) or _without_registration(session) or seen


def _without_images(session: Session) -> str:
    ct = session.preoperative.ct
    return _without_volume(session) or (NO_CT_VOXELS if ct is None or ct.volume is None else "")


def _without_shown_volume(session: Session) -> str:
    return _without_known_patient(session) or ("" if session.volume.has_any else NOTHING_SEEN)


def _find_landmark(session: Session, point_reference_mm: np.ndarray) -> None:
    """See RegisteredCt.find()."""
    session.preoperative.find(point_reference_mm)


def _without_touched(session: Session) -> str:
    return _without_result(session) or ("" if session.preoperative.touched else tr("No landmark was touched yet."))


def _without_enough_touched(session: Session) -> str:
    enough = len(session.preoperative.touched) >= LEAST_LANDMARKS
    return _without_ultrasound(session) or (
        "" if enough else tr("Touch at least {least_landmarks} landmarks first.", least_landmarks=LEAST_LANDMARKS)
    )


def _without_anything(session: Session) -> str:
    part = session.preoperative
    return "" if part.is_there or part.is_busy or part.problem else NO_CT


def _open_dicom(session: Session, folder: str | Path) -> None:
    """List the series of a DICOM folder; see PreoperativePart.open_dicom()."""
    session.preoperative.open_dicom(folder)


def _choose_series(session: Session, number: int) -> None:
    """Open one of them."""
    session.preoperative.choose_series(number)


def _open_volume(session: Session, path: str | Path, date: str = "") -> None:
    """Open a volume in HU, of a date."""
    session.preoperative.open_volume(path, date)


def _open_labels(session: Session, path: str | Path) -> None:
    """Take labels of another program; see PreoperativePart.open_labels()."""
    session.preoperative.open_labels(path)


def _open_result(session: Session, folder: str | Path) -> None:
    """Open what was found before."""
    session.preoperative.open_result(folder)


def _follow_up(session: Session, folders: Sequence[str | Path]) -> None:
    """Compare several results."""
    session.preoperative.start_follow_up(folders)


def _export(session: Session, folder: str | Path, kinds: Collection[str]) -> list[Path]:
    """Write files for other programs, and return them."""
    return session.preoperative.export(folder, kinds)


def _register(session: Session, landmarks: str | Path) -> InOperation:
    """Bring the CT into Reference by the landmarks of a file."""
    return session.preoperative.register(landmarks)


def _without_plane(session: Session) -> str:
    return _without_result(session) or (
        "" if session.preoperative.remnant.found is not None else tr("Draw a plane first.")
    )


def _without_empty_case(session: Session) -> str:
    """A CT in the views of an operation would be taken for what the ultrasound sees."""
    full = tr("This case holds ultrasound already: correct the CT before it, or in a new case.")
    return _without_result(session) or ("" if session.case.is_empty else full)


def _without_correction(session: Session) -> str:
    none = tr("There is no correction to undo.")
    return _without_result(session) or ("" if session.preoperative.corrections.made else none)


def _move_plane(session: Session, turn_deg: float, tilt_deg: float, offset_mm: float) -> None:
    """See RemnantPlan.move()."""
    session.preoperative.remnant.move(turn_deg, tilt_deg, offset_mm)


def _drag_plane(session: Session, plane: str, handle: int, across: float, down: float) -> None:
    """See RemnantPlan.drag()."""
    session.preoperative.remnant.drag(plane, handle, across, down)


def _remove_lesion(session: Session, number: int) -> None:
    """What was marked as this lesion is none."""
    session.preoperative.corrections.remove_lesion(number)


def _correct_ball(session: Session, name: str, radius_mm: float, erases: bool = False) -> None:
    """See Corrections.ball()."""
    session.preoperative.corrections.ball(name, radius_mm, erases)


def _take_correction(session: Session, masks: dict[str, np.ndarray]) -> None:
    """See Corrections.take()."""
    session.preoperative.corrections.take(masks)


OPEN_DICOM = Action(
    "open_dicom", None, mark("Open a DICOM folder"),
    mark("List the series in it, to choose a CT from; no patient name is kept"),
    _open_dicom, _while_busy,
)  # fmt: skip
CHOOSE_SERIES = Action(
    "choose_series", None, mark("Open this series"), mark("Read its slices"), _choose_series, _while_busy
)
OPEN_CT_VOLUME = Action(
    "open_ct_volume",
    None,
    mark("Open a volume"),
    mark("A CT in Hounsfield units from a file"),
    _open_volume,
    _while_busy,
)
SEGMENT_CT = Action(
    "segment_ct", None, mark("Find liver, vessels and tumors"), mark("By a network, in the background"),
    lambda session: session.preoperative.start_segmentation(), _without_ct,
)  # fmt: skip
OPEN_CT_LABELS = Action(
    "open_ct_labels", None, mark("Open labels of another program"),
    mark("A label file, or the folder of TotalSegmentator, of the CT that is open"), _open_labels, _while_busy,
)  # fmt: skip
OPEN_CT_RESULT = Action(
    "open_ct_result", None, mark("Open an earlier result"),
    mark("A folder that crlm preop segment made, or one that was made here"),
    _open_result, _while_busy,
)  # fmt: skip
CANCEL_CT = Action(
    "cancel_ct", None, mark("Cancel"), mark("Stop what is being done with the CT; what was there before stays"),
    lambda session: session.preoperative.cancel(), _while_idle,
)  # fmt: skip
FOLLOW_UP = Action(
    "follow_up", None, mark("Compare the dates"),
    mark("Which lesion is which, how they grow, and what RECIST says of it"),
    _follow_up, _while_busy,
)  # fmt: skip
EXPORT_CT = Action(
    "export_ct",
    None,
    mark("Export"),
    mark("Surfaces, label map, table and a report of one page"),
    _export,
    _without_result,
)
REGISTER_CT = Action(
    "register_ct", None, mark("Register by landmarks"),
    mark("Bring the CT into the operation; the error to be expected at the tumor is shown with it"), _register,
    _without_ultrasound,
)  # fmt: skip
TOUCH_LANDMARK = Action(
    "touch_landmark", None, mark("Touch a landmark"),
    mark("The place that is looked at in the CT is where the tip of the stylus is now"),
    lambda session: session.preoperative.touch(), _without_known_patient,
)  # fmt: skip
FIND_LANDMARK = Action(
    "find_landmark", None, mark("Find it in the ultrasound"),
    mark("Look at a place in the CT, press, and click at the same place in a slice of the ultrasound"), _find_landmark,
    _without_shown_volume,
)  # fmt: skip
DROP_LANDMARK = Action(
    "drop_landmark", None, mark("Drop the last one"), mark("The landmark that was touched last does not count"),
    lambda session: session.preoperative.drop_touched(), _without_touched,
)  # fmt: skip
REGISTER_TOUCHED = Action(
    "register_touched", None, mark("Register by these landmarks"),
    mark("Bring the CT into the operation; the error to be expected at the tumor is shown with it"),
    lambda session: session.preoperative.register_touched(), _without_enough_touched,
)  # fmt: skip
REFINE_CT = Action(
    "refine_ct", None, mark("Refine by vessels"),
    mark("Lay the vessels of the CT over those of the volume; where they are not found again, it stays as it is"),
    lambda session: session.preoperative.start_refinement(), _without_volume,
)  # fmt: skip
REFINE_CT_BY_IMAGES = Action(
    "refine_ct_by_images", None, mark("Refine by the images"),
    mark("Lay the CT itself over the volume, a minute or two; where both say too little, it stays as it is"),
    lambda session: session.preoperative.start_refinement(BY_IMAGES), _without_images,
)  # fmt: skip
UNREGISTER_CT = Action(
    "unregister_ct", None, mark("Take it out of the operation"), mark("The CT stands in a view of its own again"),
    lambda session: session.preoperative.unregister(), _without_registration,
)  # fmt: skip
DRAW_PLANE = Action(
    "draw_plane", None, mark("Draw a plane here"),
    mark("Through the place that is looked at: how much of the liver stays when it is cut there"),
    lambda session: session.preoperative.remnant.draw(), _without_result,
)  # fmt: skip
MOVE_PLANE = Action(
    "move_plane", None, mark("Move the plane"), mark("Turn, tilt and shift it"), _move_plane, _without_plane
)
DRAG_PLANE = Action(
    "drag_plane", None, mark("Drag the plane"),
    mark("Its line has three handles in a slice: the middle one shifts the plane, the others turn it"), _drag_plane,
    _without_plane,
)  # fmt: skip
REMOVE_PLANE = Action(
    "remove_plane", None, mark("Remove the plane"), mark("Nothing is planned any more"),
    lambda session: session.preoperative.remnant.remove(), _without_plane,
)  # fmt: skip
REMOVE_LESION = Action(
    "remove_lesion", None, mark("This is no tumor"),
    mark("What was marked as this lesion becomes liver; can be undone"),
    _remove_lesion, _without_result,
)  # fmt: skip
CORRECT_BALL = Action(
    "correct_ball", None, mark("Draw or erase a ball"), mark("At the place that is looked at; can be undone"),
    _correct_ball,
    _without_result,
)  # fmt: skip
EDIT_CT = Action(
    "edit_ct", None, mark("Correct in the Segment Editor"),
    mark("Liver, vessels and tumors on the slices of the CT; press it again to take over what was drawn"),
    lambda session: None, _without_empty_case,
)  # fmt: skip
TAKE_CORRECTION = Action(
    "take_correction", None, mark("Take over the drawing"),
    mark("What was drawn becomes the structures of this CT; can be undone"),
    _take_correction, _without_result,
)  # fmt: skip
UNDO_CORRECTION = Action(
    "undo_correction", None, mark("Undo the last correction"), mark("As it was before it"),
    lambda session: session.preoperative.corrections.undo(), _without_correction,
)  # fmt: skip
CLOSE_CT = Action(
    "close_ct", None, mark("Close the CT"), mark("Its results stay in their folders"),
    lambda session: session.preoperative.forget(), _without_anything,
)  # fmt: skip

PREOPERATIVE_ACTIONS = (
    OPEN_DICOM, CHOOSE_SERIES, OPEN_CT_VOLUME, SEGMENT_CT, OPEN_CT_LABELS, OPEN_CT_RESULT, CANCEL_CT, FOLLOW_UP,
    EXPORT_CT, REGISTER_CT, TOUCH_LANDMARK, FIND_LANDMARK, DROP_LANDMARK, REGISTER_TOUCHED, REFINE_CT,
    REFINE_CT_BY_IMAGES, UNREGISTER_CT,
    DRAW_PLANE, MOVE_PLANE, DRAG_PLANE, REMOVE_PLANE, REMOVE_LESION, CORRECT_BALL,
    EDIT_CT, TAKE_CORRECTION, UNDO_CORRECTION, CLOSE_CT,
)  # fmt: skip
