"""Which tools are looked for, how each is drawn, and that a case keeps both."""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.navigation.tool_look import ToolLook, ToolShape, look_of
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.case.case_facts import read_facts
from CRLMSegmentationLib.session.case.session_facts import facts_of
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.tool_setup.tool_looks import ToolLooks
from CRLMSegmentationLib.sweep import Pose

NEEDLE = ToolLook(ToolShape.NEEDLE, "#6ec6ff")


@pytest.fixture
def session():
    session = Session()
    yield session
    session.close()


@pytest.fixture
def frame(sweep):
    """The probe, the liver and a needle, each as the tracker sees it."""
    poses = {name: Pose(np.eye(4)) for name in ("ProbeToTracker", "ReferenceToTracker", "StylusToTracker")}
    needle = np.eye(4)
    needle[:3, 3] = 1, 2, 3
    return replace(sweep.frames[0], transforms={**poses, "NeedleToTracker": Pose(needle)})


def test_a_tool_is_looked_for_by_the_name_that_a_person_gives(session, frame):
    session.stream.show_frame(frame)
    assert session.tools.names == ["Stylus"] and session.stream.other_tools == ["Needle"]
    actions.FOLLOW_TOOL.run(session, " NeedleToReference ")
    assert session.stream.other_tools == []
    session.stream.show_frame(frame)
    np.testing.assert_array_equal(session.tools.reading("Needle").tip_ras, [1, 2, 3])
    assert session.tools.looks.of("Needle").color != session.tools.looks.of("Stylus").color
    # Another case has the same tools
    session.case.begin()
    assert "Needle" in session.tools.names
    actions.UNFOLLOW_TOOL.run(session, "Needle")
    session.stream.show_frame(frame)
    assert "Needle" not in session.tools.names


@pytest.mark.parametrize("name", ["", "Image", "NeedleTip", "needle of 15 cm", "ReferenceToReference", "x" * 60, "<b>"])
def test_what_is_no_name_of_a_tool_is_said(session, name):
    with pytest.raises(ConfigurationError, match="is no tool's name"):
        actions.FOLLOW_TOOL.run(session, name)
    assert session.tools.names == []


def test_a_look_is_a_known_shape_and_a_color(session, frame):
    changed = []
    session.tools.looks.changed.connect(changed.append)
    with pytest.raises(ConfigurationError, match="No tool has come yet"):
        actions.SET_TOOL_LOOK.run(session, "Stylus", "needle", "#6ec6ff")
    session.stream.show_frame(frame)
    actions.SET_TOOL_LOOK.run(session, "Stylus", "needle", "#6ec6ff")
    assert session.tools.looks.of("Stylus") == NEEDLE and changed == ["Stylus"]
    for shape, color in (("needle", "blue"), ("spoon", "#6ec6ff"), ("needle", "#6ec6ff;x")):
        with pytest.raises(ConfigurationError):
            actions.SET_TOOL_LOOK.run(session, "Stylus", shape, color)
    with pytest.raises(ConfigurationError, match="not there any more"):
        actions.SET_TOOL_LOOK.run(session, "Spoon", "needle", "#6ec6ff")
    assert session.tools.looks.of("Stylus") == NEEDLE and changed == ["Stylus"]


def test_a_case_keeps_the_looks_and_what_makes_no_sense_is_left_out(session, frame):
    session.stream.show_frame(frame)
    actions.SET_TOOL_LOOK.run(session, "Stylus", "needle", "#6ec6ff")
    facts = facts_of(session)
    facts["tool_looks"]["Other"] = {"shape": "spoon", "color": "#6ec6ff"}
    assert read_facts(facts).tool_looks == {"Stylus": NEEDLE}
    other = Session()
    other.tools.restore(read_facts(facts).tools, read_facts(facts).tool_looks)
    assert other.tools.looks.of("Stylus") == NEEDLE
    other.close()
    for odd in (None, [], {}, {"shape": [], "color": 3}, {"shape": "ball"}, {"shape": "ball", "color": "#12345G"}):
        assert look_of(odd) is None


def test_no_two_tools_of_an_operation_look_alike():
    looks = ToolLooks()
    assert len({looks.of(f"Tool{number}") for number in range(20)}) == 20
    assert {looks.of(f"Tool{number}").shape for number in range(6)} == {ToolShape.STYLUS}
