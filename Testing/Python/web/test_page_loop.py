"""The page's own loop, without a browser: what fails leaves nothing as live, and what is doubtful is no green tick."""

import asyncio

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed: the page's loop was not tested")
pytest.importorskip("trame_slicer", reason="no trame-slicer: the page's loop was not tested")

from dataclasses import asdict
from types import SimpleNamespace

from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking import StreamStatus
from CRLMSegmentationLib.values import Box, Volume
from CRLMSegmentationLib.web.actions.source_actions import SourceActions
from CRLMSegmentationLib.web.controller import Controller
from CRLMSegmentationLib.web.library import Library
from CRLMSegmentationLib.web.page.page_state import PageState
from trame_server.state import State
from trame_slicer.core import SlicerApp


class _Display:
    """Views that can be made to fail."""

    shows_volume, slice_titles = True, ("a", "b", "c")
    fails, is_hidden = False, False

    def refresh(self, *_, **__):
        if self.fails:
            raise KeyError("no such view in /home/somebody/place")
        self.is_hidden = False

    def hide_live(self):
        self.is_hidden = True


@pytest.fixture
def controller(tmp_path):
    """A page without views, on which a stylus is 11 mm from a tumor."""
    state = State(ready=True)
    state.update(asdict(PageState()))
    controller = Controller(SlicerApp(), state, Library(tmp_path))
    controller.display = _Display()
    squared = sum((axis - 20) ** 2 for axis in np.indices((41, 41, 41)))
    session = controller.session
    session.volume.set(Volume(np.full((41, 41, 41), 90, np.uint8), np.eye(4)))
    session.box.set(Box((20, 20, 20), (30, 30, 30)))
    session.tumor.set(Volume((squared <= 64).astype(np.uint8), np.eye(4)))
    yield controller
    session.close()


def _track(controller, now_s):
    pose = np.eye(4)
    pose[:3, 3] = 20, 20, 39
    controller.session.tools.update("StylusToReference", Pose(pose), now_s, now_s)


def _step(controller, now_s) -> dict:
    """One step of the page; the tool as it is shown then."""
    _track(controller, now_s)
    controller.step_safely(now_s)
    (tool,) = controller.state.tools
    return tool


def test_a_loop_that_fails_shows_everything_as_lost_and_gets_well_again(controller, monkeypatch, caplog):
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    now_s = [1000.0]

    def step():
        now_s[0] += 1.0
        return _step(controller, now_s[0])

    assert step()["kind"] == "clear"
    before = controller.state.heartbeat
    controller.display.fails = True
    for _ in range(3):
        tool = step()
        assert (tool["kind"], tool["distance"]) == ("lost", "– mm")
    state = controller.state
    assert state.live_hidden and "Not live" in state.live_text and controller.display.is_hidden
    assert state.steps["navigate"]["status"] != "live" and state.frames_per_second == 0
    assert state.errors == 1 and "no such view" in state.error_text and "/home/somebody" not in state.error_text
    assert state.heartbeat > before
    # One fault is written down and reported once, however often it comes: who closes the sentence has read it
    assert sum("brought up to date" in record.getMessage() for record in caplog.records) == 1
    step()
    assert state.errors == 1
    controller.display.fails = False
    step()
    assert step()["kind"] == "clear"


def test_a_page_that_cannot_even_be_shown_as_lost_goes_on_without_a_beat(controller, monkeypatch):
    _step(controller, 1000.0)
    before = controller.state.heartbeat
    controller.display.fails = True
    monkeypatch.setattr(controller, "_lose", _fail)
    controller.step_safely(1001.0)
    assert controller.state.heartbeat == before
    controller.display.fails = False
    controller.step_safely(1002.0)
    assert controller.state.heartbeat > before


def test_an_error_that_comes_while_the_one_before_is_closed_is_seen(controller):
    state = controller.state
    controller.report_error("The first.")
    closed = state.errors  # what the tab says when it closes, and which arrives late
    controller.report_error("The second.")
    state.errors_closed = closed
    assert state.errors != state.errors_closed and state.error_text == "The second."


def test_a_threshold_that_cannot_be_is_a_sentence_and_no_fault(controller):
    _step(controller, 1000.0)
    controller.request_threshold(0.4)
    controller.step_safely(1001.0)
    state = controller.state
    assert state.errors == 1 and "fault" not in state.error_text and "fault" not in state.live_text


