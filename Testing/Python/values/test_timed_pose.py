"""A pose knows when it was measured and on whose clock, and times of two clocks are never compared."""

import math

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.values.timed_pose import MONOTONIC, TimedPose


def test_what_a_pose_holds_is_its_own():
    matrix = np.eye(4)
    pose = TimedPose(matrix, 12.5, clock="PlusServer:18944")
    matrix[0, 3] = 7
    assert pose.matrix[0, 3] == 0 and pose.valid and pose.measured_s == 12.5
    with pytest.raises(ValueError, match="read-only"):
        pose.matrix[0, 3] = 7
    assert TimedPose(np.eye(4), 1).clock == MONOTONIC


def test_times_of_one_clock_are_compared_and_of_two_are_not():
    earlier, later = TimedPose(np.eye(4), 10.0, clock="plus"), TimedPose(np.eye(4), 10.25, clock="plus")
    assert earlier.seconds_before(later) == 0.25 and later.seconds_before(earlier) == -0.25
    with pytest.raises(GeometryError, match="'plus', the other of 'monotonic'"):
        earlier.seconds_before(TimedPose(np.eye(4), 10.25))
    assert earlier.on_clock(MONOTONIC, 990.0).seconds_before(TimedPose(np.eye(4), 1001.0)) == 1.0


def test_a_lost_pose_may_hold_anything_and_a_valid_one_may_not():
    assert not TimedPose(np.full((4, 4), np.nan), 1.0, valid=False).valid
    for matrix in (np.full((4, 4), np.nan), np.zeros((4, 4)), np.eye(3)):
        with pytest.raises(GeometryError):
            TimedPose(matrix, 1.0)
    with pytest.raises(GeometryError, match="shape"):
        TimedPose(np.eye(3), 1.0, valid=False)


@pytest.mark.parametrize("measured_s", [math.nan, math.inf])
def test_a_pose_without_a_time_is_refused(measured_s):
    with pytest.raises(GeometryError, match="time"):
        TimedPose(np.eye(4), measured_s)
    with pytest.raises(GeometryError, match="clock"):
        TimedPose(np.eye(4), 1.0, clock="")
