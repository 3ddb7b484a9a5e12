"""A tool's place is given while it is live, and never after."""

import math

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.navigation.margin import MarginState, margin_state
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus, TrackedTool
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.stream_clock import MAXIMUM_POSE_AGE_S, StreamClock


def affine(rotation=np.eye(3), translation=(0, 0, 0)):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, translation
    return matrix


QUARTER_TURN_ABOUT_S = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


def test_tip_is_the_chain_of_calibration_and_pose():
    # The tip is 100 mm along the sensor's x axis; the sensor is turned by 90 degrees (x becomes A) and moved.
    tool = TrackedTool("Stylus", affine(translation=(100, 0, 0)))
    tool.update(Pose(affine(QUARTER_TURN_ABOUT_S, (10, 20, 30))))
    np.testing.assert_allclose(tool.tip_ras(0.0), (10, 120, 30), atol=1e-12)
    np.testing.assert_allclose(tool.tip_to_reference(0.0)[:3, :3], QUARTER_TURN_ABOUT_S)


def test_never_seen_live_lost_and_live_again():
    tool = TrackedTool("Stylus")
    assert tool.status(math.inf) is ToolStatus.NEVER_SEEN
    assert tool.tip_ras(0.0) is None
    tool.update(Pose(affine(translation=(1, 2, 3))))
    assert tool.status(0.1) is ToolStatus.LIVE
    tool.update(Pose(affine(translation=(9, 9, 9)), valid=False))
    assert tool.status(0.1) is ToolStatus.LOST
    assert tool.tip_ras(0.1) is None
    tool.update(Pose(affine(translation=(4, 5, 6))))
    np.testing.assert_allclose(tool.tip_ras(0.1), (4, 5, 6))


def test_an_old_pose_gives_no_place():
    tool = TrackedTool("Stylus")
    tool.update(Pose(np.eye(4)))
    assert tool.tip_ras(MAXIMUM_POSE_AGE_S) is not None
    assert tool.tip_ras(MAXIMUM_POSE_AGE_S + 0.001) is None
    assert tool.status(MAXIMUM_POSE_AGE_S + 0.001) is ToolStatus.LOST


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1.0, 1.0, 0.0, 1.0])])
def test_a_matrix_that_is_no_pose_loses_the_tool_though_it_is_called_valid(matrix):
    tool = TrackedTool("Stylus")
    tool.update(Pose(np.eye(4)))
    tool.update(Pose(matrix))
    assert tool.status(0.0) is ToolStatus.LOST


def test_a_calibration_that_is_no_affine_matrix_is_refused():
    with pytest.raises(GeometryError, match="StylusTipToStylus"):
        TrackedTool("Stylus", np.zeros((4, 4)))


def test_age_counts_from_arrival():
    clock = StreamClock()
    assert clock.age_s("Stylus", 5.0) == math.inf
    clock.note("Stylus", 1000.0, received_s=5.0)
    assert clock.age_s("Stylus", 5.25) == pytest.approx(0.25)
    clock.note("Stylus", 1000.25, received_s=5.25)
    assert clock.age_s("Stylus", 5.25) == pytest.approx(0, abs=1e-3)


def test_a_frozen_tracker_that_sends_one_stamp_again_and_again_grows_old():
    clock = StreamClock()
    for tick in range(20):
        clock.note("Stylus", 1000.0, received_s=5.0 + 0.1 * tick)
    assert clock.age_s("Stylus", 7.0) == pytest.approx(2.0)


def test_a_tool_that_lags_behind_its_stream_is_old():
    clock = StreamClock()
    clock.note("Stylus", 1000.0, received_s=5.0)
    clock.note("Image", 1000.8, received_s=5.0)
    assert clock.age_s("Stylus", 5.0) == pytest.approx(0.8)
    assert clock.age_s("Image", 5.0) == 0


