"""What can be done now, and why the rest cannot: the one description that window and page make their buttons from."""

from types import SimpleNamespace as Plain

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.state import SessionState, Step, StepStatus

LIVE = Plain(connected=True, frames_per_second=20.0)
QUESTION = "is it the same patient?"


class Session:
    """A session as its parts show it, at the beginning or after some steps; `calls` notes what is done with it."""

    def __init__(
        self, done=(), stream=None, recording=None, sweep=None, running=None, question=None, is_empty=True,
        corrected=False, **further,
    ):  # fmt: skip
        self.calls = []
        self.state = SessionState()
        for step in Step:
            self.state.steps[step].status = StepStatus.DONE if step in done else StepStatus.WAITING
        for step, (status, message) in further.pop("statuses", {}).items():
            self.state.steps[step].status, self.state.steps[step].message = status, message
        self.state.doubts_acknowledged = further.pop("doubts_acknowledged", True)
        steps = () if running is None else (running,)
        self.stream = Plain(status=stream, disconnect=self._noted("disconnect"), connect=self._noted("connect"))
        self.recording = Plain(
            state=recording, sweep=sweep, start=self._noted("record"), stop=self._noted("stop"),
            open=self._noted("open"),
        )  # fmt: skip
        self.volume = Plain(start=self._noted("volume"))
        self.box = Plain(set=self._noted("box"))
        self.jobs = Plain(running=running, steps=steps, cancel=self._noted("cancel"))
        self.case = Plain(
            question=question, is_empty=is_empty, begin=self._noted("begin"), begin_save=self._noted("save"),
            is_saving=further.pop("is_saving", False),
        )  # fmt: skip
        self.preoperative = Plain(is_there=False)
        self.tumor = Plain(has_hand_corrections=corrected, start=self._noted("find"))
        assert not further

    def _noted(self, name):
        return lambda *arguments, **options: self.calls.append((name, *arguments))


TO_BOX = (Step.CONNECT, Step.RECORD, Step.RECONSTRUCT)
TO_SEGMENT = (*TO_BOX, Step.BOX)
FOUND = {"done": (*TO_SEGMENT, Step.SEGMENT), "statuses": {Step.NAVIGATE: (StepStatus.READY, "")}, "is_empty": False}
BOX_READY = {Step.BOX: (StepStatus.READY, "")}
BOX_OUTSIDE = {Step.BOX: (StepStatus.FAILED, "the box lies outside the volume: place it on the tumor")}
MAKING = "The volume is being made: wait until that has ended, or cancel it."
FINDING = "The tumor is being found: wait until that has ended, or cancel it."


