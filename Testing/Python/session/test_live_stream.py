"""What arrives from a source is shown with its age: late, waiting, beside the images, and after a clock began anew."""

import time

import numpy as np
import pytest
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.session.frame_source import ReceivedPose
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose, TrackedFrame
from CRLMSegmentationLib.tracking import StreamStatus
from CRLMSegmentationLib.tracking.age import Age
from small_case import affine

pytestmark = pytest.mark.real_ages


class Source:
    """A source whose frames, transforms and backlog the test says; times in seconds from `began`."""

    name = identity = "a made-up source"

    def __init__(self):
        self.began = time.monotonic()
        self.frames, self.poses, self.status = (
            [],
            {},
            StreamStatus(connected=True, connections=1, frames=1, age=Age(0.0)),
        )

    def start(self):
        pass

    stop = start

    def poll(self):
        frames, self.frames = self.frames, []
        return frames

    def shown(self, frame):
        pass

    def transforms(self):
        return self.poses

    def send_image(self, stamp_s, **transforms):
        poses = {name: Pose(affine(translation=at)) for name, at in transforms.items()}
        self.frames.append(TrackedFrame(np.zeros((4, 5), np.uint8), np.eye(4), stamp_s, True, poses))

    def send_pose(self, name, at, stamp_s, received_s, valid=True):
        self.poses[name] = ReceivedPose(Pose(affine(translation=at), valid), stamp_s, self.began + received_s)


@pytest.fixture
def source(session):
    source = Source()
    session.stream.connect_source(source)
    source.tick = lambda now_s: session.stream.process(source.began + now_s)
    source.stylus = lambda now_s: session.tools.reading("Stylus", source.began + now_s)
    return source


def test_a_frame_that_waited_in_the_backlog_is_not_live(session, source):
    source.send_image(100.0, StylusToReference=(1, 2, 3))
    source.tick(0.0)
    assert session.stream.image.is_live(source.began) and source.stylus(0.0).status is ToolStatus.LIVE
    # Nobody read the socket for two seconds; what came out of it last may have waited for so long, whatever its time.
    source.send_image(102.0, StylusToReference=(4, 5, 6))
    source.status.age = Age(2.0)
    source.tick(2.0)
    assert not session.stream.image.is_live(source.began + 2.0)
    assert source.stylus(2.0).status is ToolStatus.LOST and source.stylus(2.0).tip_ras is None


def test_frames_that_come_ever_later_are_lost_though_each_has_just_come(session, source):
    for number in range(60):
        now_s = number / 10
        source.send_image(100 + now_s - min(3.0, now_s / 2), StylusToReference=(number, 0, 0))
        source.tick(now_s)
        late = min(3.0, now_s / 2) > 0.6
        if late or now_s < 0.5:
            assert session.stream.image.is_live(source.began + now_s) is not late
            assert source.stylus(now_s).status is (ToolStatus.LOST if late else ToolStatus.LIVE)


def test_a_computer_that_was_busy_while_it_took_a_frame_does_not_take_all_others_for_late(session, source):
    """As it happens where programs starve each other: what came during a long look is no quicker than the rest."""
    source.send_image(100.7, StylusToReference=(1, 2, 3))
    times = iter([0.75, 0.76])
    session.stream.process(source.began, lambda: source.began + next(times))
    for number in range(1, 30):
        now_s = 0.75 + number / 10
        source.send_image(100.7 + number / 10, StylusToReference=(number, 0, 0))
        source.tick(now_s)
        assert source.stylus(now_s).status is ToolStatus.LIVE
        assert session.stream.image.is_live(source.began + now_s)


def test_a_frame_that_is_handed_over_is_not_late_whatever_its_time(session, source):
    for number in range(3):
        frame = TrackedFrame(np.zeros((4, 5), np.uint8), np.eye(4), 100 + number / 1000, True,
                             {"StylusToReference": Pose(np.eye(4))})  # fmt: skip
        session.stream.show_frame(frame)
        assert session.stream.is_live and session.tools.reading().status is ToolStatus.LIVE
        time.sleep(0.6)
        assert not session.stream.is_live


@pytest.mark.parametrize("apart_s", [-0.004, 0.004, 0.013])
def test_a_tool_of_a_second_tracker_whose_times_are_not_the_images_is_followed(source, apart_s):
    for number in range(10):
        now_s = number / 20
        source.send_image(100 + now_s, ProbeToReference=(9, 9, 9))
        source.send_pose("StylusToReference", (number, 2, 3), 100 + now_s + apart_s, now_s)
        source.tick(now_s)
        np.testing.assert_allclose(source.stylus(now_s).tip_ras, (number, 2, 3))
    # It is sent no more: its last place is lost, however many images come.
    for number in range(10, 25):
        source.send_image(100 + number / 20, ProbeToReference=(9, 9, 9))
        source.tick(number / 20)
    assert source.stylus(24 / 20).status is ToolStatus.LOST


def test_an_old_pose_beside_the_images_does_not_come_back_over_a_newer_one_with_them(source):
    source.send_pose("StylusToReference", (1, 1, 1), 100.0, 0.0)
    source.tick(0.0)
    source.send_image(100.05, StylusToReference=(2, 2, 2))
    source.tick(0.05)
    source.tick(0.06)
    np.testing.assert_allclose(source.stylus(0.06).tip_ras, (2, 2, 2))


def test_an_image_that_waited_does_not_bring_an_earlier_place_of_a_tool_back(source):
    source.send_pose("StylusToReference", (5, 5, 5), 100.2, 0.2)
    source.tick(0.2)
    source.send_image(100.0, StylusToReference=(1, 1, 1))
    source.tick(0.21)
    np.testing.assert_allclose(source.stylus(0.21).tip_ras, (5, 5, 5))


def test_tools_come_back_when_the_clock_of_the_sender_began_anew_and_no_image_comes(source):
    source.send_image(5000.0, StylusToReference=(1, 1, 1))
    source.tick(0.0)
    for number in range(20):
        now_s = 2 + number / 20
        source.send_pose("StylusToReference", (number, 7, 7), 10 + number / 20, now_s)
        source.tick(now_s)
        assert source.stylus(now_s).status is ToolStatus.LIVE
        np.testing.assert_allclose(source.stylus(now_s).tip_ras, (number, 7, 7))


def test_a_pose_of_parts_of_two_times_is_none(source):
    source.send_pose("StylusToTracker", (1, 0, 0), 100.0, 0.0)
    source.send_pose("ReferenceToTracker", (0, 0, 0), 100.3, 0.3)
    source.tick(0.3)
    assert source.stylus(0.3).tip_ras is None
    source.send_pose("StylusToTracker", (1, 0, 0), 100.3, 0.31)
    source.tick(0.31)
    np.testing.assert_allclose(source.stylus(0.31).tip_ras, (1, 0, 0))


def test_images_that_come_late_are_said_to_be_late_and_not_to_be_missing(session, source):
    source.status.age, source.status.frames_per_second = Age(3.0), 20.0
    source.tick(0.0)
    step = session.state[Step.CONNECT]
    assert step.status is StepStatus.DONE and step.message.endswith("the images are 3.0 s old when they come")
    source.status.frames_per_second = 0.0
    source.tick(0.1)
    assert step.status is StepStatus.RUNNING and "no image comes" in step.message
