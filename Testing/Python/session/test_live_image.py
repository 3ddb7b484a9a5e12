"""The live image as plain values."""

import numpy as np
import pytest
from CRLMSegmentationLib.session.live_image import LiveImage
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.tracking.age import TrackingClock

POSE = np.diag([0.2, 0.2, 0.2, 1.0])


def frame(number, pose=POSE, valid=True):
    return TrackedFrame(np.full((6, 8), number, np.uint8), pose, 1000.0 + number / 10, valid)


@pytest.fixture
def trusted():
    return [True]


@pytest.fixture
def image(trusted):
    return LiveImage(TrackingClock(), lambda: trusted[0])


@pytest.mark.real_ages
def test_a_frame_is_live_for_half_a_second(image):
    shown, live = [], []
    image.frame_shown.connect(shown.append)
    image.refreshed.connect(live.append)
    first = frame(1)
    image.show(first, received_s=10.0)
    assert shown == [first] and image.frame is first
    assert [image.refresh(now_s) for now_s in (10.0, 10.5, 10.51)] == live == [True, True, False]
    assert image.age(10.25).seconds == pytest.approx(0.25)


@pytest.mark.parametrize("odd", [frame(1, None, False), frame(1, POSE, False), frame(1, np.zeros((4, 4)))])
def test_without_a_pose_it_is_known_and_nowhere(image, odd):
    image.show(odd, received_s=10.0)
    assert image.frame is odd and image.plane is None and not image.is_live(10.0)


def test_nothing_is_live_that_cannot_be_trusted(image, trusted):
    image.show(frame(1))
    np.testing.assert_array_equal(image.image_to_reference, POSE)
    trusted[0] = False
    assert image.image_to_reference is None


def test_what_is_lost_comes_back_with_the_next_frame(image):
    live = []
    image.refreshed.connect(live.append)
    assert image.image_to_reference is None and not image.age().is_known
    image.show(frame(1), received_s=10.0)
    image.lose()
    assert live == [False] and not image.is_live(10.0)
    image.show(frame(2), received_s=10.1)
    assert image.is_live(10.1)