@pytest.mark.parametrize(
    "action, state, sentence",
    [
        (actions.CONNECT, {}, ""),
        (actions.CONNECT, {"stream": LIVE}, ""),
        (actions.DISCONNECT, {}, "Nothing is connected."),
        (actions.DISCONNECT, {"stream": LIVE}, ""),
        (actions.RECORD, {}, "Connect first: nothing comes that could be recorded."),
        (
            actions.RECORD,
            {"stream": Plain(connected=False, frames_per_second=0.0)},
            "Connect first: nothing comes that could be recorded.",
        ),
        (
            actions.RECORD,
            {"stream": Plain(connected=True, frames_per_second=0.0)},
            "No new image comes: there is nothing to record.",
        ),
        (actions.RECORD, {"stream": LIVE}, ""),
        (actions.RECORD, {"stream": LIVE, "recording": "state"}, "A recording is going on already; stop it first."),
        (actions.RECORD, {"stream": LIVE, "running": Step.RECONSTRUCT}, MAKING),
        (actions.RECORD, {"stream": LIVE, "question": QUESTION}, QUESTION),
        (actions.STOP, {"stream": LIVE}, "No recording is going on; start one first."),
        (actions.STOP, {"recording": "state"}, ""),
        (actions.OPEN_SWEEP, {}, ""),
        (actions.OPEN_SWEEP, {"recording": "state"}, "A recording is going on already; stop it first."),
        (actions.RECONSTRUCT, {}, "There is no sweep to make a volume of; record one first."),
        (actions.RECONSTRUCT, {"sweep": "sweep"}, ""),
        (actions.RECONSTRUCT, {"sweep": "sweep", "running": Step.RECONSTRUCT}, MAKING),
        (
            actions.RECONSTRUCT,
            {"sweep": "sweep", "recording": "state"},
            "A recording is going on already; stop it first.",
        ),
        (actions.PLACE_BOX, {}, "There is no volume yet; record a sweep first."),
        (actions.PLACE_BOX, {"done": TO_BOX, "statuses": BOX_READY}, ""),
        (actions.PLACE_BOX, {"done": TO_BOX, "statuses": BOX_OUTSIDE}, ""),
        (actions.PLACE_BOX, {"done": TO_SEGMENT, "question": QUESTION}, QUESTION),
        (actions.FIND, {}, "There is no volume yet; record a sweep first."),
        (
            actions.FIND,
            {"done": TO_BOX, "statuses": BOX_READY},
            "There is no box; place one around the tumor first.",
        ),
        (
            actions.FIND,
            {"done": TO_BOX, "statuses": BOX_OUTSIDE},
            "The box lies outside the volume: place it on the tumor.",
        ),
        (actions.FIND, {"done": TO_SEGMENT}, ""),
        (actions.FIND, {"done": TO_SEGMENT, "running": Step.SEGMENT}, FINDING),
        (actions.FIND, {"done": TO_SEGMENT, "running": Step.RECONSTRUCT}, MAKING),
        (actions.FIND, {"done": TO_SEGMENT, "question": QUESTION}, QUESTION),
        (actions.CANCEL, {}, "Nothing is being computed."),
        (actions.CANCEL, {"running": Step.SEGMENT}, ""),
        (
            actions.GROW,
            {"done": TO_BOX, "statuses": BOX_READY},
            "Place the box first: the region grows within it.",
        ),
        (actions.GROW, {"done": TO_SEGMENT}, ""),
        (actions.CORRECT, {"done": TO_SEGMENT}, "Find the tumor first."),
        (actions.CORRECT, FOUND, ""),
        (
            actions.CORRECT,
            {**FOUND, "running": Step.SEGMENT},
            "The tumor is being found: wait until that has ended, or cancel it, then correct.",
        ),
        (actions.DISCARD, FOUND, "Nothing was corrected by hand."),
        (actions.DISCARD, {**FOUND, "corrected": True}, ""),
        (actions.ACKNOWLEDGE, FOUND, "There is nothing new to look at."),
        (actions.ACKNOWLEDGE, {**FOUND, "doubts_acknowledged": False}, ""),
        (actions.NAVIGATE, {"done": TO_SEGMENT}, "Find the tumor first."),
        (actions.NAVIGATE, FOUND, ""),
        (actions.NAVIGATE, {**FOUND, "question": QUESTION}, QUESTION),
        (actions.MARGIN, {}, ""),
        (actions.KEEP_CASE, {}, "Images and case are of one source: nothing is asked."),
        (actions.KEEP_CASE, {"question": QUESTION}, ""),
        (actions.SAVE, {}, "Nothing to save yet."),
        (actions.SAVE, FOUND, ""),
        (actions.SAVE, {**FOUND, "is_saving": True}, "The case is being saved: wait until that has ended."),
        (actions.OPEN_CASE, {}, ""),
        (actions.NEW_CASE, {}, "The case is empty: nothing was recorded or opened yet."),
        (actions.NEW_CASE, FOUND, ""),
    ],
)
def test_every_action_says_why_it_cannot_be_done(action, state, sentence):
    session = Session(**state)
    assert action.why_not(session) == sentence
    assert action.can_run(session) is (not sentence)


def test_what_cannot_be_done_is_refused_with_its_sentence():
    session = Session()
    with pytest.raises(ConfigurationError, match="There is no sweep"):
        actions.RECONSTRUCT.run(session)
    assert not session.calls


def test_an_action_does_what_its_part_does_with_what_it_is_given():
    session = Session(**FOUND)
    actions.SAVE.run(session, "folder")
    actions.PLACE_BOX.run(session, "box", tight=True)
    actions.CONNECT.run(session, "localhost", 18944)
    assert session.calls == [("save", "folder"), ("box", "box", True), ("connect", "localhost", 18944, None)]


@pytest.mark.parametrize("running, made", [(None, ["stop", "volume"]), (Step.RECONSTRUCT, ["stop"])])
def test_the_volume_follows_the_recording_where_it_did_not_grow(running, made):
    session = Session(recording="state", running=running)
    actions.STOP.run(session)
    assert [name for name, *_ in session.calls] == made


def test_the_actions_are_listed_in_the_order_of_the_workflow_with_all_that_a_button_needs():
    steps = [action.step for action in actions.ACTIONS if action.step is not None]
    assert steps == sorted(steps, key=list(Step).index) and set(steps) == set(Step)
    names = [action.name for action in actions.ACTIONS]
    assert len(set(names)) == len(names) and all(name.isidentifier() for name in names)
    for action in actions.ACTIONS:
        assert action.label and action.help and not action.help.endswith(".")
        # Both stand in attributes and expressions of the page.
        assert not set("'\"<>&{}`\\") & set(action.label + action.help)
    assert {value for value in vars(actions).values() if isinstance(value, actions.Action)} == set(actions.ACTIONS)
