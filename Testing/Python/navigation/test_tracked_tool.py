"""A tool's place is given while it is live, and never after."""

import math

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.navigation.margin import MarginState, Severity, margin_state
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus, TrackedTool
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.age import NEVER, Age


def affine(rotation=np.eye(3), translation=(0, 0, 0)):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, translation
    return matrix


QUARTER_TURN_ABOUT_S = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


def test_tip_is_the_chain_of_calibration_and_pose():
    # The tip is 100 mm along the sensor's x axis; the sensor is turned by 90 degrees (x becomes A) and moved.
    tool = TrackedTool("Stylus", affine(translation=(100, 0, 0)))
    tool.update(Pose(affine(QUARTER_TURN_ABOUT_S, (10, 20, 30))))
    np.testing.assert_allclose(tool.tip_ras(Age(0.0)), (10, 120, 30), atol=1e-12)
    np.testing.assert_allclose(tool.tip_to_reference(Age(0.0))[:3, :3], QUARTER_TURN_ABOUT_S)


def test_never_seen_live_lost_and_live_again():
    tool = TrackedTool("Stylus")
    assert tool.status(NEVER) is ToolStatus.NEVER_SEEN
    assert tool.tip_ras(Age(0.0)) is None
    tool.update(Pose(affine(translation=(1, 2, 3))))
    assert tool.status(Age(0.1)) is ToolStatus.LIVE
    tool.update(Pose(affine(translation=(9, 9, 9)), valid=False))
    assert tool.status(Age(0.1)) is ToolStatus.LOST
    assert tool.tip_ras(Age(0.1)) is None
    tool.update(Pose(affine(translation=(4, 5, 6))))
    np.testing.assert_allclose(tool.tip_ras(Age(0.1)), (4, 5, 6))


@pytest.mark.real_ages
def test_an_old_pose_gives_no_place():
    tool = TrackedTool("Stylus")
    tool.update(Pose(np.eye(4)))
    assert tool.tip_ras(Age(0.5)) is not None
    assert tool.tip_ras(Age(0.501)) is None
    assert tool.status(Age(0.501)) is ToolStatus.LOST


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1.0, 1.0, 0.0, 1.0])])
def test_a_matrix_that_is_no_pose_loses_the_tool_though_it_is_called_valid(matrix):
    tool = TrackedTool("Stylus")
    tool.update(Pose(np.eye(4)))
    tool.update(Pose(matrix))
    assert tool.status(Age(0.0)) is ToolStatus.LOST


def test_a_calibration_that_is_no_affine_matrix_is_refused():
    with pytest.raises(GeometryError, match="StylusTipToStylus"):
        TrackedTool("Stylus", np.zeros((4, 4)))


@pytest.mark.parametrize(
    "distance_mm, state, alert",
    [
        (None, MarginState.UNKNOWN, False),
        (math.nan, MarginState.UNKNOWN, False),
        (-3.0, MarginState.INSIDE, True),
        (0.0, MarginState.INSIDE, True),
        (0.1, MarginState.WITHIN_MARGIN, True),
        (10.0, MarginState.WITHIN_MARGIN, True),
        (10.1, MarginState.CLEAR, False),
    ],
)
def test_margin_states(distance_mm, state, alert):
    assert margin_state(distance_mm, 10.0) is state
    assert state.is_alert is alert


def test_every_view_has_a_color_for_every_severity_and_every_state_has_a_severity():
    from CRLMSegmentationLib.mrml.views import tools_view
    from CRLMSegmentationLib.pictures import picture_style
    from CRLMSegmentationLib.web.page import mirror

    assert {state.severity for state in MarginState} <= set(Severity)
    assert set(tools_view.COLORS) == set(mirror._KINDS) == set(Severity)
    assert set(picture_style.ALERT) == {severity.value for severity in Severity}