def test_no_line_of_the_page_names_a_folder(controller):
    state = controller.session.state
    state[Step.RECORD].status = StepStatus.FAILED
    state[Step.RECORD].message = "the disk of /home/maria.muster/crlm-web/recordings/one.igs.mha is full"
    state.doubts = ("See /home/maria.muster/models/own/model.json.",)
    controller.show_steps()
    assert controller.state.steps["record"]["text"] == "The disk of one.igs.mha is full"
    assert "maria" not in str([controller.state[name] for name in ("steps", "doubts", "engine_text", "fault")])


def test_a_fault_of_the_session_is_shown(controller, monkeypatch):
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    now_s = [1000.0]
    _step(controller, now_s[0])
    monkeypatch.setattr(controller.session.tools, "readings", _fail)
    now_s[0] += 1
    controller.step_safely(now_s[0])
    monkeypatch.undo()
    assert controller.state.live_hidden and "Not live" in controller.state.live_text
    assert [tool["kind"] for tool in controller.state.tools] == ["lost"]


def _fail(*_):
    raise RuntimeError("a fault")


class _FindsNothing:
    """Stands where the network stands."""

    model = SimpleNamespace(card=load_model().card)

    def probability(self, block, progress=None, should_cancel=None):
        return block.with_voxels(np.zeros(block.voxels.shape, np.float32))


def test_nothing_found_is_amber_with_what_the_model_was_trained_on(controller):
    controller.session.tumor.segment(_FindsNothing())
    controller.step_safely(1000.0)
    state = controller.state
    assert not state.has_tumor and state.has_probability
    # Said by the step, and not again below it.
    assert state.steps["segment"]["text"] == "No tumor was found in the box"
    assert "No tumor" not in " ".join(state.doubts)
    assert state.steps["segment"]["status"] == "check"
    assert any("trained on" in doubt and "simulated" in doubt for doubt in state.doubts)
    # Looked at or not, it does not become a green tick
    controller.session.tumor.acknowledge_doubts()
    controller.step_safely(1000.1)
    assert state.steps["segment"]["status"] == "check" and state.doubts


def test_doubts_stand_until_somebody_has_looked(controller):
    session = controller.session
    _step(controller, 1000.0)
    assert controller.state.steps["segment"]["status"] == "done" and not controller.state.doubts_new
    # Two sentences about the tumor that is shown
    session.state.doubts, session.state.doubts_acknowledged = ("It reaches the edge.", "It is large."), False
    controller.show_steps()
    state = controller.state
    assert state.steps["segment"]["status"] == "check" and state.doubts_new
    assert state.doubts == ["It reaches the edge.", "It is large."]
    session.tumor.acknowledge_doubts()
    controller.show_steps()
    assert state.steps["segment"]["status"] == "done" and not state.doubts_new
    assert state.doubts == ["It reaches the edge.", "It is large."]


def test_one_of_several_image_streams_is_chosen_by_name(controller, monkeypatch):
    chosen = []
    status = StreamStatus(connected=True, image_name="Image_Image", image_names=("Image_Image", "Image_Reference"))
    monkeypatch.setattr(type(controller.session.stream), "status", status)
    monkeypatch.setattr(controller.session.stream, "choose_image", chosen.append)
    controller.show_figures(1000.0)
    assert controller.state.image_names == ["Image_Image", "Image_Reference"]
    assert controller.state.image_name == "Image_Image"
    source = SourceActions(controller, None, None)
    asyncio.run(source.choose_image("Image_Reference"))
    asyncio.run(source.choose_image("Other"))
    assert chosen == ["Image_Reference"] and "does not come" in controller.state.error_text


def test_a_stream_that_comes_back_opens_no_step(controller):
    """Whoever opened 'Connect' to disconnect found it closed again when the stream had only been late."""
    controller.state.open_step = "connect"
    state = controller.session.state
    for status in (StepStatus.RUNNING, StepStatus.DONE):
        state[Step.CONNECT].status = status
        controller.show_steps()
    assert controller.state.open_step == "connect"
    controller.open_step.start(Step.CONNECT)
    for status in (StepStatus.RUNNING, StepStatus.DONE):
        state[Step.CONNECT].status = status
        controller.show_steps()
    assert controller.state.open_step == "navigate"
