"""What the buttons say and when they can be pressed is decided by the actions of the session, and by them alone."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.state import Step
from pseudo_language import spoken
from window_fakes import make_status
from window_files import names_used


def connected(session):
    session.stream.status = make_status()


def recording(session):
    session.recording.state = SimpleNamespace(frames=3, seconds=1.0, invalid=0, coverage=1.0, hints=())


def segmenting(session):
    session.jobs.running = Step.SEGMENT


def published(session):
    session.publishing.port, session.publishing.text = 18945, "Sending at port 18945: no program is connected"


def calibrated(session):
    session.calibration.result = SimpleNamespace(
        text="the tip is known to 0.4 mm", figures=(("Residual", "0.3 mm"),), missing=(), is_of_image=False,
        is_calibration=True, is_coarse=False,
    )  # fmt: skip


def measured(session):
    calibrated(session)
    session.calibration.result.is_calibration = False


def busy_with_ct(session):
    session.preoperative.is_busy = True


def recording_video(session):
    session.laparoscope.recording.is_on = True


def calibrating_scope(session):
    session.laparoscope.calibration.is_running = True


def aligning_scope(session):
    session.laparoscope.alignment.is_on = True


# Button, the action that it does, and what is to be so that it does this one of two.
BUTTONS = [
    ("connectButton", "CONNECT", None),
    ("connectButton", "DISCONNECT", connected),
    ("replayButton", "REPLAY", None),
    ("recordButton", "RECORD", None),
    ("recordButton", "STOP", recording),
    ("outlineButton", "OUTLINE", None),
    ("openSweepButton", "OPEN_SWEEP", None),
    ("reconstructButton", "RECONSTRUCT", None),
    ("boxButton", "PLACE_BOX", None),
    ("acceptBoxButton", "ACCEPT_BOX", None),
    ("segmentButton", "FIND", None),
    ("segmentButton", "CANCEL", segmenting),
    ("growButton", "GROW", None),
    ("correctButton", "CORRECT", None),
    ("discardButton", "DISCARD", None),
    ("reviewedButton", "ACKNOWLEDGE", None),
    ("navigateButton", "NAVIGATE", None),
    ("fullScreenButton", "FULL_SCREEN", None),
    ("nextStepButton", "NEXT_STEP", None),
    ("nextTumorButton", "NEXT_TUMOR", None),
    ("publishButton", "PUBLISH", None),
    ("publishButton", "STOP_PUBLISHING", published),
    ("calibrateStylusButton", "CALIBRATE_STYLUS", None),
    ("calibrateProbeButton", "CALIBRATE_PROBE", None),
    ("measureAccuracyButton", "MEASURE_ACCURACY", None),
    ("calibrationDoneButton", "END_CALIBRATION", None),
    ("calibrationDoneButton", "WRITE_ACCURACY", measured),
    ("calibrationDoneButton", "ACCEPT_CALIBRATION", calibrated),
    ("discardCalibrationButton", "DISCARD_CALIBRATION", None),
    ("keepCalibrationsButton", "KEEP_CALIBRATIONS", None),
    ("useKeptButton", "USE_KEPT_CALIBRATIONS", None),
    ("followToolButton", "FOLLOW_TOOL", None),
    ("unfollowToolButton", "UNFOLLOW_TOOL", None),
    ("toolColorButton", "SET_TOOL_LOOK", None),
    ("ctDicomButton", "OPEN_DICOM", None),
    ("ctVolumeButton", "OPEN_CT_VOLUME", None),
    ("ctResultButton", "OPEN_CT_RESULT", None),
    ("ctSeriesButton", "CHOOSE_SERIES", None),
    ("ctSegmentButton", "SEGMENT_CT", None),
    ("ctSegmentButton", "CANCEL_CT", busy_with_ct),
    ("ctLabelsButton", "OPEN_CT_LABELS", None),
    ("ctFollowUpButton", "FOLLOW_UP", None),
    ("ctRegisterButton", "REGISTER_CT", None),
    ("ctUnregisterButton", "UNREGISTER_CT", None),
    ("ctTouchButton", "TOUCH_LANDMARK", None),
    ("ctRefineButton", "REFINE_CT", None),
    ("ctRefineByImagesButton", "REFINE_CT_BY_IMAGES", None),
    ("ctFindLandmarkButton", "FIND_LANDMARK", None),
    ("ctDropTouchedButton", "DROP_LANDMARK", None),
    ("ctRegisterTouchedButton", "REGISTER_TOUCHED", None),
    ("ctExportButton", "EXPORT_CT", None),
    ("ctCloseButton", "CLOSE_CT", None),
    ("ctPlaneButton", "DRAW_PLANE", None),
    ("ctRemovePlaneButton", "REMOVE_PLANE", None),
    ("ctNoTumorButton", "REMOVE_LESION", None),
    ("ctCorrectButton", "EDIT_CT", None),
    ("ctUndoButton", "UNDO_CORRECTION", None),
    ("scopeVideoButton", "OPEN_SCOPE_VIDEO", None),
    ("scopeConnectButton", "CONNECT_SCOPE", None),
    ("scopeDeviceButton", "OPEN_SCOPE_DEVICE", None),
    ("scopeCloseButton", "CLOSE_SCOPE", None),
    ("scopeRecordButton", "RECORD_SCOPE", None),
    ("scopeRecordButton", "STOP_SCOPE", recording_video),
    ("scopeModelButton", "OPEN_SCOPE_MODEL", None),
    ("scopeCameraButton", "OPEN_SCOPE_CAMERA", None),
    ("scopeCalibrateButton", "CALIBRATE_SCOPE", None),
    ("scopeCalibrateButton", "END_SCOPE_CALIBRATION", calibrating_scope),
    ("scopeAcceptButton", "ACCEPT_SCOPE_CALIBRATION", None),
    ("scopeDiscardButton", "DISCARD_SCOPE_CALIBRATION", None),
    ("scopeAlignButton", "ALIGN_SCOPE", None),
    ("scopeAlignButton", "END_SCOPE_ALIGNMENT", aligning_scope),
    ("scopeRegisterButton", "REGISTER_SCOPE", None),
    ("addTumorButton", "ADD_TUMOR", None),
    ("renameTumorButton", "RENAME_TUMOR", None),
    ("deleteTumorButton", "DELETE_TUMOR", None),
    ("newestSweepButton", "SHOW_NEWEST", None),
    ("samePatientButton", "KEEP_CASE", None),
    ("saveCaseButton", "SAVE", None),
    ("openCaseButton", "OPEN_CASE", None),
    ("newCaseButton", "NEW_CASE", None),
]


@pytest.mark.parametrize("button, name, prepare", BUTTONS, ids=[name for _, name, _ in BUTTONS])
def test_a_button_says_what_its_action_says(a_window, monkeypatch, button, name, prepare):
    window, session = a_window
    if prepare is not None:
        prepare(session)
    described = replace(
        getattr(actions, name), english_label="Do it", english_help="It is done", obstacle=lambda session: "Not today."
    )
    monkeypatch.setattr(actions, name, described)
    window.refresh()
    shown = getattr(window.ui, button)
    assert (shown.text, shown.enabled) == ("Do it", False)
    assert shown.toolTip == "It is done\nNot today."
    monkeypatch.setattr(actions, name, replace(described, obstacle=lambda session: ""))
    window.refresh()
    assert (shown.enabled, shown.toolTip) == (True, "It is done")


@pytest.mark.parametrize("button", ["sampleButton", "boxCenterButton"])
def test_a_button_beside_it_can_be_pressed_with_it(a_window, monkeypatch, button):
    window, _ = a_window
    for why_not in ("Not today.", ""):
        for name in ("REPLAY", "PLACE_BOX"):
            action = getattr(actions, name)
            monkeypatch.setattr(actions, name, replace(action, obstacle=lambda session, why_not=why_not: why_not))
        window.refresh()
        assert getattr(window.ui, button).enabled is (why_not == "")


# In 3D Slicer the Segment Editor draws.
ON_THE_PAGE = {"CORRECT_BALL"}


@pytest.mark.parametrize(
    "name", [name for name in vars(actions) if getattr(actions, name) in actions.ACTIONS and name not in ON_THE_PAGE]
)
def test_every_action_of_the_session_has_its_place_in_the_window(name):
    assert name in names_used(r"\bactions\.([A-Z_]+)")


def test_every_action_is_tried_above():
    tried = (
        {name for _, name, _ in BUTTONS}
        | {"MARGIN", "CHOOSE_TUMOR", "MOVE_PLANE", "DRAG_PLANE", "TAKE_CORRECTION", "MOVE_SCOPE_MODEL"}
        | ON_THE_PAGE
    )
    assert {getattr(actions, name) for name in tried} == set(actions.ACTIONS)


def test_what_an_action_says_is_translated(a_window):
    window, _ = a_window
    with spoken("de"):
        window.refresh()
        why_not = actions.RECORD.why_not(window.session)
    assert window.ui.recordButton.text == "Aufnahme starten"
    assert window.ui.recordButton.toolTip == f"Ab jetzt jedes Bild behalten, sofort auf der Platte\n{why_not}"
    assert why_not != actions.RECORD.why_not(window.session)


def test_before_there_is_a_session_buttons_say_what_they_will_do(a_window):
    window, _ = a_window
    window.close_session()
    window.ui.recordButton.text = window.ui.recordButton.toolTip = ""
    type(window.record)(window)
    assert (window.ui.recordButton.text, window.ui.recordButton.toolTip) == (actions.RECORD.label, actions.RECORD.help)


def test_what_cannot_be_done_is_said_where_it_was_tried(a_window):
    window, session = a_window
    window.record.on_record()
    assert window.record.state_text == f"FAILED: {actions.RECORD.why_not(session)}"
    assert "recording.start" not in session.calls


@pytest.mark.parametrize("button, name, label", [
    ("boxButton", "PLACE_BOX", "Cancel"),
    ("growButton", "GROW", "Cancel the click"),
    ("correctButton", "CORRECT", "Done correcting"),
    ("navigateButton", "NAVIGATE", "Show the planning view"),
])  # fmt: skip
def test_what_was_begun_in_the_views_can_be_ended_at_any_time(a_window, monkeypatch, button, name, label):
    window, _ = a_window
    monkeypatch.setattr(actions, name, replace(getattr(actions, name), obstacle=lambda session: "Not today."))
    for part in (window.box.picker, window.segment.picker):
        monkeypatch.setattr(type(part), "is_waiting", True)
    monkeypatch.setattr(type(window.segment.editor), "is_open", True)
    monkeypatch.setattr(type(window.navigate), "is_shown", True)
    monkeypatch.setattr(window.segment, "leave_hidden_editor", lambda: None)
    window.refresh()
    shown = getattr(window.ui, button)
    assert (shown.text, shown.enabled) == (label, True)
