"""Corrections by hand are made on planning slices, are never made unseen, and are not overwritten unasked."""

from unittest.mock import MagicMock

import pytest
from CRLMSegmentationLib.tracking.age import Age


@pytest.fixture
def corrected(a_window, window_module):
    """(window, session, answers) with a tumor that was corrected by hand; answers['keep'] says what a person says."""
    window, session = a_window
    session.set(CONNECT="DONE", RECORD="DONE", RECONSTRUCT="DONE", BOX="DONE", SEGMENT="DONE", NAVIGATE="READY")
    session.view.update(surface=object(), volume=object(), segmentation=MagicMock())
    session.recording.sweep = session.volume.value = MagicMock(valid_frames=(), center_ras=(1.0, 2.0, 3.0))
    session.stream.status = MagicMock(connected=True, age=Age(0.1), frames=3, frames_per_second=20.0)
    session.tumor.has_hand_corrections = True
    answers = {"keep": True, "asked": 0}

    def may_replace(_what):
        answers["asked"] += 1
        return not answers["keep"]

    window.questions.may_replace_hand_work = may_replace
    window.refresh()
    session.calls.clear()
    return window, session, answers


BEGIN = {
    "find the tumor": (lambda window: window.ui.segmentButton.click(), "tumor.start"),
    "grow from a click": (lambda window: window.ui.growButton.click(), None),
    "place the box": (lambda window: window.ui.boxButton.click(), None),
    "box in the middle": (lambda window: window.ui.boxCenterButton.click(), "box.set"),
    "make the volume again": (lambda window: window.ui.reconstructButton.click(), "volume.start"),
    "record": (lambda window: window.ui.recordButton.click(), "recording.start"),
}


@pytest.mark.parametrize("begin, called", BEGIN.values(), ids=list(BEGIN))
def test_what_would_overwrite_hand_work_asks_first(corrected, begin, called):
    window, session, answers = corrected
    begin(window)
    assert answers["asked"] == 1 and session.calls == []
    assert not window.segment.picker.is_waiting and not window.box.picker.is_waiting
    answers["keep"] = False
    begin(window)
    if called:
        assert called in session.calls
    else:
        assert window.segment.picker.is_waiting or window.box.picker.is_waiting


@pytest.mark.parametrize("begin, called", [BEGIN["find the tumor"], BEGIN["record"], BEGIN["box in the middle"]])
def test_nothing_is_asked_where_no_hand_has_worked(corrected, begin, called):
    window, session, answers = corrected
    session.tumor.has_hand_corrections = False
    begin(window)
    assert answers["asked"] == 0 and called in session.calls


def begin_correction(window, window_module):
    window.segment.editor._make = MagicMock()
    window.open_step(window.segment)
    window.shown_layout = window_module("view.layouts").NAVIGATION
    window.ui.correctButton.checked = True


def test_correcting_goes_to_the_planning_slices(corrected, window_module):
    window, session, _ = corrected
    window.shown_views.clear()
    begin_correction(window, window_module)
    assert window.shown_views == ["tumor"] and "tumor.begin_correction" in session.calls


@pytest.fixture
def editing(corrected, window_module):
    window, session, _ = corrected
    begin_correction(window, window_module)
    window.shown_layout = window_module("view.layouts").PLANNING
    window.refresh()
    assert window.segment.editor.is_open
    return window, session


def test_a_closed_section_takes_the_brush_away(editing):
    window, session = editing
    window.ui.segmentSection.collapsed = True
    assert not window.segment.editor.is_open and "tumor.end_correction" in session.calls
    window.segment.editor.widget.setActiveEffect.assert_called_with(None)


def test_another_section_takes_the_brush_away(editing):
    window, _ = editing
    window.open_step(window.navigate)
    assert not window.segment.editor.is_open


@pytest.mark.parametrize("layout", ["NAVIGATION", "SWEEPING", "of Slicer's own"])
def test_other_views_take_the_brush_away(editing, window_module, layout):
    window, _ = editing
    window.shown_layout = getattr(window_module("view.layouts"), layout, 3)
    window._on_layout()
    assert not window.segment.editor.is_open


def test_all_hand_work_can_be_taken_back_by_one_button(corrected):
    window, session, answers = corrected
    assert window.ui.discardButton.visible
    window.ui.discardButton.click()
    assert "tumor.discard_corrections" not in session.calls
    answers["keep"] = False
    window.ui.discardButton.click()
    assert "tumor.discard_corrections" in session.calls
    session.tumor.has_hand_corrections = False
    window.refresh()
    assert not window.ui.discardButton.visible


def test_a_click_is_not_waited_for_behind_a_closed_section(a_window):
    window, session = a_window
    session.set(CONNECT="DONE", RECORD="DONE", RECONSTRUCT="DONE", BOX="READY")
    window.refresh()
    window.open_step(window.box)
    window.ui.boxButton.click()
    assert window.box.picker.is_waiting
    window.open_step(window.record)
    assert not window.box.picker.is_waiting


@pytest.mark.parametrize("layout", [3, "NAVIGATION"])
def test_views_that_a_person_has_chosen_meanwhile_stay(editing, window_module, layout):
    window, _ = editing
    window.shown_layout = getattr(window_module("view.layouts"), str(layout), layout)
    window.shown_views.clear()
    window._on_layout()
    window.refresh()
    assert not window.segment.editor.is_open and window.shown_views == []


def test_a_correction_that_cannot_begin_leaves_no_pressed_button_behind(corrected, window_module):
    from CRLMSegmentationLib.errors import SegmentationError

    window, session, _ = corrected

    def refuse():
        raise SegmentationError("the tumor is being found")

    session.tumor.begin_correction = refuse
    window.open_step(window.segment)
    window.ui.correctButton.checked = True
    assert not window.ui.correctButton.checked and "being found" in window.segment.state_text
