"""The section of the CT in the window: what it says and shows while a CT is read, found, registered and compared."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.preoperative.follow_up import FollowUp, Track
from CRLMSegmentationLib.preoperative.measures import Lesion, Measures
from CRLMSegmentationLib.session.preoperative.opened_ct import CtFacts

LESION = Lesion(1, 4.2, 21.3, 40, (42.0, -13.0, 101.0), 6.0, 0.0)
MEASURES = Measures(1500.0, 60.0, 4.2, 0.0028, (LESION,))


def open_ct(session, result=None, doubts=()):
    part = session.preoperative
    slices = SimpleNamespace(count=lambda plane: 50, picture=lambda *_: np.zeros((9, 9, 3), np.uint8))
    part.ct = SimpleNamespace(
        facts=CtFacts("2026-01-05", "portal phase"), result=result, slices=slices, surfaces={}, doubts=list(doubts),
        dicom=None, volume=object(), corrections=0,
    )  # fmt: skip
    part.at = {"axial": 10, "coronal": 20, "sagittal": 30}
    if result is not None:
        part.structures, part.shown = ["liver", "portal", "tumor"], ["liver", "tumor"]
        part.has_result = True


def test_it_is_closed_and_says_that_nothing_is_open(a_window):
    window, _ = a_window
    assert window.ui.ctSection.collapsed
    assert window.ct.state_text == "OPTIONAL: Open a CT: a DICOM folder, a volume or an earlier result."
    assert not window.ui.ctPicture.visible and not window.ui.ctSeriesButton.visible


def test_what_is_done_is_told_and_can_be_cancelled(a_window):
    window, session = a_window
    session.preoperative.is_busy, session.preoperative.progress = True, (0.42, "segmenting, window 3 of 8")
    window.refresh()
    assert window.ct.state_text == "WORKING: Segmenting, window 3 of 8."
    assert (window.ui.ctProgressBar.visible, window.ui.ctProgressBar.value) == (True, 42)
    window.ui.ctSegmentButton.click()
    assert "preoperative.cancel" in session.calls


def test_a_series_is_chosen_by_its_number(a_window):
    window, session = a_window
    summary = SimpleNamespace(number=7)
    session.preoperative.series = [
        SimpleNamespace(summary=summary, title="portal", details="CT, 90 slices", is_ct=True),
        SimpleNamespace(summary=SimpleNamespace(number=1), title="scout", details="CR", is_ct=False),
    ]
    session.preoperative.is_choosing = True
    window.refresh()
    assert window.ct.state_text == "CHOOSE: Choose one of 2 series."
    chosen = []
    session.preoperative.choose_series = chosen.append
    window.ui.ctSeriesButton.click()
    assert chosen == [7]


def test_the_table_and_what_speaks_against_it_are_shown(a_window):
    window, session = a_window
    open_ct(session, SimpleNamespace(measures=MEASURES), ["Trained on simulated CTs only."])
    window.refresh()
    assert window.ct.state_text == "FOUND: Portal phase · 2026-01-05: liver 1500 mL, 1 lesion."
    text = window.ui.ctFigures.text
    assert "1. volume 4.20 mL, diameter 21.3 mm, vessel 6 mm, surface touches, place R 42, P 13, S 101" in text
    assert text.endswith("Trained on simulated CTs only.")
    shown = [window.ui.ctLiverCheckBox, window.ui.ctPortalCheckBox, window.ui.ctTumorCheckBox]
    assert [box.visible for box in shown] == [True] * 3 and [box.checked for box in shown] == [True, False, True]
    assert not window.ui.ctHepaticCheckBox.visible and window.ui.ctAxialSlider.value == 10
    switched = []
    session.preoperative.show = lambda name, wanted: switched.append((name, wanted))
    window.ct.on_switch("portal", True)
    window.ct.on_slice("axial", 12.0)
    assert switched == [("portal", True)] and "preoperative.go_to" in session.calls


def test_a_registration_is_shown_with_its_error_and_when_it_was_made(a_window):
    window, session = a_window
    open_ct(session, SimpleNamespace(measures=MEASURES))
    session.preoperative.registration = SimpleNamespace(
        refined=None, error_mm=3.24, made_at="2026-11-29T10:12:00+00:00"
    )
    window.refresh()
    said = "REGISTERED: In the operation: error at the tumor 3.2 mm, by landmarks, 2026-11-29 10:12 UTC."
    assert window.ct.state_text == said


def test_a_plane_is_drawn_moved_by_sliders_and_told(a_window):
    window, session = a_window
    open_ct(session, SimpleNamespace(measures=MEASURES))
    window.refresh()
    assert window.ui.ctRemnant.text == "" and not window.ui.ctPlaneTurnSlider.visible
    plan = session.preoperative.remnant
    plan.found = SimpleNamespace(
        cuts_the_liver=True, remnant_ml=520.4, remnant_with_tumors_ml=531.7, resected_ml=979.3,
        resected_with_tumors_ml=979.3, share=0.347, lesions_cut=(), lesions_left=(1,), margin_mm=None,
    )  # fmt: skip
    plan.turn_deg, moved = 30.0, []
    plan.move = lambda *where: moved.append(where)
    window.refresh()
    assert window.ui.ctRemnant.text == (
        "520 mL stay, 35% of the liver without tumors (532 mL with tumors).\n979 mL go.\nLesion 1 would stay."
    )
    assert window.ui.ctPlaneTurnSlider.visible and window.ui.ctPlaneTurnSlider.value == 30 and moved == []
    window.ct.editing.on_move_plane()
    window.ui.ctTurnAroundButton.click()
    assert moved == [(30.0, 0.0, 0.0), (-150.0, -0.0, -0.0)]
    window.ui.ctPlaneButton.click()
    assert "remnant.draw" in session.calls


def test_a_plane_is_dragged_in_the_picture_and_a_click_beside_it_looks_there(a_window, window_module):
    (window, session), dragging_module = a_window, window_module("ct.cut_dragging")
    open_ct(session, SimpleNamespace(measures=MEASURES))
    slices, plan = session.preoperative.ct.slices, session.preoperative.remnant
    slices.size_mm = lambda plane: (200.0, 200.0) if plane == "axial" else (200.0, 100.0)
    looked, dragged = [], []
    slices.at_pixel = lambda plane, index, across, down: looked.append((plane, index, across, down)) or {}
    plan.handles = lambda: {"axial": ((0.5, 0.2), (0.5, 0.5), (0.5, 0.8))}
    plan.drag = lambda *where: dragged.append(where)
    plan.found = SimpleNamespace(cuts_the_liver=False)
    window.refresh()
    dragging = window.ct.editing.dragging
    # The picture in the middle of a label that is 100 pixels wider; the axial slice is above on the left.
    side, cell = dragging_module.SIDE_PX, dragging_module.CELL_PX
    window.ui.ctPicture.width, window.ui.ctPicture.height = side + 100, side
    at = lambda across, down: (50 + across * cell, down * cell)  # noqa: E731  # in cells
    dragging.press(*at(0.5, 0.5))
    dragging.move(*at(0.747, 0.5))
    dragging.move(*at(1.5, 0.5))
    assert [one[:2] for one in dragged] == [("axial", 1)] and dragged[0][2:] == pytest.approx((0.75, 0.5), abs=0.01)
    dragging.press(*at(0.067, 0.5))
    assert looked[0][:2] == ("axial", 10) and looked[0][2:] == pytest.approx((0.06, 0.5), abs=0.01)
    dragging.move(*at(0.2, 0.5))
    dragging.press(*at(1.5, 0.5))
    # The coronal picture is half as high as its cell.
    dragging.press(*at(0.5, 1.033))
    assert len(dragged) == 1 and len(looked) == 1
    dragging.press(*at(0.5, 1.5))
    assert looked[1][0] == "coronal" and looked[1][3] == pytest.approx(0.5, abs=0.01)


def test_a_landmark_is_clicked_in_the_ultrasound(a_window, monkeypatch):
    window, session = a_window
    open_ct(session, SimpleNamespace(measures=MEASURES))
    session.volume.has_any = True
    asked, found = [], []
    picker = window.ct.landmarks.picker
    monkeypatch.setattr(picker, "ask", lambda prompt, on_picked: asked.append((prompt, on_picked)))
    session.preoperative.find = found.append
    window.refresh()
    window.ui.ctFindLandmarkButton.click()
    assert asked[0][0] == "Click once at the same place in the ultrasound."
    asked[0][1]((1.0, 2.0, 3.0))
    assert found == [(1.0, 2.0, 3.0)]
    cancelled = []
    monkeypatch.setattr(picker, "cancel", lambda: cancelled.append(1))
    window.ct.leave()
    assert cancelled


def test_the_plane_has_handles_in_3d_while_the_section_is_open(a_window):
    window, session = a_window
    plan = session.preoperative.remnant
    plan.let_drag = lambda wanted: setattr(plan, "is_draggable", wanted)
    for is_closed in (False, True):
        window.ui.ctSection.collapsed = is_closed
        assert plan.is_draggable is not is_closed


def test_a_lesion_is_taken_out_by_its_number_and_a_correction_is_undone(a_window):
    window, session = a_window
    open_ct(session, SimpleNamespace(measures=MEASURES))
    window.refresh()
    removed = []
    session.preoperative.corrections.remove_lesion = removed.append
    window.ui.ctNoTumorButton.click()
    assert removed == [1] and window.ui.ctLesionComboBox.visible
    session.preoperative.corrections.made = 1
    session.preoperative.ct.corrections = 1
    window.refresh()
    window.ui.ctUndoButton.click()
    assert "corrections.undo" in session.calls and "Corrected by hand, 1 change." in window.ui.ctFigures.text


def test_why_something_failed_stands_there_also_when_it_is_closed(a_window):
    window, session = a_window
    session.preoperative.problem = "No liver was found in this CT: does it show the upper abdomen?"
    window.refresh()
    assert window.ct.state_text == f"FAILED: {session.preoperative.problem}"
    assert "FAILED" in window.ui.ctSection.text


def test_dates_are_gathered_and_compared(a_window, monkeypatch):
    window, session = a_window
    for folder in ("a", "b", "b"):
        monkeypatch.setattr(window.ct, "_folder", lambda title, folder=folder: folder)
        window.ui.ctAddDateButton.click()
    assert window.ui.ctFollowUp.text == "2 results are chosen."
    compared = []
    session.preoperative.start_follow_up = compared.extend
    window.ui.ctFollowUpButton.click()
    assert compared == ["a", "b"]
    track = Track(1, (1, None), (20.0, None), (4.0, None), True, (0.0, 0.0, 0.0))
    session.preoperative.followed = FollowUp(
        ("2026-01-05", "2026-04-02"), (track,), (20.0, 0.0), ("baseline", "complete response"), ((), ()), ((), (1,)),
        (1500.0, 1490.0),
    )  # fmt: skip
    window.refresh()
    assert window.ui.ctFollowUp.text.splitlines() == [
        "1: 20 → – mm, target, vanished",
        "2026-01-05: sum 20 mm, baseline",
        "2026-04-02: sum 0 mm, complete response; vanished: 1",
    ]


@pytest.mark.parametrize("name, command", [("ctDicomButton", "open_dicom"), ("ctResultButton", "open_result")])
def test_a_folder_that_is_not_chosen_changes_nothing(a_window, monkeypatch, name, command):
    window, session = a_window
    monkeypatch.setattr(window.ct, "_folder", lambda title: "")
    getattr(window.ui, name).click()
    assert f"preoperative.{command}" not in session.calls
    monkeypatch.setattr(window.ct, "_folder", lambda title: "folder")
    getattr(window.ui, name).click()
    assert f"preoperative.{command}" in session.calls