def test_a_recording_that_starts_over_does_not_lose_its_tools():
    clock = StreamClock()
    clock.note("Image", 1009.0, received_s=5.0)
    clock.note("Stylus", 1009.0, received_s=5.0)
    clock.note("Image", 1000.0, received_s=5.1)
    clock.note("Stylus", 1000.0, received_s=5.1)
    assert clock.age_s("Stylus", 5.1) == 0
    # A source that ended with the first pass does not hold the others back.
    clock.note("Stylus", 1000.6, received_s=5.7)
    assert clock.age_s("Stylus", 5.7) == pytest.approx(0, abs=1e-3)
    clock.note("Needle", 1000.6, received_s=5.7)
    assert clock.age_s("Needle", 5.7) == pytest.approx(0, abs=1e-3)


def test_poses_that_come_ever_later_are_as_old_as_they_are_late():
    clock, now = StreamClock(), 0.0
    for number in range(300):
        # A queue builds up at the sender until everything is three seconds old; each pose is new when it comes.
        now, late = 1000 + number / 30, min(3.0, number / 60)
        for source in ("Stylus", "Image"):
            clock.note(source, 77 + now - late, now)
        assert clock.age_s("Stylus", now) == pytest.approx(late, abs=0.05)
    assert clock.age_s("Stylus", now) > MAXIMUM_POSE_AGE_S and clock.age_s("Image", now) > MAXIMUM_POSE_AGE_S
    # Minutes later they are still known to be late, and when the queue is gone they are fresh at once.
    for number in range(5 * 60 * 30):
        now += 1 / 30
        clock.note("Stylus", 77 + now - 3, now)
    assert clock.age_s("Stylus", now) > 2.5
    clock.note("Stylus", 77 + now + 0.1, now + 0.1)
    assert clock.age_s("Stylus", now + 0.1) < 0.2


@pytest.mark.parametrize("parts_per_million", [-100, 100])
def test_clocks_that_run_apart_make_no_pose_old(parts_per_million):
    clock = StreamClock()
    for second in range(4 * 3600):
        clock.note("Stylus", 500 + second * (1 + parts_per_million * 1e-6), 1000.0 + second)
    assert clock.age_s("Stylus", 1000.0 + second) < 0.01


def test_a_single_wrong_time_and_a_clock_that_was_set():
    clock = StreamClock()
    for number in range(10):
        clock.note("Stylus", 500 + number / 10, 5 + number / 10)
    clock.note("Needle", 4e9, 6.0)
    clock.note("Stylus", 501.1, 6.1)
    assert clock.age_s("Stylus", 6.1) < 0.1
    for number in range(10):
        clock.note("Stylus", 700 + number / 10, 7 + number / 10)
    assert clock.age_s("Stylus", 7.9) < 0.1
    for number in range(10):
        clock.note("Stylus", 600 + number / 10, 8 + number / 10)
    assert clock.age_s("Stylus", 8.9) < 0.1


def test_what_waited_unread_is_old_and_makes_nothing_else_old():
    clock = StreamClock()
    for number in range(10):
        clock.note("Stylus", 500 + number / 10, 5 + number / 10)
    # Nobody read for three seconds: what was read then may have waited since.
    clock.note("Stylus", 503.9, received_s=5.9, read_s=8.9)
    assert clock.age_s("Stylus", 8.9) == pytest.approx(3)
    clock.note("Stylus", 504.0, received_s=9.0)
    assert clock.age_s("Stylus", 9.0) == pytest.approx(0, abs=1e-3)


def test_poses_without_a_stamp_age_by_arrival_alone():
    clock = StreamClock()
    clock.note("Image", 1000.0, received_s=5.0)
    clock.note("Stylus", math.nan, received_s=5.0)
    clock.note("Stylus", None, received_s=5.2)
    assert clock.age_s("Stylus", 5.3) == pytest.approx(0.1)
    clock.forget()
    assert clock.age_s("Stylus", 5.3) == math.inf


@pytest.mark.parametrize(
    ("distance_mm", "state", "alert"),
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
