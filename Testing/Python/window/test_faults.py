"""Whatever fails in the window's timer: what is live is shown as lost, and receiving and recording go on."""

import logging
from unittest.mock import Mock

import pytest
from window_fakes import make_reading, make_status


@pytest.fixture
def live_window(a_window):
    """(window, session) with a stylus 0.5 mm from the tumor on the screen."""
    window, session = a_window
    session.set(CONNECT="DONE", SEGMENT="DONE", NAVIGATE="READY")
    session.stream.status, session.is_busy = make_status(), True
    session.given_readings = [make_reading(0.5, "WITHIN_MARGIN")]
    window.tick()
    assert "0.5 mm ± 1.8 mm" in window.navigate.readouts["Stylus"].text
    return window, session


def _raise(*_arguments):
    raise RuntimeError("what nobody expected")


def test_a_fault_of_the_window_alone_hides_the_tools_in_space_as_well(live_window):
    window, session = live_window
    assert "view.hide_live" not in session.calls
    window.navigate.tick = _raise
    window.tick()
    assert "LOST" in window.navigate.readouts["Stylus"].text and "view.hide_live" in session.calls


def test_the_line_to_the_tumor_is_kept_out_of_the_slices_whatever_a_user_calls_it(
    live_window, window_module, monkeypatch
):
    window, session = live_window
    line, kept = object(), []
    session.view["distance_line"] = line
    monkeypatch.setattr(window_module("view.views"), "show_in_3d_only", kept.append)
    window.refresh()
    assert kept == [line], "a line that was renamed is drawn in every slice at every move"


@pytest.mark.parametrize("is_left", [False, True])
def test_the_last_distance_of_a_stream_that_was_ended_goes_from_every_title(live_window, is_left):
    window, session = live_window
    paused = window.timer.pause = Mock()
    window.open_step(window.connect)
    window.refresh()
    assert "0.5 mm" in window.navigate.section.text
    # Ended, and with it all work of the session: a moment later nothing but the clock makes the tool lost.
    session.stream.status, session.is_busy = None, False
    window._on_session(None)
    window._next_refresh_s = window._next_count_s = 0.0
    window.tick()
    if is_left:
        window.leave()
        assert not paused.called, "the pinned distance would stay for as long as another module is open"
    session.given_readings = [make_reading(status="LOST")]
    window._next_refresh_s = window._next_count_s = 0.0
    window.tick()
    assert "mm" not in window.navigate.section.text, window.navigate.section.text
    assert paused.called == is_left


@pytest.mark.parametrize("what", ["tools.readings", "process"])
def test_a_fault_in_the_session_shows_everything_as_lost(live_window, what):
    window, session = live_window
    part, _, name = what.rpartition(".")
    setattr(getattr(session, part) if part else session, name, _raise)
    window.tick()
    text = window.navigate.readouts["Stylus"].text
    assert "LOST" in text and "0.5" not in text
    assert window.navigate.state_text.startswith("LOST") and "LIVE" not in window.navigate.state_text
    assert window.live_slice.follow.call_args.args[2] == window.fault != ""


@pytest.mark.parametrize("panel", ["connect", "record", "segment", "navigate", "case", "source"])
def test_a_fault_in_any_panel_shows_everything_as_lost(live_window, panel):
    window, _ = live_window
    window.panels[panel].refresh = _raise
    window._next_refresh_s = window._next_count_s = 0.0
    window.tick()
    window.tick()
    text = window.navigate.readouts["Stylus"].text
    assert "LOST" in text and "0.5" not in text


def test_recording_goes_on_after_a_fault(live_window):
    window, session = live_window
    session.tools.readings = _raise
    session.calls.clear()
    for _ in range(5):
        window.tick()
    assert session.calls.count("process") == 5


def test_a_fault_that_the_session_tells_of_is_shown_as_lost(live_window):
    window, session = live_window
    session.fault = "A fault of this program: image and tools are lost."
    window.tick()
    assert "LOST" in window.navigate.readouts["Stylus"].text
    assert session.fault in window.navigate.state_text
    assert window.live_slice.follow.call_args.args[2] == session.fault


def test_a_fault_that_is_over_gives_the_numbers_back_and_keeps_its_sentence(live_window, monkeypatch, window_module):
    window, session = live_window
    good, session.tools.readings = session.tools.readings, _raise
    window.tick()
    session.tools.readings = good
    now_s = window_module("fault_watch").time.monotonic()
    monkeypatch.setattr(window_module("fault_watch").time, "monotonic", lambda: now_s + 60)
    window.tick()
    assert "0.5 mm" in window.navigate.readouts["Stylus"].text
    assert window.case.state_text.startswith("FAILED") and "error log" in window.case.state_text


def test_the_same_fault_is_logged_once(live_window, caplog):
    window, session = live_window
    session.tools.readings = _raise
    with caplog.at_level(logging.ERROR):
        for _ in range(10):
            window.tick()
    assert len([record for record in caplog.records if "timer" in record.message]) == 1


def test_half_of_a_scene_is_not_worked_on(live_window):
    import slicer

    window, session = live_window
    session.calls.clear()
    slicer.mrmlScene.IsBatchProcessing.return_value = 1
    window.tick()
    assert session.calls == []


def test_a_fault_in_one_panel_leaves_no_line_of_another_behind(live_window):
    window, session = live_window
    window.source.refresh = _raise
    session.stream.status = None
    window._next_refresh_s = window._next_count_s = 0.0
    window.tick()
    assert window.connect.state_text.startswith("READY")


def test_a_panel_that_fails_says_nothing_old(live_window):
    window, _ = live_window
    window.connect.line = _raise
    window._next_refresh_s = window._next_count_s = 0.0
    window.tick()
    assert window.connect.state_text.startswith("FAULT") and "frames per second" not in window.connect.state_text
