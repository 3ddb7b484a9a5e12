"""The laparoscope's section in the window: what it says, what is drawn of the video, what its buttons ask for."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.laparoscopy.picture import netpbm_of
from CRLMSegmentationLib.session.laparoscope.aligned_model import MOVES
from CRLMSegmentationLib.session.laparoscope.shown_frame import Registered, ShownFrame
from CRLMSegmentationLib.session.laparoscope.video_sources import VideoFrame
from CRLMSegmentationLib.values.landmarks import Polyline


def frame(grey=90, came_s=0.0):
    picture = np.full((30, 40, 3), grey, np.uint8)
    lines = (Polyline("ridge", [[0, 0], [30, 0]], 0.8), Polyline("ridge", [[0, 9], [10, 9]], 0.4))
    return ShownFrame(VideoFrame("frame_000007", picture, came_s), lines, picture, 20.0, 4.0)


def playing(session, **values):
    part = session.laparoscope
    usual = dict(is_open=True, is_playing=True, newest=frame(), landmarks_text="25 frames/s; network 20 ms, lines 4 ms")
    vars(part).update({**usual, **values})
    return part


def registered(seconds, error_mm=7.0):
    """Of a frame that came so long ago; one from the future stays new."""
    return Registered((), (), SimpleNamespace(doubts=()), error_mm, time.monotonic() - seconds)


@pytest.fixture
def drawn(a_window, window_module, monkeypatch):
    """What was given to Qt to be drawn, by the label that it was drawn in."""
    given = []
    window, _ = a_window
    monkeypatch.setattr(window_module("view.scope_picture").qt, "QByteArray", lambda data: data)
    pixmap = SimpleNamespace(loadFromData=lambda data: given.append(data))
    monkeypatch.setattr(window_module("view.scope_picture").qt, "QPixmap", lambda: pixmap)
    window.ui.scopeSection.collapsed = False
    return given


def test_it_is_closed_and_says_that_nothing_is_open(a_window):
    window, _ = a_window
    assert window.ui.scopeSection.collapsed
    assert window.scope.state_text == "OPTIONAL: Open a video of the laparoscope, or connect to its images."


@pytest.mark.parametrize("values, kind, said", [
    ({}, "good", "PLAYING: 25 frames/s; network 20 ms, lines 4 ms."),
    ({"newest": None, "landmarks_text": "No frame has come yet."}, "busy", "WAITING: No frame has come yet."),
    ({"is_playing": False}, "ready", "ENDED: This is the last frame of the video."),
    ({"is_old": True, "landmarks_text": "No frame has come for 0.9 s: this one is old."}, "bad",
     "OLD: No frame has come for 0.9 s: this one is old."),
    ({"problem": "No model for landmarks is installed."}, "warn", "PROBLEM: No model for landmarks is installed."),
    ({"is_busy": True, "registration_text": lambda: "The model is being registered."}, "busy",
     "WORKING: The model is being registered."),
    ({"registered": registered(-1e6), "registration_text": lambda: "Registered 1 s ago (rigid): error 7 mm"}, "warn",
     "REGISTERED: Registered 1 s ago (rigid): error 7 mm."),
    ({"registered": registered(1e6), "registration_text": lambda: "Registered 60 s ago"}, "warn",
     "TOO OLD: Registered 60 s ago."),
])  # fmt: skip
def test_what_the_video_is_stands_in_the_line_of_state(a_window, window_module, values, kind, said):
    window, session = a_window
    playing(session, **values)
    window.refresh()
    assert window.scope.state_text == said
    assert window.ui.scopeChip.styleSheet == window_module("style").chip(kind)


def test_landmarks_registration_and_doubts_are_written(a_window):
    window, session = a_window
    doubts = ("The camera is for 640 x 480; it is scaled", "One patient only")
    playing(session, registration_text=lambda: "Registered 1 s ago", registered=registered(-1e6), doubts=doubts)
    window.refresh()
    assert window.ui.scopeLandmarks.text == "ridge 70 %,  ligament not seen,  silhouette not seen"
    lines = window.ui.scopeRegistration.text.splitlines()
    assert lines[0] == "Registered 1 s ago." and [line[:2] for line in lines[1:]] == ["1.", "2."]


def test_each_frame_is_drawn_once_while_somebody_looks(a_window, drawn):
    window, session = a_window
    part = playing(session)
    window.tick()
    window.tick()
    assert drawn == [b"P6 40 30 255\n" + bytes([90]) * 3600] and window.ui.scopePicture.visible
    part.newest = frame(120)
    window.ui.scopeSection.collapsed = True
    window.tick()
    assert len(drawn) == 1
    window.ui.scopeSection.collapsed = False
    window.tick()
    assert len(drawn) == 2 and drawn[1].endswith(bytes([120]))
    part.newest = None
    window.tick()
    assert not window.ui.scopePicture.visible and len(drawn) == 2


def test_after_a_fault_no_picture_is_shown_as_what_the_scope_sees(a_window, drawn):
    window, session = a_window
    playing(session)
    window.tick()
    session.fault = "A fault of this program: image and tools are lost."
    window.tick()
    assert not window.ui.scopePicture.visible and len(drawn) == 1
    session.fault = None
    window.tick()
    assert window.ui.scopePicture.visible and len(drawn) == 2


def test_large_it_stands_in_a_window_of_its_own_whatever_section_is_open(a_window, drawn, window_module, monkeypatch):
    window, session = a_window
    part = playing(session, registered=registered(-1e6), registration_text=lambda: "Registered 1 s ago")
    large = SimpleNamespace(
        visible=False, setParent=lambda _: None, setWindowFlags=lambda _: None, resize=lambda *_: None,
        deleteLater=lambda: None,
    )  # fmt: skip
    qt = window_module("view.scope_picture").qt
    monkeypatch.setattr(qt, "QWidget", lambda: large)
    labels = []
    monkeypatch.setattr(
        qt, "QLabel", lambda: labels.append(type(window.ui.scopePicture)(width=20, height=20)) or labels[-1]
    )
    window.ui.scopeSection.collapsed = True
    window.ui.scopeLargeCheckBox.checked = True
    window.tick()
    window.refresh()
    assert large.visible and drawn == [netpbm_of(part.newest.picture, (20, 20))] and b"P6 20 15" in drawn[0]
    assert labels[1].text == "REGISTERED: Registered 1 s ago." and not window.ui.scopePicture.visible
    # Closed by its own button.
    large.visible = False
    window.refresh()
    assert not window.ui.scopeLargeCheckBox.checked
    window.ui.scopeSection.collapsed = False
    window.tick()
    assert window.ui.scopePicture.visible and len(drawn) == 2
    window.close()
    assert not large.visible


def test_a_switch_is_that_of_the_session(a_window):
    window, session = a_window
    part, switched = playing(session), []
    part.show = lambda name, wanted: switched.append((name, wanted))
    window.ui.scopeVesselsCheckBox.checked = True
    window.refresh()
    assert switched == []
    window.ui.scopeVesselsCheckBox.checked = False
    assert switched == [("vessels", False)]
    part.shown = frozenset({"liver"})
    window.refresh()
    boxes = (window.ui.scopeLandmarksCheckBox, window.ui.scopeLiverCheckBox, window.ui.scopeTumorsCheckBox)
    assert [box.checked for box in boxes] == [False, True, False]


def test_the_buttons_ask_the_session_with_what_was_chosen(a_window, monkeypatch):
    window, session = a_window
    part, asked = playing(session, model=object(), camera=object()), []
    for name in ("open_device", "open_video", "open_model", "open_camera", "connect", "register"):
        monkeypatch.setattr(part, name, lambda *given, name=name: asked.append((name, *given)), raising=False)
    monkeypatch.setattr(window.scope, "_file", lambda *_: "a file")
    monkeypatch.setattr(window.scope, "_folder", lambda *_: "a folder")
    window.ui.scopeDeformCheckBox.checked = True
    vars(window.parameters).update(host="theatre", port=18950, scopeImage="Scope", scopeDevice=3)
    window.refresh()
    for button in ("Video", "Folder", "Model", "Camera", "Connect", "Device", "Register"):
        getattr(window.ui, f"scope{button}Button").click()
    assert asked == [
        ("open_video", "a file"), ("open_video", "a folder"), ("open_model", "a folder"), ("open_camera", "a file"),
        ("connect", "theatre", 18950, "Scope"), ("open_device", 3), ("register",),
    ]  # fmt: skip
    assert part.deform is True
    window.ui.scopeCloseButton.click()
    assert "laparoscope.stop" in session.calls


def test_the_model_is_laid_over_the_picture_by_twelve_buttons(a_window):
    window, session = a_window
    part, moves = playing(session, model=object(), camera=object()), []
    part.move_model = lambda *given: moves.append(given)
    window.refresh()
    assert not window.ui.scopeMovesFrame.visible and not window.ui.scopeLeftButton.enabled
    window.ui.scopeAlignButton.click()
    part.alignment.is_on = True
    window.refresh()
    assert window.ui.scopeMovesFrame.visible
    buttons = window.scope._moves()
    for button in buttons.values():
        button.click()
    window.ui.scopeFineCheckBox.checked = True
    window.ui.scopeTurnLeftButton.click()
    assert moves == [*((move, False) for move in buttons), ("turn left", True)] and set(buttons) == set(MOVES)
    window.ui.scopeAlignButton.click()
    assert [call for call in session.calls if "align" in call] == ["laparoscope.align", "laparoscope.end_alignment"]


def test_a_calibration_of_the_camera_is_begun_ended_and_taken(a_window):
    window, session = a_window
    calibration, asked = playing(session).calibration, []
    calibration.start = lambda *given: asked.append(given)
    vars(window.parameters).update(scopeBoard="8x6 DICT_4X4_50", scopeSquareMm=4.0)
    window.refresh()
    window.ui.scopeCalibrateButton.click()
    assert asked == [("8x6 DICT_4X4_50", 4.0)]
    calibration.is_running, calibration.text = True, "Show the board from all sides: 3 pictures of the board are kept"
    window.refresh()
    assert window.ui.scopeCalibration.text == f"{calibration.text}."
    window.ui.scopeCalibrateButton.click()
    calibration.is_running, calibration.text = False, "Board of 8 x 6 corners in 9 pictures: error 0.11 pixels"
    calibration.result = SimpleNamespace(doubts=("Only 5 pictures were used",))
    window.refresh()
    lines = window.ui.scopeCalibration.text.splitlines()
    assert lines[0] == f"{calibration.text}." and lines[1].endswith("Only 5 pictures were used.")
    session.recording.folder = "recordings"
    window.ui.scopeAcceptButton.click()
    window.ui.scopeDiscardButton.click()
    assert [call for call in session.calls if call.startswith("scope calibration")] == [
        "scope calibration.end", "scope calibration.accept", "scope calibration.discard",
    ]  # fmt: skip


def test_what_is_refused_is_one_sentence(a_window):
    window, session = a_window
    part = playing(session, model=object(), camera=object())

    def refuse():
        raise ConfigurationError("The landmarks fit in more than one pose: show the ligament, too.")

    part.register = refuse
    window.refresh()
    window.ui.scopeRegisterButton.click()
    assert window.scope.state_text == "FAILED: The landmarks fit in more than one pose: show the ligament, too."


def test_a_large_picture_is_scaled_with_its_proportions():
    pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
    wide = np.zeros((90, 160, 3), np.uint8)
    wide[:, 80:] = (250, 20, 10)
    scaled = netpbm_of(wide[:, ::-1], (80, 80))
    head, pixels = scaled[: len(b"P6 80 45 255\n")], np.frombuffer(scaled[len(b"P6 80 45 255\n") :], np.uint8)
    assert head == b"P6 80 45 255\n" and tuple(pixels[:3]) == (250, 20, 10) and not pixels[-3:].any()
