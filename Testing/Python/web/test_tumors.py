"""The tumors of a case on the page, without a browser: what is listed, and what its buttons do."""

import asyncio

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed: the page's list of tumors was not tested")
pytest.importorskip("trame_slicer", reason="no trame-slicer: the page's list of tumors was not tested")

from dataclasses import asdict
from types import SimpleNamespace

from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.values import Box, Volume
from CRLMSegmentationLib.web.actions.hands_free_actions import HandsFreeActions
from CRLMSegmentationLib.web.actions.questions import Questions
from CRLMSegmentationLib.web.actions.workflow_actions import Actions
from CRLMSegmentationLib.web.controller import Controller
from CRLMSegmentationLib.web.library import Library
from CRLMSegmentationLib.web.page.page_state import PageState
from trame_server.state import State
from trame_slicer.core import SlicerApp

GRID = np.indices((41, 41, 41))


def ball(center, radius_mm):
    squared = sum((axis - place) ** 2 for axis, place in zip(GRID, center[::-1]))
    return Volume((squared <= radius_mm**2).astype(np.uint8), np.eye(4))


@pytest.fixture
def page(tmp_path):
    """(controller, actions, places that the slices went to) with a tumor of 5 mm at (10, 10, 10)."""
    state = State(ready=True)
    state.update(asdict(PageState()))
    controller, went_to = Controller(SlicerApp(), state, Library(tmp_path)), []
    controller.display = SimpleNamespace(
        shows_volume=True, slice_titles=("a", "b", "c"), refresh=lambda *_, **__: None, hide_live=lambda: None
    )
    controller.views = SimpleNamespace(go_to=lambda place: went_to.append(tuple(place)), close=lambda: None, slices=[])
    session = controller.session
    session.volume.set(Volume(np.full((41, 41, 41), 90, np.uint8), np.eye(4)))
    session.box.set(Box((10, 10, 10), (16, 16, 16)))
    session.tumor.set(ball((10, 10, 10), 5))
    controller.show_steps()
    yield controller, Actions(controller, None, Questions(state)), went_to
    session.close()


def press(action, *arguments):
    asyncio.run(action(*arguments))


def second(controller, actions):
    press(actions.add_tumor)
    controller.session.box.set(Box((30, 30, 30), (14, 14, 14)))
    controller.session.tumor.set(ball((30, 30, 30), 4))
    controller.show_steps()


def test_the_list_has_every_tumor_and_another_one_begins_with_its_box(page):
    controller, actions, _ = page
    state = controller.state
    [one] = state.tumors
    assert (one["number"], one["name"], one["chosen"]) == (1, "T1", True) and "0.5 mL" in one["text"]
    press(actions.add_tumor)
    assert state.placing == "box" and state.open_step == "box" and not state.has_tumor and state.can_navigate
    assert [one["text"] for one in state.tumors][1] == "no box yet"
    second(controller, actions)
    assert [one["chosen"] for one in state.tumors] == [False, True] and state.has_tumor


def test_a_line_that_is_pressed_is_worked_on(page):
    controller, actions, went_to = page
    second(controller, actions)
    went_to.clear()
    press(actions.choose_tumor, 1)
    assert [one["chosen"] for one in controller.state.tumors] == [True, False] and went_to == [(10.0, 10.0, 10.0)]
    press(actions.choose_tumor, 7)
    assert "no such tumor" in controller.state.error_text
    press(actions.choose_tumor, "one")
    assert "'one' is not a number" in controller.state.error_text


def test_a_tumor_of_an_earlier_sweep_brings_its_volume_back_until_the_newest_one_is_wanted(page):
    controller, actions, _ = page
    state, session = controller.state, controller.session
    earlier, newest = session.volume.value, Volume(np.full((41, 41, 41), 50, np.uint8), np.eye(4))
    session.volume.set(newest)
    controller.show_steps()
    assert state.actions["show_newest"]["why_not"] and state.tumors[0]["remark"].startswith(
        "found in an earlier volume"
    )
    # Before anything is found in the new one, the read-outs stay, and warn.
    pose = np.eye(4)
    pose[:3, 3] = 10, 10, 10
    session.tools.update("StylusToReference", Pose(pose))
    controller.show_distances()
    assert not state.has_tumor and state.can_navigate and state.alarm == "inside"
    assert "found in an earlier volume" in state.tools[0]["other"]
    press(actions.choose_tumor, 1)
    controller.show_steps()
    assert session.volume.value is earlier and state.has_tumor and state.actions["show_newest"]["why_not"] == ""
    session.tools.update("StylusToReference", Pose(np.eye(4)))
    controller.show_figures(0.0)
    controller.show_distances()
    assert "found in an earlier volume" in state.tools[0]["text"]
    press(actions.show_newest)
    controller.show_steps()
    assert session.volume.value is newest and not state.has_tumor


def test_a_name_that_is_taken_is_listed_and_another_is_told_why_not(page):
    controller, actions, _ = page
    controller.state.renaming = 1
    press(actions.rename_tumor, 1, "x" * 40)
    assert "1 to 24 characters" in controller.state.error_text and controller.state.renaming == 1
    press(actions.rename_tumor, 1, "segment 7")
    assert controller.state.tumors[0]["name"] == "segment 7" and controller.state.renaming == 0


def test_what_a_hand_has_made_is_not_deleted_unasked(page):
    controller, actions, _ = page
    session, state = controller.session, controller.state
    second(controller, actions)
    session.tumor.begin_correction()
    node = session.tumor
    node.state = node.state.edited(None)
    press(actions.delete_tumor, 2)
    assert "T2 was corrected by hand" in state.asked["text"] and len(state.tumors) == 2
    press(actions._questions.answer, state.asked["choices"][0]["name"])
    assert len(session.tumors.all) == 1
    press(actions.delete_tumor, 1)
    assert state.asked == {} and state.tumors == [] and not state.can_navigate


def test_each_tumor_has_its_distance_and_none_when_everything_is_lost(page, monkeypatch):
    controller, actions, _ = page
    second(controller, actions)
    pose = np.eye(4)
    pose[:3, 3] = 10, 10, 18
    controller.session.tools.update("StylusToReference", Pose(pose))
    controller.show_figures(0.0)
    controller.show_distances()
    first, other = controller.state.tumors
    assert first["distance"].startswith("3.") and first["kind"] == "near" and other["kind"] == "clear"
    [tool] = controller.state.tools
    assert (tool["tumor"], tool["kind"], tool["own_kind"]) == ("T2", "near", "clear") and tool["other"].startswith(
        "T1: 3."
    )
    assert "within the margin" in tool["other"] and tool["other_kind"] == "near"
    monkeypatch.setattr(controller.session.tools, "readings", lambda *_: 1 / 0)
    controller.step_safely(1000.0)
    assert [one["distance"] for one in controller.state.tumors] == ["", ""]
    assert controller.state.tools[0]["other"] == ""


def test_a_key_goes_on_to_the_next_tumor_and_a_refusal_is_told(page):
    controller, actions, went_to = page
    second(controller, actions)
    hands_free = HandsFreeActions(controller, actions)
    went_to.clear()

    async def pressed():
        await hands_free.press("F8")
        await asyncio.gather(*hands_free._running)

    asyncio.run(pressed())
    assert [one["chosen"] for one in controller.state.tumors] == [True, False] and went_to == [(10.0, 10.0, 10.0)]
    press(hands_free.press, "F2")
    assert "Connect first" in controller.state.note_text
    controller.show_figures(0.0)
    assert controller.state.hands_free_text.startswith("Start recording (Connect first")
    assert controller.state.keys == ["F2", "F4", "F8", "F9"]
