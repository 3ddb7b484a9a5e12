"""The page leads on from what a person has started, and never takes away the step that a person has opened."""

import time
from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.session.state import SessionState, Step, StepStatus
from CRLMSegmentationLib.web.page.open_step import OpenStep


class _Page:
    """The page's value `open_step`, whose changes are reported as trame reports them: afterwards, whoever made them."""

    def __init__(self):
        self.state = SimpleNamespace(open_step="connect")
        self.steps = SessionState()
        self.open_step = OpenStep(self.state)

    def press(self, name):
        self.state.open_step = name
        self.open_step.on_change(name)

    def becomes(self, step, status):
        """What the page does when a step is so: on to the next one, when it should."""
        self.steps[step].status = status
        if self.open_step.update(self.steps) is not None:
            self.open_step.open("next")
            self.open_step.on_change("next")


@pytest.fixture
def page():
    return _Page()


def test_a_step_that_was_started_opens_the_next_one_once(page):
    page.open_step.start(Step.CONNECT)
    page.becomes(Step.CONNECT, StepStatus.RUNNING)
    assert page.state.open_step == "connect"
    page.becomes(Step.CONNECT, StepStatus.DONE)
    assert page.state.open_step == "next"


def test_a_stream_that_comes_back_leaves_open_what_a_person_has_opened(page):
    page.open_step.start(Step.CONNECT)
    page.becomes(Step.CONNECT, StepStatus.DONE)
    page.press("connect")
    for status in (StepStatus.RUNNING, StepStatus.DONE, StepStatus.FAILED, StepStatus.DONE):
        page.becomes(Step.CONNECT, status)
    assert page.state.open_step == "connect"


def test_whoever_opens_another_step_meanwhile_is_not_led_on(page):
    page.open_step.start(Step.CONNECT)
    page.becomes(Step.CONNECT, StepStatus.RUNNING)
    page.press("navigate")
    page.press("connect")
    page.becomes(Step.CONNECT, StepStatus.DONE)
    assert page.state.open_step == "connect"


def test_what_was_done_before_it_was_started_anew_does_not_lead_on(page):
    page.press("record")
    page.becomes(Step.RECONSTRUCT, StepStatus.DONE)
    page.open_step.start(Step.RECONSTRUCT)
    page.becomes(Step.RECONSTRUCT, StepStatus.DONE)
    assert page.state.open_step == "record"
    page.becomes(Step.RECONSTRUCT, StepStatus.RUNNING)
    page.becomes(Step.RECONSTRUCT, StepStatus.DONE)
    assert page.state.open_step == "next"


def test_a_press_that_arrives_before_the_page_has_read_it_counts(page):
    """The page's own change and a person's come in one: what is open is what the person pressed."""
    page.open_step.start(Step.CONNECT)
    page.steps[Step.CONNECT].status = StepStatus.DONE
    page.state.open_step = "record"
    assert page.open_step.update(page.steps) is None
    assert page.state.open_step == "record"


def test_a_tab_shows_what_was_pressed_last_although_what_the_page_opened_before_arrives_later(page, monkeypatch):
    """A tab shows at once what is pressed in it, and the program hears of it later; so do tabs of the program."""
    on_the_way = []
    tab = {"open_step": "connect"}
    page.open_step.confirm = lambda: on_the_way.append(page.state.open_step)
    page.open_step.open("navigate")
    on_the_way.append(page.state.open_step)
    tab["open_step"] = "record"
    page.press("record")
    for value in on_the_way:
        tab["open_step"] = value
    assert tab["open_step"] == page.state.open_step == "record"
    # So it does although what confirms the press before arrives after it: as long as that may be under way.
    on_the_way.clear()
    for name in ("box", "segment"):
        tab["open_step"] = name
        page.press(name)
    for value in on_the_way:
        tab["open_step"] = value
    assert tab["open_step"] == page.state.open_step == "segment"
    # Later a person who goes on is not called back by anything.
    on_the_way.clear()
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 60)
    page.press("box")
    page.press("record")
    assert on_the_way == []


def test_a_button_leads_on_from_its_step_only_while_that_is_open(page):
    """The press on a step's title has overtaken what the button, pressed before, has asked for."""
    page.press("segment")
    page.open_step.open_from("segment", "navigate")
    assert page.state.open_step == "navigate"
    page.press("segment")
    page.press("connect")
    page.open_step.open_from("segment", "navigate")
    assert page.state.open_step == "connect"
